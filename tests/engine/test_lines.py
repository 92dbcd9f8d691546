"""Lines that handlers print and log, as records of their flows."""

import contextlib
import copy
import io
import logging
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from routilux import Flow, Kind, Line, LineCapture, Record, Routine
from tests.engine.building import idle, node
from tests.waiting import Call

logger = logging.getLogger("tests.lines")


@contextlib.contextmanager
def captured() -> Iterator[tuple[io.StringIO, io.StringIO]]:
    """Our own stdout and stderr, with a capture open in front of them."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), LineCapture():
        yield out, err


def told(*handlers: Callable[[Routine], Any], strategy: str = "sequential") -> list[Any]:
    """What running the handlers publishes: (stream, text, level), in order."""
    flow = Flow("f", strategy)
    for number, handler in enumerate(handlers):
        flow.add_routine(node(handler), f"r{number}")
    subscription = flow.bus.subscribe()
    flow.bus.previews = 1000
    for number in range(len(handlers)):
        flow.execute(f"r{number}")
    idle(flow)
    flow.shutdown()
    records = subscription.read()
    ran = {r.activation for r in records if r.kind == Kind.ACTIVATION}
    texts = {ident: text for ident, _, text in subscription.read_notes()}
    lines: list[Record] = [r for r in records if r.kind == Kind.LINE]
    assert {r.cause for r in lines} <= ran, "each line has the handler that wrote it as its cause"
    assert all(r.job for r in lines)
    return [(Line(r.subject), texts.get(r.activation, ""), r.value) for r in lines]


def test_a_printed_line_is_published_and_printed() -> None:
    with captured() as streams:
        assert told(lambda r: print("one", 2)) == [(Line.OUT, "one 2", 0)]
        assert streams[0].getvalue() == "one 2\n"


def test_lines_are_told_when_they_end() -> None:
    with captured() as streams:

        def handler(routine: Routine) -> None:
            print("a", end="")
            print("b\nc", end="")
            print()
            sys.stderr.writelines(["d\n", "e"])
            print("", file=sys.stderr)

        assert told(handler) == [
            (Line.OUT, "ab", 0),
            (Line.OUT, "c", 0),
            (Line.ERR, "d", 0),
            (Line.ERR, "e", 0),
        ]
        assert streams[0].getvalue() == "ab\nc\n"
        assert streams[1].getvalue() == "d\ne\n"


def test_what_one_handler_left_open_is_not_put_before_the_next_ones_line() -> None:
    with captured():
        assert told(lambda r: print("left", end=""), lambda r: print("next")) == [
            (Line.OUT, "left", 0),
            (Line.OUT, "next", 0),
        ]


def test_a_log_line_has_its_level_and_is_told_once() -> None:
    with captured() as streams:
        handler = logging.StreamHandler(sys.stderr)  # writes to what the capture has put there
        logger.addHandler(handler)
        try:
            found = told(lambda r: logger.warning("slow: %s of %d", "a", 3))
        finally:
            logger.removeHandler(handler)
        assert found == [(Line.LOG, "WARNING slow: a of 3", logging.WARNING)]
        assert streams[1].getvalue() == "slow: a of 3\n"


class Rude:
    def __str__(self) -> str:
        raise AssertionError("nobody may ask")


def test_a_log_line_never_asks_values(monkeypatch: pytest.MonkeyPatch) -> None:
    with captured():
        monkeypatch.setattr(logging, "raiseExceptions", False)
        assert told(lambda r: logger.error("bad: %s", Rude())) == [
            (Line.LOG, "ERROR bad: %s (<Rude>)", logging.ERROR)
        ]
        assert told(lambda r: logger.error("bad: %d", "x"))[0][1] == "ERROR bad: %d ('x')"
        assert told(lambda r: logger.error(Rude()))[0][1] == "ERROR <Rude>"
        assert told(lambda r: logger.error("%(a)s", {"a": 1}))[0][1] == "ERROR 1"


def test_a_long_line_is_cut_in_the_record_only() -> None:
    with captured() as streams:
        ((_, text, _),) = told(lambda r: print("x" * 10_000))
        assert len(text) == 200
        assert streams[0].getvalue() == "x" * 10_000 + "\n"


def test_without_a_handler_or_a_watcher_nothing_is_published() -> None:
    with captured() as streams:
        print("main")
        flow = Flow("f")
        flow.add_routine(node(lambda r: print("unwatched")), "a")
        flow.execute("a")
        subscription = flow.bus.subscribe()
        print("main")
        assert subscription.published == 0
        assert streams[0].getvalue() == "main\nunwatched\nmain\n"


def test_coroutines_and_workers_are_heard() -> None:
    with captured():

        async def later() -> None:
            print("from a coroutine")

        flow = Flow("f", "concurrent")
        routine = Routine()
        routine.define_slot("trigger", later)
        flow.add_routine(routine, "a")
        flow.add_routine(node(lambda r: print("from a worker")), "b")
        subscription = flow.bus.subscribe()
        flow.execute("a")
        flow.execute("b")
        idle(flow)
        flow.shutdown()
        records = subscription.read()
        lines = [r for r in records if r.kind == Kind.LINE]
        assert len(lines) == 2
        assert {r.cause for r in lines} == {
            r.activation for r in records if r.kind == Kind.ACTIVATION
        }


def test_several_captures_publish_once_and_the_last_one_puts_back() -> None:
    before = sys.stdout, sys.stderr, logging.getLogRecordFactory()
    first, second = LineCapture(), LineCapture()
    first.open()
    first.open()
    second.open()
    assert told(lambda r: print("x")) == [(Line.OUT, "x", 0)]
    first.close()
    first.close()
    assert told(lambda r: print("x")) == [(Line.OUT, "x", 0)]
    second.close()
    assert (sys.stdout, sys.stderr, logging.getLogRecordFactory()) == before
    assert told(lambda r: print("x")) == []


def test_logging_is_set_up_as_if_nobody_captured() -> None:
    code = """
import logging, routilux
with routilux.LineCapture():
    logging.getLogger("x").warning("last resort")
    logging.basicConfig(format="set up %(message)s")
    logging.getLogger("x").warning("done")
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert found.stderr == "last resort\nset up done\n"


def test_a_record_factory_of_the_users_goes_on() -> None:
    made: list[str] = []
    before = logging.getLogRecordFactory()

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = before(*args, **kwargs)
        made.append(record.getMessage())
        return record

    logging.setLogRecordFactory(factory)
    try:
        with captured():
            assert told(lambda r: logger.error("x"))[0][1] == "ERROR x"
        assert made == ["x"]
        assert logging.getLogRecordFactory() is factory
    finally:
        logging.setLogRecordFactory(before)


def test_what_was_put_before_ours_stays() -> None:
    capture = LineCapture()
    real, mine = sys.stdout, io.StringIO()
    capture.open()
    try:
        sys.stdout = mine
        capture.close()
        assert sys.stdout is mine
    finally:
        sys.stdout = real


def test_the_stream_is_otherwise_as_it_was(tmp_path: Any) -> None:
    with captured():
        file = (tmp_path / "out").open("w", encoding="latin-1")
        with contextlib.redirect_stdout(file):
            capture = LineCapture()
            with LineCapture():  # the fixture's is open: nothing is put in front of this one
                assert sys.stdout is file
            del capture
        assert sys.stdout.write("three") == 5
        sys.stdout.flush()
        assert not sys.stdout.isatty()
        file.close()


def test_no_stream_at_all_is_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    with LineCapture():
        assert told(lambda r: logger.error("x"))[0][1] == "ERROR x"
    assert sys.stdout is None


def test_a_line_left_open_keeps_no_flow_alive() -> None:
    with captured():
        import gc
        import weakref

        def leave() -> weakref.ref[Flow]:
            flow = Flow("f")
            flow.add_routine(node(lambda r: print("left", end="")), "a")
            flow.bus.subscribe()
            flow.execute("a")
            return weakref.ref(flow)

        gone = Call(leave).result()
        gc.collect()
        assert gone() is None


# what must not happen to who prints or logs -------------------------------------------------------


def test_a_thread_that_prints_survives_captures_that_come_and_go() -> None:
    code = """
import sys, threading
from routilux import LineCapture
sys.setswitchinterval(1e-6)
def prints():
    while True:
        print("x")
threading.Thread(target=prints, daemon=True).start()
for _ in range(3000):
    with LineCapture():
        pass
sys.stderr.write("survived")
"""
    found = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert (found.returncode, found.stderr[:8]) == (0, "survived")


def test_a_capture_that_was_closed_behind_another_stream_is_silent_and_is_used_again() -> None:
    capture, out = LineCapture(), io.StringIO()
    with contextlib.redirect_stdout(out):
        capture.open()
        with contextlib.redirect_stdout(io.StringIO()):
            capture.close()
        assert told(lambda r: (print("x"), logger.error("x"))) == []
        capture.open()
        assert [text for _, text, _ in told(lambda r: (print("x"), logger.error("x")))] == [
            "x",
            "ERROR x",
        ]
        capture.close()
        assert sys.stdout is out


def test_a_factory_that_calls_the_captures_publishes_once() -> None:
    before = logging.getLogRecordFactory()
    capture = LineCapture()
    capture.open()
    ours = logging.getLogRecordFactory()
    logging.setLogRecordFactory(lambda *args, **kwargs: ours(*args, **kwargs))
    try:
        capture.close()
        assert told(lambda r: logger.error("x")) == []
        capture.open()
        assert [text for _, text, _ in told(lambda r: logger.error("x"))] == ["ERROR x"]
    finally:
        capture.close()
        logging.setLogRecordFactory(before)


class Lookup(dict[str, str]):
    def __getitem__(self, key: str) -> str:
        raise RuntimeError("rude")


class Severity(int):
    """A level of the user's own."""


@pytest.mark.parametrize(
    "log",
    [
        lambda: logger.error("%(a)s", types.MappingProxyType({"a": Rude()})),
        lambda: logger.error("%(a)s", Lookup(a="b")),
        lambda: logger.error("%99999d", 1),
        lambda: logger.log(10**30, "x"),
        lambda: logger.log(Severity(50), "x"),
        lambda: logging.makeLogRecord({"msg": "hi", "levelno": 30, "levelname": "WARNING"}),
        lambda: copy_context().run(print, "x"),
    ],
)
def test_logging_never_fails_a_handler_that_would_succeed_without_a_capture(
    log: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logger, "propagate", False)  # nothing but the record is made
    flow = Flow("f")
    flow.add_routine(node(lambda r: log()), "a")
    subscription = flow.bus.subscribe()
    with captured():
        assert flow.execute("a").status == "completed"
    for record in subscription.read():
        assert type(record.value) in (int, float)
        assert -(2**63) <= record.value < 2**63


def test_the_stream_answers_as_the_one_behind_it(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w+") as file, contextlib.redirect_stdout(file):
        with LineCapture():
            with pytest.raises(TypeError, match="pickle"):
                copy.copy(sys.stdout)
            assert list(sys.stdout) == []
            assert sys.stdout.fileno() == file.fileno()
            assert sys.stdout.name == file.name
        assert sys.stdout is file


def test_a_stream_that_was_taken_away_meanwhile_is_not_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before, stdout = logging.getLogRecordFactory(), sys.stdout
    with LineCapture():
        del sys.stdout
    assert logging.getLogRecordFactory() is before
    sys.stdout = stdout


def test_of_a_line_that_is_written_over_the_last_state_is_published() -> None:
    def handler(routine: Routine) -> None:
        for percent in (10, 50, 100):
            print(f"\r{percent} %", end="")
        print("\r\nnext")

    with captured():
        assert [text for _, text, _ in told(handler)] == ["100 %", "next"]


def test_lines_of_jobs_that_are_not_traced_are_left_alone() -> None:
    flow = Flow("f")
    flow.add_routine(node(lambda r: (print("x"), r.increment_stat("n"))), "a")
    subscription = flow.bus.subscribe(every=1_000_000_007)
    with captured():
        flow.execute("a")
    assert subscription.read() == []
