"""Which routines and ports of a flow an allow comment covers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from routilux import Flow, Routine
from tui.session.factual import Allowed

from .code import Call, Class, Comment, Method, Source, source_of

WHOLE, NOTHING = -1, -2
_END = 2**31


class Owner(NamedTuple):
    """A routine of the flow, with the classes that its own class is made of."""

    number: int
    id: str
    routine: Routine
    classes: tuple[tuple[Source, Class], ...]


def allowed(flow: Flow, owners: Iterable[Owner], sources: Mapping[str, bool]) -> Iterator[Allowed]:
    """What the comments of all files allow.

    Args:
        flow: the flow.
        owners: its routines.
        sources: the files; True for those that may have built the flow.
    """
    owners = list(owners)
    for path, builds in sources.items():
        source = source_of(path)
        for comment in source.comments:
            places = list(_places(flow, owners, source, comment, builds))
            for routine, port, begin, end in places or [(NOTHING, "", 0, 0)]:
                yield Allowed(
                    comment.ids, comment.reason, path, comment.line, routine, port, begin, end
                )


_Place = tuple[int, str, int, int]


def _places(
    flow: Flow, owners: list[Owner], source: Source, comment: Comment, builds: bool
) -> Iterator[_Place]:
    line = comment.covers
    if not line:
        yield NOTHING, "", 1, _END
        yield from ((o.number, "", 0, 0) for o in owners if _in_file(o, source))
        if builds:
            yield WHOLE, "", 0, 0
        return
    port = _port_at(source, line)
    if port is not None:
        yield from _of_port(owners, source, *port)
        return
    calls = [call for call in source.calls if call.first <= line <= call.last]
    if calls:
        yield from (place for call in calls for place in _of_call(flow, owners, call))
        return
    method = next((m for m in source.functions if m.first <= line < max(m.body, m.first + 1)), None)
    if method is not None:
        yield NOTHING, "", method.first, method.last
        yield from _of_method(owners, source, method)
        return
    found = next((c for c in source.classes if c.first <= line <= c.line), None)
    if found is not None:
        yield NOTHING, "", found.first, found.last
        yield from ((o.number, "", 0, 0) for o in owners if (source, found) in o.classes)


def _in_file(owner: Owner, source: Source) -> bool:
    return bool(owner.classes) and owner.classes[0][0] is source


def _port_at(source: Source, line: int) -> tuple[Class, Call] | None:
    for kind in reversed(source.classes):  # of nested classes the innermost
        for call in kind.ports:
            if call.first <= line <= call.last:
                return kind, call
    return None


def _of_port(owners: list[Owner], source: Source, kind: Class, call: Call) -> Iterator[_Place]:
    name = call.args[0] if call.args else None
    for owner in owners:
        if name is not None and (source, kind) in owner.classes:
            yield owner.number, name, call.first, call.last


def _of_call(flow: Flow, owners: list[Owner], call: Call) -> Iterator[_Place]:
    """``Flow(...)``, ``add_routine(...)`` or ``connect(...)``: what is no written text is any."""
    if call.name == "Flow":
        if not call.args or call.args[0] in (None, flow.flow_id):
            yield WHOLE, "", call.first, call.last
    elif call.name == "add_routine":
        wanted = call.args[1] if len(call.args) > 1 else None
        for owner in owners:
            is_it = wanted == owner.id if wanted is not None else _is_a(owner, call.made)
            if is_it:
                yield owner.number, "", call.first, call.last
    else:
        args = (*call.args, None, None, None, None)[:4]
        for owner in owners:
            for at, port in ((args[0], args[1]), (args[2], args[3])):
                if port is not None and at in (None, owner.id):
                    yield owner.number, port, call.first, call.last


def _is_a(owner: Owner, name: str) -> bool:
    return bool(name) and type(owner.routine).__name__ == name


def _of_method(owners: list[Owner], source: Source, method: Method) -> Iterator[_Place]:
    """A handler's comment is about its slot."""
    for owner in owners:
        for of, kind in owner.classes:
            if of is source and method in kind.methods:
                for slot in list(owner.routine._slots.values()):
                    if getattr(slot.handler, "__name__", "") == method.name:
                        yield owner.number, slot.name, 0, 0
