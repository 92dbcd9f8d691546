"""The same session without a screen: a summary for people, JSON lines for programs, exit codes."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from routilux.records import SCHEMA, Drop, Kind, Line, Status
from tui.filters import project_of
from tui.findings.registry import Thresholds
from tui.findings.report import as_record, as_text
from tui.findings.watch import Watch, settle
from tui.model.monitor import Monitor
from tui.model.rows import Standing
from tui.mutes import Mutes, mutes_file
from tui.paint.numbers import count, duration_ns
from tui.session.events import Event, Output
from tui.session.messages import Pull, RecordTuple, Snapshot
from tui.targets import Target
from tui.unseen import Unseen

_RECORDS = 20_000  # a look takes every record that a normal run publishes meanwhile
_KINDS = {kind.value: kind.name.lower() for kind in Kind}
_OF_EDGES = (Kind.ACTIVATION, Kind.JOB_STARTED, Kind.DROPPED, Kind.WAITING)
_REASONS = {why.value: why.name.lower() for why in Drop}
_STREAMS = {line.value: line.name.lower() for line in Line}
_STATUS = {status.value: status.name.lower() for status in Status}


def run(
    target: Target,
    *,
    as_json: bool,
    timeout: float | None,
    lints: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
) -> int:
    """Run a target once and report. Findings do not change the exit code.

    Args:
        target: what to run.
        as_json: one record per line on stdout and nothing else there; else a summary, with the
            findings on stderr.
        timeout: seconds; None lets the flow take as long as it takes.
        lints: thresholds by lint and name: see `tui.findings.registry.Thresholds`.

    Returns:
        The exit code: 0 ok, 1 a routine or the script failed, 3 could not load, 4 timeout,
        130 interrupted.

    Raises:
        UsageError: a threshold that there is not.
    """
    watch = Watch(Thresholds.from_mapping(lints))
    return asyncio.run(_Headless(target, as_json, watch).run(timeout))


class _Headless(Unseen):
    def __init__(self, target: Target, as_json: bool, lints: Watch) -> None:
        super().__init__(target)
        self._lints = lints
        start = target.path.parent if target.path else Path.cwd()
        self._mutes = Mutes(mutes_file(project_of(start)))
        self._monitor.findings.muted = self._mutes.reasons
        self._json = as_json
        self._lost = 0

    async def begin(self) -> None:
        if self._json:
            self._print_line({"schema": SCHEMA, "target": self._monitor.label})

    async def end(self) -> None:
        if not self._json:
            self._write(summary(self._monitor, self.how()).encode())
        self._tell_findings()

    async def look(self) -> None:
        pull = Pull(records=_RECORDS, previews=200, histograms=True, sample=not self._json)
        snapshot = await self._session.pull(pull, self.patience)
        if snapshot is not None:
            self._monitor.apply(snapshot)
            self._lints.look(self._monitor)
            if self._json:
                self._print_records(snapshot)

    def handle(self, event: Event) -> None:
        super().handle(event)
        if isinstance(event, Output):
            # Human text: beside the summary on stdout, but never between JSON lines.
            self._write(event.data, is_error=self._json or event.is_error)

    def _tell_findings(self) -> None:
        """What looks wrong: for people on stderr, for programs as lines of their own kind."""
        found = settle(self._lints, self._monitor)
        if self._json:
            for finding in found:
                self._print_line(as_record(finding))
        text = self._mutes.trouble + "\n" if self._mutes.trouble else ""
        if not self._json:
            text += as_text(found, self._monitor.findings.hidden)
        if text:
            self._write(text.encode(errors="backslashreplace"), is_error=True)

    # JSON lines ---------------------------------------------------------------------------------

    def _print_records(self, snapshot: Snapshot) -> None:
        lost = snapshot.published - snapshot.received
        if lost > self._lost:
            self._print_line({"kind": "lost", "records": lost - self._lost})
            self._lost = lost
        lines = [_encode(self._as_dict(record)) for record in snapshot.records]
        if lines:
            self._write(b"\n".join(lines) + b"\n")

    def _as_dict(self, record: RecordTuple) -> dict[str, Any]:
        sequence, at, kind, generation, job, activation, cause, worker = record[:8]
        subject, queued, started, status, value = record[8:]
        run = self._monitor.run
        found: dict[str, Any] = {
            "sequence": sequence,
            "time_ns": at,
            "kind": _KINDS.get(kind, str(kind)),
            "generation": generation,
            "job": job,
            "activation": activation,
            "cause": cause,
            "worker": run.lane_label(worker, at),
            "flow": run.lane_flow(worker),
        }
        if kind == Kind.EMIT:
            found["event"] = run.event_name(subject)
        elif kind in _OF_EDGES:
            found["edge"] = run.edge_name(subject)
        if kind == Kind.ACTIVATION:
            found |= {"queued_ns": queued, "started_ns": started}
        elif kind == Kind.STAT:
            found["stat"] = run.stat_name(subject)
        elif kind == Kind.LINE:
            found["stream"] = _STREAMS.get(subject, str(subject))
        if kind in (Kind.ACTIVATION, Kind.JOB_ENDED, Kind.STAT):
            found["status"] = _STATUS.get(status, str(status))
        if kind == Kind.DROPPED and value:
            found["reason"] = _REASONS.get(int(value), str(value))
        if job in run.synthetic:
            found["synthetic"] = True
        text = self._monitor.log.text(record)
        if kind == Kind.STAT:
            found["value"] = _plain(value) if status == Status.OK else text or None
        elif text:
            found["error" if status in (Status.FAILED, Status.RETRIED) else "data"] = text
        return found

    def _print_line(self, value: dict[str, Any]) -> None:
        self._write(_encode(value) + b"\n")


def _plain(value: float) -> int | float | str:
    """A number as JSON can say it, which knows neither infinity nor what is no number."""
    return value if math.isfinite(value) else str(value)


_encode = msgspec.json.encode


def summary(monitor: Monitor, how: str) -> str:
    """What happened, for people: how it ended, a line per routine, statistics, what was wrong."""
    run = monitor.run
    lines = [
        "",
        f"{monitor.label}: {how} after {run.elapsed_ns / 1e9:.2f} s, {run.done} runs, "
        + _jobs(run.standing),
    ]
    rows = run.routines()
    if rows:
        width = max(len("routine"), *(len(row.name) for row in rows))
        head = f"{'routine':<{width}}  {'runs':>7} {'errors':>6} {'dropped':>7}"
        times = "".join(f" {name:>8}" for name in ("wait p50", "wait p99", "run p50", "run p99"))
        lines += ["", head + times]
        for row in rows:
            values = (row.wait50, row.wait99, row.run50, row.run99)
            shown = "".join(f" {duration_ns(value):>8}" for value in values)
            left = f"{row.name:<{width}}  {row.done:>7} {row.errors:>6} {row.dropped:>7}"
            now = f"  {row.running} running" if row.running else ""
            lines.append(left + shown + now)
    stats = run.stats()
    if stats:
        lines += ["", "stats"]
        lines += [f"  {row.routine}.{row.name} = {row.value}" for row in stats]
    lines += _troubles(monitor)
    return "\n".join(lines) + "\n"


def _jobs(jobs: Standing) -> str:
    """What became of the jobs, and what was lost or waits; what is zero is not told."""
    parts = [
        (jobs.failed, "failed"),
        (jobs.cancelled, "cancelled"),
        (jobs.open_jobs - jobs.paused, "still open"),
        (jobs.paused, "paused"),
        (jobs.retries, "to be tried again"),
        (jobs.timers, "timers set"),
        (jobs.dropped, "messages dropped"),
    ]
    more = [f", {number} {what}" for number, what in parts if number]
    return f"{jobs.completed} jobs completed" + "".join(more)


def _troubles(monitor: Monitor) -> list[str]:
    run, failure = monitor.run, monitor.script.failure
    lines: list[str] = []
    if failure is not None:
        lines.append(f"the script stopped: {failure.kind}: {failure.message}")
    elif monitor.script.exit_code:
        lines.append(f"the script left with exit code {monitor.script.exit_code}")
    if monitor.exit_code is not None:
        code = monitor.exit_code
        how = f"was killed by signal {-code}" if code < 0 else f"left with exit code {code}"
        lines.append(f"the engine process {how}")
    lost = run.published - run.received
    if lost:
        lines.append(f"{count(lost)} of {run.published} records not read; counts are exact")
    if not monitor.answering:
        lines.append("the engine process did not answer")
    return ["", *lines] if lines else []
