"""Why an event happened, what came of it, and how that lies in time. Opened from the events."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar, NamedTuple

from rich.style import Style

from routilux.records import Kind, Status
from tui.model import log
from tui.model.causality import Causality, Missing, Neighbours, Tree
from tui.model.chain import Chain, chain_of
from tui.model.latency import Parts
from tui.model.monitor import Monitor
from tui.model.rows import State
from tui.model.run import Run as ModelRun
from tui.model.synthetic import SIGN, is_synthetic
from tui.paint.canvas import Row, Run, Tag, fit, measure
from tui.paint.numbers import count, duration_ns, percent
from tui.paint.waterfall import bar
from tui.session.messages import RecordTuple
from tui.themes import glyph

from .choice import Choice, of_record
from .pane import LazyRows, Pane
from .telling import role_of, told

_FIGURES = 19  # cells of worker, wait and run time, and a sign
_DEEPEST = 8  # from so many levels on, lines are indented no further
_WORDS = {"queue": "queue", "run": "run", "retry": "retry wait", "timer": "timer", "other": "other"}
Stretches = tuple[tuple[str, int, int], ...]


class Entry(NamedTuple):
    """One line. ``text`` is what it says, if it is not told by its record."""

    record: RecordTuple | None
    text: str = ""
    depth: int = 0
    stretches: Stretches = ()
    role: str = ""
    after: str = ""  # stands in place of the bar


class CausesPane(Pane):
    """Lines about one record, each about a record too; moving to one chooses that.

    It keeps what it has found: the flow goes on and the ring with it.
    """

    number = 31  # has no key of its own: it belongs to the events
    has_cursor: ClassVar[bool] = True
    heading: ClassVar[int] = 2

    def __init__(self) -> None:
        super().__init__()
        self.mode = "chain"
        self.scope = "chain"
        self.record: RecordTuple | None = None
        self.choose: Callable[[RecordTuple], None] = lambda _record: None
        self._head: Row = ()
        self._entries: Sequence[Entry] = ()
        self._span = (0, 1)

    # what to show ---------------------------------------------------------------------------------

    @property
    def chosen(self) -> RecordTuple | None:
        """The record of the line under the cursor, else the one that all is about."""
        index = self.cursor - self.heading
        if 0 <= index < len(self._entries) and self._entries[index].record is not None:
            return self._entries[index].record
        return self.record

    def link(self, monitor: Monitor) -> Choice:
        """The chosen record."""
        return of_record(monitor, self.chosen) if self.chosen is not None else Choice()

    def explain(self, monitor: Monitor, record: RecordTuple, mode: str) -> None:
        """Find out about a record: its ``chain``, its ``effects`` or its ``waterfall``.

        A waterfall is of the chain first, and of the whole job when it is asked for again.
        """
        same = self.mode == mode == "waterfall" and self.record is not None
        self.scope = "job" if same and self.scope == "chain" else "chain"
        self.mode, self.record = mode, record
        run = monitor.run_of(record[log.GENERATION])
        index = Causality(monitor.log.view, record[log.GENERATION], run)
        if mode == "effects":
            self._effects(index.tree(record), record)
        elif self.scope == "job":
            self._job(index.of_job(record[log.JOB]), record)
        else:
            chain = chain_of(index, record)
            around = None
            if mode == "chain":
                ran = [s.record for s in chain.steps if s.record[log.KIND] == Kind.ACTIVATION]
                around = index.concurrent_with((ran or [record])[-1], run.targets())
            self._chain(monitor, chain, around)
        self.top = self.left = 0
        self.cursor = self.heading + self._place(record)

    def _place(self, record: RecordTuple) -> int:
        found = (n for n, e in enumerate(self._entries) if e.record == record)
        return next(found, 0)

    def _chain(self, monitor: Monitor, chain: Chain, around: Neighbours | None) -> None:
        self._span = chain.begin, chain.end
        self._head = _latency(chain.parts)
        entries: list[Entry] = []
        if chain.missing is not Missing.NOTHING:
            text = chain.missing.value
            if chain.running is not None:
                edge, since, _ = chain.running
                took = duration_ns(max(0, monitor.run.now - since))
                text = f"{monitor.run.edge_name(edge)} still runs, for {took}"
            entries.append(Entry(None, text, role="warn"))
        for depth, step in enumerate(chain.steps):
            tries = len(step.tries)
            for number, one in enumerate(step.tries, 1):
                entries.append(Entry(one, f"try {number} failed", depth, role="news"))
            after = f"try {tries + 1}" if tries else ""
            entries.append(Entry(step.record, "", depth, step.stretches, after=after))
            if self.mode == "chain":
                entries.extend(Entry(one, depth=depth + 1, role="muted") for one in step.effects)
                if step.others:
                    text = f"caused {count(step.others)} more"
                    entries.append(Entry(step.record, text, depth + 1, role="muted"))
        if around is not None:
            entries.extend(_around(monitor, around))
        self._entries = entries

    def _effects(self, tree: Tree, record: RecordTuple) -> None:
        begin = record[log.QUEUED] or record[log.TIME]
        records = [branch.record for branch in tree.branches]
        self._span = begin, max(r[log.TIME] for r in records)
        took = duration_ns(self._span[1] - begin)
        text = f"{tree.total:,} effects within {took}" if tree.total else "nothing came of it"
        self._head = ((f" {text}", ("strong",)),)
        entries: list[Entry] = []
        for branch in tree.branches:
            entries.append(Entry(branch.record, "", branch.depth, _stretches(branch.record)))
            if branch.hidden:
                text = f"{branch.hidden:,} more, counted only"
                entries.append(Entry(branch.record, text, branch.depth + 1, role="muted"))
        self._entries = entries

    def _job(self, records: Sequence[RecordTuple], record: RecordTuple) -> None:
        begin = min((r[log.QUEUED] for r in records), default=0)
        self._span = begin, max((r[log.TIME] for r in records), default=1)
        took = duration_ns(self._span[1] - begin)
        text = f" job {record[log.JOB]}: {len(records):,} activations within {took}"
        self._head = ((text, ("strong",)),)
        self._entries = _Activations(records)

    # painting -------------------------------------------------------------------------------------

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The heading, then the lines."""
        self.cursor = max(self.heading, self.cursor)
        run = monitor.run_of(self.record[log.GENERATION]) if self.record else monitor.run
        there = monitor if run is monitor.run else _with(monitor, run)

        heads = [self._head, self._columns(width)]

        def painted(entry: Entry | Row) -> Row:
            return self._line(there, entry, width) if isinstance(entry, Entry) else entry

        return LazyRows(_Headed(heads, self._entries), painted)

    def _columns(self, width: int) -> Row:
        bars = self._bar_width(width)
        right = bars + 6 if bars else 0
        room = max(8, width - _FIGURES - right - 1)
        timed = "" if self.mode == "effects" or self.scope == "job" else "SHARE"
        tail = f" {fit('TIME', bars)}{timed:>5}" if bars else ""
        return ((fit(" WHAT", room) + f" {'BY':4}  WAIT   RUN  {tail}", ("muted",)),)

    def title(self, monitor: Monitor) -> str:
        """Whose chain it is, and the keys that lead on."""
        return "  ".join(("c why", "d effects", "w waterfall", "Enter go there", "Esc back"))

    @property
    def heading_text(self) -> str:
        """What the lines are about."""
        name = f"#{count(self.record[log.SEQUENCE])}" if self.record else ""
        if self.mode == "chain":
            return f"Why {name}"
        if self.mode == "effects":
            return f"Effects of {name}"
        return f"Waterfall of {name}" if self.scope == "chain" else f"Waterfall of {name}'s job"

    def style(self, tag: Tag) -> Style:
        """The parts of a bar."""
        colors = self.palette
        parts = {
            "part_queue": colors.warn,
            "part_run": colors.good,
            "part_retry": colors.news,
            "part_timer": colors.text,
        }
        return parts.get(str(tag[0])) or super().style(tag)

    def resized(self) -> None:
        """It is shown for the first time, it may be: what it was opened for stays chosen."""
        self.redraw()

    def move(self, lines: int) -> None:
        """Moving to a line chooses its record."""
        super().move(max(lines, self.heading - self.cursor))
        if self.chosen is not None:
            self.choose(self.chosen)

    def _line(self, monitor: Monitor, entry: Entry, width: int) -> Row:
        record, share = entry.record, ""
        if record is None or entry.role == "rule":
            return ((fit(f" {entry.text}", width), (_role(entry),)),)
        bars = self._bar_width(width)
        own = not entry.text or entry.text.startswith("try ")
        figures = _figures(monitor, record, ascii=self.ascii) if own else ""
        right = bars + 6 if bars else 0  # with a blank before and the share behind
        if right and entry.after and not entry.stretches:
            right = min(max(right, measure(entry.after) + 1), width * 45 // 100)
        room = max(8, width - measure(figures) - right - 1)
        depth = 0 if self._flat else min(entry.depth, _DEEPEST)
        mark = (
            ("`-" if self.ascii else "└ ") if depth and not entry.text else "  "[: 2 * bool(depth)]
        )
        head = " " + "  " * max(0, depth - 1) + mark
        text = entry.text or told(monitor, record, room - len(head))
        role = entry.role or ("strong" if record == self.record else role_of(record))
        parts: list[Run] = [
            (head, ("muted",)),
            (fit(text, max(1, room - len(head))), (role,)),
            (figures, ("muted",)),
        ]
        if not bars:
            return tuple(parts)
        begin, end = self._span
        if entry.after and not entry.stretches:
            return (*parts, (fit(f" {entry.after}", right), ("text",)))
        spent = sum(until - since for _, since, until in entry.stretches)
        if self.mode != "effects" and self.scope == "chain" and spent:
            share = percent(spent / max(1, end - begin))
        return (
            *parts,
            (" ", ("muted",)),
            *bar(entry.stretches, begin, end, bars, ascii=self.ascii),
            (f"{share:>5}", ("text",)),
        )

    @property
    def _flat(self) -> bool:
        return self.mode == "waterfall" and self.scope == "job"

    def _bar_width(self, width: int) -> int:
        """A waterfall is mostly bars, a chain is mostly names."""
        if width < 50:
            return 0
        most = 50 if width >= 100 else 35
        return max(8, width * (most if self.mode == "waterfall" else 20) // 100)


class _Headed(Sequence[Any]):
    """Lines below headings."""

    def __init__(self, heads: Sequence[Row], entries: Sequence[Entry]) -> None:
        self._heads, self._entries = heads, entries

    def __len__(self) -> int:
        return len(self._heads) + len(self._entries)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[place] for place in range(*index.indices(len(self)))]
        if index < len(self._heads):
            return self._heads[index]
        return self._entries[index - len(self._heads)]


class _Activations(Sequence[Any]):
    """A line for each activation of a job, made when it is asked for: there may be many."""

    def __init__(self, records: Sequence[RecordTuple]) -> None:
        self._records = records

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, index: Any) -> Any:
        record = self._records[index]
        return Entry(record, stretches=_stretches(record))


def _with(monitor: Monitor, run: ModelRun) -> Monitor:
    """As if an earlier generation still ran: its names are its own."""
    then = copy.copy(monitor)
    then.run = run
    return then


def _stretches(record: RecordTuple) -> Stretches:
    if not record[log.STARTED]:
        return ()
    queued, started, ended = record[log.QUEUED], record[log.STARTED], record[log.TIME]
    return (("queue", queued, started), ("run", started, ended))


def _latency(parts: Parts) -> Row:
    """The parts of a chain's time, which sum to the whole."""
    whole = max(1, parts.total)
    runs: list[Run] = [(f" {duration_ns(parts.total)} =", ("strong",))]
    for name, spent in parts._asdict().items():
        if spent or name in ("queue", "run", "retry"):
            text = f" {_WORDS[name]} {duration_ns(spent)} {percent(spent / whole)} "
            runs.append((text, ("text",) if spent else ("muted",)))
    runs.append((" lock -", ("muted",)))  # its place: the engine does not tell it apart yet
    return tuple(runs)


def _around(monitor: Monitor, around: Neighbours) -> Iterable[Entry]:
    shared = sum(bool(n.stats) or n.same_routine for n in around.found)
    if not around.total:
        yield Entry(
            None, "Nothing ran at the same time that is neither cause nor effect", role="rule"
        )
        return
    shown = f", {len(around.found):,} listed" if len(around.found) < around.total else ""
    text = f"Concurrent with it: {around.total:,}{shown}, {shared:,} of them share something"
    yield Entry(None, text, role="rule")
    for neighbour in around.found:
        what = [f"{monitor.run.stat_name(number)}" for number in neighbour.stats]
        after = "both set " + ", ".join(what) if what else ""
        if neighbour.same_routine:
            after = f"{after}, same routine" if after else "same routine"
        yield Entry(neighbour.record, depth=1, after=after or "shares nothing")


def _role(entry: Entry) -> str:
    return "strong" if entry.role == "rule" else entry.role or "text"


def _figures(monitor: Monitor, record: RecordTuple, *, ascii: bool) -> str:
    """Worker, wait and run time, and how it ended."""
    lane = monitor.run.lane_label(record[log.WORKER], record[log.TIME])
    label = fit(lane.partition(" ")[0], 4)
    if record[log.KIND] != Kind.ACTIVATION:
        return f" {label} " + " " * 13
    timed = record[log.STARTED] > 0  # a failure in a job that is counted only has no times
    wait = duration_ns(record[log.STARTED] - record[log.QUEUED] if timed else None)
    took = duration_ns(record[log.TIME] - record[log.STARTED] if timed else None)
    mark = SIGN if is_synthetic(monitor, record) else " "
    if record[log.STATUS] == Status.FAILED:
        mark = "x"
    elif record[log.STATUS] == Status.RETRIED:
        mark = glyph(State.RETRY, ascii=ascii)
    return f" {label} {wait:>5} {took:>5} {mark}"
