"""What the topology pane draws, without a screen: which form, which part, how it is cached."""

from __future__ import annotations

import pytest

from tests.tui.building import World, flow_info, watching
from tests.tui.screens.large import build_graph, fetchers, large
from tests.tui.screens.scene import replay
from tests.tui.screens.screen_text import compare
from tui.model.monitor import Monitor
from tui.paint.canvas import Row, text_of
from tui.session.messages import FlowInfo, Snapshot
from tui.widgets import plan as planning
from tui.widgets.plan import MANY, NEAR, Form, Plan, Planner, Wish
from tui.widgets.topology import TopologyPane


def seen(*items: object) -> Monitor:
    """A monitor that has seen these."""
    monitor = watching()
    for item in items:
        if isinstance(item, Snapshot):
            monitor.apply(item)
    return monitor


def of(flow: FlowInfo) -> Monitor:
    return seen(World(flow).snapshot())


def plan(
    monitor: Monitor, wish: Wish, width: int, height: int, planner: Planner | None = None
) -> Plan:
    run = monitor.run
    return (planner or Planner()).plan(
        (id(run), run.wiring), run.routines(), run.edges(), wish, width, height
    )


def pane(monitor: Monitor, *, ascii: bool = False) -> TopologyPane:
    """A pane that is in no app: it makes rows all the same."""
    found = TopologyPane()
    found.ascii = ascii
    found.lit = True
    found.select((1, 0))
    return found


SMALL, LARGE = seen(*replay()), seen(*large())
CHAIN = [(f"r{n}", "o", f"r{n + 1}", "i") for n in range(4)]


# forms --------------------------------------------------------------------------------------------


def test_the_largest_form_that_fits_is_taken() -> None:
    monitor = of(flow_info(CHAIN))
    sizes = [(150, 10), (115, 10), (75, 10), (72, 3), (72, 2), (50, 1), (30, 1)]
    forms = [plan(monitor, Wish(), *size) for size in sizes]
    assert [(p.form.lines, p.form.detail > 8, p.form.behind > 0) for p in forms[:6]] == [
        (2, True, False),
        (2, True, False),
        (2, False, False),
        (1, False, False),
        (0, False, True),
        (0, False, False),
    ]
    assert forms[0].flags, "rates stand on the lines where there is room"
    assert not forms[1].flags
    assert forms[-1].layout is None
    for found, (width, _) in zip(forms[:-1], sizes, strict=False):
        assert found.layout is not None
        assert found.layout.width <= width


def test_a_form_that_has_no_chance_is_not_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Form] = []
    real = planning._drawn
    monkeypatch.setattr(
        planning, "_drawn", lambda g, form, *a: made.append(form) or real(g, form, *a)
    )
    plan(LARGE, Wish(hops=0), 118, 36)
    assert len(made) == 1


def test_a_large_pane_shows_a_part_of_what_does_not_fit_and_a_small_one_a_list() -> None:
    assert plan(LARGE, Wish(hops=0), 44, 12).layout is None
    found = plan(LARGE, Wish(hops=0), 118, 36)
    assert found.layout is not None
    assert found.is_cut
    assert len(found.whole) == 200


# the cache ----------------------------------------------------------------------------------------


def test_updates_make_no_new_layout_and_neither_does_a_reload_with_equal_wiring() -> None:
    planner, wish = Planner(), Wish(hops=0)
    first = plan(LARGE, wish, 118, 36, planner)
    assert plan(LARGE, wish, 118, 36, planner) is first
    made = planning._layout.cache_info().misses
    flow = build_graph()
    # The engine numbers flows and connections as it likes.
    again = flow_info([], number=7)
    edges = tuple(
        type(e)(e.number + 1000, e.source, e.event, e.event_number, e.target, e.slot)
        for e in flow.edges
    )
    reloaded = of(FlowInfo(7, again.id, flow.strategy, flow.workers, flow.routines, edges))
    found = plan(reloaded, wish, 118, 36, planner)
    assert found.layout is first.layout
    assert planning._layout.cache_info().misses == made
    assert found.graph.nodes[0].members == ((7, 0),)


def test_other_wiring_is_laid_out_anew() -> None:
    planner = Planner()
    one = plan(of(flow_info(CHAIN)), Wish(), 100, 20, planner)
    monitor = of(flow_info([*CHAIN, ("r0", "o", "r4", "i")]))
    monitor.run.wiring += 1
    assert plan(monitor, Wish(), 100, 20, planner).layout != one.layout


def test_the_same_wiring_is_drawn_the_same_way_in_every_process() -> None:
    for wish in (Wish(), Wish(hops=0), Wish(bundles=True, hops=3)):
        one = pane(LARGE)
        other = pane(seen(*large()))
        one.wish = other.wish = wish
        assert one.rows(LARGE, 118, 36) == other.rows(seen(*large()), 118, 36)


# focus --------------------------------------------------------------------------------------------


def test_more_than_sixty_nodes_open_in_focus_and_fewer_do_not() -> None:
    few, many = (
        of(flow_info([(f"r{n}", "o", f"r{n + 1}", "i") for n in range(size - 1)]))
        for size in (MANY, MANY + 1)
    )
    assert plan(few, Wish(), 118, 36).hops == 0
    found = plan(many, Wish(centre=(1, 30)), 118, 36)
    assert found.hops == NEAR
    assert [node.name for node in found.graph.nodes] == ["r28", "r29", "r30", "r31", "r32"]
    assert [node.beyond for node in found.graph.nodes] == [1, 0, 0, 0, 1]


def test_without_a_chosen_routine_the_busiest_is_in_the_middle() -> None:
    found = TopologyPane()
    found.rows(LARGE, 118, 36)
    busiest = max(LARGE.run.routines(), key=lambda row: row.in_rate)
    assert found.wish.centre == busiest.key


def test_hidden_neighbours_are_counted_at_the_border_in_every_form() -> None:
    found = pane(LARGE)
    for size in ((118, 36), (78, 19), (44, 12)):
        text = "\n".join(text_of(found.rows(LARGE, *size)))
        assert "+3" in text, size
    assert "+3 beyond" in "\n".join(text_of(found.rows(LARGE, 118, 36)))


def test_focus_draws_the_lines_that_lead_back() -> None:
    found = pane(SMALL)
    found.select((1, 2))
    found.wish = found.wish._replace(hops=3)
    text = "\n".join(text_of(found.rows(SMALL, 118, 36)))
    assert "◀" in text
    assert "↺" not in text
    found.wish = found.wish._replace(hops=0)
    text = "\n".join(text_of(found.rows(SMALL, 118, 36)))
    assert "◀" not in text
    assert "retry ↺ parse" in text


def test_f_goes_through_the_steps_and_puts_another_node_in_the_middle_first() -> None:
    found = pane(SMALL)

    def press() -> int:
        found.next_focus()
        found.rows(SMALL, 118, 36)
        return found._plan.hops if found._plan else -1

    found.rows(SMALL, 118, 36)
    assert [press() for _ in range(5)] == [1, 2, 3, 0, 1]
    found.selected = (1, 2)  # walked to, inside the picture
    assert press() == 1
    assert found.wish.centre == (1, 2)
    assert press() == 2


# groups -------------------------------------------------------------------------------------------


def test_a_group_is_one_box_that_can_be_taken_apart_and_folded_again() -> None:
    monitor = of(fetchers())
    found = pane(monitor)

    def boxes() -> str:
        return "\n".join(text_of(found.rows(monitor, 100, 30)))

    assert "fetcher* x4" in boxes()
    assert found.chosen is not None
    assert len(found.chosen.members) == 4
    assert found.unfold()
    assert all(f"fetcher{n}" in boxes() for n in range(4))
    assert not found.unfold(), "a single routine is none"
    found.toggle_fold()
    assert "fetcher* x4" in boxes()
    found.toggle_fold()
    assert "fetcher3" in boxes()
    found.toggle_fold()
    assert "fetcher* x4" in boxes()


def test_a_group_stands_in_the_list_too_and_any_of_its_routines_chooses_it() -> None:
    monitor = of(fetchers())
    found = pane(monitor)
    found.select((1, 2))
    assert text_of(found.rows(monitor, 30, 3))[0] == ">◇ fetcher* x4 -> parse"


def test_the_rate_of_a_group_is_that_of_all_its_connections() -> None:
    world = World(fetchers())
    first = world.snapshot()
    for edge in (1, 2, 3, 4):
        world.handle(1, edge, times=100 * edge)
    monitor = seen(first, world.wait(10**9).snapshot())
    text = "\n".join(text_of(pane(monitor).rows(monitor, 118, 36)))
    assert " 1.0k/s ╭" in text or "1000/s ╭" in text


# as text ------------------------------------------------------------------------------------------


def whole(rows: object) -> str:
    assert isinstance(rows, tuple | list)
    return "\n".join(text_of(rows)).rstrip() + "\n"


WIDTHS = {40: 12, 80: 20, 150: 34}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("what", ["orders", "bundled", "large", "large-ascii"])
def test_the_picture_at_three_widths(what: str, width: int, request: pytest.FixtureRequest) -> None:
    monitor = LARGE if "large" in what else SMALL
    found = pane(monitor, ascii="ascii" in what)
    found.wish = found.wish._replace(bundles=what == "bundled")
    rows: object = found.rows(monitor, width, WIDTHS[width])
    text = whole(rows)
    assert text.isascii() or "ascii" not in what
    update = request.config.getoption("--update-snapshots")
    compare(text, f"graph-{what}-{width}", update=update)


def test_every_row_is_as_wide_as_the_pane_wherever_the_view_is() -> None:
    found = pane(LARGE)
    found.wish = found.wish._replace(hops=0)
    for across, down in ((0, 0), (40, 7), (10_000, 10_000), (-10_000, -10_000)):
        found._across, found._down = found._across + across, found._down + down
        rows: list[Row] = list(found.rows(LARGE, 90, 30))
        assert len(rows) == 30
        assert {sum(len(text) for text, _ in row) for row in rows} == {90}
    assert (found._across, found._down) == (0, 0)


def test_nothing_is_left_out_of_sight_by_the_map() -> None:
    """The view goes on beyond the picture as far as the map is large."""
    found = pane(LARGE)
    found.wish = found.wish._replace(hops=0)
    found.rows(LARGE, 90, 30)
    found._across = found._down = 10_000
    text = text_of(found.rows(LARGE, 90, 30))
    assert any("┌ map " in line for line in text)
    drawn = found._plan.layout if found._plan else None
    assert drawn is not None
    assert found._across + 90 >= drawn.width + 24
    assert found._down + 30 >= drawn.height + 6
