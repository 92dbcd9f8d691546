"""Sessions with real engine processes: what they tell, and every way in which a script can end."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from routilux import Kind
from tests.tui.session.running import (
    ONE,
    Running,
    children,
    descriptors,
    in_loop,
    is_running,
    running,
    until,
    write,
)
from tests.waiting import SECONDS, wait_until
from tui.model.monitor import Phase
from tui.session.messages import Frames, Pull, decode_reply
from tui.session.session import Session
from tui.session.worker import Engine
from tui.targets import Target, parse_target

QUIET = ONE.format("pass")
PRINTING = ONE.format("print('handled', n, flush=True)")


@in_loop
async def test_an_answer_that_comes_too_late_is_given_to_who_asks_next(tmp_path: Path) -> None:
    """It holds what has changed: thrown away, the wiring and the counts would never come."""
    path = write(tmp_path / "one.py", QUIET + "flow.execute('echo')\nflow.wait_for_completion()\n")
    async with running(path) as live:
        await live.until_phase("ended")
        assert await live.session.pull(Pull(), 0.0) is None
        engine = live.session._current
        assert engine is not None
        owed = engine.ask(Pull())
        await live.until(owed.done, "the late answer")
        snapshot = await live.session.pull(Pull(), SECONDS)
        assert snapshot is not None
        assert snapshot.flows is not None
        assert len(snapshot.records) == 4
        again = await live.session.pull(Pull(), SECONDS)
        assert again is not None
        assert again.flows is None


@in_loop
async def test_the_first_snapshot_has_the_wiring_and_the_state(tmp_path: Path) -> None:
    path = write(tmp_path / "one.py", QUIET + "flow.execute('echo')\nflow.wait_for_completion()\n")
    async with running(path) as live:
        await live.until_phase("ended")
        snapshot = await live.session.pull(Pull(), SECONDS)
        assert snapshot is not None
        assert snapshot.flows is not None
        (flow,) = snapshot.flows
        assert (flow.id, flow.strategy, flow.workers) == ("one", "concurrent", 2)
        (routine,) = flow.routines
        assert (routine.id, routine.cls, routine.entry) == ("echo", "Echo", True)
        assert (routine.file, routine.line) == (str(path), 6)
        kinds = sorted(Kind(record[2]).name for record in snapshot.records)
        assert kinds == ["ACTIVATION", "JOB_ENDED", "JOB_STARTED", "WORKER_UP"]
        assert (snapshot.generation, snapshot.published, snapshot.received) == (1, 4, 4)
        again = await live.session.pull(Pull(), SECONDS)
        assert again is not None
        assert (again.flows, again.records) == (None, ())


@in_loop
async def test_a_script_goes_from_loading_over_running_to_ended(tmp_path: Path) -> None:
    source = (
        PRINTING
        + f"""
flow.execute('echo')
while not os.path.exists({str(tmp_path / "go")!r}):
    time.sleep(0.002)
sys.exit(0)
"""
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        assert live.monitor.phase == Phase.LOADING
        await live.until_printed("handled 0")
        await live.until_phase("running")
        await live.until_done(1)
        # A handler ends before its job does.
        while (await live.look()).run.open_jobs:  # noqa: ASYNC110 - each look asks
            await asyncio.sleep(0)
        assert live.monitor.phase == Phase.IDLE
        (tmp_path / "go").touch()
        state = await live.until_phase("ended")
        await live.look()
        assert live.monitor.phase == Phase.ENDED
        assert (state.opened, state.exit_code, state.failure) == (True, 0, None)
        assert state.files == (str(tmp_path / "one.py"),)


@in_loop
async def test_what_came_before_the_screen_was_ready_is_not_missed(tmp_path: Path) -> None:
    path = write(
        tmp_path / "one.py", PRINTING + "flow.execute('echo')\nflow.wait_for_completion()\n"
    )
    target = parse_target(str(path))
    assert isinstance(target, Target)
    session = Session(target)
    live = Running(session)
    session.prepare()
    try:
        assert session._current is not None
        sock = session._current._sock
        sizes = [0, 0]
        while sizes[-1] <= sizes[0] or len(sizes) < 200:  # until it has said all that it will
            sizes.append(len(await asyncio.to_thread(sock.recv, 65536, socket.MSG_PEEK)))
            await asyncio.sleep(0.002)
        await session.start()
        await live.until(lambda: live.monitor.script.phase == "ended", "the news of its end")
        await live.until(lambda: live.session._known == {str(path)}, "the file to watch")
    finally:
        await session.close()


@in_loop
async def test_output_and_errors_arrive_apart_and_whole(tmp_path: Path) -> None:
    source = QUIET + "print('out ä')\nprint('err', file=sys.stderr)\nprint('end', end='')\n"
    source += "os.write(1, bytes([0xff, 0xfe, 10]))\n"
    async with running(write(tmp_path / "one.py", source)) as live:
        await live.until_phase("ended")
        await live.until(lambda: "end" in live.text() and "err" in live.text(), "output")
        assert live.text(errors=True) == "err\n"
        assert live.text(errors=False).startswith("out ä\n")
        assert "\ufffd\ufffd\n" in live.text()


@in_loop
async def test_an_exception_is_told_with_its_place_and_without_our_frames(tmp_path: Path) -> None:
    source = QUIET + "def fail():\n    raise RuntimeError('broken')\n\nfail()\n"
    path = write(tmp_path / "one.py", source)
    async with running(path) as live:
        await live.until_phase("failed")
        failure = live.failure
        last = source.count("\n", 0, source.index("raise")) + 1
        assert (failure.kind, failure.message) == ("RuntimeError", "broken")
        assert (failure.file, failure.line) == (str(path), last)
        await live.until_printed("RuntimeError: broken")
        for text in (failure.traceback, live.text(errors=True)):
            assert text.startswith("Traceback (most recent call last):\n")
            assert text.count('  File "') == 2
            assert text.count(f'  File "{path}"') == 2
        assert live.session.alive


@in_loop
async def test_a_traceback_is_the_one_that_python_prints(tmp_path: Path) -> None:
    write(
        tmp_path / "helper.py",
        """
        def fail():
            try:
                1 / 0
            except ZeroDivisionError as error:
                raise KeyError('k') from error
        """,
    )
    path = write(tmp_path / "one.py", QUIET + "import helper\nhelper.fail()\n")
    command = [sys.executable, str(path)]
    plain = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    for where in (str(path), f"{path}:flow"):
        async with running(where) as live:
            await live.until_phase("failed")
            await live.until_printed("KeyError: 'k'\n")
            assert live.text(errors=True) == plain.stderr


@in_loop
async def test_a_syntax_error_is_told_with_its_caret(tmp_path: Path) -> None:
    path = write(tmp_path / "one.py", "x = 1\nif x\n    pass\n")
    async with running(path) as live:
        await live.until_phase("failed")
        failure = live.failure
        assert (failure.kind, failure.message) == ("SyntaxError", "expected ':'")
        assert (failure.file, failure.line, failure.column) == (str(path), 2, 5)
        await live.until_printed("    if x\n        ^\n")
        assert "Traceback" not in live.text()


@in_loop
async def test_a_helper_that_does_not_compile_is_watched_and_told(tmp_path: Path) -> None:
    helper = write(tmp_path / "helper.py", "def f(:\n")
    path = write(tmp_path / "one.py", "import helper\n")
    async with running(path) as live:
        state = await live.until_phase("failed")
        assert (live.failure.file, live.failure.line) == (str(helper), 1)
        assert set(state.files) >= {str(path), str(helper)}


@pytest.mark.parametrize(
    ("leave", "code", "said"),
    [
        ("sys.exit()", 0, ""),
        ("sys.exit(0)", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('text')", 1, "text\n"),
        ("raise SystemExit", 0, ""),
    ],
)
def test_leaving_by_sys_exit_is_an_end_not_a_failure(
    tmp_path: Path, leave: str, code: int, said: str
) -> None:
    @in_loop
    async def check() -> None:
        path = write(tmp_path / "one.py", QUIET + leave + "\n")
        async with running(path) as live:
            state = await live.until_phase("ended", "failed")
            assert (state.phase, state.exit_code, state.failure) == ("ended", code, None)
            await live.until_printed(said)
            assert live.text() == said
            await live.look()  # the process stays and shows the final state
            assert live.monitor.phase == Phase.ENDED

    check()


@in_loop
async def test_os_exit_ends_the_process_and_is_told(tmp_path: Path) -> None:
    source = QUIET + "print('last words', flush=True)\nos._exit(3)\n"
    async with running(write(tmp_path / "one.py", source)) as live:
        died = await live.until_died()
        assert (died.generation, died.exit_code) == (1, 3)
        assert not live.session.alive
        assert "last words" in live.text()
        assert "left with exit code 3" in (live.monitor.banner.title if live.monitor.banner else "")
        assert await live.session.pull(Pull(), 0.5) is None


@in_loop
async def test_what_was_printed_before_a_crash_comes_before_the_news_of_it(tmp_path: Path) -> None:
    source = (
        QUIET
        + """
for n in range(20_000):
    print("line", n)
sys.stdout.flush()
os.kill(os.getpid(), 11)
"""
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        died = await live.until_died()
        assert died.exit_code == -signal.SIGSEGV
        assert live.events[-1] is died
        assert "line 19999\n" in live.text()
        assert "Segmentation fault" in live.text()  # where it was, from faulthandler


@in_loop
async def test_a_killed_process_is_noticed_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "one.py", QUIET + "threading.Event().wait()\n")
    async with running(path) as live:
        await live.until_phase("running")
        while not live.monitor.run.flows:
            await live.look()
        begin = time.monotonic()
        os.kill(live.pid, signal.SIGKILL)
        died = await live.until_died()
        assert time.monotonic() - begin < 2.0
        assert died.exit_code == -signal.SIGKILL
        assert live.monitor.phase == Phase.DIED
        assert live.monitor.run.flows  # the last state stays


@in_loop
async def test_it_is_noticed_also_while_children_of_the_script_live_on(tmp_path: Path) -> None:
    source = (
        QUIET
        + """
os.system("sleep 60 &")
import subprocess
subprocess.Popen(["sleep", "60"], close_fds=False)
if os.fork() == 0:
    time.sleep(60)
print("all started", flush=True)
threading.Event().wait()
"""
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        await live.until_printed("all started")
        group = live.pid
        os.kill(live.pid, signal.SIGKILL)
        died = await live.until_died()
        assert died.exit_code == -signal.SIGKILL
        await until(lambda: not in_group(group), "the end of what the script had started", 3.0)


def in_group(group: int) -> list[int]:
    """The processes of a process group."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and is_running(int(entry.name)):
            try:
                if os.getpgid(int(entry.name)) == group:
                    found.append(int(entry.name))
            except ProcessLookupError:
                continue
    return found


@in_loop
async def test_closing_ends_what_the_script_had_started(tmp_path: Path) -> None:
    source = (
        QUIET
        + """
import subprocess
subprocess.Popen(["sleep", "60"])
print("started", flush=True)
threading.Event().wait()
"""
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        await live.until_printed("started")
        group = live.pid
        assert len(in_group(group)) == 2
    await until(lambda: not in_group(group), "the end of the group", 3.0)


@in_loop
async def test_a_forked_child_ends_as_under_python(tmp_path: Path) -> None:
    source = (
        QUIET
        + """
import atexit
atexit.register(lambda: print("atexit", flush=True))
pid = os.fork()
if pid == 0:
    print("child", flush=True)
    sys.exit(5)
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
if os.fork() == 0:
    raise RuntimeError("in the child")
print("status", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
if os.fork() != 0:
    print("status", os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        state = await live.until_phase("ended", "failed")
        assert (state.phase, state.exit_code) == ("ended", 0)
        await live.until(lambda: live.text().count("status") == 3, "three children")
        assert [line for line in live.text().splitlines() if "status" in line] == [
            "status 5",
            "status 1",
            "status 0",
        ]
        assert "atexit" in live.text()
        assert "RuntimeError: in the child" in live.text()
        await live.look()


@in_loop
async def test_multiprocessing_works_in_a_script(tmp_path: Path) -> None:
    source = """
import multiprocessing, sys
def square(n):
    return n * n
if __name__ == "__main__":
    for method in ("fork", "spawn"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            print(method, pool.map(square, range(4)), flush=True)
    from routilux import Flow
    flow = Flow("after")
"""
    async with running(write(tmp_path / "one.py", source)) as live:
        state = await live.until_phase("ended", "failed")
        assert state.failure is None
        await live.until_printed("spawn [0, 1, 4, 9]")
        assert "fork [0, 1, 4, 9]" in live.text()


@in_loop
async def test_an_endless_loop_at_import_is_watched_and_ends_with_the_session(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "one.py", QUIET + "print('in', flush=True)\nwhile True:\n    pass\n")
    async with running(path) as live:
        await live.until_printed("in\n")
        await live.look()
        assert live.session.answering
        assert live.monitor.run.flows
        begin = time.monotonic()
    assert time.monotonic() - begin < 2.0


@in_loop
async def test_a_call_that_holds_the_interpreter_shows_as_not_answering_and_can_be_killed(
    tmp_path: Path,
) -> None:
    source = QUIET + "import re\nprint('in', flush=True)\nre.match('(a+)+b', 'a' * 60)\n"
    async with running(write(tmp_path / "one.py", source)) as live:
        await live.until_printed("in\n")
        begin = time.monotonic()
        while live.session.answering:
            assert time.monotonic() - begin < 2.5
            assert await live.session.pull(Pull(), 0.1) is None or live.session.answering
        took = time.monotonic() - begin
        assert took < 2.0
        begin = time.monotonic()
        live.session.kill()
        assert time.monotonic() - begin < 0.5
        assert (await live.until_died()).exit_code == -signal.SIGKILL


@in_loop
async def test_closing_does_not_wait_for_a_call_that_holds_the_interpreter(tmp_path: Path) -> None:
    source = QUIET + "import re\nprint('in', flush=True)\nre.match('(a+)+b', 'a' * 60)\n"
    async with running(write(tmp_path / "one.py", source)) as live:
        await live.until_printed("in\n")
        begin = time.monotonic()
        await live.session.close()
        assert time.monotonic() - begin < 1.0


@in_loop
async def test_a_flood_of_prints_neither_blocks_the_loop_nor_fills_the_memory(
    tmp_path: Path,
) -> None:
    source = (
        ONE.format("pass")
        + """
import gc
n = 0
while not os.path.exists("stop"):
    for _ in range(1000):
        n += 1
        print("a line of output, number", n)
print("TOTAL", n, flush=True)
"""
    )
    path = write(tmp_path / "one.py", source)
    async with running(path, cwd=tmp_path) as live:
        live.session.on_event = live.monitor.handle  # the real thing: bounded
        output = live.monitor.output
        late = 0.0
        while output.total < 300_000:
            begin = time.monotonic()
            await asyncio.sleep(0.005)
            late = max(late, time.monotonic() - begin - 0.005)
            await live.look()
        (tmp_path / "stop").touch()
        await until(lambda: output.lines and output.lines[-1].text.startswith("TOTAL"), "the end")
        total = int(output.lines[-1].text.split()[1])
        assert output.total == total + 1
        assert len(output.lines) == output.lines.maxlen
        assert late < 0.5


@in_loop
async def test_one_endless_line_stays_bounded(tmp_path: Path) -> None:
    source = (
        QUIET + "for _ in range(300):\n    sys.stdout.write('x' * 65536)\nprint()\nprint('END')\n"
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        live.session.on_event = live.monitor.handle
        output = live.monitor.output
        await until(lambda: output.lines and output.lines[-1].text == "END", "the end")
        assert len(output.lines) == 2
        assert len(output.lines[0].text) <= 2_000


@in_loop
async def test_a_flow_that_never_ends_is_drained_on_close(tmp_path: Path) -> None:
    source = (
        ONE.format("self._flow.execute('echo')")
        + "flow.execute('echo')\nflow.wait_for_completion()\n"
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        await live.until_done(100)
        begin = time.monotonic()
        await live.session.close()
        assert time.monotonic() - begin < 1.0


@in_loop
async def test_finally_blocks_run_when_a_session_is_closed(tmp_path: Path) -> None:
    source = (
        QUIET
        + """
try:
    print("waiting", flush=True)
    threading.Event().wait()
finally:
    open("cleaned", "w").close()
"""
    )
    async with running(write(tmp_path / "one.py", source), cwd=tmp_path) as live:
        await live.until_printed("waiting")
    assert (tmp_path / "cleaned").exists()
    assert "Traceback" not in live.text()


@in_loop
async def test_execute_runs_the_entries_again(tmp_path: Path) -> None:
    async with running(write(tmp_path / "one.py", PRINTING)) as live:
        await live.until_phase("ended")
        await live.look()
        assert live.monitor.run.done == 0
        for count in range(1, 6):
            live.session.execute()
            await live.until_done(count)
        for _ in range(20):
            live.session.execute()
        await live.until_done(25)
        await live.until(lambda: live.text().count("handled") == 25, "25 lines")


@in_loop
async def test_execute_works_beside_a_thread_of_the_scripts_that_is_called_run(
    tmp_path: Path,
) -> None:
    source = (
        PRINTING
        + "threading.Thread(target=threading.Event().wait, name='run', daemon=True).start()\n"
    )
    async with running(write(tmp_path / "one.py", source)) as live:
        await live.until_phase("ended")
        live.session.execute()
        await live.until_done(1)


@in_loop
async def test_execute_that_raises_is_printed_and_the_next_one_works(tmp_path: Path) -> None:
    source = (
        PRINTING
        + """
def run(flow):
    if not os.path.exists("ok"):
        raise RuntimeError("driver failed")
    flow.execute("echo")
"""
    )
    path = write(tmp_path / "one.py", source)
    async with running(f"{path}:flow", cwd=tmp_path) as live:
        await live.until_phase("failed")
        live.session.execute()
        await live.until(lambda: live.text().count("driver failed\n") == 2, "two tracebacks")
        (tmp_path / "ok").touch()
        live.session.execute()
        await live.until_done(1)


# hostile scripts ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "os.close(1); os.close(2)",
        "sys.stdout.close(); sys.stderr.close()",
        "sys.stdout = sys.stderr = None",
        "os.chdir('/')",
        "import signal; [signal.signal(s, signal.SIG_IGN) for s in (2, 15, 1)]",
        "import asyncio; asyncio.run(asyncio.sleep(0))",
        "sys.excepthook = lambda *a: 1 / 0",
        "sys.modules.clear()",
        "sys.path.clear()",
        "import builtins; builtins.print = builtins.input = None",
        "assert sys.stdin.read() == ''",
        "time.monotonic = time.time = lambda: 0.0",
        "threading.Thread = None; threading.enumerate = None",
        "sys.setrecursionlimit(60)",
        "import gc; gc.disable(); gc.set_threshold(1)",
        "os.environ.clear()",
        "import logging; logging.disable(); logging.shutdown()",
        "sys.settrace(lambda *a: None); threading.settrace(lambda *a: None)",
    ],
)
def test_the_engine_process_survives_what_a_script_does_to_its_interpreter(
    tmp_path: Path, code: str
) -> None:
    @in_loop
    async def check() -> None:
        path = write(
            tmp_path / "one.py",
            QUIET + f"flow.execute('echo')\nflow.wait_for_completion()\n{code}\n",
        )
        async with running(path) as live:
            state = await live.until_phase("ended", "failed")
            assert (state.phase, state.failure) == ("ended", None)
            await live.until_done(1)

    check()


@pytest.mark.parametrize(
    "code",
    [
        "sys.stderr.close(); raise RuntimeError('x')",
        "sys.stderr = None; raise RuntimeError('x')",
        "sys.excepthook = lambda *a: 1 / 0; raise RuntimeError('x')",
        "class E(Exception):\n    def __str__(self): raise ValueError\nraise E",
        "def f(): f()\nf()",
        "raise BaseException('x')",
        "raise KeyboardInterrupt",
        "raise ExceptionGroup('g', [ValueError(1), TypeError(2)])",
    ],
)
def test_however_a_script_fails_its_failure_is_told(tmp_path: Path, code: str) -> None:
    @in_loop
    async def check() -> None:
        async with running(write(tmp_path / "one.py", QUIET + code + "\n")) as live:
            await live.until_phase("failed")
            assert live.failure.kind
            assert live.failure.file == str(tmp_path / "one.py")
            await live.look()

    check()


@pytest.mark.parametrize(
    "code", ["sys.stderr.close(); sys.exit('text')", "sys.stderr = None; sys.exit('t')"]
)
def test_leaving_with_a_text_and_no_stream_for_it_is_an_end_all_the_same(
    tmp_path: Path, code: str
) -> None:
    @in_loop
    async def check() -> None:
        async with running(write(tmp_path / "one.py", QUIET + code + "\n")) as live:
            assert (await live.until_phase("ended", "failed")).exit_code == 1
            await live.look()

    check()


#: Modules that the engine process uses itself; a folder may hold files of these names.
SHADOWS = ["queue", "select", "tui", "traceback", "ast", "inspect", "socket", "faulthandler",
           "msgspec", "messages", "struct", "json", "tomllib", "textual"]  # fmt: skip


def test_files_beside_the_script_may_be_called_like_our_modules(tmp_path: Path) -> None:
    @in_loop
    async def check() -> None:
        for name in SHADOWS:
            write(tmp_path / f"{name}.py", f"IT_IS = 'theirs'\nprint('import of {name}')\n")
        source = (
            QUIET
            + """
import tui
print(tui.IT_IS, flush=True)
def build_flow(size=1):
    return flow
flow.execute('echo'); flow.wait_for_completion()
raise RuntimeError('told')
"""
        )
        path = write(tmp_path / "one.py", source)
        async with running(path) as live:
            await live.until_phase("failed")
            assert (live.failure.kind, live.failure.message) == ("RuntimeError", "told")
            await live.until_printed("RuntimeError: told")
            assert "theirs" in live.text()
            assert live.text().count("import of") == 1
            await live.until_done(1)
        async with running(f"{path}:build_flow", params=(("size", "2"),)) as live:
            await live.until_phase("failed")
            assert live.failure.kind == "RuntimeError"

    check()


# ends -----------------------------------------------------------------------------------------

HELPER = """
import asyncio, sys, time
from tui.session.session import Session
from tui.targets import parse_target

async def main():
    session = Session(parse_target(sys.argv[1]), reload=True)
    await session.start()
    while session._spare is None:
        await asyncio.sleep(0.01)
    print(session._current.pid, session._spare.pid, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "busy",
    [
        "threading.Event().wait()",
        "while True: pass",
        "import signal; [signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]; time.sleep(60)",
        "import re; re.match('(a+)+b', 'a' * 60)",
    ],
    ids=["waiting", "busy", "ignoring signals", "holding the interpreter"],
)
def test_the_engine_process_ends_when_the_monitor_is_killed(tmp_path: Path, busy: str) -> None:
    path = write(tmp_path / "one.py", QUIET + f"print('up', flush=True)\n{busy}\n")
    monitor = subprocess.Popen(
        [sys.executable, "-c", HELPER, str(path)], stdout=subprocess.PIPE, text=True
    )
    with monitor:
        assert monitor.stdout is not None
        pids = [int(word) for word in monitor.stdout.readline().split()]
        assert all(is_running(pid) for pid in pids)
        monitor.kill()
    wait_until(lambda: not any(map(is_running, pids)), f"the end of {pids}", 2.0)


@in_loop
async def test_twenty_sessions_leave_no_process_and_no_descriptor(tmp_path: Path) -> None:
    path = write(
        tmp_path / "one.py", PRINTING + "flow.execute('echo')\nflow.wait_for_completion()\n"
    )
    crash = write(tmp_path / "crash.py", PRINTING + "os._exit(1)\n")
    async with running(path, reload=True) as live:  # what is made once, is made now
        await live.until_phase("ended")
        await live.until_watching()
    gc.collect()
    await asyncio.sleep(0)
    before, processes = descriptors(), children()
    for number in range(20):
        async with running(crash if number % 4 == 3 else path, reload=number % 2 == 0) as live:
            if number % 5:
                await live.until(
                    lambda live=live: live.text() or not live.session.alive,
                    "a sign of life",
                )
    gc.collect()
    await until(lambda: descriptors() <= before, "closed descriptors", 3.0)
    assert children() == processes


# the engine process's own side ------------------------------------------------------------------


def test_a_state_never_goes_back_when_the_script_ends_while_the_gate_opens() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        engine = Engine(theirs)
        look = engine._files

        def end_meanwhile() -> tuple[str, ...]:
            engine._files = look  # type: ignore[method-assign]
            engine._report("ended")  # what the main thread does in between
            return look()

        engine._files = end_meanwhile  # type: ignore[method-assign]
        engine._open_gate()
        phases = [decode_reply(body).phase for body in Frames().feed(ours.recv(65_536))]  # type: ignore[union-attr]
        assert phases == ["ended"]
        assert engine._gate.is_set()
