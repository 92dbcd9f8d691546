"""Pane 5: what goes in and out over two minutes, and how long it waits and runs."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style

from tui.model.monitor import Monitor
from tui.model.run import STEPS_A_SECOND
from tui.model.run import Run as ModelRun
from tui.paint.canvas import Row, Run, Tag
from tui.paint.chart import AXIS_WIDTH, axis, braille, ceiling
from tui.paint.numbers import duration_ns, rate

from .pane import Pane

_SHARES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"), (0.999, "p99.9"))

_FEW = (_SHARES[0], _SHARES[2], _SHARES[3])


class ThroughputPane(Pane):
    """A chart of deliveries queued and handlers ended per second, with latency percentiles."""

    number = 5

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """The percentiles beside or below the chart, whichever leaves more of it."""
        run = monitor.run
        beside = _beside(width, height)
        chart_width = self._chart_width(width, height)
        chart_height = max(1, height - (0 if beside else min(2, height - 1)))
        queued, ended, failed = (
            series.per_second()[:-1]  # the last step is not over yet
            for series in (run.entered, run.ended, run.failing)
        )
        series: list[Sequence[float | None]] = [
            _padded(values, chart_width) for values in (queued, ended, failed)
        ]
        if not any(failed):
            series.pop()
        top = ceiling(series)
        scale = axis(top, chart_height, text=rate, ascii=self.ascii)
        chart = braille(series, chart_width, chart_height, top=top, ascii=self.ascii)
        lines: list[Row] = [left + right for left, right in zip(scale, chart, strict=True)]
        table = _latency(run, wide=beside)
        if not beside:
            return [*lines, *table][:height]
        return [
            (*line, *(table[index] if index < len(table) else ()))
            for index, line in enumerate(lines)
        ]

    def title(self, monitor: Monitor) -> str:
        """The rates now, named as in the chart, and how far back the chart goes."""
        run = monitor.run
        queued, ended = run.entered.per_second(), run.ended.per_second()
        now = f"in {rate(queued[-2] if len(queued) > 1 else 0.0)}/s"
        out = f"out {rate(ended[-2] if len(ended) > 1 else 0.0)}/s"
        width, height = self.content_size
        kept = run.entered.values.maxlen or 0
        seconds = min(kept, 2 * self._chart_width(width, height)) / STEPS_A_SECOND
        return f"{now}  {out}  last {seconds:.0f} s"

    def parts(self, monitor: Monitor) -> Sequence[str]:
        """The rates and the latest percentiles."""
        run = monitor.run
        rates = self.title(monitor).split("  ")[:2]
        windows = (("w99", run.wait_total), ("r99", run.run_total))
        return rates + [f"{name} {duration_ns(w.percentile(0.99))}" for name, w in windows]

    def _chart_width(self, width: int, height: int) -> int:
        return max(1, width - AXIS_WIDTH - (34 if _beside(width, height) else 0))

    def style(self, tag: Tag) -> Style:
        """In is the first hue, out the second, failures the error colour."""
        colors = self.palette
        if tag[0] == "series":
            return (colors.hue(0), colors.good, colors.bad)[int(tag[1]) % 3]
        return super().style(tag)


def _beside(width: int, height: int) -> bool:
    return width >= 70 and height >= 3


def _padded(values: Sequence[float], width: int) -> list[float | None]:
    """Newest at the right, one point per column dot, so that time runs at a steady pace."""
    room = max(2, width * 2)
    recent = values[-room:]
    return [*[None] * (room - len(recent)), *recent]


def _latency(run: ModelRun, *, wide: bool) -> list[Row]:
    rows: list[Row] = []
    if wide:
        head = "".join(f"{name:>7}" for _, name in _SHARES)
        rows.append(((f"      {head}", ("muted",)),))
    for name, window in (("run", run.run_total), ("wait", run.wait_total)):
        parts: list[Run] = [(f"  {name:<4}" if wide else f" {name:<5}", ("muted",))]
        for share, label in _SHARES if wide else _FEW:
            value = duration_ns(window.percentile(share))
            parts.append((f"{value:>7}" if wide else f"{label} {value:<6} ", ("text",)))
        rows.append(tuple(parts))
    return rows
