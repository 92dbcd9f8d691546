"""Everything about one routine, for its own screen. Reads the run; nothing is kept here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from routilux.histogram import Bins, bounds, percentile
from routilux.records import Status
from tui.session.messages import EdgeInfo, RecordTuple, RoutineInfo

from . import log
from .gauges import RoutineGauge
from .history import SECOND, Window
from .monitor import Monitor
from .names import made_up
from .rows import Key, RoutineRow
from .run import Run

#: Percentiles of the latency table, and what they are called.
SHARES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"), (1.0, "max"))
#: The windows of the latency table; the last is everything.
WINDOWS = ("10 s", "60 s", "all")


#: A look finds a change within so many nanoseconds, also where the program is slow.
_LATE = 2 * SECOND


class SlotRow(NamedTuple):
    """A slot: what waits in it, how fast it fills, what its limit has cost (room 0: no limit)."""

    name: str
    merge: str
    handler: str
    rate: float
    queue: int
    room: int
    blocked: int
    dropped: int


class EventRow(NamedTuple):
    """An event: how fast and how often it was emitted, and what it leads to."""

    name: str
    rate: float
    total: int
    targets: tuple[str, ...]


class LatencyRow(NamedTuple):
    """One line of the latency table: ``what`` is run or wait, times as in `SHARES`. Calls that were
    not traced have no times and are none of the ``samples``.
    """

    what: str
    window: str
    samples: int
    times: tuple[int | None, ...]
    bins: Bins


class Neighbour(NamedTuple):
    """A routine next to this one (None: an entry, or a timer) and its share of the traffic."""

    key: Key | None
    name: str
    share: float
    rate: float
    total: int


class OwnStat(NamedTuple):
    """A statistic with its last change. ``since_ns`` is None when it never changed while watched,
    ``writer`` what changed it, empty when no record told.
    """

    name: str
    value: int | float | str
    rate: float | None
    changed: bool
    since_ns: int | None
    writer: str
    values: list[float | None]


class ActivationRow(NamedTuple):
    """A handler call that has ended or, with ``state`` running, has not. Times are nanoseconds, and
    None where they are not known: of what is not traced only failures are told, and what runs,
    which has no id then (0) and is named by lane and edge.
    """

    activation: int
    lane: int
    edge: int
    number: int | None
    worker: str
    begun: int
    wait: int | None
    took: int | None
    state: str
    cause: str
    text: str


class Detail(NamedTuple):
    """What the screen of a routine shows."""

    key: Key
    flow: str
    row: RoutineRow
    info: RoutineInfo
    slots: tuple[SlotRow, ...]
    events: tuple[EventRow, ...]
    latency: tuple[LatencyRow, ...]
    callers: tuple[Neighbour, ...]
    callees: tuple[Neighbour, ...]


def find(run: Run, flow: str, routine: str) -> Key | None:
    """The routine of that flow and name in this generation; it may have another place in it. A flow
    without a name has another id each time, so the only routine of that name will do.
    """
    named = [
        (info.id, (info.number, each.number))
        for info in run.flows.values()
        for each in info.routines
        if each.id == routine
    ]
    if len(named) == 1 and made_up(flow) and made_up(named[0][0]):
        return named[0][1]
    return next((key for name, key in named if name == flow), None)


def detail(run: Run, key: Key) -> Detail | None:
    """Everything but the lists that may be long."""
    flow, gauge = run.flows.get(key[0]), run._routines.get(key)
    if flow is None or gauge is None:
        return None
    info = flow.routines[key[1]]
    edges = [(n, edge) for n, (number, edge) in run._edges.items() if number == key[0]]
    into = [(n, edge) for n, edge in edges if edge.target == key[1]]
    out = [(n, edge) for n, edge in edges if edge.source == key[1]]
    return Detail(
        key,
        flow.id,
        gauge.row(run.now),
        info,
        tuple(_slots(run, key, info, into)),
        tuple(_events(run, key, info, out)),
        latency(gauge),
        _neighbours(run, [(n, _source(key, edge), edge.event) for n, edge in into]),
        _neighbours(run, [(n, (key[0], edge.target), "") for n, edge in out]),
    )


def _source(key: Key, edge: EdgeInfo) -> Key | None:
    return (key[0], edge.source) if edge.source >= 0 else None


def _slots(
    run: Run, key: Key, info: RoutineInfo, into: list[tuple[int, EdgeInfo]]
) -> list[SlotRow]:
    state = run.states.get(key[0])
    boxes = {b.slot: b for b in (state.boxes if state else ()) if b.routine == key[1]}
    rows = []
    for slot in info.slots:
        numbers = [n for n, edge in into if edge.slot == slot.name]
        box = boxes.get(slot.name)
        rows.append(
            SlotRow(
                slot.name,
                slot.merge,
                slot.handler,
                sum(run.edge_rate(n) for n in numbers),
                sum(run.edge_queue(n) for n in numbers),
                box.room if box else 0,
                box.blocked if box else 0,
                box.dropped if box else 0,
            )
        )
    return rows


def _events(
    run: Run, key: Key, info: RoutineInfo, out: list[tuple[int, EdgeInfo]]
) -> list[EventRow]:
    rows = []
    for number, name in info.events:
        edges = [(n, edge) for n, edge in out if edge.event_number == number]
        targets = [f"{run.routine_name((key[0], e.target))}.{e.slot}" for _, e in edges]
        rows.append(
            EventRow(
                name,
                max((run.edge_rate(n) for n, _ in edges), default=0.0),
                run.emitted(number) + max((run.edge_total(n) for n, _ in edges), default=0),
                tuple(targets),
            )
        )
    return rows


def latency(gauge: RoutineGauge) -> tuple[LatencyRow, ...]:
    """Run times, then wait times, each in the three windows."""
    rows = []
    for what, short, long in (
        ("run", gauge.run, gauge.run_minute),
        ("wait", gauge.wait, gauge.wait_minute),
    ):
        for window, bins in zip(WINDOWS, _windows(short, long), strict=True):
            times = tuple(percentile(bins, share) for share, _ in SHARES)
            rows.append(LatencyRow(what, window, sum(bins.values()), times, bins))
    return tuple(rows)


def bin_rows(histograms: Sequence[Bins]) -> list[tuple[int, ...]]:
    """The bins that any of some histograms uses: from, to (ns), and the count in each of them."""
    used = sorted({index for bins in histograms for index in bins})
    return [(*bounds(i), *(bins.get(i, 0) for bins in histograms)) for i in used]


def _windows(short: Window, long: Window) -> tuple[Bins, Bins, Bins]:
    return short.recent, long.recent, short.total


def _neighbours(run: Run, edges: list[tuple[int, Key | None, str]]) -> tuple[Neighbour, ...]:
    """By routine, the busiest first; shares are of what all these edges have carried so far."""
    found: dict[Key | str, tuple[Key | None, str, float, int]] = {}
    for number, key, event in edges:
        name = run.routine_name(key) if key is not None else event
        _, _, rate, total = found.get(key or event, (None, "", 0.0, 0))
        carried = total + run.edge_total(number)
        found[key or event] = (key, name, rate + run.edge_rate(number), carried)
    everything = sum(total for *_, total in found.values())
    rows = [
        Neighbour(key, name, total / everything if everything else 0.0, rate, total)
        for key, name, rate, total in found.values()
    ]
    return tuple(sorted(rows, key=lambda row: -row.total))


# lists -------------------------------------------------------------------------------------------


def own_stats(run: Run, key: Key) -> list[OwnStat]:
    """The statistics of a routine by name, with who wrote them last."""
    flow = run.flows.get(key[0])
    if flow is None:
        return []
    routine = flow.routines[key[1]].id
    rows = []
    for row in run.stats():
        if row.key != key:
            continue
        changed = run.stat_changed(key, row.name)
        write = run.recent.write(key[0], routine, row.name)
        if write is not None and changed is not None and changed - write.time > _LATE:
            write = None  # it was changed since by what is not traced
        if write is not None:
            changed = max(changed or 0, write.time)
        rows.append(
            OwnStat(
                row.name,
                row.value,
                row.rate,
                row.changed,
                max(0, run.now - changed) if changed is not None else None,
                _writer(run, key, write.activation, write.worker) if write is not None else "",
                run.stat_history.values((key, row.name)),
            )
        )
    return rows


def _writer(run: Run, key: Key, activation: int, worker: int) -> str:
    """``w3 #88123``: the number that the events have, where the record is still known."""
    lane = run.lane_label(worker)
    if not activation:
        return f"{lane}, outside of handlers"
    for record in run.recent.activations(key):
        if record[log.ACTIVATION] == activation:
            return f"{lane} #{record[log.SEQUENCE]}"
    return lane


def running(run: Run, key: Key) -> list[ActivationRow]:
    """The activations of a routine that run now, the one that began first at the top."""
    rows = []
    for number, lane in run._lanes.items():
        if lane.running is None or run.edge_target(lane.running[0]) != key:
            continue
        edge, since, activation = lane.running
        label, took = run.lane_label(number), max(0, run.now - since)
        cause = run.edge_source(edge)
        rows.append(
            ActivationRow(
                activation, number, edge, None, label, since, None, took, "running", cause, ""
            )
        )
    return sorted(rows, key=lambda row: row.begun)


def activations(monitor: Monitor, key: Key, most: int = 200) -> list[ActivationRow]:
    """What runs, then the newest that have ended."""
    run = monitor.run
    ended = run.recent.activations(key)[:most]
    return running(run, key) + [_ended(monitor, record) for record in ended]


def _ended(monitor: Monitor, record: RecordTuple) -> ActivationRow:
    run = monitor.run
    timed = record[log.STARTED] > 0
    cause = run.edge_source(record[log.SUBJECT])
    return ActivationRow(
        record[log.ACTIVATION],
        record[log.WORKER],
        record[log.SUBJECT],
        record[log.SEQUENCE],
        run.lane_label(record[log.WORKER], record[log.TIME]),
        record[log.STARTED] if timed else record[log.TIME],
        record[log.STARTED] - record[log.QUEUED] if timed else None,
        record[log.TIME] - record[log.STARTED] if timed else None,
        _STATES.get(record[log.STATUS], "ok"),
        f"{cause} by hand" if record[log.JOB] in run.synthetic else cause,
        monitor.log.text(record),
    )


_STATES: dict[int, str] = {
    Status.FAILED: "failed",
    Status.RETRIED: "retried",
    Status.CANCELLED: "cancelled",
}
