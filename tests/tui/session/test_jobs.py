"""What a user asks of the engine beside looking: jobs paused, resumed, cancelled, and stacks."""

from __future__ import annotations

import asyncio
import textwrap
from pathlib import Path

from tests.tui.session.running import Running, in_loop, running, write
from tests.waiting import SECONDS
from tui.session.messages import Answer, AskStack, Control, JobInfo, Pull, Snapshot

#: Two steps; the first waits at a file, and again for every message that comes.
STEPS = """
from routilux import ErrorHandler, Flow, Routine
import os, sys, time

HERE = os.path.dirname(os.path.abspath(__file__))

class First(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.handle)
        self.define_event("out", ["n"])

    def handle(self, n=0, **kwargs):
        for i in range(4):
            self.emit("out", n=i)

class Second(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("in", handler=self.handle)

    def handle(self, n):
        print(f"begin {n}", flush=True)
        self.wait_for_file(n)
        print(f"end {n}", flush=True)

    def wait_for_file(self, n):
        while not os.path.exists(os.path.join(HERE, f"go{n}")):
            time.sleep(0.002)  # the place to see

flow = Flow("steps", execution_strategy="concurrent", max_workers=1)
flow.add_routine(First(), "first")
flow.add_routine(Second(), "second")
flow.connect("first", "out", "second", "in")
"""
RUN = STEPS + "job = flow.execute('first')\nflow.wait_for_completion()\nprint('job', job.status)\n"


async def look(live: Running) -> Snapshot:
    snapshot = await live.session.pull(Pull(jobs=50), SECONDS)
    assert snapshot is not None
    live.monitor.apply(snapshot)
    return snapshot


async def job(live: Running) -> JobInfo:
    jobs = (await look(live)).jobs
    assert jobs is not None
    assert len(jobs) == 1
    return jobs[0]


async def control(live: Running, action: str, number: int | None = None) -> Answer:
    number = (await job(live)).number if number is None else number
    answer = await live.session.ask(Control(number, action), SECONDS)
    assert answer is not None
    return answer


@in_loop
async def test_a_job_is_paused_resumed_and_ends(tmp_path: Path) -> None:
    async with running(write(tmp_path / "steps.py", RUN)) as live:
        await live.until_printed("begin 0")
        told = await job(live)
        assert (told.status, told.sent, told.left, told.ended) == ("running", 5, 4, False)
        answer = await control(live, "pause")
        assert not answer.refused
        assert answer.text.endswith("is paused; handlers of it that run already go on")
        assert (await job(live)).status == "paused"
        refusal = await control(live, "pause")
        assert refusal.refused
        assert refusal.text == f"cannot pause: job {told.number} is paused already"
        for n in range(4):
            (tmp_path / f"go{n}").touch()
        await live.until_printed("end 0")
        assert "begin 1" not in live.text()
        assert (await control(live, "resume")).text == f"job {told.number} goes on"
        await live.until_printed("job completed")
        ended = await job(live)  # the script holds it
        assert (ended.status, ended.ended, ended.sent, ended.left) == ("completed", True, 5, 0)
        for action in ("pause", "resume", "cancel"):
            refusal = await control(live, action)
            assert refusal.text == f"cannot {action}: job {told.number} is completed already"


@in_loop
async def test_a_job_is_cancelled_and_what_it_has_queued_is_dropped(tmp_path: Path) -> None:
    async with running(write(tmp_path / "steps.py", RUN)) as live:
        await live.until_printed("begin 0")
        assert (await control(live, "resume")).text.endswith("is not paused")
        answer = await control(live, "cancel")
        assert "is cancelled" in answer.text
        told = await job(live)
        assert (told.status, told.dropped, told.ended) == ("cancelled", 3, False)
        assert (await control(live, "cancel")).text.endswith("is cancelled already")
        (tmp_path / "go0").touch()
        await live.until_printed("job cancelled")


@in_loop
async def test_what_is_not_there_is_refused_by_one_line(tmp_path: Path) -> None:
    async with running(write(tmp_path / "steps.py", RUN)) as live:
        await live.until_printed("begin 0")
        answer = await control(live, "cancel", 999)
        assert answer.refused
        assert answer.text == "cannot cancel: job 999 has ended, and nobody holds it any more"
        answer = await control(live, "juggle")
        assert answer.refused
        assert "knows no 'juggle'" in answer.text
        stack = await live.session.ask(AskStack(12345), SECONDS)
        assert stack is not None
        assert (stack.refused, stack.text) == (True, "it has ended meanwhile")


@in_loop
async def test_the_rest_of_a_sequential_job_runs_without_holding_up_the_monitor(
    tmp_path: Path,
) -> None:
    source = STEPS.replace("concurrent", "sequential") + textwrap.dedent(
        """
        import threading
        threading.Thread(target=flow.execute, args=("first",), daemon=True).start()
        while not os.path.exists(os.path.join(HERE, "end")):
            time.sleep(0.002)
        """
    )
    async with running(write(tmp_path / "steps.py", source)) as live:
        await live.until_printed("begin 0")
        await control(live, "pause")
        (tmp_path / "go0").touch()
        await live.until_printed("end 0")
        number = (await job(live)).number
        resumed = asyncio.create_task(live.session.ask(Control(number, "resume"), SECONDS))
        await live.until_printed("begin 1")
        assert (await job(live)).status == "running"  # answered meanwhile
        assert not resumed.done()
        for n in range(1, 4):
            (tmp_path / f"go{n}").touch()
        answer = await resumed
        assert answer is not None
        assert answer.text == f"job {number} goes on"


@in_loop
async def test_a_stack_begins_in_the_handler_and_names_file_line_and_function(
    tmp_path: Path,
) -> None:
    async with running(write(tmp_path / "steps.py", RUN)) as live:
        await live.until_printed("begin 0")
        answer = await stack(live)
        assert not answer.refused
        assert [line.function for line in answer.stack[:2]] == [
            "Second.handle",
            "Second.wait_for_file",
        ]
        assert {line.file for line in answer.stack[:2]} == {str(tmp_path / "steps.py")}
        assert answer.stack[0].text == "self.wait_for_file(n)"
        source = (tmp_path / "steps.py").read_text().splitlines()
        assert "wait_for_file" in source[answer.stack[0].line - 1]
        assert answer.thread.startswith("routilux-steps")
        assert 0 < answer.began_ns < live.monitor.run.now


async def stack(live: Running) -> Answer:
    """Of whatever runs."""
    answer: Answer | None = None

    async def ask() -> None:
        nonlocal answer
        for lane in (await look(live)).lanes:
            if lane.running is not None:
                answer = await live.session.ask(AskStack(lane.running[2]), SECONDS)

    while answer is None or answer.refused:  # it may be on its way into the handler
        await ask()
    return answer


@in_loop
async def test_the_stack_of_what_is_not_traced_is_asked_for_by_thread_and_edge(
    tmp_path: Path,
) -> None:
    untraced = "flow.bus._subscriptions[0].sample(4096)\n"
    async with running(write(tmp_path / "steps.py", STEPS + untraced + RUN[len(STEPS) :])) as live:
        await live.until_printed("begin 0")
        functions: list[str] = []
        while "Second.wait_for_file" not in functions:
            for lane in (await look(live)).lanes:
                if lane.running is not None:
                    edge, _, activation = lane.running
                    assert activation == 0
                    asks = AskStack(activation, lane.number, edge)
                    answer = await live.session.ask(asks, SECONDS)
                    assert answer is not None
                    functions = [line.function for line in answer.stack]
        assert functions[0] == "Second.handle"
        assert answer.began_ns == 0
        other = await live.session.ask(AskStack(0, lane.number, edge + 77), SECONDS)
        assert other is not None
        assert other.text == "it has ended meanwhile"


@in_loop
async def test_the_stack_of_a_coroutine_tells_what_it_awaits(tmp_path: Path) -> None:
    source = """
    from routilux import Flow, Routine
    import asyncio

    class Waits(Routine):
        def __init__(self):
            super().__init__()
            self.define_slot("trigger", handler=self.handle)

        async def handle(self, **kwargs):
            print("begin", flush=True)
            await self.inner()

        async def inner(self):
            await asyncio.sleep(1000)

    flow = Flow("co", execution_strategy="concurrent", max_workers=1)
    flow.add_routine(Waits(), "waits")
    flow.execute("waits")
    flow.wait_for_completion()
    """
    async with running(write(tmp_path / "co.py", source)) as live:
        await live.until_printed("begin")
        answer = await stack(live)
        functions = [line.function for line in answer.stack]
        assert functions[:3] == ["Waits.handle", "Waits.inner", "sleep"]


@in_loop
async def test_a_handler_that_waits_in_the_engine_shows_where_it_went_in(tmp_path: Path) -> None:
    source = """
    from routilux import Flow, Routine
    import os, time

    class Fills(Routine):
        def __init__(self):
            super().__init__()
            self.define_slot("trigger", handler=self.handle)
            self.define_event("out", ["n"])

        def handle(self, **kwargs):
            print("begin", flush=True)
            self.fill()

        def fill(self):
            for n in range(100):
                self.emit("out", n=n)

    class Takes(Routine):
        def __init__(self):
            super().__init__()
            self.define_slot("in", handler=self.handle, max_queue=1, max_concurrency=1)

        def handle(self, n):
            time.sleep(1000)

    flow = Flow("full", execution_strategy="concurrent", max_workers=2)
    flow.add_routine(Fills(), "fills")
    flow.add_routine(Takes(), "takes")
    flow.connect("fills", "out", "takes", "in")
    flow.execute("fills")
    flow.wait_for_completion()
    """
    async with running(write(tmp_path / "full.py", source)) as live:
        await live.until_printed("begin")
        found: list[list[str]] = []

        async def waits() -> bool:
            for lane in (await look(live)).lanes:
                if lane.running is not None:
                    answer = await live.session.ask(AskStack(lane.running[2]), SECONDS)
                    if answer is not None:
                        found.append([line.function for line in answer.stack])
            return any("Routine.emit" in functions for functions in found)

        while not await waits():
            assert len(found) < 2_000, found[-1]
        functions = next(f for f in found if "Routine.emit" in f)
        assert functions[:3] == ["Fills.handle", "Fills.fill", "Routine.emit"]


@in_loop
async def test_tries_that_wait_are_told_with_their_time(tmp_path: Path) -> None:
    source = """
    from routilux import ErrorHandler, Flow, Routine

    class Fails(Routine):
        def __init__(self):
            super().__init__()
            self.define_slot("trigger", handler=self.handle)
            self.set_error_handler(ErrorHandler("retry", max_retries=9, retry_delay=500.0))

        def handle(self, **kwargs):
            self.call_later(300.0, self.handle)
            raise TimeoutError("no answer")

    flow = Flow("tries", execution_strategy="concurrent", max_workers=1)
    flow.add_routine(Fails(), "fails")
    flow.execute("fails")
    flow.wait_for_completion()
    """
    async with running(write(tmp_path / "tries.py", source)) as live:
        snapshot = await look(live)
        while len(snapshot.later) < 2:
            snapshot = await look(live)
        timer, again = snapshot.later
        assert (timer.tries, again.tries) == (0, 2)
        assert 290 < timer.due_ns / 1e9 <= 300
        assert 490 < again.due_ns / 1e9 <= 500
        told = await job(live)
        assert (timer.job, again.job) == (told.number, told.number)
        assert (told.retried, told.errors, told.later) == (1, 0, 2)


@in_loop
async def test_a_request_to_a_process_that_dies_has_no_answer(tmp_path: Path) -> None:
    async with running(write(tmp_path / "steps.py", RUN)) as live:
        await live.until_printed("begin 0")
        number = (await job(live)).number
        live.session.kill()
        await live.until_died()
        assert await live.session.ask(Control(number, "cancel"), SECONDS) is None
        assert await live.session.ask(AskStack(1), SECONDS) is None


@in_loop
async def test_jobs_are_told_only_when_asked_for(tmp_path: Path) -> None:
    async with running(write(tmp_path / "steps.py", RUN)) as live:
        await live.until_printed("begin 0")
        snapshot = await live.session.pull(Pull(), SECONDS)
        assert snapshot is not None
        assert snapshot.jobs is None


@in_loop
async def test_of_many_jobs_the_newest_are_told(tmp_path: Path) -> None:
    source = STEPS + textwrap.dedent(
        """
        for n in range(30):
            flow.execute("second", {"n": 0}, entry_slot="in")
        flow.wait_for_completion()
        """
    )
    async with running(write(tmp_path / "steps.py", source)) as live:
        await live.until_printed("begin 0")
        numbers: list[int] = []
        while len(numbers) < 5 or (await look(live)).states[0].open_jobs < 30:
            snapshot = await live.session.pull(Pull(jobs=5), SECONDS)
            assert snapshot is not None
            numbers = [info.number for info in snapshot.jobs or ()]
        last = (await look(live)).jobs
        assert last is not None
        assert len(last) == 30
        snapshot = await live.session.pull(Pull(jobs=5), SECONDS)
        assert snapshot is not None
        assert snapshot.jobs is not None
        assert [i.number for i in snapshot.jobs] == [i.number for i in last[-5:]]
