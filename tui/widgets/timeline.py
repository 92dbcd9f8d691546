"""Threads and queues over time, the chosen event among them; here the time cursor is moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from time import perf_counter
from typing import NamedTuple

from rich.style import Style

from routilux.records import Kind, Status
from tui.model import log
from tui.model.monitor import Monitor
from tui.model.past import PastRun
from tui.model.rows import Key, State
from tui.model.run import Run as ModelRun
from tui.model.timeline import Axis, Scene, depths, known_depths, scene, shares, since
from tui.paint.bars import heat, sparkline
from tui.paint.canvas import Row, Run, Tag, fit, measure, merge
from tui.paint.chart import braille
from tui.paint.lanes import lane
from tui.paint.numbers import count, duration_ns, percent
from tui.session.messages import RecordTuple
from tui.themes import glyph, hues_of

from .choice import Choice, of_record
from .pane import Pane
from .telling import edge_told, told

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SECOND = 1_000_000_000
_UTIL = 6  # cells of the percentage at the right
_AGAIN_ASCII = "~"  # a small r would be a routine
_NO_TAIL: Run = (" " * _UTIL, ("muted",))
_CHART = 8  # rows of the chart of what waits at most
_LANES = 16  # threads in sight at most
#: A picture of what moves takes a tenth of the time at most: then it moves less often.
_REST = 9


class _Picture(NamedTuple):
    """Everything of a window but the cursor, as rows of whole width."""

    lanes: list[tuple[str, Row, str, bool]]
    ready: list[float]
    edges: list[tuple[str, list[float]]]
    scene: Scene
    work: dict[Key, int]


class TimelinePane(Pane):
    """Swim lanes, queues and the chosen event on one axis of time."""

    number = 41  # has no key of its own: ``t`` opens it

    def __init__(self) -> None:
        super().__init__()
        self.axis = Axis()
        self.scrub: Callable[[int], None] = lambda _time: None
        self._opening = False
        self._picture: _Picture | None = None
        self._drawn: tuple[object, ...] = ()
        self._rest_until = 0.0
        self._behind: tuple[object, str] = (None, "")

    @property
    def heading_text(self) -> str:
        """Its name."""
        return "Timeline"

    def link(self, monitor: Monitor) -> Choice:
        """The chosen event."""
        record = monitor.cursor.selected
        return of_record(monitor, record) if record is not None else Choice()

    def title(self, monitor: Monitor) -> str:
        """From when to when, how long a cell is, and where the cursor stands."""
        begin, end = self._window(monitor)
        origin, step = monitor.run.origin, self.axis.step
        digits = _digits(step)
        where = f"{_at(begin, origin, digits)}..{_at(end, origin, digits)}"
        time = monitor.cursor.time
        cursor = "now" if time is None else f"cursor {_at(time, origin, digits)}"
        return f"{where} ({duration_ns(end - begin)})  cell {duration_ns(step)}  {cursor}"

    # moving ---------------------------------------------------------------------------------------

    def open(self, monitor: Monitor) -> None:
        """Begin with what is being looked at: the chosen event, the past, or now."""
        self._monitor, self._picture = monitor.shown, None
        self._opening = True  # how wide it is shows once it has been laid out

    def _begin(self, monitor: Monitor) -> None:
        self._opening = False
        record, run = monitor.cursor.selected, _live(monitor)
        if record is not None and _is_timed(record):
            self._show_record(monitor, record)
        elif monitor.cursor.time is None:
            view = monitor.log.view
            recent = view[max(0, len(view) - 500)][log.TIME] if len(view) else run.now
            self.axis.fit(max(recent, run.origin), run.now, self._cells, follow=True)
        else:
            self.axis.reveal(monitor.cursor.time, self._cells, run.now)

    def _show_record(self, monitor: Monitor, record: RecordTuple) -> None:
        """The whole of an event, with as much again before and after it."""
        queued = record[log.QUEUED] or record[log.TIME]
        margin = max(record[log.TIME] - queued, 20 * 1_000)
        self.axis.fit(queued - margin, record[log.TIME] + margin, self._cells, follow=False)

    def fit(self, monitor: Monitor) -> None:
        """All that is kept; with an event chosen that first."""
        record, view = monitor.cursor.selected, monitor.log.view
        before = self.axis.step, self.axis.begin
        if record is not None and _is_timed(record):
            self._show_record(monitor, record)
        if (self.axis.step, self.axis.begin) == before or record is None:
            first = next((r[log.TIME] for r in view if r[log.KIND] != log.RULE), monitor.run.origin)
            first = max(first, monitor.run.origin)
            follow = monitor.cursor.time is None
            self.axis.fit(first, monitor.run.now, self._cells, follow=follow)
        self.redraw()

    def zoom(self, monitor: Monitor, direction: int) -> None:
        """Finer or coarser, around the cursor."""
        now = _live(monitor).now
        self.axis.zoom(direction, self._cells, monitor.cursor.time or now, now)
        self.redraw()

    def pan(self, direction: int) -> None:
        """Move the time cursor by a fortieth of the window; the window goes along."""
        if self._monitor is not None:
            time = self._monitor.cursor.time or _live(self._monitor).now
            self.scrub(time + direction * max(1, self._cells // 40) * self.axis.step)

    def page(self, direction: int) -> None:
        """Half a window to the left or the right, and the cursor with it."""
        if self._monitor is not None:
            time = self._monitor.cursor.time or _live(self._monitor).now
            self.scrub(time + direction * (self._cells // 2) * self.axis.step)

    def go_to_edge(self, direction: int) -> None:
        """To the oldest moment that is known, or to now."""
        if self._monitor is not None:
            self.scrub(_live(self._monitor).now if direction > 0 else 0)

    def follow(self) -> None:
        """The right border is now again."""
        self.axis.begin = None

    # painting -------------------------------------------------------------------------------------

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """Axis, lanes, queues, the chosen event, figures of the window, letters."""
        live = _live(monitor)
        if not monitor.run.routines():
            return (((" nothing has run yet", ("muted",)),),)
        self.hues = hues_of([row.name for row in monitor.run.routines()])
        if self._opening:
            self._begin(monitor)
        self._reveal(monitor)
        picture = self._draw(monitor, live)
        label, cells = self._label, self._cells
        at = self._column(monitor, picture.scene, cells)
        lanes = picture.lanes[: max(1, min(_LANES, height - 6))]
        chosen = self._selected(monitor, picture.scene, label, cells, at)
        figures = _figures(monitor.run, picture, width)
        parts: list[list[Row]] = [
            [self._axis_row(monitor, picture.scene, label, cells), *self._lane_rows(lanes, at)],
            [],
            chosen,
            [figures, *self._legend(monitor.run, picture, width, 3)],
        ]
        room = height - sum(map(len, parts))
        spread = room > 4 + min(len(picture.edges), 4)  # so many that blank lines part them
        parts[1] = self._queues(picture, at, room - 3 * spread)
        blank: Row = ((" ", ("muted",)),)
        lines: list[Row] = []
        for part in filter(None, parts):
            lines += [blank, *part] if spread and lines else part
        return lines

    def _lane_rows(self, lanes: Sequence[tuple[str, Row, str, bool]], at: int | None) -> list[Row]:
        return [
            _line(
                name,
                self._label,
                _crossed(row, at, self._bar),
                (f" {used:>{_UTIL - 1}}", ("good",) if at_work else ("muted",)),
            )
            for name, row, used, at_work in lanes
        ]

    def style(self, tag: Tag) -> Style:
        """Heat and marks."""
        colors = self.palette
        own = {
            "depth": colors.warn,
            "series": colors.warn,
            "mark_bad": colors.bad,
            "mark_again": colors.news,
        }
        return own.get(str(tag[0])) or super().style(tag)

    @property
    def _bar(self) -> str:
        return "|" if self.ascii else "│"

    @property
    def _label(self) -> int:
        width = self.content_size.width
        return 10 if width < 70 else 16 if width < 120 else 26

    @property
    def _cells(self) -> int:
        return max(10, self.content_size.width - self._label - _UTIL - 2)

    def _window(self, monitor: Monitor) -> tuple[int, int]:
        return self.axis.window(self._cells, _live(monitor).now)

    def _reveal(self, monitor: Monitor) -> None:
        if monitor.cursor.time is not None:
            self.axis.reveal(monitor.cursor.time, self._cells, _live(monitor).now)

    def _draw(self, monitor: Monitor, live: ModelRun) -> _Picture:
        """The picture of the window; what is still up to date is not drawn again."""
        window = self.axis.window(self._cells, live.now)
        moving = self.axis.begin is None or window[1] > live.now
        key = (window, self._cells, live.generation, live.wiring, self.ascii)
        if self._picture is not None:
            stands = not moving and self._drawn == key
            rests = moving and perf_counter() < self._rest_until and self._drawn[1:] == key[1:]
            if stands or rests:
                return self._picture
        begun = perf_counter()
        self._picture, self._drawn = self._paint(monitor, live, window), key
        took = perf_counter() - begun
        self._rest_until = begun + took * (1 + _REST) if took > 0.02 else 0.0
        return self._picture

    def _paint(self, monitor: Monitor, live: ModelRun, window: tuple[int, int]) -> _Picture:
        cells = self._cells
        found = scene(monitor.log.view, live.generation, window, live.at_work(), live.now)
        order = {row.key: place for place, row in enumerate(live.routines())}
        targets = live.targets()
        keys = {edge: order[key] for edge, key in targets.items() if key in order}
        lanes = []
        for number in live.threads():
            shared = shares(found.spans.get(number, ()), *window, cells, keys)
            row = lane(shared, lambda n: _LETTERS[n % 26], ascii=self.ascii)
            row = self._marked(row, found.marks.get(number, ()), window)
            busy = sum(share for _, share in shared) / cells
            lanes.append((live.lane_label(number), row, percent(busy), busy > 0.01))
        edges = self._depths(monitor, found, window)
        ready = [sum(column) for column in zip(*edges.values(), strict=True)] or [0.0] * cells
        named = [(edge_told(live, n, self._label), row) for n, row in edges.items() if max(row)]
        named.sort(key=lambda item: -max(item[1]))
        work: Counter[Key] = Counter()
        for spans in found.spans.values():
            for edge, started, ended in spans:
                if edge in targets:
                    work[targets[edge]] += min(ended, window[1]) - max(started, window[0])
        return _Picture(lanes, ready, named, found, dict(work))

    def _depths(
        self, monitor: Monitor, found: Scene, window: tuple[int, int]
    ) -> dict[int, list[float]]:
        """What waited per edge: the more of what records show and what was counted."""
        moments = monitor.past.between(*window)
        counted = known_depths(moments, *window, self._cells)
        for edge, waits in found.waits.items():
            seen = depths(waits, *window, self._cells)
            known = counted.get(edge)
            counted[edge] = [max(a, b) for a, b in zip(seen, known, strict=True)] if known else [
                float(a) for a in seen
            ]  # fmt: skip
        return counted

    def _marked(self, row: Row, marks: Sequence[tuple[int, int]], window: tuple[int, int]) -> Row:
        """With a sign where something failed."""
        cells = list(_each(row))
        for time, status in marks:
            place = min(len(cells) - 1, (time - window[0]) // self.axis.step)
            again = status == Status.RETRIED and cells[place][0] != "x"
            sign = (_AGAIN_ASCII if self.ascii else glyph(State.RETRY)) if again else "x"
            cells[place] = (sign, ("mark_again",) if again else ("mark_bad",))
        return merge(cells)

    def _column(self, monitor: Monitor, shown: Scene, cells: int) -> int | None:
        time = monitor.cursor.time
        if time is None:
            return None
        column = (time - shown.begin) // max(1, (shown.end - shown.begin) // cells)
        return column if 0 <= column < cells else None

    def _axis_row(self, monitor: Monitor, shown: Scene, label: int, cells: int) -> Row:
        every = 10 if cells < 100 else 20
        step = (shown.end - shown.begin) // cells
        digits = _digits(step)
        text = ""
        for cell in range(0, cells - 8, every):
            time = shown.begin + cell * step
            text += fit(
                _at(time, monitor.run.origin, digits) if time >= monitor.run.origin else "", every
            )
        return (
            (" " * (label + 2), ("muted",)),
            (fit(text, cells), ("muted",)),
            ("  busy", ("muted",)),
        )

    def _queues(self, picture: _Picture, at: int | None, room: int) -> list[Row]:
        """All that waits as a chart, then the edges with most of it as heat."""
        if room < 1:
            return []
        cells, top = self._cells, max(picture.ready, default=0)
        shown = picture.edges[: max(0, room - 1)]
        tall = max(1, min(_CHART, room - len(shown)))
        head = f"waiting {count(round(top))}" if top else "waiting"
        rows: Sequence[Row]
        if tall < 3:
            tag: Tag = ("depth",) if top else ("muted",)
            rows = (((sparkline(picture.ready, cells, ascii=self.ascii), tag),),)
        else:
            twice = [value for value in picture.ready for _ in range(2)]  # dots stand in pairs
            rows = braille([twice], cells, tall, top=top or 1, ascii=self.ascii)
        lines = [
            _line(head if not n else "", self._label, _crossed(row, at, self._bar), _NO_TAIL)
            for n, row in enumerate(rows)
        ]
        for name, row in shown:
            most = (f" {count(round(max(row))):>{_UTIL - 1}}", ("muted",))
            drawn = _warm(heat(row, cells, ascii=self.ascii))
            lines.append(_line(name, self._label, _crossed(drawn, at, self._bar), most))
        return lines

    def _selected(
        self, monitor: Monitor, shown: Scene, label: int, cells: int, at: int | None
    ) -> list[Row]:
        """From where its cause emitted it to where it ran, and what it waited for."""
        record = monitor.cursor.selected
        if record is None or not _is_timed(record):
            return []
        origin = monitor.run.origin
        queued, started, ended = record[log.QUEUED], record[log.STARTED], record[log.TIME]
        arrow = _arrow((queued, started, ended), shown, cells, ascii=self.ascii)
        lane = monitor.run.lane_label(record[log.WORKER], record[log.TIME])
        head = f"#{count(record[log.SEQUENCE])} {lane}"
        digits = _digits(max(1_000, (shown.end - shown.begin) // cells))
        name = told(monitor, record, 40)
        times = " > ".join(
            f"{word} {_at(time, origin, digits)}"
            for word, time in (("queued", queued), ("started", started), ("ended", ended))
        )
        figures = f"wait {duration_ns(started - queued)} run {duration_ns(ended - started)}"
        width = self.content_size.width
        second = f" {name}  {times}  {figures}"
        if measure(second) > width:
            second = f" {times}  {figures}"
        rows = [
            _line(head, label, _crossed(arrow, at, self._bar), _NO_TAIL),
            ((fit(second, width), ("text",)),),
        ]
        behind = self._waited_for(monitor, record)
        return [*rows, ((fit(f" {behind}", width), ("text",)),)] if behind else rows

    def _waited_for(self, monitor: Monitor, record: RecordTuple) -> str:
        """Whose handlers began while it waited."""
        if self._behind[0] == record:
            return self._behind[1]
        queued, started = record[log.QUEUED], record[log.STARTED]
        targets = monitor.run.targets()
        before = Counter(
            targets.get(r[log.SUBJECT])
            for r in since(monitor.log.view, queued)
            if r[log.KIND] == Kind.ACTIVATION
            and queued <= r[log.STARTED] < started
            and r[log.GENERATION] == record[log.GENERATION]
        )
        text = ""
        if total := before.total():
            key, most = before.most_common(1)[0]
            name = monitor.run.routine_name(key) if key else "?"
            text = f"while it waited {count(total)} others began, {percent(most / total)} of {name}"
        self._behind = (record, text)
        return text

    def _legend(self, run: ModelRun, picture: _Picture, width: int, lines: int) -> list[Row]:
        """Which letter is which routine, the busiest first."""
        order = {row.key: place for place, row in enumerate(run.routines())}
        rows: list[list[Run]] = [[]]
        room = width
        for key in sorted(picture.work, key=lambda k: -picture.work[k]):
            if key not in order:
                continue
            text = f" {_LETTERS[order[key] % 26]} {run.routine_name(key)} "
            text = fit(text, min(measure(text), width))
            if measure(text) > room:
                if len(rows) == lines:
                    break
                rows.append([])
                room = width
            rows[-1].append((text, ("routine", order[key])))
            room -= measure(text)
        return [tuple(row) for row in rows if row]


def _is_timed(record: RecordTuple) -> bool:
    """Whether it is of a handler whose times are known."""
    return record[log.KIND] == Kind.ACTIVATION and record[log.STARTED] > 0


def _live(monitor: Monitor) -> ModelRun:
    """The run as it is now, whatever moment is shown."""
    run = monitor.run
    return run.live if isinstance(run, PastRun) else run


def _digits(step: int) -> int:
    """Decimals of a second that tell two cells apart."""
    return 3 if step >= 1_000_000 else 6


def _at(time: int, origin: int, digits: int) -> str:
    return f"{(time - origin) / _SECOND:.{digits}f}"


def _line(name: str, label: int, row: Row, tail: Run) -> Row:
    return ((f" {fit(name, label)} ", ("strong",)), *row, tail)


def _warm(text: str) -> Row:
    """A heat row in which only what waits stands out."""
    return merge((cell, ("idle",) if cell in "·. " else ("depth",)) for cell in text)


def _each(row: Row) -> list[Run]:
    """A row as runs of one cell; its glyphs are all of one cell."""
    return [(char, tag) for text, tag in row for char in text]


def _crossed(row: Row, at: int | None, bar: str) -> Row:
    """With the cursor in its column."""
    if at is None:
        return row
    found: list[Run] = []
    place = 0
    for text, tag in row:
        if place <= at < place + len(text):
            split = at - place
            found += [(text[:split], tag), (bar, ("accent",)), (text[split + 1 :], tag)]
        else:
            found.append((text, tag))
        place += len(text)
    return tuple(run for run in found if run[0])


def _arrow(times: tuple[int, int, int], shown: Scene, cells: int, *, ascii: bool) -> Row:
    """``o`` where it was queued, a line while it waited, ``>`` where it started, then its run."""
    step = (shown.end - shown.begin) / cells
    queued, started, ended = (int((time - shown.begin) // step) for time in times)
    drawn: list[Run] = []
    for cell in range(cells):
        if cell < queued or cell > ended:
            drawn.append((" ", ("muted",)))
        elif cell == started:
            drawn.append((">", ("accent",)))
        elif cell == queued:
            drawn.append(("o", ("accent",)))
        elif cell < started:
            drawn.append(("-" if ascii else "─", ("depth",)))
        else:
            drawn.append(("#" if ascii else "█", ("good",)))
    return merge(drawn)


def _figures(run: ModelRun, picture: _Picture, width: int) -> Row:
    """How much of the window was work, and whose."""
    shown, work = picture.scene, picture.work
    span = max(1, shown.end - shown.begin)
    total = sum(work.values())
    text = f" {count(shown.runs)} runs  work {duration_ns(total)}"
    text += f"  parallelism {total / span:.1f} of {len(picture.lanes)}"
    if total:
        key = max(work, key=work.__getitem__)
        text += f"  most {run.routine_name(key)} {percent(work[key] / total)}"
    return ((fit(text, width), ("muted",)),)
