"""Reload with real files and real processes: the protocol of docs and its promises."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import time
from pathlib import Path

import pytest

from tests.tui.session.running import ONE, Running, in_loop, running, ticking, until, write
from tui.model.monitor import Phase
from tui.session import session as session_module
from tui.session.events import Died, Gone, Loading, Rejected, Started, Stopping
from tui.session.messages import Pull

BROKEN = "x = 1\nif x\n    pass\n"


def replace(path: Path, text: str) -> None:
    """Save as many editors do: write a new file and rename it over the old one."""
    new = path.with_suffix(".tmp")
    new.write_text(text)
    os.replace(new, path)


async def ticks(live: Running, text: str) -> None:
    """Wait until that code runs."""
    await live.until_printed(f"tick {text} 1\n")


async def still_ticks(live: Running, text: str) -> None:
    """Wait until that code has run on from where it is now."""
    mark = len(live.text())
    await live.until(lambda: live.text()[mark:].count(f"tick {text} ") >= 2, f"{text} going on")


@in_loop
async def test_a_good_save_runs_the_new_code_as_the_next_generation(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        old = live.pid
        path.write_text(ticking("two"))
        started = await live.until_started(2)
        await ticks(live, "two")
        assert live.session.generation == 2
        assert live.pid != old
        assert started.took is not None
        assert started.took < 3.0
        kinds = [type(e) for e in live.events if isinstance(e, Loading | Stopping | Gone | Started)]
        assert kinds == [Started, Loading, Stopping, Gone, Started]
        assert "Traceback" not in live.text()
        assert live.monitor.banner is not None
        assert live.monitor.banner.title.startswith("RELOADED g1 -> g2")
        await live.look()
        assert live.monitor.run.generation == 2


@in_loop
async def test_a_syntax_error_is_told_while_the_old_code_goes_on(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        path.write_text(BROKEN)
        rejected = await live.until_rejected()
        failure = rejected.failure
        assert (failure.kind, failure.message) == ("SyntaxError", "expected ':'")
        assert (failure.file, failure.line, failure.column) == (str(path), 2, 5)
        assert rejected.snippet == ((1, "x = 1"), (2, "if x"), (3, "    pass"))
        banner = live.monitor.banner
        assert banner is not None
        assert banner.title == "RELOAD FAILED: g2 rejected, g1 keeps running"
        assert banner.lines[-2:] == ("            ^", "     3      pass")
        await still_ticks(live, "one")
        path.write_text(ticking("two"))
        await ticks(live, "two")
        assert not live.monitor.banner.is_error
        assert (live.session.generation, len(live.of(Rejected))) == (2, 1)


@pytest.mark.parametrize(
    ("source", "kind", "line"),
    [
        ("import nowhere_to_be_found\n", "ModuleNotFoundError", 1),
        ("x = 1\nraise ValueError('no')\n", "ValueError", 2),
        ("import os\nos._exit(7)\n", "Exit", 0),
        ("print('nothing here')\n", "NotFound", 0),
    ],
)
def test_code_that_cannot_be_loaded_is_rejected(
    tmp_path: Path, source: str, kind: str, line: int
) -> None:
    @in_loop
    async def check() -> None:
        path = write(tmp_path / "f.py", ticking("one"))
        async with running(path, reload=True) as live:
            await ticks(live, "one")
            await live.until_watching()
            path.write_text(source)
            rejected = await live.until_rejected()
            assert (rejected.failure.kind, rejected.failure.line) == (kind, line)
            await still_ticks(live, "one")
            path.write_text(ticking("two"))
            await ticks(live, "two")

    check()


@in_loop
async def test_a_running_handler_finishes_before_the_new_code_starts(tmp_path: Path) -> None:
    slow = ONE.format("print('begin', flush=True); time.sleep(0.5); print('end', flush=True)")
    slow += "flow.execute('echo'); flow.execute('echo'); flow.execute('echo')\n"
    slow += "flow.wait_for_completion()\n"
    path = write(tmp_path / "f.py", "")
    write(path, slow)
    async with running(path, reload=True) as live:
        await live.until(lambda: live.text().count("begin") == 2, "two handlers")
        path.write_text(ticking("two"))
        await ticks(live, "two")
        old = live.text(1)
        assert old.count("begin") == old.count("end") == 2
        (gone,) = live.of(Gone)
        assert (gone.dropped, gone.stuck) == (1, ())
        begun = [e for e in live.events if isinstance(e, Stopping | Started)]
        assert isinstance(begun[1], Stopping)


@in_loop
async def test_a_handler_that_is_stuck_is_killed_after_the_deadline_and_named(
    tmp_path: Path,
) -> None:
    stuck = ONE.format("print('in', flush=True); threading.Event().wait()")
    path = write(tmp_path / "f.py", stuck + "flow.execute('echo')\nflow.wait_for_completion()\n")
    async with running(path, reload=True) as live:
        await live.until_printed("in")
        await live.until_watching()
        begin = time.monotonic()
        path.write_text(ticking("two"))
        await ticks(live, "two")
        assert time.monotonic() - begin < 4.0
        (gone,) = live.of(Gone)
        assert gone.stuck == ("routilux-one-1",)
        assert "stuck in a handler: routilux-one-1" in str(live.monitor.output.lines)
        assert "Traceback" not in live.text()


@in_loop
async def test_code_that_holds_the_interpreter_is_replaced_too(tmp_path: Path) -> None:
    held = ONE.format("pass") + "import re\nprint('in', flush=True)\nre.match('(a+)+b', 'a' * 60)\n"
    path = write(tmp_path / "f.py", held)
    async with running(path, reload=True) as live:
        await live.until_printed("in")
        await live.until_watching()
        asking = asyncio.create_task(live.session.pull(Pull(), 1.0))
        path.write_text(ticking("two"))
        await ticks(live, "two")
        assert live.of(Gone)[0].stuck == ("process",)
        await asking
        await live.look()


# never two at once ----------------------------------------------------------------------------

ALONE = """
import socket
from pathlib import Path
flow.execute("echo")  # the gate
flow.wait_for_completion()
port = socket.socket()
try:
    port.bind(("127.0.0.1", {port}))
except OSError:
    print("CLASH", flush=True)
lock = Path({lock!r})
if lock.exists():
    print("CLASH of files", flush=True)
lock.touch()
print("alone", {text!r}, flush=True)
try:
    while True:
        time.sleep(0.005)
finally:
    time.sleep(0.05)
    lock.unlink()
"""


def alone(folder: Path, port: int, text: str) -> str:
    return ONE.format("pass") + ALONE.format(port=port, lock=str(folder / "lock"), text=text)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
        return number


@in_loop
async def test_two_quick_saves_end_with_the_newest_and_never_run_together(tmp_path: Path) -> None:
    port = free_port()
    path = write(tmp_path / "f.py", alone(tmp_path, port, "v0"))
    async with running(path, reload=True) as live:
        await live.until_printed("alone v0")
        await live.until_watching()
        for number in range(1, 6):
            path.write_text(alone(tmp_path, port, f"v{number}-early"))
            await asyncio.sleep(random.Random(number).choice([0, 0.03, 0.06, 0.1, 0.15]))
            replace(path, alone(tmp_path, port, f"v{number}"))
            await live.until_printed(f"alone v{number}\n")
        assert "CLASH" not in live.text()
        await live.until_watching()
        ends = live.text().rstrip().splitlines()[-1]
        assert ends == "alone v5"


@in_loop
async def test_a_newer_change_discards_a_candidate_that_is_still_loading(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        path.write_text("import time\nprint('slow load', flush=True)\ntime.sleep(30)\n")
        await live.until_printed("slow load")
        path.write_text(ticking("three"))
        await ticks(live, "three")
        assert live.session.generation == 2
        assert not live.of(Rejected)


@in_loop
async def test_a_broken_save_does_not_discard_good_code_that_is_still_loading(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        go = tmp_path / "go"
        wait = "import os, time\nprint('loads', flush=True)\n"
        wait += f"while not os.path.exists({str(go)!r}):\n    time.sleep(0.01)\n"
        path.write_text(wait + ticking("two"))
        await live.until_printed("loads")
        path.write_text(BROKEN)
        await until(lambda: live.session._change and live.session._change.problem, "the mistake")
        go.touch()
        await ticks(live, "two")
        await live.until_rejected()
        assert live.monitor.banner is not None
        assert live.monitor.banner.title.endswith("g3 rejected, g2 keeps running")
        await still_ticks(live, "two")


@in_loop
async def test_a_load_that_takes_long_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "SLOW_LOAD", 0.1)
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        path.write_text("import time\ntime.sleep(60)\n")
        await live.until(lambda: [e for e in live.of(Loading) if e.slow], "slow")
        assert live.monitor.status == "g2 is still loading: K cancels"
        await still_ticks(live, "one")


# which files ----------------------------------------------------------------------------------


@in_loop
async def test_a_file_that_was_renamed_over_is_reloaded_again_and_again(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("v0"))
    async with running(path, reload=True) as live:
        await ticks(live, "v0")
        for number in range(1, 4):
            replace(path, ticking(f"v{number}"))
            await ticks(live, f"v{number}")


@in_loop
async def test_a_helper_that_is_saved_reloads_too(tmp_path: Path) -> None:
    helper = write(tmp_path / "helper.py", "WORD = 'one'\n")
    path = write(
        tmp_path / "f.py", "from helper import WORD as TEXT\n" + ticking("x").partition("\n")[2]
    )
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        helper.write_text("WORD = 'two'\n")
        await ticks(live, "two")
        helper.write_text("WORD = \n")
        rejected = await live.until_rejected()
        assert rejected.failure.file == str(helper)
        helper.write_text("WORD = 'three'\n")
        await ticks(live, "three")


@in_loop
async def test_a_helper_that_was_broken_from_the_start_reloads_when_mended(tmp_path: Path) -> None:
    helper = write(tmp_path / "helper.py", "WORD = \n")
    path = write(
        tmp_path / "f.py", "from helper import WORD as TEXT\n" + ticking("x").partition("\n")[2]
    )
    async with running(path, reload=True) as live:
        await live.until_phase("failed")
        await live.until_watching()
        helper.write_text("WORD = 'mended'\n")
        await ticks(live, "mended")


@in_loop
async def test_a_module_that_was_broken_from_the_start_reloads_when_mended(tmp_path: Path) -> None:
    path = write(tmp_path / "mod.py", "1 / 0\n")
    async with running("mod", module=True, cwd=tmp_path, reload=True) as live:
        await live.until_phase("failed")
        await live.until_watching()
        path.write_text(ticking("mended"))
        await ticks(live, "mended")


@in_loop
async def test_what_is_saved_while_the_first_generation_loads_is_not_missed(tmp_path: Path) -> None:
    helper = write(tmp_path / "helper.py", "WORD = 'one'\n")
    path = write(
        tmp_path / "f.py",
        "from helper import WORD as TEXT\nprint('read', flush=True)\nimport time; time.sleep(0.3)\n"
        + ticking("x").partition("\n")[2],
    )
    async with running(path, reload=True) as live:
        await live.until_printed("read")
        helper.write_text("WORD = 'two'\n")
        await ticks(live, "two")


@in_loop
async def test_what_is_saved_before_the_screen_is_there_is_not_missed(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    past = time.time() - 60
    os.utime(path, (past, past))
    from tui.session.session import Session
    from tui.targets import Target, parse_target

    target = parse_target(str(path))
    assert isinstance(target, Target)
    session = Session(target)
    live = Running(session)
    session.prepare()
    try:
        # The child prints into its pipe, which nobody reads yet; it has read the file by then.
        assert session._current is not None
        pipe = session._current._process.stdout
        assert pipe is not None
        assert await asyncio.to_thread(pipe.read, 9) == b"tick one "
        path.write_text(ticking("two"))
        await session.start()
        await ticks(live, "two")
    finally:
        await session.close()


@in_loop
async def test_the_same_content_again_reloads_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        path.touch()
        replace(path, path.read_text())
        await asyncio.sleep(0.4)  # nothing is to come: there is no event to wait for
        assert live.session.generation == 1
        assert not live.of(Loading)


# by hand --------------------------------------------------------------------------------------


@in_loop
async def test_without_reload_a_save_is_ignored_but_the_key_works(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=False) as live:
        await ticks(live, "one")
        await live.until_watching()
        path.write_text(ticking("two"))
        await still_ticks(live, "one")
        await asyncio.sleep(0.3)  # nothing is to come
        assert live.session.generation == 1
        live.session.reload()
        await ticks(live, "two")


@in_loop
async def test_a_killed_generation_is_started_again_by_hand_and_by_saving(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        os.kill(live.pid, signal.SIGKILL)
        await live.until_died()
        live.session.reload()
        await live.until_started(2)
        await live.until(lambda: "tick one 1\n" in live.text(2), "the new process")
        assert live.session.alive
        await live.until_watching()
        os.kill(live.pid, signal.SIGKILL)
        await live.until(lambda: len(live.events) and not live.session.alive, "the end")
        path.write_text(ticking("three"))
        await ticks(live, "three")
        await live.look()
        assert live.monitor.phase in (Phase.RUN, Phase.IDLE)


@in_loop
async def test_a_restart_ends_what_runs_at_once_and_keeps_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.look()
        old = live.pid
        live.monitor.forget_at_start = True
        live.session.restart()
        await live.until_started(2)
        await live.until(lambda: "tick one 1\n" in live.text(2), "the new process")
        await live.look()
        assert live.pid != old
        assert list(live.monitor.runs) == [2]
        assert {record[3] for record in live.monitor.log.view} <= {2}
        assert all(abs(line.generation) != 1 for line in live.monitor.output.lines)
        assert live.monitor.banner is not None
        assert live.monitor.banner.title.startswith("RESTARTED CLEAN g1 -> g2")


@in_loop
async def test_a_spare_that_was_killed_is_replaced(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    async with running(path, reload=True) as live:
        await ticks(live, "one")
        await live.until_watching()
        spare = live.session._spare
        assert spare is not None
        os.kill(spare.pid, signal.SIGKILL)
        await until(lambda: not spare.alive, "its end")
        path.write_text(ticking("two"))
        await ticks(live, "two")
        assert not live.of(Rejected)


@in_loop
async def test_closing_in_the_middle_of_a_reload_leaves_nothing(tmp_path: Path) -> None:
    stuck = ONE.format("print('in', flush=True); threading.Event().wait()")
    path = write(tmp_path / "f.py", stuck + "flow.execute('echo')\nflow.wait_for_completion()\n")
    async with running(path, reload=True) as live:
        await live.until_printed("in")
        await live.until_watching()
        path.write_text(ticking("two"))
        await live.until(lambda: live.of(Stopping), "the hand-over")
        candidate = live.session._candidate
        assert candidate is not None
        await live.session.close()
        assert not candidate.alive


@in_loop
async def test_many_saves_good_and_bad_always_end_with_the_last_good_one(tmp_path: Path) -> None:
    chance = random.Random(4)
    path = write(tmp_path / "f.py", ticking("v0"))
    good = "v0"
    async with running(path, reload=True) as live:
        await ticks(live, "v0")
        await live.until_watching()
        for number in range(1, 31):
            save = chance.choice([replace, Path.write_text])
            if chance.random() < 0.4 and number < 30:
                save(
                    path,
                    chance.choice(
                        [BROKEN, "1 / 0\n", "import nowhere\n", "", ticking("half")[:-40]]
                    ),
                )
            else:
                good = f"v{number}"
                save(path, ticking(good))
            await asyncio.sleep(chance.choice([0, 0.01, 0.05, 0.1, 0.2, 0.4]))
        await ticks(live, good)
        await still_ticks(live, good)
        last = [e for e in live.events if isinstance(e, Started | Rejected)][-1]
        assert isinstance(last, Started)
        assert last.generation == live.session.generation


@in_loop
async def test_a_bad_save_after_a_good_one_leaves_the_good_one_running(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("v0"))
    async with running(path, reload=True) as live:
        await ticks(live, "v0")
        await live.until_watching()
        for number in range(1, 4):
            path.write_text(ticking(f"v{number}"))
            await ticks(live, f"v{number}")
            path.write_text(BROKEN + "#" * number)
            await live.until_rejected(number)
            await still_ticks(live, f"v{number}")


@in_loop
async def test_a_script_that_never_reaches_the_gate_starts_again_after_a_kill(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "f.py", "print('on', flush=True)\nwhile True: pass\n")
    async with running(path, reload=True) as live:
        await live.until_printed("on")
        live.session.kill()
        await live.until_died()
        live.session.reload()
        await live.until_started(2)
        await live.until(lambda: "on\n" in live.text(2), "the second generation")
        live.session.kill()
        await live.until(lambda: len(live.of(Died)) == 2, "its end")
