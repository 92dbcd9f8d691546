"""What looks wrong, ranked, with evidence and what to do; from here to where it is to be seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.containers import Container
from textual.widget import Widget
from textual.widgets import Input

from tui.keys import FINDINGS, Action
from tui.model.findings import Finding
from tui.paint.canvas import clean
from tui.widgets.findings import FindingBox, FindingsBox
from tui.widgets.reasonbar import ReasonBar

from .live import LiveScreen

if TYPE_CHECKING:
    from tui.app import MonitorApp


class FindingsScreen(LiveScreen):
    """Enter goes to the evidence, M mutes with a reason that is kept for the project."""

    KEYS: ClassVar[Sequence[Action]] = FINDINGS
    BINDINGS: ClassVar[list[BindingType]] = LiveScreen.bindings_of(FINDINGS)

    def body(self) -> Widget:
        """The list, and beside or below it the chosen one; the line for a reason."""
        return Container(FindingsBox(), FindingBox(), ReasonBar(), id="findings")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """What is typed into the line of the reason is text."""
        return not isinstance(self.focused, Input) and super().check_action(action, parameters)

    @property
    def chosen(self) -> Finding | None:
        """The finding that the list's cursor is on."""
        return self.query_one(FindingsBox).chosen

    def prepare(self) -> None:
        """The box beside is about the chosen one."""
        board, listed = self.monitor.findings, self.query_one(FindingsBox)
        ranked = board.ranked(muted=listed.with_muted)
        chosen = listed.chosen
        still = chosen is not None and any(f.key == chosen.key for f in ranked)
        first = next(iter(ranked), None)
        self.query_one(FindingBox).finding = (
            board.get(chosen.key) if chosen is not None and still else first
        )

    def moved(self) -> None:
        """Another finding is read from its beginning."""
        if isinstance(self.box, FindingsBox):
            self.query_one(FindingBox).top = 0
        super().moved()

    def open(self, key: str) -> None:
        """Choose a finding."""
        listed = self.query_one(FindingsBox)
        self.show()
        keys = [f.key for f in self.monitor.findings.ranked(muted=listed.with_muted)]
        if key in keys:
            listed.move(keys.index(key) + 1 - listed.cursor)
            self.moved()

    def action_open(self) -> None:
        """Where the evidence is to be seen."""
        if self.chosen is not None:
            go_to_evidence(self.monitor_app, self.chosen)

    def action_mute(self) -> None:
        """Ask for a reason; of one that is muted, take that back."""
        finding = self.chosen
        if finding is None:
            self.say("There is no finding to mute.", wrong=True)
        elif finding.key in self.monitor.findings.muted:
            self.monitor_app.mutes.unmute(finding.key)
            self.monitor_app.tell_of_filters()
            self.show()
        else:
            self.query_one(ReasonBar).open(finding.key, f"{finding.id} {finding.place.name}")

    def on_reason_bar_given(self, event: ReasonBar.Given) -> None:
        """Mute it, from now on."""
        event.stop()
        self.monitor_app.mutes.mute(event.key, event.reason)
        self.monitor_app.tell_of_filters()

    def on_reason_bar_closed(self, event: ReasonBar.Closed) -> None:
        """Back to the list."""
        event.stop()
        self.query_one(FindingsBox).focus()
        self.call_after_refresh(self.show)

    def action_muted(self) -> None:
        """List the muted ones too, or not."""
        listed = self.query_one(FindingsBox)
        listed.with_muted = not listed.with_muted
        hidden = self.monitor.findings.hidden
        if listed.with_muted and not hidden:
            self.say("No finding is muted.")
        self.show()


def go_to_evidence(app: MonitorApp, finding: Finding) -> None:
    """Show where a finding is to be seen: a screen, or a pane of the dashboard."""
    goal, key = finding.goal, finding.place.key
    known = key is not None and key[0] in app.monitor.run.flows
    if goal == "routine" and key is not None and known:
        app.open_routine(key)
    elif goal in ("jobs", "errors"):
        app.go_to(goal)
    elif goal == "source":
        app.notify(clean(f"It stands in {finding.place.file}:{finding.place.line}"), markup=False)
    else:
        app.to_dashboard().show_evidence(goal, key if known else None)
