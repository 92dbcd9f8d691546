"""Answers to commands that only look: each a few sentences about the model."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tui.errors import did_you_mean
from tui.model import log
from tui.model.causality import Causality, Missing
from tui.model.chain import Chain, chain_of
from tui.model.jobs import JobRow
from tui.model.monitor import Monitor
from tui.model.rows import RoutineRow, State
from tui.paint.canvas import clean
from tui.query.compiling import compiled
from tui.query.nodes import QueryError
from tui.query.records import events_table
from tui.session.messages import RecordTuple

from .words import event, listed, percent, phase, rate, spoken, state, times

#: Rows of an answer; how many more there are is told.
MOST = 20
EVENTS = 10
#: Jobs that have ended, told of.
ENDED = 5
#: Steps of a chain at its beginning and at its end.
_ENDS = 10


def status(monitor: Monitor) -> list[str]:
    """Everything at a glance."""
    run, jobs = monitor.run, monitor.run.standing
    said = [f"{phase(monitor)}, generation {run.generation}, for {spoken(run.elapsed_ns)}"]
    more = [
        (jobs.paused, "paused"), (jobs.completed, "completed"), (jobs.failed, "failed"),
        (jobs.cancelled, "cancelled"),
    ]  # fmt: skip
    said.append(
        f"{times(jobs.open_jobs, 'job')} open"
        + "".join(f", {number:,} {word}" for number, word in more if number)
    )
    said.append(
        f"{rate(run.rate.per_second)} runs a second, {times(run.done, 'run')} so far, "
        + times(run.errors, "error")
    )
    said += _waiting(monitor)
    threads = [row for row in run.lanes() if row.coroutines is None]
    if threads:
        busy = sum(row.busy for row in threads) / len(threads)
        said.append(f"{times(len(threads), 'worker')}, {percent(busy)} busy")
    if monitor.kept < 1 or run.every > 1:
        traced = f", one job in {run.every} is traced" if run.every > 1 else ""
        said.append(
            f"{percent(monitor.kept)} of the event records are kept{traced}; counts are exact"
        )
    said.append(f"watching costs {percent(monitor.cost.total)} of a core")
    return said


def _waiting(monitor: Monitor) -> list[str]:
    run, jobs = monitor.run, monitor.run.standing
    most = max(run.routines(), key=lambda row: row.queue, default=None)
    where = f", most for {clean(most.name)}: {most.queue:,}" if most and most.queue else ""
    said = [f"{times(run.waiting, 'delivery', 'deliveries')} waiting{where}"]
    later = [
        (jobs.retries, "to be tried again"),
        (jobs.timers, "on a timer"),
        (jobs.dropped, "dropped"),
    ]
    return said + [f"{number:,} {word}" for number, word in later if number]


def summary(monitor: Monitor) -> str:
    """One sentence: what the flow does, how fast, what waits and what is wrong."""
    run, jobs = monitor.run, monitor.run.standing
    parts = [
        phase(monitor),
        f"{rate(run.rate.per_second)} runs a second",
        times(run.errors, "error"),
        f"{times(jobs.open_jobs, 'job')} open",
    ]
    if run.waiting:
        most = max(run.routines(), key=lambda row: row.queue)
        parts.append(f"{run.waiting:,} waiting, {most.queue:,} of them for {clean(most.name)}")
    if jobs.dropped:
        parts.append(f"{jobs.dropped:,} dropped")
    if monitor.kept < 1:
        parts.append(f"{percent(monitor.kept)} of the records kept")
    return ", ".join(parts)


def routines(monitor: Monitor, name: str = "") -> list[str]:
    """A line for each routine, or all about one."""
    rows = monitor.run.routines()
    if not rows:
        return ["there is no routine yet"]
    if name:
        found = [row for row in rows if row.name == name]
        if not found:
            return [_unknown("routine", name, [row.name for row in rows])]
        return _routine(monitor, found[0])
    said = [f"{times(len(rows), 'routine')}: {_by_state(rows)}"]
    return said + _some([f"{clean(row.name)}: {_short(row)}" for row in rows], "routine")


def _by_state(rows: Sequence[RoutineRow]) -> str:
    found = [(sum(row.state is each for row in rows), each.value) for each in State]
    return listed([f"{number} {word}" for number, word in found if number])


def _short(row: RoutineRow) -> str:
    parts = [state(row), f"{row.queue:,} waiting", f"{rate(row.in_rate)} in a second"]
    parts.append(f"waits {spoken(row.wait99)}, runs {spoken(row.run99)} at the 99th percentile"
                 if row.run99 is not None else times(row.done, "run"))  # fmt: skip
    parts += [times(row.errors, "error")] if row.errors else []
    parts += [f"{row.later:,} to come later"] if row.later else []
    parts += [f"{row.dropped:,} dropped"] if row.dropped else []
    return ", ".join(parts)


def _routine(monitor: Monitor, row: RoutineRow) -> list[str]:
    run = monitor.run
    said = [f"{clean(row.name)}, class {clean(row.cls)}: {_short(row)}, {times(row.done, 'run')}"]
    for edge in run.edges():
        if row.key in (edge.source, edge.target):
            name, how = clean(run.edge_name(edge.number)), f"{rate(edge.rate)} a second"
            said.append(f"{name}: {how}, {edge.queue:,} waiting, {edge.total:,} so far")
    values = [f"{s.name} is {s.value}" for s in run.stats() if s.key == row.key]
    return said + [clean(value) for value in values]


def events(monitor: Monitor, text: str = "") -> list[str]:
    """The newest events that a filter keeps, the oldest of them first."""
    try:
        test = compiled(text, events_table(monitor))
    except QueryError as error:
        return [f"the filter is wrong at column {error.column + 1}: {error.message}"]
    view = monitor.log.view
    newest: list[RecordTuple] = []
    total = 0
    for place in range(len(view) - 1, -1, -1):
        record = view[place]
        if test is None or test(record):
            total += 1
            if len(newest) < EVENTS:
                newest.append(record)
    if not newest:
        return [
            "no event is kept yet" if not len(view) else f"none of {len(view):,} events matches"
        ]
    matching = "matching " if text else ""
    said = [f"{times(total, f'{matching}event')}, the newest {len(newest)} are"]
    return said + [event(monitor, record) for record in reversed(newest)]


def why(monitor: Monitor, text: str) -> list[str]:
    """The chain of causes of an event by its number; without one, of the newest failure."""
    word = text.lstrip("#").replace(",", "")
    if word and not word.isdecimal():
        return [f"{text!r} is no number of an event: events tells the numbers"]
    view = monitor.log.view
    wanted = int(word) if word else None
    for place in range(len(view) - 1, -1, -1):
        record = view[place]
        failed = record[log.STATUS] == 1 and log.is_activation(record)
        if record[log.SEQUENCE] == wanted if wanted is not None else failed:
            break
    else:
        if wanted is None:
            return ["nothing has failed among the events that are kept: why NUMBER asks of another"]
        return [f"event {wanted} is not kept: events tells those that are"]
    if record[log.KIND] == log.RULE:
        return ["that is where a generation begins"]
    generation = record[log.GENERATION]
    index = Causality(view, generation, monitor.run_of(generation))
    return _chain(monitor, chain_of(index, record), record)


def _chain(monitor: Monitor, chain: Chain, record: RecordTuple) -> list[str]:
    parts = chain.parts
    spent = [f"{spoken(ns)} {_PARTS[name]}" for name, ns in parts._asdict().items() if ns]
    said = [f"event {record[log.SEQUENCE]} came {spoken(parts.total)} after its beginning: "
            + (listed(spent) or "no time was spent")]  # fmt: skip
    if chain.missing is not Missing.NOTHING:
        said.append(f"not all of it is known: {chain.missing.value}")
    steps = [
        f"step {number}: {event(monitor, step.record)}"
        + (f", after {times(len(step.tries), 'failed try', 'failed tries')}" if step.tries else "")
        for number, step in enumerate(chain.steps, 1)
    ]
    if len(steps) > 2 * _ENDS:
        left = len(steps) - 2 * _ENDS
        steps = [*steps[:_ENDS], f"{times(left, 'step')} left out", *steps[-_ENDS:]]
    error = monitor.log.error(record)
    return said + steps + [clean(line) for line in error.splitlines()]


_PARTS = {
    "queue": "in queues",
    "run": "at work",
    "retry": "until it was tried again",
    "timer": "on a timer",
    "other": "on something else",
}


def jobs(monitor: Monitor) -> list[str]:
    """A line for each open job, then for those that have ended last."""
    run = monitor.run
    rows = run.jobs.rows(run.recent, run.now)
    if not rows:
        return [
            "there is no job yet" if run.jobs.listed else "the engine has not told of its jobs yet"
        ]
    still = [row for row in rows if not row.ended]
    ended = [row for row in rows if row.ended][:ENDED]
    said = _some([_job(monitor, row) for row in still], "open job")
    return [f"{times(run.open_jobs, 'job')} open", *said, *(_job(monitor, row) for row in ended)]


def _job(monitor: Monitor, row: JobRow) -> str:
    total = f" of {row.total:,}" if row.total is not None else ""
    age = f" after {spoken(row.age_ns)}" if row.age_ns is not None else ""
    entry = ""
    if row.entry > 0:
        entry = f", begun at {clean(monitor.run.edge_short(row.entry).rpartition('>')[2])}"
    errors = f", {times(row.errors, 'error')}" if row.errors else ""
    error = f": {clean(row.error.partition(chr(10))[0])}" if row.error else ""
    return f"job {row.number} {row.status}{age}, {row.done:,}{total} done{entry}{errors}{error}"


def errors(monitor: Monitor, text: str = "") -> list[str]:
    """Errors by kind and place; with the number of one, its newest traceback."""
    run, groups = monitor.run, monitor.run.failures.groups()
    if not groups:
        return ["nothing has failed"]
    if text:
        if not text.isdecimal() or not 1 <= int(text) <= len(groups):
            return [f"there is no error {clean(text)}: they go from 1 to {len(groups)}"]
        found = groups[int(text) - 1].traceback
        return [clean(line) for line in found.splitlines()] or ["its traceback did not get here"]
    said = []
    for number, group in enumerate(groups, 1):
        place = group.place
        where = f" at {place.file.rpartition('/')[2]}:{place.line}" if place.file else ""
        again = f", {group.retried:,} tried again" if group.retried else ""
        last = spoken(max(0, run.now - group.last))
        text = (
            f"error {number}: {run.routine_name(group.key)}, {place.kind}: {place.message}{where}"
        )
        said.append(clean(f"{text}, {times(group.count, 'time')} for good{again}, last {last} ago"))
    return [
        f"{times(run.errors, 'failure')} for good",
        *_some(said, "kind of error", "kinds of error"),
    ]


def stats(monitor: Monitor) -> list[str]:
    """The statistics that routines keep."""
    rows = monitor.run.stats()
    said = []
    for row in rows:
        grows = f", growing by {rate(row.rate)} a second" if row.rate else ""
        said.append(clean(f"{row.routine}.{row.name} is {row.value}{grows}"))
    return _some(said, "statistic") or ["there are no statistics"]


def workers(monitor: Monitor) -> list[str]:
    """What each thread does."""
    run = monitor.run
    said = []
    for row in run.lanes():
        if row.coroutines is not None:
            does = times(row.coroutines, "coroutine")
        elif row.routine is not None:
            does = f"runs {clean(run.routine_name(row.routine))} for {spoken(row.running_ns)}"
        else:
            does = "idle"
        said.append(f"{clean(row.label)}: {does}, {percent(row.busy)} busy")
    return _some(said, "thread") or ["no handler has run yet"]


def _some(rows: Sequence[str], thing: str, things: str = "") -> list[str]:
    """As many as can be listened to, and how many more there are."""
    left = len(rows) - MOST
    return (
        [*rows[:MOST], f"and {times(left, f'more {thing}', f'more {things or thing + chr(115)}')}"]
        if left > 0
        else list(rows)
    )


def _unknown(thing: str, name: str, names: Sequence[str]) -> str:
    return f"there is no {thing} {clean(name)!r}{did_you_mean(name, names)}"


Answer = Callable[[Monitor, str], list[str]]

#: Commands that only look: what follows them, what they tell, and who answers.
ANSWERS: dict[str, tuple[str, str, Answer]] = {
    "status": ("", "how the flow is", lambda monitor, _: status(monitor)),
    "routines": ("[NAME]", "each routine, or all about one", routines),
    "workers": ("", "what each thread does", lambda monitor, _: workers(monitor)),
    "events": ("[FILTER]", f"the newest {EVENTS} events, or those that a filter keeps", events),
    "why": ("[NUMBER]", "the causes of an event; alone, of the newest failure", why),
    "jobs": (
        "",
        f"open jobs, and the newest {ENDED} that have ended",
        lambda monitor, _: jobs(monitor),
    ),
    "errors": ("[NUMBER]", "errors by kind, or the traceback of one", errors),
    "stats": ("", "the statistics that routines keep", lambda monitor, _: stats(monitor)),
}
