"""The watcher against the real file system: every way editors save, and what must not fire."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tui import reload
from tui.reload import Change, SyntaxProblem, Watcher, snippet, syntax_problem

DEADLINE = 8.0


class Recorder:
    """Keeps every change with the content that its files had when it was reported."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.contents: list[dict[str, str]] = []
        self.threads: set[str] = set()
        self.times: list[float] = []
        self._news = threading.Condition()

    def __call__(self, change: Change) -> None:
        contents = {path.name: path.read_text() for path in change.files if path.exists()}
        with self._news:
            self.changes.append(change)
            self.contents.append(contents)
            self.threads.add(threading.current_thread().name)
            self.times.append(time.perf_counter())
            self._news.notify_all()

    def wait(self, count: int) -> Change:
        """Wait for the *count*-th change and return it; there must be no more than that."""
        self.until(lambda: len(self.changes) >= count)
        assert len(self.changes) == count, self.changes
        return self.changes[-1]

    def until(self, done: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(done, DEADLINE), f"only {self.changes}"


class Bench:
    """A watcher over files in a folder, with a second file to prove that nothing came."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.flow = folder / "flow.py"
        self.flow.write_text("x = 0\n")
        self.probe = folder / "probe.py"
        self.probe.write_text("p = 0\n")
        self.seen = Recorder()
        self.watcher = Watcher(self.seen, [self.flow, self.probe])
        self.watcher.start()
        self._probes = 0

    def nothing_more_came(self) -> None:
        """Save the probe: it must be all that is reported, and alone."""
        count = len(self.seen.changes)
        self._probes += 1
        self.probe.write_text(f"p = {self._probes}\n")
        assert self.seen.wait(count + 1).files == (self.probe,)

    def expect(self, text: str) -> Change:
        """Wait for one change, of the flow, that is complete and without a problem."""
        change = self.seen.wait(len(self.seen.changes) + 1)
        assert change == Change((self.flow,), None)
        assert self.seen.contents[-1] == {"flow.py": text}
        return change


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.watcher.close()
    assert bench.watcher.join(DEADLINE)
    assert bench.seen.threads <= {"routilux-watch"}


def replace(path: Path, text: str) -> None:
    """Save as most editors do: a new file, renamed over the old one."""
    new = path.with_name(f".{path.name}.tmp")
    new.write_text(text)
    os.replace(new, path)


def test_an_in_place_write_is_reported(bench: Bench) -> None:
    bench.flow.write_text("x = 1\n")
    bench.expect("x = 1\n")
    bench.nothing_more_came()


def test_a_slow_write_in_chunks_is_reported_once_and_whole(bench: Bench) -> None:
    text = "x = [\n" + "".join(f"    {n},\n" for n in range(12)) + "]\n"
    pace = threading.Event()
    with open(bench.flow, "w") as file:
        for line in text.splitlines(keepends=True):
            file.write(line)
            file.flush()
            pace.wait(0.015)
    bench.expect(text)
    bench.nothing_more_came()


def test_a_write_with_a_long_pause_in_the_middle_of_a_statement_is_reported_once(
    bench: Bench,
) -> None:
    pace = threading.Event()
    with open(bench.flow, "w") as file:
        file.write("x = [\n")
        file.flush()
        pace.wait(0.08)
        file.write("]\n")
    bench.expect("x = [\n]\n")
    bench.nothing_more_came()


def test_truncate_then_write_is_never_seen_empty(bench: Bench) -> None:
    pace = threading.Event()
    with open(bench.flow, "r+") as file:
        file.truncate()
        file.flush()
        pace.wait(0.12)
        file.write("x = 2\n")
    bench.expect("x = 2\n")
    bench.nothing_more_came()


def test_a_file_emptied_for_good_is_reported_in_the_end(bench: Bench) -> None:
    bench.flow.write_text("")
    bench.expect("")


def test_an_atomic_rename_is_reported_again_and_again(bench: Bench) -> None:
    for number in range(1, 6):
        replace(bench.flow, f"x = {number}\n")
        bench.expect(f"x = {number}\n")
    bench.nothing_more_came()


def test_rename_away_and_create_as_vim_does_is_one_change(bench: Bench) -> None:
    for number in range(1, 4):
        os.rename(bench.flow, bench.folder / "flow.py~")
        bench.flow.write_text(f"x = {number}\n")
        os.remove(bench.folder / "flow.py~")
        bench.expect(f"x = {number}\n")
    bench.nothing_more_came()


@pytest.mark.parametrize("pause", [0.0, 0.1, 1.0])
def test_delete_then_create_again_is_one_change(bench: Bench, pause: float) -> None:
    os.remove(bench.flow)
    threading.Event().wait(pause)
    bench.flow.write_text("x = 3\n")
    bench.expect("x = 3\n")
    bench.nothing_more_came()


def test_a_file_that_comes_back_unchanged_is_no_change(bench: Bench) -> None:
    os.remove(bench.flow)
    bench.flow.write_text("x = 0\n")
    bench.nothing_more_came()


def test_a_deleted_file_holds_nothing_up_and_is_not_reported(bench: Bench) -> None:
    os.remove(bench.flow)
    bench.nothing_more_came()
    bench.nothing_more_came()


def test_a_touch_does_nothing(bench: Bench) -> None:
    os.utime(bench.flow)
    bench.nothing_more_came()
    bench.flow.write_text("x = 0\n")
    bench.nothing_more_came()
    replace(bench.flow, "x = 0\n")
    bench.nothing_more_came()


def test_an_edit_of_the_same_size_in_the_same_second_is_reported(bench: Bench) -> None:
    bench.flow.write_text("x = 7\n")
    bench.expect("x = 7\n")
    bench.flow.write_text("x = 8\n")
    bench.expect("x = 8\n")


def test_an_edit_that_keeps_size_time_and_inode_is_found(bench: Bench) -> None:
    """As on file systems that keep times in whole seconds."""
    before = os.stat(bench.flow)
    bench.flow.write_text("x = 9\n")
    os.utime(bench.flow, ns=(before.st_atime_ns, before.st_mtime_ns))
    bench.expect("x = 9\n")


def test_poke_finds_what_the_file_system_hides(tmp_path: Path) -> None:
    flow = tmp_path / "flow.py"
    flow.write_text("x = 0\n")
    long_ago = time.time_ns() - 10**12
    os.utime(flow, ns=(long_ago, long_ago))
    seen = Recorder()
    with Watcher(seen, [flow]) as watcher:
        (tmp_path / "probe.py").write_text("")
        watcher.set_files([flow, tmp_path / "probe.py"])
        (tmp_path / "probe.py").write_text("1\n")
        assert seen.wait(1).files == (tmp_path / "probe.py",)
        flow.write_text("x = 1\n")
        os.utime(flow, ns=(long_ago, long_ago))
        watcher.poke()
        assert seen.wait(2).files == (flow,)


def test_two_files_saved_together_are_one_change(bench: Bench) -> None:
    for number in range(1, 4):
        bench.probe.write_text(f"p = -{number}\n")
        replace(bench.flow, f"x = {number}\n")
        assert bench.seen.wait(number).files == (bench.flow, bench.probe)


def test_broken_content_is_reported_once_and_undoing_it_clears_it(bench: Bench) -> None:
    bench.flow.write_text("x = 0\ny = (\n")
    change = bench.seen.wait(1)
    assert change.files == (bench.flow,)
    assert change.problem == SyntaxProblem(
        bench.flow, 2, 5, "'(' was never closed", ((1, "x = 0"), (2, "y = ("))
    )
    replace(bench.flow, "x = 0\ny = (\n")
    os.utime(bench.flow)
    bench.watcher.poke()
    bench.flow.write_text("x = 0\n")
    assert bench.seen.wait(2) == Change((bench.flow,), None)


def test_broken_then_fixed_is_two_changes(bench: Bench) -> None:
    bench.flow.write_text("def f(:\n")
    assert bench.seen.wait(1).problem is not None
    bench.flow.write_text("def f():\n")
    problem = bench.seen.wait(2).problem
    assert problem is not None
    assert "expected an indented block" in problem.message
    bench.flow.write_text("def f(): ...\n")
    assert bench.seen.wait(3) == Change((bench.flow,), None)


def test_a_syntax_error_undone_at_once_was_never_there(bench: Bench) -> None:
    pace = threading.Event()
    bench.flow.write_text("x = (\n")
    pace.wait(0.08)
    bench.flow.write_text("x = 0\n")
    bench.nothing_more_came()


def test_a_file_that_stays_broken_is_named_with_changes_of_others(bench: Bench) -> None:
    bench.flow.write_text("x = (\n")
    assert bench.seen.wait(1).problem is not None
    bench.probe.write_text("p = 5\n")
    change = bench.seen.wait(2)
    assert change.files == (bench.probe,)
    assert change.problem is not None
    assert change.problem.path == bench.flow
    bench.watcher.set_files([bench.probe])
    bench.probe.write_text("p = 6\n")
    assert bench.seen.wait(3) == Change((bench.probe,), None)


def test_editing_the_target_of_a_link_reports_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "links").mkdir()
    target, link = tmp_path / "real" / "flow.py", tmp_path / "links" / "flow.py"
    target.write_text("x = 0\n")
    link.symlink_to(target)
    seen = Recorder()
    with Watcher(seen, [link]):
        target.write_text("x = 1\n")
        assert seen.wait(1).files == (link,)
        replace(target, "x = 2\n")
        assert seen.wait(2).files == (link,)
        other = tmp_path / "flow2.py"
        other.write_text("x = 3\n")
        (tmp_path / "links" / "new").symlink_to(other)
        os.replace(tmp_path / "links" / "new", link)
        assert seen.wait(3).files == (link,)
        other.write_text("x = 4\n")
        assert seen.wait(4).files == (link,)


@pytest.mark.parametrize("pause", [0.0, 0.8])
def test_a_folder_removed_and_made_again_is_watched_again(tmp_path: Path, pause: float) -> None:
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    flow = folder / "flow.py"
    flow.write_text("x = 0\n")
    seen = Recorder()
    with Watcher(seen, [flow]):
        for number in range(1, 4):
            shutil.rmtree(tmp_path / "a")
            threading.Event().wait(pause)
            folder.mkdir(parents=True)
            flow.write_text(f"x = {number}\n")
            assert seen.wait(2 * number - 1).files == (flow,)
            replace(flow, f"x = -{number}\n")
            assert seen.wait(2 * number).files == (flow,)


def test_a_file_in_a_folder_that_does_not_exist_yet_is_waited_for(tmp_path: Path) -> None:
    flow = tmp_path / "not" / "yet" / "flow.py"
    seen = Recorder()
    with Watcher(seen, [flow]):
        flow.parent.mkdir(parents=True)
        flow.write_text("x = 1\n")
        assert seen.wait(1).files == (flow,)


def test_set_files_replaces_the_set_and_loses_nothing(bench: Bench) -> None:
    other = bench.folder / "other" / "helper.py"
    other.parent.mkdir()
    other.write_text("h = 0\n")
    bench.flow.write_text("x = 1\n")
    bench.watcher.set_files([bench.flow, bench.probe, other])
    assert bench.seen.wait(1).files == (bench.flow,)
    other.write_text("h = 1\n")
    assert bench.seen.wait(2).files == (other,)
    bench.watcher.set_files([bench.probe])
    bench.flow.write_text("x = 2\n")
    bench.nothing_more_came()


def test_a_file_saved_after_the_code_was_loaded_is_reported(bench: Bench) -> None:
    helper = bench.folder / "helper.py"
    old = bench.folder / "old.py"
    old.write_text("o = 0\n")
    os.utime(old, (1e9, 1e9))
    helper.write_text("h = 0\n")
    loaded = time.time_ns() - 10**9
    bench.watcher.set_files([bench.flow, bench.probe, helper, old], loaded_ns=loaded)
    assert bench.seen.wait(1).files == (helper,)
    bench.watcher.set_files([bench.flow, bench.probe, helper, old], loaded_ns=loaded)
    bench.nothing_more_came()


def test_changes_before_start_count(tmp_path: Path) -> None:
    flow = tmp_path / "flow.py"
    flow.write_text("x = 0\n")
    seen = Recorder()
    watcher = Watcher(seen, [flow])
    flow.write_text("x = 1\n")
    with watcher:
        assert seen.wait(1).files == (flow,)


def test_fifty_random_saves_end_with_the_last_content(bench: Bench) -> None:
    chance = random.Random(7)
    pace = threading.Event()
    for number in range(1, 51):
        text = f"x = {number}\n"
        match chance.randrange(4):
            case 0:
                bench.flow.write_text(text)
            case 1:
                replace(bench.flow, text)
            case 2:
                os.rename(bench.flow, bench.folder / "backup")
                bench.flow.write_text(text)
            case _:
                os.remove(bench.flow)
                bench.flow.write_text(text)
        pace.wait(chance.choice([0.0, 0.01, 0.05, 0.12]))
    bench.seen.until(lambda: bench.seen.contents[-1:] == [{"flow.py": "x = 50\n"}])
    numbers = [int(seen["flow.py"].split()[2]) for seen in bench.seen.contents]
    assert numbers == sorted(set(numbers)), "each content once, in order"
    bench.nothing_more_came()


def test_without_folder_watching_the_files_are_still_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("inotify limit reached")

    monkeypatch.setattr("watchfiles._rust_notify.RustNotify", refuse)
    bench = Bench(tmp_path)
    with_watch = bench.watcher
    bench.flow.write_text("x = 1\n")
    bench.expect("x = 1\n")
    replace(bench.flow, "x = 2\n")
    bench.expect("x = 2\n")
    with_watch.close()
    assert with_watch.join(DEADLINE)


def test_a_deaf_watch_is_found_out_by_the_sweep_and_opened_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = threading.Event()
    monkeypatch.setattr(reload._Eyes, "wait", lambda _self, wake: wake.wait(0.1) and False)
    monkeypatch.setattr(reload._Eyes, "forget", lambda _self: opened.set())
    bench = Bench(tmp_path)
    bench.nothing_more_came()  # past the first look, which no event has to announce
    bench.flow.write_text("x = 1\n")
    bench.expect("x = 1\n")
    assert opened.wait(DEADLINE)
    bench.watcher.close()
    assert bench.watcher.join(DEADLINE)


def test_a_busy_folder_does_not_hide_a_save(bench: Bench) -> None:
    stop = threading.Event()

    def noise() -> None:
        number = 0
        while not stop.wait(0.002):
            number += 1
            (bench.folder / f"noise{number % 50}.log").write_text(str(number))

    thread = threading.Thread(target=noise, name="noise")
    thread.start()
    try:
        for number in range(1, 4):
            replace(bench.flow, f"x = {number}\n")
            bench.expect(f"x = {number}\n")
    finally:
        stop.set()
        thread.join()


def test_a_file_name_that_is_not_unicode_does_not_stop_the_watcher(bench: Bench) -> None:
    folder = os.fsencode(bench.folder)
    for number in range(1, 4):
        with open(os.path.join(folder, b"\xff%d.py" % number), "wb"):
            pass
        bench.flow.write_text(f"x = {number}\n")
        bench.expect(f"x = {number}\n")


def test_a_callback_that_raises_does_not_end_the_watcher(tmp_path: Path) -> None:
    flow = tmp_path / "flow.py"
    flow.write_text("x = 0\n")
    seen = Recorder()

    def fail(change: Change) -> None:
        seen(change)
        raise ValueError("mistake")

    with Watcher(fail, [flow]):
        flow.write_text("x = 1\n")
        seen.wait(1)
        flow.write_text("x = 2\n")
        seen.wait(2)


def test_a_callback_may_use_the_watcher(tmp_path: Path) -> None:
    flow, helper = tmp_path / "flow.py", tmp_path / "helper.py"
    flow.write_text("x = 0\n")
    helper.write_text("h = 0\n")
    seen = Recorder()

    def on_change(change: Change) -> None:
        watcher.set_files([flow, helper])
        watcher.poke()
        if len(seen.changes) == 1:
            watcher.close()
            assert watcher.join() is False
        seen(change)

    watcher = Watcher(on_change, [flow])
    watcher.start()
    flow.write_text("x = 1\n")
    seen.wait(1)
    helper.write_text("h = 1\n")
    assert seen.wait(2).files == (helper,)
    assert watcher.join(DEADLINE)


def test_close_ends_the_thread_at_any_moment(tmp_path: Path) -> None:
    flow = tmp_path / "flow.py"
    flow.write_text("x = 0\n")
    took = []
    for moment in range(10):
        watcher = Watcher(Recorder(), [flow])
        watcher.start()
        flow.write_text(f"x = (({moment}\n")  # broken: the longest wait
        threading.Event().wait(0.15 + 0.02 * moment)
        start = time.perf_counter()
        watcher.close()
        assert watcher.join(DEADLINE)
        took.append(time.perf_counter() - start)
    assert sorted(took)[len(took) // 2] < 0.1


def test_close_before_start_and_twice_is_harmless(tmp_path: Path) -> None:
    watcher = Watcher(Recorder())
    watcher.close()
    watcher.close()
    assert watcher.join()
    with Watcher(Recorder(), [tmp_path / "a.py"]) as running:
        running.close()
        assert "Watcher" in repr(running)


def test_python_can_end_while_the_watcher_runs(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, threading\n"
        "from tui.reload import Watcher\n"
        "Watcher(print, [pathlib.Path(sys.argv[1])]).start()\n"
        "threading.Event().wait(0.3)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "flow.py")],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=Path(reload.__file__).parent.parent,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_importing_reload_does_not_import_watchfiles() -> None:
    code = "import sys, tui.reload; print('watchfiles' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        cwd=Path(reload.__file__).parent.parent,
    )
    assert run.stdout == "False\n"


@pytest.mark.parametrize(
    ("source", "line", "context", "expected"),
    [
        ("a\nb\nc\nd\n", 2, 1, ((1, "a"), (2, "b"), (3, "c"))),
        ("a\nb\nc\nd\n", 1, 1, ((1, "a"), (2, "b"))),
        ("a\nb\nc\nd\n", 4, 1, ((3, "c"), (4, "d"))),
        ("a\nb\nc\nd\n", 5, 1, ((3, "c"), (4, "d"))),
        ("a\nb", 99, 0, ((2, "b"),)),
        ("a\nb", 0, 0, ((1, "a"),)),
        ("a\r\nb\rc", 2, 5, ((1, "a"), (2, "b"), (3, "c"))),
        ("a\x0c\u2028b\nc", 1, 0, ((1, "a\x0c\u2028b"),)),
        ("", 1, 1, ((1, ""),)),
    ],
)
def test_a_snippet_is_the_line_and_its_neighbours(
    source: str, line: int, context: int, expected: tuple[tuple[int, str], ...]
) -> None:
    assert snippet(source, line, context) == expected


@pytest.mark.parametrize(
    ("content", "line", "column", "says"),
    [
        (b"x = 1\n  y = 2\n", 2, 1, "unexpected indent"),
        (b"def f():\n", 1, 9, "expected an indented block"),
        (b"return 1\n", 1, 1, "'return' outside function"),
        ("é = 1; é é\n".encode(), 1, 10, "invalid syntax"),
        ("é; f(é=1, é=2)\n".encode(), 1, 11, "keyword argument repeated"),
        (b"x = 1\0\n", 1, 1, "null bytes"),
        (b"x = '\xff'\n", 1, 1, "codec can't decode"),
        (b"# coding: nonsense\n", 1, 1, "nonsense"),
        (b"# coding: latin-1\nx = '\xe9\n", 2, 5, "unterminated string"),
    ],
)
def test_a_problem_has_its_place(content: bytes, line: int, column: int, says: str) -> None:
    problem = syntax_problem(Path("flow.py"), content)
    assert problem is not None
    assert says in problem.message
    assert problem.line == line
    assert problem.column >= 1
    assert line in dict(problem.lines)
    if says not in ("null bytes", "codec can't decode", "nonsense", "unexpected indent"):
        assert problem.column == column


def test_good_code_data_and_odd_escapes_are_no_problem() -> None:
    assert syntax_problem(Path("a.py"), b"x = 1\n") is None
    assert syntax_problem(Path("a.py"), b"x = '\\d'\nx is 1\n") is None
    assert syntax_problem(Path("a.yaml"), b"x: (\n") is None
