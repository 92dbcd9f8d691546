"""What a person sees and does, in a real pseudo-terminal, and what is left when they have gone."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest

from tests.e2e.terminal import MODES, Terminal, children, terminal
from tests.e2e.tutorial import RESULTS, ROOT, scripts
from tests.tui.session.running import ONE, ticking, write

SCRIPTS = scripts()
BROKEN = "x = 1\nif x\n    pass\n"
#: Quitting takes a fraction of a second; this is for loaded machines.
QUICKLY = 5.0


def runs(term: Terminal, routine: str) -> int:
    """The routine's number under DONE, -1 while it is not there."""
    ends = -1
    for line in term.screen_lines():
        if " ROUTINE " in line and " DONE" in line:
            ends = line.index(" DONE") + len(" DONE")
        elif ends > 0 and routine in line[:20].replace(">", " ").split():
            number = line[:ends].split()[-1].replace(",", "")
            return int(number) if number.isdigit() else -1
    return -1


def total(term: Terminal) -> int:
    """All runs, as the header says."""
    found = re.search(r" runs ([\d,]+) ", term.text())
    return int(found[1].replace(",", "")) if found else -1


def caret(term: Terminal, code: str) -> int:
    """How far from the start of the marked line of code the caret below it stands."""
    lines = term.screen_lines()
    for line, below in pairwise(lines):
        if code in line and " > " in line and "^" in below:
            return below.index("^") - line.index(code)
    return -1


def wait_runs(term: Terminal, routine: str, more_than: int) -> None:
    term.wait_until(
        lambda: runs(term, routine) > more_than, f"{routine} with more than {more_than} runs"
    )


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    """A script that runs its one routine a hundred times a second."""
    return write(tmp_path / "flow.py", ticking("one"))


# filters --------------------------------------------------------------------------------------


def test_a_filter_is_kept_for_the_next_run(flow: Path, tmp_path: Path) -> None:
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}
    for keys in (("3", "/", *"echo wait<9s", "enter"), ("3", "/", "up", "enter")):
        with terminal(str(flow), cwd=tmp_path, env=env) as term:
            wait_runs(term, "echo", 0)
            term.press(*keys)
            term.wait_for("/echo wait<9s")
            term.wait_until(lambda: re.search(r"3 Events +\d+ of \d+", term.text()), "n of m")
            assert term.quit() == 0
    assert [file.suffix for file in tmp_path.rglob("filters/*")] == [".json"]


# the editor -----------------------------------------------------------------------------------

EDITOR = """#!/bin/sh
printf 'EDITING %s AT %s\\n' "$2" "$1"
read answer
printf '%s %s %s' "$1" "$2" "$answer" > edited.txt
"""


def test_the_editor_has_the_terminal_and_the_flow_goes_on(flow: Path, tmp_path: Path) -> None:
    script = write(tmp_path / "my editor", EDITOR)
    script.chmod(0o755)
    env = {"XDG_STATE_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    write(tmp_path / ".git", "")
    write(tmp_path / "routilux-tui.toml", f"editor = \"'{script}'\"")
    with terminal(str(flow), cwd=tmp_path, env=env) as term:
        wait_runs(term, "echo", 0)
        edited = tmp_path / "edited.txt"
        term.press("e")
        term.wait_for(f"EDITING {flow}")
        term.press("\x03")  # is the editor's, which it ends: the monitor must not care
        term.wait_for("my editor ended with exit code")
        term.press("e")
        term.wait_until(lambda: term.raw.count(b"EDITING") >= 2, "the editor again")
        term.press(*"qed", "enter")
        term.wait_until(
            lambda: edited.exists() and edited.read_text().endswith(f" {flow} qed"), "what it wrote"
        )
        before = total(term)
        term.wait_until(lambda: total(term) > before, "the flow going on")
        line = int(edited.read_text().split()[0].removeprefix("+"))
        assert "def " in flow.read_text().splitlines()[line - 1]
        assert term.quit() == 0
        term.assert_restored()
        term.assert_nothing_left()


# running --------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", range(1, 6))
def test_each_step_of_the_tutorial_shows_its_runs_and_its_output(tmp_path: Path, step: int) -> None:
    if not SCRIPTS:
        pytest.skip("the tutorial is not at hand")
    counts, last = RESULTS[step - 1]
    path = write(tmp_path / f"step{step}.py", SCRIPTS[step - 1])
    with terminal(path.name, cwd=tmp_path, size=(200, 50)) as term:
        term.wait_for("ENDED")
        for routine, count in counts.items():
            term.wait_until(lambda r=routine, c=count: runs(term, r) == c, f"{routine}: {count}")
        term.wait_for("errors 0")
        term.press("7")
        term.wait_for(last)
        assert term.quit() == 0
        term.assert_nothing_left()


def test_a_sample_runs_until_it_is_left(tmp_path: Path) -> None:
    with terminal(ROOT / "sample_flows/pipeline.py", cwd=tmp_path) as term:
        wait_runs(term, "sink", 3)
        term.wait_for("RUN g1")
        assert term.quit() == 0
        term.assert_restored()
        term.assert_nothing_left()


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=str)
def test_a_flow_that_retries_shows_what_waits_what_failed_and_what_became_of_it(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    with terminal(ROOT / "sample_flows/retries.py", cwd=tmp_path, size=size) as term:
        bank = re.compile(r"[┃>] +bank +↻")
        term.wait_until(lambda: bank.search(term.text()), "the bank waits for its next try")
        term.wait_until(lambda: re.search(r"\d retry ", term.text()), "how many tries wait")
        term.wait_until(
            lambda: re.search(r"orders\S*>bank\S* +retry waits", term.text()), "the event"
        )
        term.wait_until(lambda: re.search(r"orders\S*>bank\S* +↻", term.text()), "the try")
        term.wait_for("ENDED")
        term.wait_for("jobs 0 open, 1 failed")
        assert "retry" not in term.screen_lines()[1]
        assert re.search(r"errors 7 ", term.text()), "six letters and one order; no repeated try"
        term.press("7")
        term.wait_for("12 orders: 11 completed, 1 failed")
        assert term.quit() == 0
        term.assert_restored()
        term.assert_nothing_left()


def test_keys_run_the_entries_again(tmp_path: Path) -> None:
    path = write(tmp_path / "idle.py", ONE.format("print('handled')"))
    with terminal(path, cwd=tmp_path) as term:
        term.wait_for("ENDED")
        term.press("x")
        term.wait_until(lambda: runs(term, "echo") == 1, "one run")
        term.press("x", "x")
        term.wait_until(lambda: runs(term, "echo") == 3, "three runs")


# reload ---------------------------------------------------------------------------------------


def test_a_good_save_shows_the_next_generation_with_new_counts(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 20)
        write(flow, ticking("two").replace('"echo"', '"newer"'))
        term.wait_for("RELOADED g1 -> g2")
        wait_runs(term, "newer", 3)
        term.wait_until(lambda: runs(term, "echo") < 0, "the old routine gone")
        term.press("7")
        term.wait_for("tick two")
        assert term.quit() == 0
        assert len(term.pids) >= 2
        term.assert_nothing_left()


def test_a_broken_save_shows_file_line_and_caret_while_the_old_code_counts_on(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        write(flow, BROKEN)
        term.wait_for("RELOAD FAILED: g2 rejected, g1 keeps running")
        term.wait_for("SyntaxError  flow.py:2  expected ':'")
        term.wait_until(lambda: caret(term, "if x") == len("if x"), "the caret behind the line")
        wait_runs(term, "echo", runs(term, "echo") + 5)
        write(flow, ticking("three"))
        term.wait_for("RELOADED g1 -> g2")
        term.wait_gone("RELOAD FAILED")
        assert term.quit() == 0
        term.assert_nothing_left()


def test_escape_takes_the_banner_away(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        write(flow, BROKEN)
        term.wait_for("RELOAD FAILED")
        term.press("escape")
        term.wait_gone("RELOAD FAILED")
        term.wait_for("1 rejected")


def test_without_reload_only_the_key_loads_anew(flow: Path) -> None:
    with terminal("--no-reload", flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        write(flow, ticking("two").replace('"echo"', '"newer"'))
        wait_runs(term, "echo", runs(term, "echo") + 50)
        term.wait_for(" g1 ")
        term.press("r")
        term.wait_for("RELOADED g1 -> g2")
        wait_runs(term, "newer", 3)


def test_a_file_that_is_broken_from_the_start_runs_once_it_is_mended(tmp_path: Path) -> None:
    path = write(tmp_path / "flow.py", BROKEN)
    with terminal(path, cwd=tmp_path) as term:
        term.wait_for("STOPPED by SyntaxError")
        term.wait_for("flow.py:2")
        write(path, ticking("mended"))
        wait_runs(term, "echo", 3)
        assert term.quit() == 0
        term.assert_nothing_left()


# ends -----------------------------------------------------------------------------------------


def test_an_engine_process_killed_from_outside_is_told_and_started_again(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        os.kill(term.engine(), signal.SIGKILL)
        term.wait_for("ENGINE GONE: g1 was killed by signal 9")
        term.wait_for("DIED g1")
        wait_runs(term, "echo", 5)  # the last state stays
        term.press("r")
        term.wait_for("g2")
        term.wait_gone("ENGINE GONE")
        wait_runs(term, "echo", 3)
        assert term.quit() == 0
        term.assert_nothing_left()


def test_the_key_for_killing_works_on_code_that_holds_the_interpreter(tmp_path: Path) -> None:
    source = ONE.format("pass") + "import re\nre.match('(a+)+b', 'a' * 60)\n"
    path = write(tmp_path / "held.py", source)
    with terminal(path, cwd=tmp_path) as term:
        term.wait_for("NOT ANSWERING")
        term.press("K")
        term.wait_for("ENGINE GONE: g1 was killed by signal 9")
        assert term.quit() == 0
        term.assert_nothing_left()


STUCK = {
    "a handler that waits for ever": ONE.format("threading.Event().wait()")
    + "flow.execute('echo')\nflow.wait_for_completion()\n",
    "a handler that loops": ONE.format("\n        while True: pass")
    + "flow.execute('echo')\nflow.wait_for_completion()\n",
    "a call that holds the interpreter": ONE.format("pass")
    + "import re\nre.match('(a+)+b', 'a' * 60)\n",
    "signals ignored": ONE.format("pass")
    + "import signal\n[signal.signal(s, signal.SIG_IGN) for s in (1, 2, 15)]\n"
    + "while True:\n    time.sleep(1)\n",
    "a script that swallows interrupts": ONE.format("pass")
    + "while True:\n    try:\n        time.sleep(1)\n    except BaseException:\n        pass\n",
    "children": ONE.format("pass")
    + "import subprocess\nsubprocess.Popen(['sleep', '60'])\nos.fork()\ntime.sleep(60)\n",
}


@pytest.mark.parametrize("source", STUCK.values(), ids=STUCK.keys())
def test_quitting_is_quick_however_stuck_the_flow_is(tmp_path: Path, source: str) -> None:
    path = write(tmp_path / "stuck.py", source)
    with terminal(path, cwd=tmp_path) as term:
        term.wait_for("quit")
        term.wait_until(lambda: children(term.process.pid), "the engine process")
        begin = time.monotonic()
        assert term.quit() == 0
        assert time.monotonic() - begin < QUICKLY
        term.assert_restored()
        term.assert_nothing_left()


def test_leaving_restores_the_terminal(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        begin = time.monotonic()
        term.press("\x11")  # ctrl+q
        assert term.wait_exit() == 0
        assert time.monotonic() - begin < QUICKLY
        term.assert_restored()
        term.assert_nothing_left()


def test_the_shell_gets_its_terminal_back_as_it_was(flow: Path) -> None:
    """Through a shell: echo, line mode and the prompt are as before."""
    script = f"stty -a > before; {sys.executable} -m tui {flow.name}; echo code $?; stty -a > after"
    with Terminal(cwd=flow.parent, program=("/bin/sh", "-c", script)) as term:
        wait_runs(term, "echo", 5)
        term.press("q")
        assert term.wait_exit() == 0
        assert b"code 0" in term.raw
        after = (flow.parent / "after").read_text()
        assert (flow.parent / "before").read_text() == after
        term.assert_restored()
        term.assert_nothing_left()


def test_a_terminal_that_is_closed_leaves_no_process(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        term.pids.add(term.process.pid)
        term.hang_up()
        deadline = time.monotonic() + QUICKLY
        while term.process.isalive():
            assert time.monotonic() < deadline
            time.sleep(0.005)
        term.assert_nothing_left()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_signals_to_the_monitor_leave_no_process(flow: Path, number: signal.Signals) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        os.kill(term.process.pid, number)
        begin = time.monotonic()
        code = term.wait_exit()
        assert time.monotonic() - begin < QUICKLY
        if number == signal.SIGTERM:
            assert code == 0
            term.assert_restored()
        term.assert_nothing_left()


def test_the_picker_ends_on_a_signal_and_on_a_closed_terminal(tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGHUP):
        with terminal(cwd=tmp_path) as term:
            term.wait_for("choose a flow to run")
            term.wait_for("tutorial_1")
            os.kill(term.process.pid, number)
            term.wait_exit(QUICKLY)


# the picker -----------------------------------------------------------------------------------


def test_bare_it_lists_sample_flows_and_local_ones_and_enter_runs_one(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", '"""My own flow"""\n' + ONE.format("pass"))
    write(tmp_path / "broken_one.py", "from routilux import Flow\ndef f(:\n")
    write(tmp_path / "unrelated.py", "import os\nopen('executed', 'w')\n")
    with terminal(cwd=tmp_path) as term:
        term.wait_for("Sample flows")
        for name in ("pipeline.py", "tutorial_5_pipeline.py", "mine.py", "My own flow"):
            term.wait_for(name)
        term.wait_for("broken_one.py:2")
        assert "unrelated" not in term.text()
        for _ in range(40):  # to the last one that can be chosen, whatever samples there are
            term.press("j")
        term.press("enter")
        term.wait_for("g1")
        term.wait_for("ENDED") if "mine.py" in term.screen_lines()[0] else None
        assert term.quit() == 0
        assert not (tmp_path / "executed").exists()
        term.assert_restored()
        term.assert_nothing_left()


def test_a_folder_is_picked_from_and_left_by_q(tmp_path: Path) -> None:
    folder = tmp_path / "flows"
    folder.mkdir()
    write(folder / "only.py", ONE.format("pass") + "flow.execute('echo')\n")
    with terminal("flows", cwd=tmp_path) as term:
        term.wait_for("only.py")
        assert term.quit() == 0
        assert not term.pids
        term.assert_restored()


# screens --------------------------------------------------------------------------------------


def test_it_can_be_resized_while_it_runs(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        for columns, lines in [(200, 50), (80, 24), (40, 10), (20, 5), (10, 3), (160, 48)]:
            term.resize(columns, lines)
            term.wait_until(
                lambda c=columns: any(len(line) > c * 0.5 for line in term.screen_lines()),
                f"a screen of {columns} x {lines}",
            )
        wait_runs(term, "echo", 10)
        assert term.quit() == 0


def test_a_narrow_terminal_shows_one_pane_and_works(flow: Path) -> None:
    with terminal(flow.name, cwd=flow.parent, size=(40, 10)) as term:
        term.wait_for("too small: ")
        term.wait_for("echo")
        term.press("7")
        term.wait_for("tick one")
        term.press("3")
        term.wait_for("3 Events")
        write(flow, BROKEN)
        term.wait_for("RELOAD FAILED")
        assert term.quit() == 0
        term.assert_restored()


def test_no_color_draws_no_colour_and_no_mouse_leaves_the_mouse_alone(flow: Path) -> None:
    with terminal("--no-mouse", flow.name, cwd=flow.parent, env={"NO_COLOR": "1"}) as term:
        wait_runs(term, "echo", 5)
        for key, shows in (("/", "Esc clears"), ("\x10", "Find a command")):
            term.press(key)
            term.wait_for(shows)
            term.press("escape")
            term.wait_gone(shows)
        assert term.quit() == 0
        styles = re.findall(rb"\x1b\[([\d;]*)m", term.raw)
        used = {code for style in styles for code in style.split(b";")}
        # Bold, dim, italic, underlined, reversed; off again; and the terminal's own two colours.
        assert used <= {b"", *b"0 1 2 3 4 7 22 23 24 27 39 49".split()}
        assert b"7" in used  # what is chosen is reversed
        for mode in ("mouse", "mouse motion", "mouse format"):
            assert MODES[mode][0] not in term.raw
        term.assert_restored()


def test_ascii_draws_nothing_but_ascii(flow: Path) -> None:
    with terminal("--ascii", flow.name, cwd=flow.parent) as term:
        wait_runs(term, "echo", 5)
        odd = {c for line in term.screen_lines() for c in line if ord(c) > 126}
        assert odd <= set("╭╮╰╯─│┏┓┗┛━┃"), odd
        assert term.quit() == 0


NAMES = [
    "[bold]x[/bold]",
    "[/]",
    "[@click=app.quit]q[/]",
    "a\x1b[31mred",
    "tab\there",
    "日本語",
    "e\u0301x",
]


def test_ids_that_look_like_markup_or_control_the_terminal_are_shown_as_they_are(
    tmp_path: Path,
) -> None:
    source = ONE.split("\nflow = Flow")[0].format("print(self._id, '[red]out[/red]', '\\x1b[2J')")
    source += f"""
flow = Flow("[bold]f[/bold]")
for name in {NAMES!r}:
    flow.add_routine(Echo(), name)
    flow.routines[name].set_stat("[u]stat[/u]", "[i]v[/i]")
for name in {NAMES!r}:
    flow.execute(name)
raise ValueError("[blink]no[/blink] [/]")
"""
    path = write(tmp_path / "[bold]odd[].py", source)
    with terminal(path, cwd=tmp_path, size=(200, 50)) as term:
        term.wait_for("ValueError")
        term.wait_for("[blink]no[/blink] [/]")
        term.wait_for("[bold]odd[].py")
        term.press("7")
        term.wait_for("[red]out[/red]")
        term.press("escape", "escape", "1")
        for name in ("[bold]x[/bold]", "[@click=app.quit]q[/]", "日"):
            term.wait_for(name)
        assert term.quit() == 0
        term.assert_restored()


def test_what_a_script_prints_does_not_touch_the_screen(tmp_path: Path) -> None:
    source = (
        ONE.format("os.system('echo from a shell; echo and its error >&2')")
        + """
flow.execute("echo")
flow.wait_for_completion()
os.write(2, b"raw \\xff\\xfe bytes\\x1b[2J\\n")
print("\\x1b[?1049l\\x1b[31mRED\\x07")
"""
    )
    path = write(tmp_path / "noisy.py", source)
    with terminal(path, cwd=tmp_path) as term:
        term.wait_for("ENDED")
        top = "\n".join(term.screen_lines()[:30])  # the output pane is below
        assert not any(text in top for text in ("from a shell", "and its error", "raw"))
        term.press("7")
        for text in ("from a shell", "and its error", "raw", "RED"):
            term.wait_for(text)
        assert b"\x1b[31mRED" not in term.raw
        term.wait_for("noisy.py")
        assert term.quit() == 0


# without a terminal ---------------------------------------------------------------------------


@pytest.mark.parametrize("words", [["flow.py"], [], ["."]])
def test_without_a_terminal_it_says_so(flow: Path, words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tui", *words],
        cwd=flow.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 2
    assert "no terminal" in done.stderr
    assert "--headless" in done.stderr
    assert done.stdout == ""
