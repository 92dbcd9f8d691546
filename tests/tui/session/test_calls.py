"""What handlers take by name, and jobs that are started by hand."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from routilux import Flow, Routine
from routilux.ports import Slot
from tests.engine.building import idle, node
from tests.tui.session.running import in_loop, running, write
from tests.waiting import SECONDS, gate
from tui.session.calls import begin_call, params_of
from tui.session.collector import Collector
from tui.session.messages import Call, ParamInfo, Pull
from tui.session.topology import describe


class Rude:
    """A default that must not be asked what it is."""

    def __repr__(self) -> str:
        raise AssertionError("the user's code was run")


class Handlers(Routine):
    """Handlers of every form that a slot takes."""

    def plain(self, order: int, country: str = "EU", note: Any = None) -> None: ...
    def keyword(self, *, x: list[int], y: float = 0.5) -> None: ...
    def open_(self, order: int, **kwargs: Any) -> None: ...
    def anything(self, **kwargs: Any) -> None: ...
    def whole(self, data: dict[str, Any]) -> None: ...
    def single(self, order: int) -> None: ...
    def nothing(self) -> None: ...
    def positional(self, data: Any, /) -> None: ...
    def rude(self, a: Rude, b: object = Rude()) -> None: ...


P = ParamInfo
TAKES = [
    ("plain", [P("order", "int", "", True), P("country", "str", "'EU'"), P("note", "Any", "None")],
     False),
    ("keyword", [P("x", "list[int]", "", True), P("y", "float", "0.5")], False),
    ("open_", [P("order", "int", "", True)], True),
    ("anything", [], True),
    ("whole", [], True),
    ("single", [P("order", "int", "the whole message")], True),
    ("nothing", [], False),
    ("positional", [], True),
    ("rude", [P("a", "Rude", "", True), P("b", "object", "<Rude>")], False),
]  # fmt: skip


@pytest.mark.parametrize(("handler", "params", "more"), TAKES, ids=[t[0] for t in TAKES])
def test_the_fields_of_a_handler_are_its_parameters(
    handler: str, params: list[ParamInfo], more: bool
) -> None:
    found, takes_more = params_of(Slot("s", None, getattr(Handlers(), handler)))
    assert list(found) == params
    assert takes_more == more


def test_a_slot_without_handler_and_callables_without_a_name_take_anything() -> None:
    assert params_of(Slot("s")) == ((), True)
    assert params_of(Slot("s", None, partial(lambda _, **kw: None, 1))) == ((), True)
    bound = Slot("s", None, partial(lambda a, b, c=2: None, 1))
    assert [param.name for param in params_of(bound)[0]] == ["b", "c"]


def test_the_topology_tells_fields_and_what_a_connection_renames() -> None:
    flow = Flow("f")
    flow.add_routine(node(None), "a")
    flow.add_routine(Handlers(), "b")
    flow.routines["b"].define_slot("in", flow.routines["b"].plain)  # type: ignore[attr-defined]
    flow.connect("a", "out", "b", "in", {"id": "order"})
    info = describe(flow)
    assert [param.name for param in info.routines[1].slots[0].params] == [
        "order",
        "country",
        "note",
    ]
    assert info.edges[0].renames == (("id", "order"),)


# starting -----------------------------------------------------------------------------------------


def hand(flow: Flow, routine: str = "r", slot: str = "trigger", **values: str) -> Call:
    return Call(flow.number, routine, slot, tuple(values.items()), 7)


def seen() -> tuple[Flow, list[dict[str, Any]]]:
    got: list[dict[str, Any]] = []
    flow = Flow("f")
    flow.add_routine(node(lambda _, **data: got.append(data)), "r")
    return flow, got


def test_a_call_runs_with_its_values_and_answers_with_the_job() -> None:
    flow, got = seen()
    answer, job = begin_call([flow], hand(flow, n="3", name="'eu'", several="(1, {2: b'x'})"))
    assert job is not None
    assert (answer.ticket, answer.refused) == (7, False)
    assert answer.text == f"job {job.number} runs r.trigger"
    assert got == []  # nothing has run before the answer
    job.backend.settle(job)
    assert got == [{"n": 3, "name": "eu", "several": (1, {2: b"x"})}]
    assert job.synthetic


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ({"routine": "q"}, "there is no q.trigger any more"),
        ({"slot": "q"}, "there is no r.q any more"),
        ({"n": "__import__('os')"}, "is no Python literal"),
        ({"n": "("}, "is no Python literal"),
        ({"n": "(" * 5000}, "is no Python literal"),
    ],
)
def test_a_call_that_cannot_be_is_refused_in_one_line(call: dict[str, str], why: str) -> None:
    flow, got = seen()
    answer, job = begin_call([flow], hand(flow, **call))
    assert job is None
    assert answer.refused
    assert answer.text.startswith("not sent: ")
    assert why in answer.text
    assert len(answer.text.splitlines()) == 1
    assert begin_call([], hand(flow))[0].refused
    assert got == []


def test_a_full_slot_is_said() -> None:
    flow = Flow("f", "concurrent", 1)
    with gate() as go:
        slot = {"max_queue": 1, "overflow": "error", "max_concurrency": 1}
        flow.add_routine(node(lambda _, **__: go.wait(SECONDS), **slot), "r")
        answers = [begin_call([flow], hand(flow))[0] for _ in range(3)]
        failed = [job for job in flow.get_all_executions() if job.error is not None]
        assert answers[-1].refused or failed
        go.set()
        idle(flow)
    flow.shutdown()


def test_the_snapshot_tells_once_which_jobs_were_sent_by_hand() -> None:
    flow, _ = seen()
    collector = Collector()
    collector.add(flow)
    assert collector.snapshot(Pull()).synthetic == ()
    _, job = begin_call([flow], hand(flow))
    assert job is not None
    job.backend.settle(job)
    flow.execute("r")
    assert collector.snapshot(Pull()).synthetic == (job.number,)
    assert collector.snapshot(Pull()).synthetic == ()
    collector.detach()


@in_loop
async def test_the_engine_process_answers_before_a_sequential_job_has_ended(tmp_path: Path) -> None:
    source = """
    import os, time
    from routilux import Flow, Routine

    class R(Routine):
        def __init__(self):
            super().__init__()
            self.define_slot("trigger", handler=self.handle)
        def handle(self, n=0, **kw):
            print(f"begin {n}", flush=True)
            while n and not os.path.exists(os.path.join(os.path.dirname(__file__), "go")):
                time.sleep(0.002)
            print(f"end {n}", flush=True)

    flow = Flow("one")
    flow.add_routine(R(), "r")
    """
    async with running(write(tmp_path / "f.py", source)) as live:
        await live.until_phase("ended")
        await live.look()
        (number,) = live.monitor.run.flows
        answer = await live.session.ask(Call(number, "r", "trigger", (("n", "2"),)), SECONDS)
        assert answer is not None
        assert answer.text.endswith("runs r.trigger")
        await live.until_printed("begin 2")
        assert "end 2" not in live.text()
        (tmp_path / "go").touch()
        await live.until_printed("end 2")
