"""What a filter lets through, of records and of the rows of every pane."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.preview import tree
from routilux.records import Kind, Line, Note, Status
from tests.tui.building import MS, SECOND, World, flow_info, watching
from tui.model.log import SEQUENCE
from tui.model.monitor import Monitor
from tui.model.output import Line as Printed
from tui.model.rows import LaneRow, RoutineRow, State, StatRow
from tui.query.compiling import compiled
from tui.query.nodes import QueryError
from tui.query.records import events_table
from tui.query.rows import lanes_table, output_table, routines_table, stats_table
from tui.query.table import Table

WIRES = [("fetch", "order", "parse", "in"), ("parse", "done", "store [x]", "in")]


def shop() -> Monitor:
    """Ten records: five activations, and one of most other kinds."""
    world = World(flow_info(WIRES, id="shop", entries=["fetch"]))
    world.stat_names = ((5, 1, "fetch", "count"), (6, 1, "store [x]", "mode.of"))
    first = world.snapshot()
    world.wait(SECOND)
    world.handle(1, 1, wait=2 * MS, run=10 * MS, payload="{order_id: 17}")  # 1
    world.handle(2, 1, wait=90 * MS, run=MS, failed=True, payload="ValueError: no")  # 2
    world.handle(2, 2, wait=MS, run=2 * SECOND)  # 3
    world.handle(1, 2, wait=MS, run=MS, retried=True, payload="TimeoutError: slow")  # 4
    world.record(Kind.EMIT, subject=2)  # 5
    world.record(Kind.JOB_STARTED, subject=3, job=7)  # 6
    world.record(Kind.STAT, subject=5, value=4)  # 7
    world.record(Kind.STAT, subject=6, status=Status.NO_NUMBER, payload="'strict'")  # 8
    world.record(Kind.LINE, subject=Line.ERR, payload="oh [red] no")  # 9
    world.record(Kind.DROPPED, subject=1)  # 10
    monitor = watching()
    monitor.apply(first)
    monitor.apply(world.snapshot())
    payload = {"order_id": 17, "customer": {"name": "Ann", "tags": ["new", "eu"]}, "a.b": 1.5}
    monitor.log.note(1, Note.TREE, tree(payload))
    return monitor


SHOP = shop()


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("routine=parse", [1, 2, 5, 10]),
        ("routine:p*", [1, 2, 5, 10]),
        ("routine='store [x]'", [3, 4, 8]),
        ("routine=fetch", [6, 7]),
        ("source=fetch", [1, 2, 10]),
        ("event=done", [3, 4, 5]),
        ("slot=in kind=dropped", [10]),
        ("edge='fetch.order>parse.in'", [1, 2, 10]),
        ("edge~'>store'", [3, 4]),
        ("flow=shop and kind!=activation", [5, 6, 7, 8, 10]),
        ("kind in (emit, job_started)", [5, 6]),
        ("kind=stat*", [7, 8]),
        ("status=failed", [2]),
        ("state=error", [2]),
        ("status=again", [4]),
        ("status in (failed, retried)", [2, 4]),
        ("wait>50ms", [2]),
        ("wait>=2ms", [1, 2]),
        ("run=10ms", [1]),
        ("run>1.5s", [3]),
        ("total<=2ms", [4]),
        ("run!=1ms kind=activation", [1, 3]),
        ("time>=1", list(range(1, 11))),
        ("time<999ms", []),
        ("job=7", [6]),
        ("gen=1 seq<3", [1, 2]),
        ("worker=w2", [2, 3]),
        ("stat=count", [7]),
        ("stat=mode.of", [8]),
        ("value=4", [7]),
        ("value>3", [7]),
        ("value~strict", [8]),
        ("stream=err", [9]),
        ("text~'^ValueError'", [2]),
        ("text='oh [red] no'", [9]),
        ("payload.order_id=17", [1]),
        ("data.order_id>16.5", [1]),
        ("payload.order_id='17'", [1]),
        ("payload.customer.name=A*", [1]),
        ("payload.customer.tags.1=eu", [1]),
        ("payload.a.b=1.5", [1]),
        ("payload.customer='{2 keys}'", [1]),
        ("payload.customer.age=*", []),
        ("timeout", [4]),
        ("ERROR", [2, 4]),
        ("failed", [2]),
        ("printed or [RED]", [9]),
        ("w2 not failed", [3]),
        ("fetch.order>-", []),
        ("not kind=activation not kind=stat", [5, 6, 9, 10]),
        ("(routine=p* or stream=err) and not (kind=emit | failed)", [1, 9, 10]),
    ],
)
def test_the_records_that_a_filter_keeps(text: str, kept: list[int]) -> None:
    if text == "fetch.order>-":
        text = '"fetch.order>-"'
    test = compiled(text, events_table(SHOP))
    assert test is not None
    assert [r[SEQUENCE] for r in SHOP.log.view if test(r)] == kept


@pytest.mark.parametrize(
    ("text", "message", "column"),
    [
        ("wiat>1ms", "events have no 'wiat'; did you mean 'wait'?", 0),
        ("a routin=b", "events have no 'routin'; did you mean 'routine'?", 2),
        ("run>10", "run needs a unit: ns, us, ms, s, min or h", 6),
        ("run>10m", "m is no unit here: ms or min", 6),
        ("run > 10kg", "kg is no unit of time: ns, us, ms, s, min or h", 8),
        ("run>fast", "run is a time: such as 10ms or 1.5s", 4),
        ("run~1", "run is a time: it has = != < <= > >= and in", 0),
        ("job>1ms", "job is a number without a unit, but for k, M and G", 5),
        ("routine>a", "routine is a text: it has = != ~ !~ and in", 0),
        ("status=faild", "no status is 'faild'; did you mean 'failed'?", 7),
        ("x or kind in (emit, zzz)", "no kind is 'zzz': there are ", 20),
        ("text~a(", "no regular expression: missing ), unterminated subpattern", 6),
        ("payload=1", "a name must follow: payload.order_id", 0),
        ("payload.=1", "a name must follow: payload.order_id", 0),
        ("payload.x>abc", "payload.x is a number: such as 20 or 1.5k", 10),
        ("a.out>b.in", "events have no 'a.out'", 0),
    ],
)
def test_an_error_names_the_field_and_the_nearest_known(
    text: str, message: str, column: int
) -> None:
    with pytest.raises(QueryError) as caught:
        compiled(text, events_table(SHOP))
    assert caught.value.message.startswith(message)
    assert caught.value.column == column


def test_nothing_is_no_filter() -> None:
    assert compiled("  ", events_table(SHOP)) is None


_PIECES = [
    "routine",
    "wait",
    "payload.a",
    "status",
    "text",
    "time",
    "value",
    "zzz",
    "failed",
    "1ms",
]
_PIECES += ["10", "*", "'x'", " ", " and ", " or ", "not ", " in (", ")", "(", ",", "(?", "[", "+"]
_PIECES += ["=", "!=", ">", "~", "\\", "1e5", "50%"]


@given(st.lists(st.sampled_from(_PIECES)).map("".join) | st.text(max_size=20))
def test_any_text_is_a_filter_or_an_error_inside_of_it(text: str) -> None:
    tables: list[Any] = [
        events_table(SHOP),
        routines_table(SHOP),
        lanes_table(SHOP),
        stats_table(),
        output_table(),
    ]
    for table in tables:
        test, error = _tried(text, table)
        if error is not None:
            assert 0 <= error.column <= len(text)
            assert error.message
        elif test is not None and table.name == "events":
            assert all(test(record) in (True, False) for record in SHOP.log.view)


def _tried(text: str, table: Table[Any]) -> tuple[Callable[[Any], bool] | None, QueryError | None]:
    try:
        return compiled(text, table), None
    except QueryError as error:
        return None, error


# the other panes ----------------------------------------------------------------------------------


def _routine(name: str, **fields: Any) -> RoutineRow:
    zero = RoutineRow((1, 0), name, "Cls", State.IDLE, 0, 0, 0, 0, None, None, None, None, 0, 0, 0,
                      0, [])  # fmt: skip
    return zero._replace(**fields)


ROUTINES = [
    _routine("a", queue=20_000, wait99=5 * MS, state=State.QUEUED),
    _routine("b", errors=2, run99=2 * SECOND),
    _routine("my [odd] one", in_rate=1_500.0),
]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("queue>10k", "a"),
        ("q>=20_000", "a"),
        ("wait>1ms", "a"),
        ("errors>0 or in>1.2k", "bm"),
        ("run>1s", "b"),
        ("state=idle", "bm"),
        ("QUEUED", "a"),
        ("[odd]", "m"),
        ("class=Cls", "abm"),
        ("flow=shop", "abm"),
    ],
)
def test_routines(text: str, kept: str) -> None:
    test = compiled(text, routines_table(SHOP))
    assert test is not None
    assert "".join(row.name[0] for row in ROUTINES if test(row)) == kept


def test_workers() -> None:
    lanes = [
        LaneRow("w1", [], 0.75, (1, 1), 20 * MS),
        LaneRow("w2", [], 0.01, None, 0),
        LaneRow("loop", [], 0.0, (1, 0), SECOND, 12),
    ]
    for text, kept in {
        "busy>50%": ["w1"],
        "busy<5": ["w2", "loop"],
        "state=idle": ["w2"],
        "routine=parse": ["w1"],
        "run>=1s": ["loop"],
        "coroutines>0": ["loop"],
        "worker~^w": ["w1", "w2"],
        "running w": ["w1"],
    }.items():
        test = compiled(text, lanes_table(SHOP))
        assert test is not None
        assert [row.label for row in lanes if test(row)] == kept, text


def test_stats() -> None:
    rows = [
        StatRow((1, 0), "a", "count", 4, 1.5, False),
        StatRow((1, 0), "a", "mode", "'strict'", None, True),
        StatRow((1, 1), "b", "share", 0.25, 0.0, False),
    ]
    for text, kept in {
        "value>1": ["count"],
        "value=0.25": ["share"],
        "value~strict": ["mode"],
        "rate>0": ["count"],
        "routine=a stat!=count": ["mode"],
        "cou": ["count"],
    }.items():
        test = compiled(text, stats_table())
        assert test is not None
        assert [row.name for row in rows if test(row)] == kept, text


def test_output() -> None:
    lines = [
        Printed("one [red]", False, 1),
        Printed("two", True, 1),
        Printed("g2 loads", False, -2),
    ]
    for text, kept in {
        "[red]": ["one [red]"],
        "stream=err": ["two"],
        "stream=stdout": ["one [red]"],
        "text~^t": ["two"],
        "gen=2": ["g2 loads"],
    }.items():
        test = compiled(text, output_table())
        assert test is not None
        assert [line.text for line in lines if test(line)] == kept, text
