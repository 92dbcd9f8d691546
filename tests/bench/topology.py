"""The bars of the topology pane: laying out, updating and opening a graph of 200 routines."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from tests.bench.terminal import Terminal
from tests.tui.building import watching
from tests.tui.screens.large import EDGES, NODES, large
from tui.widgets import plan as planning
from tui.widgets.plan import Form, Wish
from tui.widgets.topology import TopologyPane

LARGE = "sample_flows/large.py"


def _best(what: Callable[[], object], rounds: int = 7) -> str:
    took = []
    for _ in range(rounds):
        begin = time.perf_counter()
        what()
        took.append(time.perf_counter() - begin)
    return f"{min(took) * 1000:.1f} ms, median {statistics.median(took) * 1000:.1f} ms"


def topology() -> Iterator[str]:
    """Layouts of 200 nodes and 315 edges, and a look at each of the ways to draw them."""
    monitor = watching()
    for snapshot in large():
        monitor.apply(snapshot)
    pane = TopologyPane()
    pane.lit = True
    pane.select((1, 0))
    pane.rows(monitor, 118, 36)
    whole = pane._planner._whole[1]
    for bundles in (False, True):
        for lines in (0, 2):
            parts, form = planning._parts(whole, Form(lines, 8)), Form(lines, 8)

            def lay_out(bundles: bool = bundles, parts: tuple = parts, form: Form = form) -> object:  # type: ignore[type-arg]
                return planning.layouts.layout(*parts, style=form.style, bundles=bundles)

            how = f"{'bundled ' if bundles else ''}{'boxes' if lines else 'rows'}"
            yield f"layout of {NODES}/{EDGES} as {how}, best of 7: {_best(lay_out)}"
    for what, wish in (
        ("all, in part", Wish(hops=0)),
        ("all bundled, in part", Wish(hops=0, bundles=True)),
        ("two steps around one", Wish(centre=(1, 0))),
    ):
        pane.wish = wish

        def anew() -> object:
            planning._layout.cache_clear()
            planning._outline.cache_clear()
            pane._planner = planning.Planner()
            return pane.rows(monitor, 118, 36)

        yield f"first picture of {what}, best of 7: {_best(anew)}"
        yield f"update of {what}, best of 7: {_best(lambda: pane.rows(monitor, 118, 36))}"


def open_topology() -> Iterator[str]:
    """Key to the zoomed pane at 200x50, while the build of 200 steps runs."""
    terminal = Terminal(LARGE)
    terminal.wait_for("build 2")
    terminal.watch(2.0)
    took: dict[str, list[float]] = {}
    for _ in range(15):
        for name, key, text in (
            ("from the dashboard", "2z", " map "),
            ("back", "z", "1 Routines"),
        ):
            terminal.press(key)
            took.setdefault(name, []).append(terminal.wait_for(text, 3))
            terminal.watch(0.2)
    terminal.quit()
    for name, times in took.items():
        ordered = sorted(times)
        half, most = ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.95)]
        yield f"zoom {name}, 15 times: p50 {half * 1000:.0f} ms, p95 {most * 1000:.0f} ms"
