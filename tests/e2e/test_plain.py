"""The program as sentences: through pipes, and typed at in a real pseudo-terminal."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pexpect

from tests.e2e.terminal import descendants, is_running
from tests.tui.session.running import ONE, ticking, write
from tests.waiting import wait_until

FAILING = (
    ONE.format("print('ran', n, flush=True)\n        if n == 2: raise ValueError('two')")
    + "\nfor n in range(3):\n    flow.execute('echo', {'n': n})\nflow.wait_for_completion()\n"
)
SECONDS = 15.0


def piped(path: Path, typed: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run with lines from a pipe that ends at once."""
    return subprocess.run(
        [sys.executable, "-m", "tui", "--plain", *words, path.name],
        cwd=path.parent, input=typed, capture_output=True, text=True, timeout=25, check=False,
    )  # fmt: skip


def test_a_pipe_gets_sentences_answers_and_the_exit_code_of_the_run(tmp_path: Path) -> None:
    done = piped(write(tmp_path / "f.py", FAILING), "help\nnonsense\nstatu\n")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "watching f.py; help lists the commands, quit leaves"
    assert "events [FILTER]: the newest 10 events, or those that a filter keeps" in lines
    assert "there is no command 'nonsense'; help lists the commands" in lines
    assert any(line.startswith("f.py ") and "generation 1, for" in line for line in lines)
    said = [line.partition(": ")[2] for line in lines]
    assert "output: ran 2" in said
    assert [line for line in said if re.fullmatch(r"job \d failed", line)]
    assert any(line.startswith("echo failed: ValueError: two, at f.py:") for line in said)
    assert "f.py has ended, generation 1" in said
    assert lines[-1].startswith("ended after ")
    assert lines[-1].endswith("3 runs, 1 error")
    assert "\x1b" not in done.stdout


def test_without_input_it_ends_with_the_flow_and_ascii_stays_ascii(tmp_path: Path) -> None:
    path = write(
        tmp_path / "f.py",
        ONE.format("print('注文')") + "\nflow.execute('echo')\nflow.wait_for_completion()\n",
    )
    done = piped(path, "", "--ascii")
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "output: \\u6ce8\\u6587" in done.stdout


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("go"))
    command = f"{sys.executable} -m tui --plain {path.name} < /dev/zero | head -n 1"
    done = subprocess.run(
        command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=25, check=False
    )
    assert (done.stdout, done.stderr) == (
        "watching f.py; help lists the commands, quit leaves\n",
        "",
    )


def test_somebody_types_in_a_terminal(tmp_path: Path) -> None:
    """Pause and resume, questions, a reload by saving, an interrupted line, and quitting."""
    path = write(tmp_path / "f.py", ticking("old"))
    process = pexpect.spawn(
        sys.executable, ["-m", "tui", "--plain", path.name], cwd=str(tmp_path), timeout=SECONDS,
        encoding="utf-8", echo=False, dimensions=(24, 80),
    )  # fmt: skip
    try:
        process.expect("watching f.py")
        process.expect("output: tick old")
        process.sendline("routines")
        process.expect(r"1 routine: .*\r\necho: ")
        process.sendline("pause")
        process.expect("nothing is told until resume")
        process.sendline("events kind=activation")
        process.expect("matching events, the newest 10 are\r\n")
        seen = process.before + process.after
        assert "output: tick" not in seen.rpartition("until resume")[2]
        process.sendline("resume")
        process.expect(r"telling goes on; \d+ sentences? came meanwhile")
        process.sendline("pause 999999")
        process.expect("999999")
        process.sendline("every 0")
        process.expect("every needs a number of seconds from 1 to 3600")
        write(path, ticking("new"))
        process.expect("RELOADED generation 1 to generation 2")
        process.expect("output: tick new")
        pids = descendants(process.pid)
        process.sendline("quit")
        process.expect(r"left after .* runs?, no errors")
        process.expect(pexpect.EOF)
        process.wait()
        assert process.exitstatus == 0
        wait_until(lambda: not any(map(is_running, pids)))
    finally:
        process.close(force=True)


def test_control_d_leaves_and_control_c_is_an_interruption(tmp_path: Path) -> None:
    path = write(
        tmp_path / "f.py",
        ONE.format("pass") + "\nflow.execute('echo')\nflow.wait_for_completion()\n",
    )
    for key, code in (("\x04", 0), ("\x03", 130)):
        process = pexpect.spawn(
            sys.executable, ["-m", "tui", "--plain", path.name], cwd=str(tmp_path),
            timeout=SECONDS, encoding="utf-8",
        )  # fmt: skip
        try:
            process.expect("f.py has ended, generation 1")  # and yet it stays: somebody is there
            process.send(key)
            process.expect(pexpect.EOF)
            process.wait()
            assert process.exitstatus == code
        finally:
            process.close(force=True)


def test_a_termination_ends_all_processes(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("go"))
    with subprocess.Popen(
        [sys.executable, "-m", "tui", "--plain", path.name],
        cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert any("output: tick go" in line for line in process.stdout)
        pids = descendants(process.pid)
        os.kill(process.pid, signal.SIGTERM)
        process.communicate(timeout=15)
        assert process.returncode == 130
    wait_until(lambda: not any(map(is_running, pids)))
