"""The program without a screen: summary, JSON lines, exit codes, signals, broken pipes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import children, descendants, is_running
from tests.e2e.tutorial import RESULTS, ROOT, scripts
from tests.tui.session.running import ONE, ticking, write
from tests.waiting import wait_until

SCRIPTS = scripts()
MODULE = (sys.executable, "-m", "tui")
CHAIN = """
from routilux import Flow, Routine

class Node(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.handle)
        self.define_event("out", ["n"])

    def handle(self, n=0, **kwargs):
        print("node", self._id, n, flush=True)
        self.emit("out", n=n + 1)

flow = Flow("chain", execution_strategy="concurrent", max_workers=2)
for name in "abc":
    flow.add_routine(Node(), name)
flow.connect("a", "out", "b", "trigger")
flow.connect("b", "out", "c", "trigger")
for n in range(3):
    flow.execute("a", {"n": n * 10})
flow.wait_for_completion()
"""


def start(
    *words: str | Path, cwd: Path, program: Sequence[str | Path] = MODULE, **options: Any
) -> subprocess.Popen[str]:
    """Run the program; its streams are pipes."""
    command = [*map(str, program), *map(str, words)]
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(command, cwd=cwd, **{"text": True, **pipes, **options})


def run(*words: str | Path, cwd: Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    with start(*words, cwd=cwd, **options) as process:
        try:
            out, err = process.communicate(timeout=25)
        except BaseException:
            process.kill()
            raise
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def in_shell(words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program with a shell's redirections."""
    command = f"{sys.executable} -m tui {words}"
    return subprocess.run(
        command, shell=True, cwd=cwd, capture_output=True, text=True, timeout=20, check=False
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# summary --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(1, 6))
def test_each_step_of_the_tutorial_is_summed_up(tmp_path: Path, step: int) -> None:
    if not SCRIPTS:
        pytest.skip("the tutorial is not at hand")
    counts, last = RESULTS[step - 1]
    path = write(tmp_path / "step.py", SCRIPTS[step - 1])
    done = run("--headless", path.name, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    printed, _, report = done.stdout.partition("\nstep.py: ended after ")
    assert last in printed.splitlines()[-1]
    rows = [line.split() for line in report.splitlines()]
    found = {row[0]: row[1] for row in rows if len(row) == 8}
    assert {name: int(found[name]) for name in counts} == counts
    assert f"{sum(counts.values())} runs" in report


def test_a_failing_routine_is_counted_and_gives_exit_code_1(tmp_path: Path) -> None:
    source = (
        ONE.format("raise ValueError('told')")
        + "flow.execute('echo')\nflow.wait_for_completion()\n"
    )
    done = run("--headless", write(tmp_path / "f.py", source), cwd=tmp_path)
    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert "ValueError: told" in done.stderr


@pytest.mark.parametrize("name", ["pipeline", "bursts"])
def test_a_sample_that_takes_seconds_as_argument_ends(tmp_path: Path, name: str) -> None:
    done = run("--headless", ROOT / f"sample_flows/{name}.py", "--", "0.3", cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    assert f"{name}.py: ended" in done.stdout


# JSON -----------------------------------------------------------------------------------------

#: Every field that a line may have, by kind; docs/monitor.md describes them.
FIELDS = {"sequence", "time_ns", "kind", "generation", "flow", "job", "activation", "cause"}
FIELDS |= {"worker"}
MORE = {
    "activation": {"edge", "queued_ns", "started_ns", "status"},
    "emit": {"event"},
    "job_started": {"edge"},
    "job_ended": {"status"},
    "dropped": {"edge"},
    "waiting": {"edge"},
    "job_paused": set(),
    "job_resumed": set(),
    "job_cancelled": set(),
    "stat": {"stat", "status", "value"},
    "line": {"stream"},
    "worker_up": set(),
    "worker_down": set(),
}


def test_json_is_nothing_but_records_with_a_header_before(tmp_path: Path) -> None:
    done = run("--json", write(tmp_path / "f.py", CHAIN), cwd=tmp_path)
    assert done.returncode == 0
    header, *records = lines(done.stdout)
    assert header == {"schema": 2, "target": "f.py"}
    found = [r for r in records if r["kind"] == "finding"]
    assert [r["id"] for r in found] == ["L03", "L05"]
    assert records[-2:] == found
    records = records[:-2]
    for record in records:
        fields = FIELDS | MORE[record["kind"]]
        assert fields <= record.keys() <= fields | {"data", "error"}, record
    assert [r["sequence"] for r in records] == list(range(1, len(records) + 1))
    kinds = [r["kind"] for r in records]
    assert (kinds.count("job_started"), kinds.count("activation"), kinds.count("job_ended")) == (
        3,
        9,
        3,
    )
    assert "node a 0\n" in done.stderr
    printed = [r for r in records if r["kind"] == "line"]
    assert {r["stream"] for r in printed} == {"out"}
    assert "node a 0" in {r["data"] for r in printed}
    ran = {r["activation"] for r in records if r["kind"] == "activation"}
    assert {r["cause"] for r in printed} <= ran


def test_in_json_every_cause_is_known(tmp_path: Path) -> None:
    done = run("--json", write(tmp_path / "f.py", CHAIN), cwd=tmp_path)
    _, *records = lines(done.stdout)
    acts = {r["activation"]: r for r in records if r["kind"] == "activation"}
    jobs = {r["activation"] for r in records if r["kind"] == "job_started"}
    assert len(acts) == 9
    depths = []
    for record in acts.values():
        depth = 0
        while record["cause"] not in jobs:
            record, depth = acts[record["cause"]], depth + 1
        depths.append(depth)
    assert sorted(depths) == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    for record in acts.values():
        assert record["queued_ns"] <= record["started_ns"] <= record["time_ns"]


def test_json_tells_errors_and_keeps_prints_off_stdout(tmp_path: Path) -> None:
    source = ONE.format("print('text'); raise ValueError('told')")
    source += "flow.execute('echo')\nflow.wait_for_completion()\nos.write(1, b'raw\\n')\n"
    done = run("--json", write(tmp_path / "f.py", source), cwd=tmp_path)
    assert done.returncode == 1
    records = lines(done.stdout)[1:]
    (failed,) = [r for r in records if r["kind"] == "activation"]
    assert failed["status"] == "failed"
    assert "ValueError: told" in failed["error"]
    assert "text\n" in done.stderr
    assert "raw\n" in done.stderr


def test_json_of_a_fast_flow_says_what_was_lost(tmp_path: Path) -> None:
    source = (
        ONE.format("pass")
        + """
for _ in range(100_000):
    flow.execute("echo")
flow.wait_for_completion()
"""
    )
    done = run("--json", write(tmp_path / "f.py", source), cwd=tmp_path)
    assert done.returncode == 0
    records = lines(done.stdout)[1:]
    lost = sum(r["records"] for r in records if r["kind"] == "lost")
    threads = sum(r["kind"].startswith("worker") for r in records)  # these may be lost, too
    assert 300_000 <= lost + sum("sequence" in r for r in records) <= 300_000 + max(2, threads)


def test_json_tells_statistics_and_what_was_logged(tmp_path: Path) -> None:
    body = """
        import logging
        self.set_stat("mode", "half"); self.increment_stat("n", 2); self.reset_stats(["n"])
        logging.error("so %d", 3)"""
    source = ONE.format(body) + "flow.execute('echo')\nflow.wait_for_completion()\n"
    done = run("--json", write(tmp_path / "f.py", source), cwd=tmp_path)
    records = lines(done.stdout)[1:]
    stats = [(r["stat"], r["status"], r["value"]) for r in records if r["kind"] == "stat"]
    assert stats == [
        ("echo.mode", "no_number", "'half'"),
        ("echo.n", "ok", 2),
        ("echo.n", "forgotten", None),
    ]
    (line,) = [r for r in records if r["kind"] == "line"]
    assert (line["stream"], line["data"]) == ("log", "ERROR so 3")


RETRIES = ROOT / "sample_flows/retries.py"


def test_json_tells_tries_that_are_repeated_from_those_that_failed(tmp_path: Path) -> None:
    done = run("--json", RETRIES, cwd=tmp_path)
    assert done.returncode == 1  # the letters that could not be sent, and one order
    found = [r for r in lines(done.stdout)[1:] if r["kind"] == "finding"]
    assert {(r["id"], r["routine"]) for r in found} == {("ERR", "letter"), ("ERR", "ledger")}
    records = [r for r in lines(done.stdout)[1:] if r["kind"] != "finding"]
    for record in records:
        fields = FIELDS | MORE[record["kind"]]
        assert fields <= record.keys() <= fields | {"data", "error"}, record
    bank = [r for r in records if r["kind"] == "activation" and ">bank." in r["edge"]]
    assert Counter(r["status"] for r in bank) == {"retried": 12, "ok": 12}
    waiting = [r["activation"] for r in records if r["kind"] == "waiting"]
    assert len(waiting) == 12 + 2  # of the bank, of the ledger
    assert set(waiting) <= {r["activation"] for r in records if r["kind"] == "activation"}
    errors = [r["error"] for r in bank if r["status"] == "retried"]
    assert all("TimeoutError: no answer about order" in error for error in errors)


STANDING = (
    ONE.format("gone.wait(0.01)").replace("flow = ", "gone = threading.Event()\nflow = ", 1)
    + """
jobs = [flow.execute("echo") for _ in range(3)]
{}
"""
)


def test_a_cancelled_job_is_no_failure_and_is_told(tmp_path: Path) -> None:
    code = "flow.cancel(jobs[2], 'enough'); flow.wait_for_completion()"
    done = run("--headless", write(tmp_path / "f.py", STANDING.format(code)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"jobs completed, 1 cancelled", done.stdout), done.stdout
    done = run("--json", write(tmp_path / "f.py", STANDING.format(code)), cwd=tmp_path)
    kinds = Counter(r["kind"] for r in lines(done.stdout)[1:])
    assert kinds["job_cancelled"] == 1
    ends = [r["status"] for r in lines(done.stdout)[1:] if r["kind"] == "job_ended"]
    assert sorted(ends) == ["cancelled", "ok", "ok"]


def test_a_job_that_is_left_paused_does_not_hold_the_run_up(tmp_path: Path) -> None:
    code = "flow.pause(jobs[2], 'later'); jobs[0].wait(); jobs[1].wait()"
    done = run("--headless", write(tmp_path / "f.py", STANDING.format(code)), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert re.search(r"2 jobs completed, 1 paused", done.stdout), done.stdout


# exit codes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--headless"], "needs something to run"),
        (["--nonsense", "f.py"], "unknown option"),
        (["--headless", "."], "is a folder"),
        (["--timeout", "-1", "--headless", "f.py"], "not a number of seconds"),
        (["--headless", "-m", "a/b.py"], "dotted module name"),
        (["--headless", "f.py:1x"], "must name a flow"),
    ],
)
def test_a_wrong_command_line_gives_exit_code_2(
    tmp_path: Path, words: list[str], said: str
) -> None:
    write(tmp_path / "f.py", CHAIN)
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("source", "words", "said"),
    [
        (None, ["missing.py"], "no such file: missing.py"),
        ("import not_there\n", ["f.py"], "No module named 'not_there'"),
        ("def f(:\n", ["f.py"], "SyntaxError"),
        ("1 / 0\n", ["f.py"], "ZeroDivisionError"),
        ("print('nothing')\n", ["f.py"], "made no flow and exposes none"),
        ("", ["f.py"], "it has no flow, routine or function"),
        (CHAIN, ["f.py:flwo"], "has no 'flwo'"),
        (CHAIN, ["-m", "nowhere"], "no module named 'nowhere'"),
        (CHAIN, ["-m", "nowhere:flow"], "no module named 'nowhere'"),
    ],
)
@pytest.mark.parametrize("mode", ["--headless", "--json"])
def test_what_cannot_be_loaded_gives_exit_code_3(
    tmp_path: Path, source: str | None, words: list[str], said: str, mode: str
) -> None:
    if source is not None:
        write(tmp_path / "f.py", source)
    done = run(mode, *words, cwd=tmp_path)
    assert done.returncode == 3, done
    assert said in done.stderr
    assert done.stderr.count(said) == 1


@pytest.mark.parametrize(
    ("leave", "code"),
    [("sys.exit(0)", 0), ("sys.exit(3)", 1), ("sys.exit('text')", 1), ("raise ValueError", 1),
     ("os._exit(0)", 1), ("os._exit(3)", 1), ("os.kill(os.getpid(), 9)", 1)],
)  # fmt: skip
def test_how_a_script_that_has_run_something_leaves_decides_between_0_and_1(
    tmp_path: Path, leave: str, code: int
) -> None:
    source = ONE.format("pass") + "flow.execute('echo')\nflow.wait_for_completion()\n"
    source += "time.sleep(0.2)\n" + leave + "\n"
    done = run("--headless", write(tmp_path / "f.py", source), cwd=tmp_path)
    assert done.returncode == code, done


def test_too_long_gives_exit_code_4_and_leaves_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    begin = time.monotonic()
    with start("--headless", "--timeout", "0.5", path, cwd=tmp_path) as process:
        wait_until(lambda: children(process.pid), "the engine process")
        pids = descendants(process.pid)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 4
    assert time.monotonic() - begin < 5.0
    assert "timed out" in out
    assert "Traceback" not in err
    wait_until(lambda: not any(map(is_running, pids)), "nothing left", 3.0)


@pytest.mark.parametrize("body", ["while True: pass", "import re; re.match('(a+)+b', 'a' * 60)"])
def test_too_long_ends_also_what_is_stuck_in_loading(tmp_path: Path, body: str) -> None:
    path = write(tmp_path / "f.py", ONE.format("pass") + body + "\n")
    begin = time.monotonic()
    assert run("--headless", "--timeout", "0.5", path, cwd=tmp_path).returncode == 4
    assert time.monotonic() - begin < 6.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("mode", ["--headless", "--json"])
def test_an_interrupt_gives_exit_code_130_and_leaves_nothing(
    tmp_path: Path, number: signal.Signals, mode: str
) -> None:
    path = write(tmp_path / "f.py", ticking("one"))
    with start(mode, path, cwd=tmp_path) as process:
        wait_until(lambda: children(process.pid), "the engine process")
        stream = process.stderr if mode == "--json" else process.stdout
        assert stream is not None
        assert stream.readline() == "tick one 0\n"
        pids = descendants(process.pid)
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in err
    if mode == "--headless":
        assert "f.py: " in out  # what was so far
    wait_until(lambda: not any(map(is_running, pids)), "nothing left", 3.0)


# pipes ----------------------------------------------------------------------------------------

CHATTY = (
    ONE.format("print('handled', n, flush=True)")
    + """
n = 0
while True:
    flow.execute("echo", {"n": n})
    n += 1
    time.sleep(0.001)
"""
)


@pytest.mark.parametrize("mode", ["--headless", "--json"])
def test_a_reader_that_goes_ends_it_quietly(tmp_path: Path, mode: str) -> None:
    path = write(tmp_path / "f.py", CHATTY)
    begin = time.monotonic()
    done = in_shell(f"{mode} {path} 2>err | head -1", tmp_path)
    assert time.monotonic() - begin < 8.0
    assert len(done.stdout.splitlines()) == 1
    err = (tmp_path / "err").read_text()
    assert "Traceback" not in err
    assert "rror" not in err


def test_a_reader_of_stderr_that_goes_does_no_harm(tmp_path: Path) -> None:
    source = CHAIN + "import sys\nfor n in range(3000): print('error', n, file=sys.stderr)\n"
    path = write(tmp_path / "f.py", source)
    read, write_end = os.pipe()
    os.close(read)
    with start("--headless", path, cwd=tmp_path, stderr=write_end) as process:
        os.close(write_end)
        out, _ = process.communicate(timeout=20)
    assert "f.py: ended" in out
    assert process.returncode == 0


def test_full_and_closed_streams_do_not_hang_it(tmp_path: Path) -> None:
    path = write(tmp_path / "f.py", CHAIN)
    for redirect in ("<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full"):
        done = in_shell(f"--headless {path} {redirect}", tmp_path)
        assert done.returncode in (0, 1), (redirect, done)
        assert "Traceback" not in done.stderr, (redirect, done.stderr)


@pytest.mark.parametrize("redirect", ["<&-", "2>&-", "<&- >&- 2>&-"])
def test_the_screen_without_streams_is_refused(tmp_path: Path, redirect: str) -> None:
    path = write(tmp_path / "f.py", CHAIN)
    done = in_shell(f"{path} {redirect}", tmp_path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_prints_reach_stdout_as_the_bytes_that_they_are(tmp_path: Path) -> None:
    source = CHAIN + "import os\nos.write(1, b'\\xff\\xfe\\n')\n"
    done = run("--headless", write(tmp_path / "f.py", source), cwd=tmp_path, text=None)
    assert b"\xff\xfe\n" in done.stdout  # type: ignore[operator]


def test_all_that_was_printed_comes_before_the_summary(tmp_path: Path) -> None:
    source = CHAIN + "for n in range(50_000): print('line', n)\n"
    done = run("--headless", write(tmp_path / "f.py", source), cwd=tmp_path)
    printed, _, report = done.stdout.partition("\nf.py: ended")
    assert printed.endswith("line 49999\n")
    assert "line" not in report


# what a script may do -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "code",
    [
        "os.close(0); os.close(1); os.close(2)",
        "os.chdir('/')",
        "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
        "import asyncio; asyncio.run(asyncio.sleep(0.01))",
        "import subprocess; subprocess.run(['echo', 'x'], check=True)",
        "assert input is not None and sys.stdin.readline() == ''",
        "if os.fork() == 0: sys.exit(3)",
        "import multiprocessing; p = multiprocessing.Process(target=print); p.start(); p.join()",
        "threading.Thread(target=time.sleep, args=(30,)).start()",
    ],
)
def test_scripts_of_all_kinds_end_as_they_should(tmp_path: Path, code: str) -> None:
    source = ONE.format("pass") + "flow.execute('echo')\nflow.wait_for_completion()\n" + code + "\n"
    begin = time.monotonic()
    done = run("--headless", write(tmp_path / "f.py", source), cwd=tmp_path)
    assert done.returncode == 0, done
    assert "f.py: ended" in done.stdout
    assert "1 runs" in done.stdout
    assert time.monotonic() - begin < 8.0


def test_a_tiny_script_never_hangs_it(tmp_path: Path) -> None:
    """Loading fails within a millisecond, while the gate is being opened."""
    path = write(tmp_path / "f.py", "def f(:\n")
    for _ in range(6):
        assert run("--headless", path, cwd=tmp_path).returncode == 3


def test_files_called_like_our_modules_do_no_harm(tmp_path: Path) -> None:
    for name in ("queue", "logging", "tui", "select", "traceback", "msgspec", "asyncio"):
        write(tmp_path / f"{name}.py", "raise ImportError('shadowed')\n")
    script = Path(sys.executable).with_name("routilux-tui")  # puts no folder of its own first
    done = run(write(tmp_path / "f.py", CHAIN), "--headless", cwd=tmp_path, program=[script])
    assert done.returncode == 0, done.stderr


# words ----------------------------------------------------------------------------------------


def test_help_and_version_go_to_stdout(tmp_path: Path) -> None:
    done = run("--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--headless", "--json", "--no-reload", "exit codes", "security"):
        assert word in done.stdout
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("routilux-tui ")


def test_the_run_is_over_only_when_what_the_script_left_open_is(tmp_path: Path) -> None:
    """The script ends at once; its only handler fails half a second later."""
    late = write(
        tmp_path / "late.py",
        """
import threading
from routilux import Flow, Routine

class Late(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.handle)

    def handle(self, **kwargs):
        threading.Event().wait(0.5)
        raise ValueError("late")

flow = Flow("late", execution_strategy="concurrent")
flow.add_routine(Late(), "late")
flow.execute("late")
""",
    )
    done = run("--headless", late, cwd=tmp_path)
    assert done.returncode == 1, done.stdout
    assert "1 runs, 0 jobs completed, 1 failed" in done.stdout


# findings -----------------------------------------------------------------------------------------


def test_findings_come_at_the_end_apart_from_the_output(tmp_path: Path) -> None:
    source = CHAIN.replace("flow.wait_for_completion()", "flow.shutdown(wait=False)").replace(
        'print("node"', "__import__('time').sleep(0.3) or print('node'"
    )
    path = write(tmp_path / "f.py", f"# routilux: allow(L05: the last one has nobody)\n{source}")
    state = {**os.environ, "XDG_STATE_HOME": str(tmp_path / "state")}
    done = run("--headless", path, cwd=tmp_path, env=state)
    assert done.returncode == 0
    assert "findings" not in done.stdout
    assert "L02 error: execute without wait: chain" in done.stderr
    assert "3 jobs still open when the script had ended" in done.stderr
    assert "L05" not in done.stderr
    done = run("--json", path, cwd=tmp_path, env=state)
    (found,) = [line for line in lines(done.stdout) if line.get("kind") == "finding"]
    assert (found["id"], found["severity"], found["numbers"]) == ("L02", "error", {"jobs": 3})
    muted = tmp_path / "state" / "routilux-tui" / "muted"
    muted.mkdir(parents=True)
    from tui.mutes import mutes_file

    place = mutes_file(tmp_path, {"XDG_STATE_HOME": str(tmp_path / "state")})
    assert place is not None
    place.write_text(json.dumps({"muted": {found["key"]: "known"}}))
    done = run("--headless", path, cwd=tmp_path, env=state)
    assert "no findings, 1 muted" in done.stderr
