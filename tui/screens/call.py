"""The form of a message that is sent by hand: to any slot, or a past one again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.model.calling import (
    MORE,
    Form,
    NotSentError,
    Target,
    again,
    checked,
    form_of,
    hint,
    recalled,
    target_for,
    target_of,
    targets,
)
from tui.model.literals import Values
from tui.model.rows import Key
from tui.paint.canvas import clean, fit, measure
from tui.session.messages import Call, RecordTuple
from tui.widgets.form import FormInput, FormLine

if TYPE_CHECKING:
    from tui.app import MonitorApp

_WIDEST = 28  # cells of a field's name
_WIDEST_FORM = 100  # cells, as in the style sheet
_TO = "\0to"  # no handler has a parameter of that name
_HINT = "Enter send  Tab next field  Up earlier calls  Esc leave"
_HINT_TO = "Enter send  Tab next field  Up Down another slot  Esc leave"


class CallScreen(ModalScreen[None]):
    """A line for the slot, one for each value that its handler takes, one for further keys.

    Stays when what is typed is wrong or the engine refuses it; goes when the job has begun.
    """

    AUTO_FOCUS = ""  # see `_ready`
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Leave"),
        # Before anything else: it decides where the keys behind it go.
        Binding("tab", "next_field(1)", "The next field", priority=True),
        Binding("shift+tab", "next_field(-1)", "The field before", priority=True),
    ]

    def __init__(self, app: MonitorApp, form: Form) -> None:
        super().__init__()
        self._monitor = app.monitor
        self._form = form
        self._used: list[list[tuple[str, str]]] = []
        self._recalled = -1
        self._typed: dict[str, str] = {}
        self._sending = False
        self._early: list[str] | None = []  # keys that came before there was a field
        self._lines = VerticalScroll(id="call-lines", can_focus=False)
        self._said = Static("", markup=False, id="call-said")

    @property
    def monitor_app(self) -> MonitorApp:
        """The app, by its own type."""
        return cast("MonitorApp", self.app)

    def compose(self) -> ComposeResult:
        """The lines, and one for what came of it."""
        with VerticalScroll(id="call", can_focus=False):
            with self._lines:
                if not self._form.about:
                    yield FormLine(
                        _TO, "to", self._width, clean(self._form.target.label), "routine.slot"
                    )
                yield from self._value_lines()
            yield self._said

    def on_mount(self) -> None:
        """Begin in the first field, after the keys that have come already are taken up."""
        self._begin()
        self.call_later(self._ready)

    def on_key(self, event: events.Key) -> None:
        """Keys that arrive all at once belong into the fields, though there were none yet."""
        if self._early is not None:
            event.stop()
            event.prevent_default()
            self._early.append(event.key)

    def action_next_field(self, step: int) -> None:
        """Go to the next field, after the last to the first."""
        inputs = [line.input for line in self.fields]
        if self._early is not None:
            self._early.append("tab" if step > 0 else "shift+tab")
        elif inputs:
            here = inputs.index(self.focused) if self.focused in inputs else -1
            self.set_focus(inputs[(here + step) % len(inputs)])

    def _ready(self) -> None:
        early, self._early = self._early or [], None
        fields = self.fields
        if fields:
            first = fields[0] if self._form.about or len(fields) == 1 else fields[1]
            self.set_focus(first.input)
        for key in early:
            self.app.simulate_key(key)

    @property
    def fields(self) -> list[FormLine]:
        """The lines from top to bottom."""
        return list(self._lines.query(FormLine))

    @property
    def _width(self) -> int:
        """Cells of the longest name."""
        names = [_label(field.name, field.kind) for field in self._form.fields]
        return min(_WIDEST, max(map(measure, ["further keys", *names])))

    def _value_lines(self) -> list[FormLine]:
        lines = []
        for field in self._form.fields:
            empty = f"empty: {field.default}" if field.default else "needed" * field.required
            name = _label(field.name, field.kind)
            lines.append(FormLine(field.name, name, self._width, field.text, empty))
        if self._form.more:
            example = "name=value, other=value"
            lines.append(FormLine(MORE, "further keys", self._width, "", example))
        for line in lines:
            line.add_class("value")
        return lines

    async def _rebuild(self) -> None:
        """Other lines below that of the slot, which stays."""
        await self._lines.query("FormLine.value").remove()
        await self._lines.mount_all(self._value_lines())
        self._begin()

    def _begin(self) -> None:
        """What there is to say before anything is typed."""
        form = self._form
        self._tell_keys()
        self._used = self._earlier(form.target)
        self._recalled = -1
        nothing = not form.fields and not form.more
        self._say("its handler takes nothing: Enter calls it" if nothing else "")
        self._remark()

    def _earlier(self, target: Target) -> list[list[tuple[str, str]]]:
        found = []
        for text in self.monitor_app.filters.used_calls(target.label):
            try:
                pairs = [(str(name), str(value)) for name, value in json.loads(text)]
            except (ValueError, TypeError):
                continue  # somebody else has written there
            found.append(pairs)
        return found

    # what is typed ----------------------------------------------------------------------------

    async def on_input_changed(self, event: Input.Changed) -> None:
        """Another slot has other fields; of values it is said what is unlikely."""
        event.stop()
        line = self._line_of(event.input)
        if line is not None and line.key == _TO:
            await self._aim(line)
        else:
            self._remark()

    async def _aim(self, line: FormLine) -> None:
        try:
            target = target_of(self._monitor.run, line.text, clean)
        except NotSentError as error:
            line.say(str(error), "bad")
            return
        line.say("")
        if target != self._form.target:
            self._form = form_of(self._monitor.run, target)
            await self._rebuild()

    def _remark(self) -> None:
        """What was cut, and what has another type than the handler says."""
        values = {field.name: field for field in self._form.fields}
        for line in self.fields:
            field = values.get(line.key)
            if field is not None:
                lost = f"{field.lost}; fill it in" if field.lost and not line.text.strip() else ""
                line.say(lost or hint(field, line.text))
            elif line.key == MORE:
                line.say(self._form.more_lost if not line.text.strip() else "")

    def on_descendant_focus(self) -> None:
        """Each line has keys of its own."""
        self._tell_keys()

    def on_resize(self) -> None:
        """The border has another length."""
        self._tell_keys()

    def _tell_keys(self) -> None:
        """What the form is about, and the keys of the line that is written in."""
        focused, form = self.focused, self._form
        to = isinstance(focused, FormInput) and self._line_of(focused) is self._to
        title = f"Send {form.about} again to {form.target.label}" if form.about else "Send"
        box = self.query_one("#call")
        box.border_title = self._fitted(title)
        box.border_subtitle = self._fitted(_HINT_TO if to else _HINT)

    def _fitted(self, text: str) -> str:
        """For the border: cut by us, since Textual cuts with a glyph outside ASCII."""
        room = max(0, min(_WIDEST_FORM, self.app.size.width) - 8)
        return fit(clean(text), min(measure(clean(text)), room)).replace("[", r"\[")

    @property
    def _to(self) -> FormLine | None:
        return next((line for line in self.fields if line.key == _TO), None)

    def _line_of(self, wanted: Input) -> FormLine | None:
        return next((line for line in self.fields if line.input is wanted), None)

    def on_form_input_recall(self, event: FormInput.Recall) -> None:
        """An earlier call, or another slot."""
        event.stop()
        line = self._line_of(event.field)
        if line is not None and line.key == _TO:
            labels = [clean(target.label) for target in targets(self._monitor.run)]
            here = labels.index(line.text) if line.text in labels else -1
            line.fill(labels[(here - event.step) % len(labels)])
            return
        if self._recalled < 0:
            self._typed = self._texts()
        self._recalled = max(-1, min(self._recalled + event.step, len(self._used) - 1))
        texts = self._typed
        if self._recalled >= 0:
            texts = recalled(self._form, self._used[self._recalled])
        for each in self.fields:
            if each.key != _TO:
                each.fill(texts.get(each.key, ""))
        if not self._used:
            self._say("nothing was sent there before")

    def _texts(self) -> dict[str, str]:
        return {line.key: line.text for line in self.fields if line.key != _TO}

    # sending ----------------------------------------------------------------------------------

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Send it, if all is right."""
        event.stop()
        if self._sending:
            return
        to = self._to
        if to is not None:
            try:
                target_of(self._monitor.run, to.text, clean)
            except NotSentError as error:
                to.say(str(error), "bad")
                self.set_focus(to.input)
                return
        texts = self._texts()
        values, wrong = checked(self._form, texts)
        first: FormLine | None = None
        for line in self.fields:
            if line.key in wrong:
                line.say(wrong[line.key], "bad")
                first = first or line
        if first is not None:
            self.set_focus(first.input)
            return
        self._sending = True
        self._say("sending ...")
        self.run_worker(self._send(values, texts), name="call")

    async def _send(self, values: Values, texts: dict[str, str]) -> None:
        target, app = self._form.target, self.monitor_app
        if app.session is None or not app.session.alive:
            self._refuse("the engine process has ended: Esc, then r starts it again")
            return
        kept = [(name, text) for name, text in texts.items() if text.strip()]
        app.remember_call(target.label, json.dumps(kept))
        answer = await app.ask(Call(target.flow, target.routine, target.slot, values))
        if answer is None:
            self._refuse("no answer yet from the engine process: it may still be sent")
        elif answer.refused:
            self._refuse(answer.text)
        else:
            if self.is_current:
                self.dismiss()
            app.notify(clean(answer.text), markup=False, timeout=5)

    def _refuse(self, text: str) -> None:
        self._sending = False
        self._say(text, "bad")

    def _say(self, text: str, role: str = "") -> None:
        self._said.update(f" {clean(text)}" if text else "")
        self._said.set_class(role == "bad", "bad")


def _label(name: str, kind: str) -> str:
    return f"{clean(name)}: {clean(kind)}" if kind else clean(name)


# opening ------------------------------------------------------------------------------------------


def open_call(app: MonitorApp, key: Key | None) -> None:
    """Open the form of a message to a routine; None: to where jobs begin."""
    run = app.monitor.run
    target = target_for(run, key)
    if target is None:
        app.say("There is no slot to send anything to yet.")
    else:
        app.push_screen(CallScreen(app, form_of(run, target)))


def open_again(app: MonitorApp, record: RecordTuple | None) -> None:
    """Open the form of a past message."""
    if record is None:
        app.say("No event is chosen to be sent again.")
        return
    try:
        form = again(app.monitor, record)
    except NotSentError as error:
        app.say(f"Not to be sent again: {error}")
    else:
        app.push_screen(CallScreen(app, form))
