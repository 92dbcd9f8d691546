"""The bars of the topology pane: laying out, updating and opening a graph of 200 routines.

In CPU time, so that what else runs on the machine counts less.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from tests.tui.building import watching
from tests.tui.screens.driving import Driver, drive_canned
from tests.tui.screens.large import EDGES, NODES, large
from tui.widgets import plan as planning
from tui.widgets.plan import Form, Wish
from tui.widgets.topology import TopologyPane


def _best(what: Callable[[], object], rounds: int = 7) -> str:
    took = []
    for _ in range(rounds):
        begin = time.process_time()
        what()
        took.append(time.process_time() - begin)
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
    """Key to the zoomed pane at 200x50, until all is drawn, beside the pane of routines."""
    took: dict[str, list[float]] = {}

    async def script(d: Driver) -> None:
        for _ in range(15):
            for pane, name in (("1", "routines"), ("2", "topology")):
                await d.press(pane)
                begin = time.process_time()
                await d.press("z")
                took.setdefault(name, []).append(time.process_time() - begin)
                await d.press("z")

    drive_canned(script, *large(), size=(200, 50))
    for name, times in took.items():
        first, half = times[0] * 1000, statistics.median(times) * 1000
        yield f"zoom of {name} with {NODES} routines: first {first:.0f} ms, median {half:.0f} ms"
