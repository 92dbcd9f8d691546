"""The form of a message that is sent by hand: its fields, what is typed into them, what is wrong.

A value is a Python literal; a plain word is a text. What a past message carried is filled in as far
as it was kept; what was cut is to be filled in by hand, for nobody can know it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from routilux.records import Kind
from tui.errors import did_you_mean
from tui.session.messages import RecordTuple, SlotInfo

from . import log
from .detail import find
from .literals import CUT, NO_LITERAL, Values, further, literal, source
from .monitor import Monitor
from .payload import Branch, Node, brief
from .run import Run

_SHORT = 40  # characters of what was cut
#: The name of the field for further keys, which no handler can have.
MORE = ""
#: Annotations of which it is plain what a value must be.
_KINDS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "str": (str,),
    "bool": (bool,),
    "bytes": (bytes,),
    "list": (list,),
    "tuple": (tuple,),
    "dict": (dict,),
    "set": (set,),
}


class Target(NamedTuple):
    """A slot that a message can be sent to. ``entry``: jobs begin there by themselves."""

    flow: int
    routine: str
    slot: str
    label: str
    entry: bool


class Field(NamedTuple):
    """A key of the message.

    ``text`` is what it held, ``lost`` says what is not known of that and must be filled in.
    """

    name: str
    kind: str = ""
    default: str = ""
    required: bool = False
    text: str = ""
    lost: str = ""


class Form(NamedTuple):
    """What is to be filled in. ``about`` says of which past message it is; empty: of none.

    ``more`` tells whether further keys may be given; ``more_lost`` that there were some.
    """

    target: Target
    fields: tuple[Field, ...]
    more: bool
    more_lost: str = ""
    about: str = ""


class NotSentError(Exception):
    """A message cannot be sent again; the text says why."""


# targets ------------------------------------------------------------------------------------------


def targets(run: Run) -> list[Target]:
    """Every slot that a message can be sent to, those where jobs begin first."""
    found = [
        Target(
            flow.number,
            routine.id,
            slot.name,
            f"{run.routine_name((flow.number, routine.number))}.{slot.name}",
            routine.entry and slot.name == "trigger",
        )
        for flow in run.flows.values()
        for routine in flow.routines
        for slot in routine.slots
    ]
    return sorted(found, key=lambda target: not target.entry)


def target_for(run: Run, key: tuple[int, int] | None) -> Target | None:
    """The target to begin with: a routine's own, where jobs begin if it has that; None: there is
    none at all.
    """
    every = targets(run)
    flow = run.flows.get(key[0]) if key is not None else None
    name = flow.routines[key[1]].id if flow is not None and key is not None else ""
    own = [t for t in every if key is not None and (t.flow, t.routine) == (key[0], name)]
    return next(iter([*own, *every]), None)


def target_of(run: Run, text: str, shown: Callable[[str], str] = str) -> Target:
    """The target that a text names: as listed, or a routine that has one slot, or begins jobs.

    Args:
        run: where it is looked for.
        text: what was typed.
        shown: what a label looks like on the screen, which is what is typed.

    Raises:
        NotSentError: none, with the nearest name.
    """
    every = {shown(target.label): target for target in reversed(targets(run))}
    text = text.strip()
    if text in every:
        return every[text]
    named = [target for label, target in every.items() if label == f"{text}.{shown(target.slot)}"]
    chosen = [target for target in named if target.entry] or named
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        raise NotSentError(f"which slot of it? {', '.join(t.slot for t in reversed(chosen))}")
    raise NotSentError(f"there is no slot {text!r}{did_you_mean(text, every)}")


def _slot(run: Run, target: Target) -> SlotInfo | None:
    flow = run.flows.get(target.flow)
    for routine in flow.routines if flow is not None else ():
        if routine.id == target.routine:
            return next((slot for slot in routine.slots if slot.name == target.slot), None)
    return None


def form_of(run: Run, target: Target) -> Form:
    """An empty form for a slot."""
    slot = _slot(run, target)
    params = slot.params if slot is not None else ()
    fields = tuple(Field(p.name, p.kind, p.default, p.required) for p in params)
    return Form(target, fields, slot is None or slot.more)


# a past message ---------------------------------------------------------------------------------


def again(monitor: Monitor, record: RecordTuple) -> Form:
    """The form of a past message, filled with what it carried.

    It goes to the same slot, in the generation that runs now.

    Raises:
        NotSentError: it is no message, or its slot is not there any more.
    """
    kind, subject = record[log.KIND], record[log.SUBJECT]
    then, run = monitor.run_of(record[log.GENERATION]), monitor.run
    if kind not in (Kind.ACTIVATION, Kind.DROPPED, Kind.WAITING, Kind.JOB_STARTED):
        raise NotSentError("this carried nothing to a slot: choose a line with an arrow")
    found = then.edge_info(subject)
    if found is None:
        raise NotSentError("it is not known any more where this went")
    if then.is_timer(subject):
        raise NotSentError("a timer calls a method of its routine and has no message")
    flow, edge = found
    routine = then.flows[flow].routines[edge.target].id
    key = find(run, then.flows[flow].id, routine)
    label = f"{then.routine_name((flow, edge.target))}.{edge.slot}"
    if key is None or not any(
        s.name == edge.slot for s in run.flows[key[0]].routines[key[1]].slots
    ):
        raise NotSentError(f"there is no {label} in g{run.generation}")
    target = Target(key[0], routine, edge.slot, f"{run.routine_name(key)}.{edge.slot}", False)
    tree = monitor.log.tree(_carrier(record))
    about = f"#{record[log.SEQUENCE]:,} of g{record[log.GENERATION]}"
    return _filled(form_of(run, target), tree, dict(edge.renames))._replace(about=about)


def _carrier(record: RecordTuple) -> RecordTuple:
    """Of a job's start the delivery by which it entered, which is its first."""
    if record[log.KIND] != Kind.JOB_STARTED:
        return record
    entry = hash((record[log.ACTIVATION], 1))  # as `routilux.activation` makes ids
    return (*record[: log.ACTIVATION], entry, *record[log.CAUSE :])


def _filled(form: Form, tree: Node | None, renames: Mapping[str, str]) -> Form:
    if not isinstance(tree, Branch):
        fields = tuple(f._replace(lost="not kept") if f.required else f for f in form.fields)
        lost = "" if any(f.lost for f in fields) else "nothing of what it carried was kept"
        return form._replace(fields=fields, more=True, more_lost=lost)
    carried = {renames.get(key, key): node for key, node in tree.items}
    fields = tuple(_field(field, carried.pop(field.name, None)) for field in form.fields)
    cut = tree.total - len(tree.items) + sum(key.endswith(CUT) for key in carried)
    others = [_field(Field(k), node) for k, node in carried.items() if not k.endswith(CUT)]
    lost = f"{cut:,} more keys were not kept" if cut else ""
    more = form.more or bool(lost)
    return form._replace(fields=(*fields, *others), more=more, more_lost=lost)


def _field(field: Field, node: Node | None) -> Field:
    if node is None:
        return field
    text = source(node)
    return field._replace(lost=f"was {_short(node)}") if text is None else field._replace(text=text)


def _short(node: Node) -> str:
    """What is known of a part that was cut, short enough for a line below its field."""
    text = brief(node)
    if len(text) <= _SHORT:
        return text
    begin, dots, size = text.rpartition("... of ")
    return f"{begin[: _SHORT // 2]}{dots}{size}" if dots else f"{text[:_SHORT]}..."


# what is typed ------------------------------------------------------------------------------------


def hint(field: Field, text: str) -> str:
    """What a value is and what the handler says it is to be, if those plainly differ."""
    wanted = _KINDS.get(field.kind)
    if wanted is None or not text.strip():
        return ""
    try:
        value = ast.literal_eval(literal(text))
    except NO_LITERAL:
        return ""
    right = isinstance(value, wanted) and (bool in wanted or not isinstance(value, bool))
    return "" if right else f"this is {_a(type(value).__name__)}, the handler says {field.kind}"


def _a(word: str) -> str:
    return {"int": "an int", "NoneType": "None"}.get(word, f"a {word}")


def checked(form: Form, texts: Mapping[str, str]) -> tuple[Values, dict[str, str]]:
    """What is to be sent, and by field what is wrong; nothing is to be sent if anything is.

    Args:
        form: what was to be filled in.
        texts: what stands in the fields, further keys under `MORE`.
    """
    values: dict[str, str] = {}
    wrong: dict[str, str] = {}
    try:
        more = further(texts.get(MORE, ""))
    except ValueError as error:
        more, wrong[MORE] = (), str(error)
    given = dict(more)
    for field in form.fields:
        text = texts.get(field.name, "").strip()
        if text and field.name in given:
            wrong[MORE] = f"{field.name!r} has a field of its own above"
        elif text:
            try:
                values[field.name] = literal(text)
            except ValueError as error:
                wrong[field.name] = str(error)
        elif field.name not in given and field.lost:
            wrong[field.name] = f"fill it in: {field.lost}"
        elif field.name not in given and field.required:
            wrong[field.name] = "the handler needs a value here"
    if form.more_lost and not more and MORE not in wrong:
        wrong[MORE] = f"fill in what is to be sent: {form.more_lost}"
    return tuple({**values, **given}.items()), wrong


def recalled(form: Form, call: Sequence[tuple[str, str]]) -> dict[str, str]:
    """An earlier call as texts for the fields of a form; what has no field goes to `MORE`."""
    names = {field.name for field in form.fields}
    texts = {name: text for name, text in call if name in names}
    others = [text for name, text in call if name == MORE and text.strip()]
    others += [_keyword(name, text) for name, text in call if name not in names and name != MORE]
    texts[MORE] = ", ".join(others)
    return texts


def _keyword(name: str, text: str) -> str:
    try:
        value = literal(text)
    except ValueError:
        value = repr(text)
    return f"{name}={value}" if name.isidentifier() else f"**{{{name!r}: {value}}}"
