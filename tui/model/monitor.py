"""The model: everything that panes read, folded from snapshots and session events."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from textwrap import wrap

from tui.session.events import (
    Died,
    Event,
    Gone,
    Loading,
    Output,
    Progress,
    Rejected,
    Started,
    Stopping,
)
from tui.session.messages import Failure, ScriptState, Snapshot, WaitInfo

from .cost import Cost
from .cursor import TimeCursor
from .dead import DeadLetters
from .findings import Board
from .generations import Generations
from .log import RING, EventLog
from .names import short_thread
from .output import OutputLog
from .past import History, PastRun
from .run import Run
from .stats import Charted

#: Generations whose names and final counts stay known.
KEPT_RUNS = 5
_WRAP = 60  # characters of a message on one line of a banner: they fit on the narrowest screen
#: Good news goes away by itself after so long; bad news stays until it is put right.
NEWS_NS = 5_000_000_000
#: Threads of a deadlock that a banner names one by one.
_TOLD = 4


class Phase(StrEnum):
    """What the running generation does, as one word for the header."""

    LOADING = "LOADING"
    RUN = "RUN"
    HELD = "JOBS PAUSED"
    IDLE = "IDLE"
    ENDED = "ENDED"
    FAILED = "FAILED"
    DIED = "DIED"
    STUCK = "NOT ANSWERING"


@dataclass(frozen=True, slots=True)
class Banner:
    """Something that must be seen until it is put right or dismissed."""

    title: str
    lines: tuple[str, ...]
    is_error: bool
    file: str = ""
    line: int = 0
    hint: str = ""  # what can be done about it; empty: what a save does


class Monitor:
    """The whole view state of one session.

    Attributes:
        label: what is being watched.
        run: the running generation; the earlier ones are in `runs`.
        log: the records of all generations.
        output: what the user's code printed.
        cursor: the moment that panes show, which is mostly now.
        past: what there was to be seen at earlier moments of the running generation.
        banner: what must be seen now, or None.
        status: one line about what the session is doing, or empty.
        charted: the statistics in the chart, by name, through all generations.
        cost: what watching costs.
        forget_at_start: the next generation begins with nothing kept of those before it.
        findings: what looks wrong in the running generation.
        dead: messages that were dropped, of all generations.
        generations: how long routines took in earlier ones.
    """

    def __init__(self, label: str = "", ring: int = RING) -> None:
        self.label = label
        self.run = Run(0)
        self.runs: dict[int, Run] = {}
        self.log = EventLog(ring)
        self.forget_at_start = False
        self.output = OutputLog()
        self.charted = Charted()
        self.findings = Board()
        self.dead, self.generations = DeadLetters(), Generations()
        self.cursor, self.past = TimeCursor(), History()
        self._deadlock: Banner | None = None  # as it was told of last
        self.banner: Banner | None = None
        self.status = ""
        self.script = ScriptState("loading")
        self.exit_code: int | None = None
        self.answering = True
        self.rejected = 0
        self.cost = Cost()

    # folding ------------------------------------------------------------------------------------

    def apply(self, snapshot: Snapshot, own_cpu_ns: int = 0) -> None:
        """Fold a snapshot in. ``own_cpu_ns`` is the monitor's CPU time so far."""
        if snapshot.generation != self.run.generation:
            return  # the last words of a generation that has gone
        fresh = self.run.apply(snapshot)
        self.past.take(self.run)
        self.log.extend(snapshot.records, fresh)
        self.dead.take(snapshot.records)
        self._tell_of_deadlock()
        news = self.banner is not None and not self.banner.is_error
        if news and self.run.elapsed_ns > NEWS_NS:
            self.banner = None
        for activation, kind, text in snapshot.notes:
            self.log.note(activation, kind, text)
        run = self.run
        self.cost.take(snapshot.taken_ns, own_cpu_ns, run.cost_ns, run.done, run.timed)

    def handle(self, event: Event) -> None:
        """Fold a session event in."""
        match event:
            case Output():
                self.output.feed(event.generation, event.data, event.is_error)
            case Started():
                self._start(event)
            case Progress():
                if event.generation == self.run.generation:
                    self.script = event.state
                    if event.state.failure is not None:
                        self.banner = _script_failed(event.generation, event.state.failure)
            case Rejected():
                self.rejected += 1
                self.output.finish(event.generation)  # the next attempt has the same number
                self.status = ""
                self.banner = self._rejection(event)
            case Loading():
                self._load(event)
            case Stopping():
                self.status = f"g{event.generation} finishes what runs"
            case Gone():
                self.status = ""
                if event.dropped or event.stuck:
                    self.output.rule(event.generation, _gone(event))
            case Died():
                self.exit_code = event.exit_code
                self.run.halt()
                self.banner = None if self.forget_at_start else _died(event)

    def _load(self, event: Loading) -> None:
        if event.slow:
            self.status = f"g{event.generation} is still loading: K cancels"
        else:
            self.status = f"g{event.generation} is loading"
            self.output.rule(event.generation, f"generation {event.generation} loads")

    def _forget(self) -> None:
        """Begin anew: records, lines and earlier generations are gone."""
        self.forget_at_start = False
        self.log.clear()
        self.output.clear()
        self.runs.clear()
        self.dead, self.generations = DeadLetters(), Generations()
        self.rejected = 0

    def _start(self, event: Started) -> None:
        old = self.run
        clean = self.forget_at_start
        if clean:
            self._forget()
        else:
            self.generations.keep(old)
        self.output.finish(old.generation)
        self.run = Run(event.generation)
        self.cursor, self.past = TimeCursor(), History()
        self.findings.clear()
        self.runs[event.generation] = self.run
        while len(self.runs) > KEPT_RUNS:
            del self.runs[min(self.runs)]
        self.script = ScriptState("loading")
        self.exit_code = None
        self.status = ""
        self.cost = Cost(self.cost.prices)
        if event.took is not None:
            took = f"{event.took * 1000:.0f} ms"
            text = f"generation {event.generation} runs, loaded in {took}"
            self.output.rule(event.generation, text)
            if not clean:
                self.log.rule(old.now, event.generation)
            how = "RESTARTED CLEAN" if clean else "RELOADED"
            title = f"{how} g{old.generation} -> g{event.generation} in {took}"
            self.banner = Banner(title, (), False) if old.generation else None

    def _rejection(self, event: Rejected) -> Banner:
        failure = event.failure
        running = self.run.generation
        if self.phase in (Phase.DIED, Phase.FAILED):
            keeps = f"g{running} has ended"
        else:
            keeps = f"g{running} keeps running"
        title = f"RELOAD FAILED: g{event.generation} rejected, {keeps}"
        return Banner(
            title, _failure_lines(failure, event.snippet), True, failure.file, failure.line
        )

    def _tell_of_deadlock(self) -> None:
        """A new one is told of; one that is gone takes its banner along."""
        found = deadlock_banner(self.run.waits)
        if found == self._deadlock:
            return
        if self.banner is None or not self.banner.is_error or self.banner == self._deadlock:
            self.banner = found
        self._deadlock = found

    def dismiss(self) -> None:
        """Take the banner away."""
        self.banner = None

    # reading ------------------------------------------------------------------------------------

    @property
    def phase(self) -> Phase:
        """What the running generation does."""
        if self.exit_code is not None:
            return Phase.DIED
        if not self.answering:
            return Phase.STUCK
        if self.script.phase == "failed":
            return Phase.FAILED
        if self.run.open_jobs:
            return Phase.HELD if self.run.standing.paused == self.run.open_jobs else Phase.RUN
        if self.script.phase == "ended":
            return Phase.ENDED
        return Phase.LOADING if self.script.phase == "loading" else Phase.IDLE

    @property
    def news(self) -> object:
        """Differs from one look to the next when something has happened meanwhile."""
        run = self.run
        counts = (run.generation, run.published, run.done, run.wiring, run.standing.open_jobs)
        return *counts, self.output.total, self.phase, self.banner, self.status

    @property
    def shown(self) -> Monitor:
        """This, as it was at the time cursor: what the panes are given."""
        if self.cursor.time is None:
            return self
        moment = self.past.at(self.cursor.time)
        if moment is None:
            return self
        then = copy.copy(self)
        then.run = PastRun(self.run, moment, self.past.looks)
        return then

    @property
    def kept(self) -> float:
        """Share of the records published by this generation that reached us."""
        return self.run.received / self.run.published if self.run.published else 1.0

    @property
    def lost(self) -> int:
        """How many records of this generation did not reach us."""
        return max(0, self.run.published - self.run.received)

    def run_of(self, generation: int) -> Run:
        """A generation by number; the running one if that is not known any more."""
        return self.runs.get(generation, self.run)


def deadlock_banner(waits: Iterable[WaitInfo]) -> Banner | None:
    """What to tell of threads that wait for each other for ever; None if there are none."""
    dead = [wait for wait in waits if wait.deadlock]
    if not dead:
        return None
    names = [short_thread(wait.thread) for wait in dead]
    if len(names) == 1:
        title = f"DEADLOCK: {names[0]} waits for itself"
    else:
        some = ", ".join(names[:_TOLD]) + (", ..." if len(names) > _TOLD else "")
        title = f"DEADLOCK: {len(names)} threads wait for each other: {some}"
    lines = []
    for wait, name in zip(dead[:_TOLD], names, strict=False):
        place = f" at {wait.file.rpartition('/')[2]}:{wait.line}" if wait.file else ""
        held = ", ".join(map(short_thread, wait.holders))
        lines.append(f"{name} waits for {wait.text}{place}, held by {held}")
    if len(dead) > _TOLD:
        lines.append(f"... and {len(dead) - _TOLD} more")
    return Banner(title, tuple(lines), True, hint="H who waits for whom")


def _failure_lines(failure: Failure, snippet: tuple[tuple[int, str], ...]) -> tuple[str, ...]:
    place = f"{failure.file.rpartition('/')[2]}:{failure.line}  " if failure.line else ""
    message = [part for line in failure.message.splitlines() for part in wrap(line, _WRAP)] or [""]
    lines = [f"{failure.kind}  {place}{message[0]}", *message[1:4]]
    for number, text in snippet:
        mark = ">" if number == failure.line else " "
        lines.append(f"{mark} {number:>4}  {text}")
        if number == failure.line and failure.column:
            lines.append(" " * (8 + failure.column - 1) + "^")
    return tuple(lines)


def _script_failed(generation: int, failure: Failure) -> Banner:
    title = f"g{generation} STOPPED by {failure.kind}: the traceback is in Output (7)"
    return Banner(title, _failure_lines(failure, ()), True, failure.file, failure.line)


def _gone(event: Gone) -> str:
    stuck = f", stuck in a handler: {', '.join(event.stuck)}" if event.stuck else ""
    return f"generation {event.generation} stopped: {event.dropped} queued dropped{stuck}"


def _died(event: Died) -> Banner:
    code = event.exit_code
    how = f"was killed by signal {-code}" if code < 0 else f"left with exit code {code}"
    return Banner(
        f"ENGINE GONE: g{event.generation} {how}",
        ("Its last state stays on screen. r starts it again; so does the next save.",),
        True,
    )
