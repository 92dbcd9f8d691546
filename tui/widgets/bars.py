"""The lines at the top and the bottom: header, banner, and the keys that matter here."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from textual.strip import Strip
from textual.widget import Widget

from tui.keys import MAP, PANES, Action
from tui.model.findings import Kind
from tui.model.monitor import Banner, Monitor, Phase
from tui.paint.bars import meter
from tui.paint.canvas import Run, clean, fit, measure
from tui.paint.numbers import bytes_, count, duration_ns, percent, rate
from tui.themes import palette


class Bar(Widget):
    """Plain lines across the screen, repainted only when they changed."""

    DEFAULT_CSS = """
    Bar { background: $role-panel; height: 1; }
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self.ascii = False
        self._lines: list[list[Run]] = []

    def set_lines(self, lines: list[list[Run]]) -> None:
        """Show these."""
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One of the lines."""
        width, base = self.size.width, self.rich_style
        if y >= len(self._lines):
            return Strip.blank(width, base)
        colors = palette(self.app.theme_variables)
        segments = [Segment(text, base + colors.role(str(tag[0]))) for text, tag in self._lines[y]]
        return Strip(segments).crop_extend(0, width, base)


class Header(Bar):
    """What runs, in which state, how fast; what was lost on the way and what watching costs."""

    DEFAULT_CSS = """
    Header { height: 2; }
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._shown: tuple[Monitor, bool] | None = None

    def on_resize(self) -> None:
        """Fit it anew: a screen that another one covers is not shown at each look."""
        if self._shown is not None:
            self.show(self._shown[0], auto_reload=self._shown[1])

    def show(self, monitor: Monitor, *, auto_reload: bool = True) -> None:
        """Take the model as it is now."""
        self._shown = monitor, auto_reload
        first, second = self._first(monitor), self._second(monitor, auto_reload)
        self.set_lines([_whole(first, self.size.width), _whole(second, self.size.width)])

    def _first(self, monitor: Monitor) -> list[_Part]:
        run, phase, cost = monitor.run, monitor.phase, monitor.cost
        each = cost.per_activation_ns
        tenths = run.elapsed_ns // 100_000_000
        clock = f"t+{tenths // 600:02}:{tenths % 600 / 10:04.1f}"
        sign, role = _PHASES[phase]
        if self.ascii:
            sign = _ASCII_SIGNS.get(sign, sign)
        label = fit(monitor.label, min(measure(monitor.label), max(8, self.size.width - 70)))
        return [
            (6, " routilux-tui ", "accent"),
            (2, f" {label} ", "strong"),
            (0, f" {sign} {phase.value} g{run.generation} ", role),
            (0, f" {_deadlocks(run.deadlocks)} " if run.deadlocks else "", "bad"),
            (3, f" {clock} ", "text"),
            (1, f" {rate(run.rate.per_second)} ev/s ", "text"),
            (0, _past(monitor), "warn"),
            (0, f" PAUSED +{monitor.log.missed:,} " if monitor.log.paused else "", "warn"),
            (4, f" kept {percent(monitor.kept)} ", "text" if monitor.kept == 1 else "warn"),
            (6, f" lost {count(monitor.lost)} " if monitor.lost else "", "warn"),
            (4, f" traced 1/{run.every} " if run.every > 1 else "", "warn"),
            (5, f" cost {percent(cost.total)} ", "muted"),
            (8, f"(ui {percent(cost.monitor)}, engine {percent(cost.engine)}) ", "muted"),
            (7, f" {duration_ns(round(each))}/ev " if each is not None else "", "muted"),
        ]

    def _second(self, monitor: Monitor, auto_reload: bool) -> list[_Part]:
        run, jobs = monitor.run, monitor.run.standing
        threads = [row for row in run.lanes() if row.coroutines is None]
        busy = sum(row.busy for row in threads) / len(threads) if threads else 0.0
        hidden, rejected = run.unwatched_flows, monitor.rejected
        stuck = monitor.phase is Phase.STUCK
        return [
            (0, f" jobs {jobs.open_jobs} open", "text"),
            (1, _some(jobs.paused, "paused", ", "), "held"),
            (2, _some(jobs.failed, "failed", ", "), "bad"),
            (3, _some(jobs.cancelled, "cancelled", ", "), "text"),
            (6, f"  runs {run.done:,}", "text"),
            (1, f"  errors {run.errors}", "bad" if run.errors else "muted"),
            (1, _found(monitor, Kind.RACE, "races x"), "bad"),
            (1, _found(monitor, Kind.LINT, "lints !"), "warn"),
            (2, _some(jobs.retries, "retry"), "news"),
            (7, _some(jobs.timers, "timers" if jobs.timers > 1 else "timer"), "muted"),
            (2, _some(jobs.dropped, "dropped"), "warn"),
            (5, f"  ready-q {run.waiting}", "warn" if run.waiting else "muted"),
            (7, f"  workers {meter(busy, 7, self.ascii)}", "text"),
            (8, f"  mem {bytes_(run.rss)}", "muted"),
            (3, "" if auto_reload else "  auto-reload off", "warn"),
            (4, f"  {rejected} rejected" if rejected else "", "warn"),
            (4, f"  +{hidden} flows not shown" if hidden else "", "warn"),
            (2, f"  {monitor.status}" if monitor.status else "", "accent"),
            (0, "  K kills it, r starts it again" if stuck else "", "warn"),
        ]


def _past(monitor: Monitor) -> str:
    """That the figures are not those of now, and of when they are."""
    time, run = monitor.cursor.time, monitor.run
    if time is None:
        return ""
    at = f" PAST {(time - run.origin) / 1e9:.3f} s "
    return f"{at}(figures of {run.elapsed_ns / 1e9:.1f}) " if time - run.now > 1e9 else at


def _found(monitor: Monitor, kind: Kind, what: str) -> str:
    number = monitor.findings.count(kind)
    return f"  {what}{number}" if number else ""


def _deadlocks(number: int) -> str:
    return "DEADLOCK, see H" if number == 1 else f"{number} DEADLOCKS, see H"


def _some(number: int, what: str, before: str = "  ") -> str:
    return f"{before}{count(number)} {what}" if number else ""


#: How soon it gives way (the lowest number last), text, role.
_Part = tuple[int, str, str]


def _whole(parts: list[_Part], width: int) -> list[Run]:
    """The parts that fit: none is cut in two, the least telling are left out."""
    shown = [part for part in parts if part[1]]
    while len(shown) > 1 and sum(measure(text) for _, text, _ in shown) > width:
        shown.remove(max(shown, key=lambda part: part[0]))
    return [(text, (role,)) for _, text, role in shown]


_PHASES = {
    Phase.LOADING: ("◌", "muted"),
    Phase.RUN: ("●", "good"),
    Phase.HELD: ("‖", "held"),
    Phase.IDLE: ("○", "muted"),
    Phase.ENDED: ("■", "text"),
    Phase.FAILED: ("x", "bad"),
    Phase.DIED: ("x", "bad"),
    Phase.STUCK: ("!", "warn"),
}
_ASCII_SIGNS = {"‖": "=", "◌": ".", "●": "*", "○": "o", "■": "#"}


class BannerBar(Bar):
    """Pushes the panes down, never covers them, until it is put right or dismissed."""

    DEFAULT_CSS = """
    BannerBar {
        height: auto; display: none; padding: 0 1;
        border: heavy $role-bad; background: $role-ground;
    }
    BannerBar.news { border: round $role-good; }
    """

    def __init__(self, id: str) -> None:
        super().__init__(id=id)
        self._shown: Banner | None = None

    def show(self, banner: Banner | None) -> None:
        """Show it, or go away."""
        if banner is self._shown:
            return
        self._shown = banner
        self.display = banner is not None
        if banner is not None:
            self.set_class(not banner.is_error, "news")
            retry = banner.hint or "retries on next save"
            hint = f"Esc dismiss, {retry}" if banner.is_error else "Esc dismiss"
            self.border_title = self._fitted(banner.title)
            self.border_subtitle = self._fitted(hint)
            role = "bad" if banner.is_error else "good"
            lines = banner.lines or ("the new code runs; the old generation has stopped",)
            self.set_lines(
                [[(clean(line), (role if not i else "text",))] for i, line in enumerate(lines)]
            )
            self.styles.height = len(lines) + 2

    def on_resize(self) -> None:
        """The border has another length."""
        banner, self._shown = self._shown, None
        self.show(banner)

    def _fitted(self, text: str) -> str:
        """For the border: cut by us, since Textual cuts with a glyph outside ASCII."""
        room = max(0, self.app.size.width - 6)
        return fit(text, min(measure(text), room)).replace("[", r"\[")


#: Actions whose keys are shown however narrow the screen is.
_KEPT = frozenset({"show_help", "quit"})


class KeysBar(Bar):
    """The keys that matter most, from the key map."""

    def show(self, actions: Sequence[Action] = MAP) -> None:
        """Fill the line as far as the screen is wide; how to get help and out is kept."""
        numbers = [a.keys for a in actions if a.id.startswith("pane(")]
        panes = bool(numbers) and numbers == [a.keys for a in MAP if a.id.startswith("pane(")]
        parts: list[Run] = (
            [(f" 1-{max(PANES)}", ("accent",)), (" pane ", ("muted",))] if panes else []
        )
        used = 10 if panes else 0
        shown = [action for action in actions if action.label]
        while used + sum(map(_width, shown)) > self.size.width and len(shown) > len(_KEPT):
            shown.remove(next(a for a in reversed(shown) if a.id not in _KEPT))
        for action in shown:
            parts += [(f" {action.shown}", ("accent",)), (f" {action.label} ", ("muted",))]
        self.set_lines([parts])


def _width(action: Action) -> int:
    return measure(f" {action.shown} {action.label} ")
