"""What the command line's words and a folder's files mean, without executing either."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tui import targets
from tui.errors import TargetError, TuiError, UsageError
from tui.targets import Candidate, Folder, Target, parse_target, sample_folder, scan

TRAP = "raise SystemExit('executed')\n"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "orders.py").write_text("x = 1\n")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "inner.py").write_text("x = 1\n")
    return tmp_path


def test_a_file_is_a_script_and_keeps_the_text_as_typed(here: Path) -> None:
    target = parse_target("./sub/../orders.py", cwd=here, argv=("a", "--b"), params=(("k", "v"),))
    assert isinstance(target, Target)
    assert (target.kind, target.name, target.module) == ("script", None, None)
    assert target.path == here / "orders.py"
    assert target.typed == "./sub/../orders.py"
    assert (target.argv, target.params, target.cwd) == (("a", "--b"), (("k", "v"),), here)
    assert target.label == "orders.py"


def test_a_link_is_not_followed(here: Path) -> None:
    (here / "link.py").symlink_to(here / "orders.py")
    target = parse_target("link.py", cwd=here)
    assert isinstance(target, Target)
    assert target.path == here / "link.py"


def test_dots_go_through_a_linked_folder_as_the_file_system_does(here: Path) -> None:
    (here / "deep" / "er").mkdir(parents=True)
    (here / "deep" / "flow.py").write_text("")
    (here / "link").symlink_to(here / "deep" / "er")
    target = parse_target("link/../flow.py", cwd=here)
    assert isinstance(target, Target)
    assert target.path == here / "deep" / "flow.py"


@pytest.mark.parametrize("name", ["flow", "build_flow", "app.flow"])
def test_a_name_after_the_colon_makes_an_import(here: Path, name: str) -> None:
    target = parse_target(f"sub/inner.py:{name}", cwd=here)
    assert isinstance(target, Target)
    assert (target.kind, target.name, target.typed) == ("file", name, "sub/inner.py")
    assert target.label == f"inner.py:{name}"


@pytest.mark.parametrize(
    ("text", "module", "name"), [("pkg.mod", "pkg.mod", None), ("mod:flow", "mod", "flow")]
)
def test_a_module_is_taken_by_its_dotted_name(text: str, module: str, name: str | None) -> None:
    target = parse_target(text, module=True)
    assert isinstance(target, Target)
    assert (target.kind, target.module, target.name, target.path) == ("module", module, name, None)
    assert target.label == text


@pytest.mark.parametrize(("text", "typed"), [(None, "."), (".", "."), ("sub", "sub"), ("..", "..")])
def test_a_folder_or_nothing_is_for_the_picker(here: Path, text: str | None, typed: str) -> None:
    folder = parse_target(text, cwd=here, argv=("x",))
    assert isinstance(folder, Folder)
    assert folder.path == Path(os.path.realpath(here / typed))
    picked = folder.target(here / "orders.py")
    assert (picked.kind, picked.typed, picked.argv) == ("script", "orders.py", ("x",))


@pytest.mark.parametrize(
    ("text", "file", "name"),
    [
        (r"C:\flows\orders.py", r"C:\flows\orders.py", None),
        (r"C:\flows\orders.py:flow", r"C:\flows\orders.py", "flow"),
        ("C:orders.py", "C:orders.py", None),
        ("c:/flows/orders.py:make", "c:/flows/orders.py", "make"),
        (r"C:\flows", r"C:\flows", None),
        ("orders.pyw:flow", "orders.pyw", "flow"),
    ],
)
def test_a_drive_letter_is_not_a_file(
    tmp_path: Path, text: str, file: str, name: str | None
) -> None:
    assert targets._split_name(text, tmp_path) == (file, name)


def test_a_colon_in_an_existing_file_name_belongs_to_it(here: Path) -> None:
    (here / "a:b.py").write_text("")
    target = parse_target("a:b.py", cwd=here)
    assert isinstance(target, Target)
    assert (target.path, target.name) == (here / "a:b.py", None)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ordres.py", "no such file: ordres.py; did you mean 'orders.py'?"),
        ("orders", "did you mean 'orders.py'?"),
        ("sup", "did you mean 'sub'?"),
        ("nowhere/flow.py", "there is no folder"),
        ("sub.inner", "for a module, say -m sub.inner"),
        ("notes.txt", "not a Python file"),
        ("pipe.py", "not a regular file"),
        ("x" * 5000, "no such file"),
        ("zzz.py:flow", "no such file: zzz.py (in "),
    ],
)
def test_what_cannot_be_loaded_is_said_with_a_way_out(here: Path, text: str, says: str) -> None:
    (here / "notes.txt").write_text("")
    os.mkfifo(here / "pipe.py")
    with pytest.raises(TargetError) as caught:
        parse_target(text, cwd=here)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("text", "module", "says"),
    [
        ("", False, "empty"),
        ("orders.py:", False, "what follows the colon"),
        ("orders.py:12", False, "what follows the colon"),
        ("orders.py:12:3", False, "what follows the colon"),
        ("orders.py:build()", False, "without parentheses: build"),
        ("sub:flow", False, "is a folder"),
        ("orders.py", True, "leave out -m for a file"),
        ("sub/inner.py:flow", True, "leave out -m for a file"),
        ("my-mod", True, "dotted module name"),
        ("", True, "dotted module name"),
        ("mod:", True, "what follows the colon"),
    ],
)
def test_words_that_make_no_sense_are_usage_errors(
    here: Path, text: str, module: bool, says: str
) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text, module=module, cwd=here)
    assert says in str(caught.value)
    assert isinstance(caught.value, TuiError)
    assert caught.value.exit_code == 2


def write(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def details(found: list[Candidate]) -> dict[str, str]:
    return {candidate.path.name: candidate.detail for candidate in found}


def test_scan_finds_what_imports_routilux_and_executes_nothing(tmp_path: Path) -> None:
    write(
        tmp_path,
        "factory.py",
        f'"""\n  Orders\x1b[31m, priced.\n\nMore.\n"""\nfrom routilux import Flow\n{TRAP}'
        "def build_flow(n=3):\n    return Flow()\n",
    )
    write(tmp_path, "flow.py", f"import routilux as rx\n{TRAP}flow = rx.Flow('a')\nflow.add()\n")
    write(tmp_path, "script.py", f"{TRAP}from routilux import Flow\ndef main(): ...\nmain()\n")
    write(
        tmp_path,
        "guarded.py",
        "import sys\nfrom routilux.flow import Flow as F\ndef make() -> F:\n    return F()\n"
        "if __name__ == '__main__':\n    state = make().execute('a')\n    sys.exit(0)\n",
    )
    write(
        tmp_path,
        "only_classes.py",
        "from routilux import Routine\nclass A(Routine): ...\nclass B(A): ...\nclass C: ...\n",
    )
    write(tmp_path, "tool.py", "from routilux import Flow\ndef use(flow: Flow): ...\n")
    write(tmp_path, "other.py", "# not about routilux\nimport os\n")
    write(tmp_path, "broken.py", "from routilux import Flow\nflow = Flow(\n")
    write(tmp_path, "test_it.py", "from routilux import Flow\ndef test_x():\n    Flow()\n")
    found = scan(tmp_path)
    assert details(found) == {
        "factory.py": "build_flow()",
        "flow.py": "flow",
        "script.py": "script",
        "guarded.py": "make(), script",
        "broken.py": "does not parse",
        "only_classes.py": "routines A, B",
    }
    assert found[-1].path.name == "only_classes.py"
    assert found.note == ""
    by_name = {candidate.path.name: candidate for candidate in found}
    assert by_name["factory.py"].title == "Orders[31m, priced."
    assert by_name["broken.py"].error == "broken.py:2: '(' was never closed"
    assert by_name["flow.py"].error is None


def test_scan_keeps_out_of_what_the_user_did_not_write(tmp_path: Path) -> None:
    flow = "from routilux import Flow\nflow = Flow()\n"
    for place in (
        ".hidden/a.py",
        ".dot.py",
        "venv/lib/a.py",
        "node_modules/a.py",
        "__pycache__/a.py",
        "build/a.py",
        "dist/a.py",
        "lib/site-packages/tests/a.py",
        "x.egg-info/a.py",
        "not_python.txt",
    ):
        write(tmp_path, place, flow)
    write(tmp_path, "venv/pyvenv.cfg", "")
    write(tmp_path, "z.py", flow)
    write(tmp_path, "sample_flows/a.py", flow)
    write(tmp_path, "a/b/c.py", flow)
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nothing.py")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    names = [str(candidate.path.relative_to(tmp_path)) for candidate in scan(tmp_path)]
    assert names == ["sample_flows/a.py", "a/b/c.py", "z.py"]


@pytest.mark.parametrize(
    "source", [b"routilux\0", b"# routilux\n\xff = 1\n", b"import routilux\n("]
)
def test_scan_lists_files_that_cannot_be_read_as_python(tmp_path: Path, source: bytes) -> None:
    (tmp_path / "odd.py").write_bytes(source)
    (candidate,) = scan(tmp_path)
    assert (candidate.error or "").startswith("odd.py:")


def test_scan_shows_no_warnings_of_the_users_code(tmp_path: Path) -> None:
    write(tmp_path, "flow.py", "from routilux import Flow\nflow = Flow('\\d')\n")
    assert details(scan(tmp_path)) == {"flow.py": "flow"}


def test_scan_is_bounded_and_says_so(tmp_path: Path) -> None:
    flow = "from routilux import Flow\nflow = Flow()\n"
    for number in range(5):
        write(tmp_path, f"f{number}.py", flow)
    write(tmp_path, "/".join("abcdefghijk") + "/deep.py", flow)
    assert len(scan(tmp_path)) == 5
    assert "levels down" in scan(tmp_path).note
    few = scan(tmp_path, limit=2)
    assert [candidate.path.name for candidate in few] == ["f0.py", "f1.py"]
    assert "open a smaller folder" in few.note
    assert "time" in scan(tmp_path, seconds=-1).note


def test_scan_of_a_folder_that_is_gone_is_empty(tmp_path: Path) -> None:
    assert scan(tmp_path / "nothing") == []


def test_the_samples_of_this_checkout_are_found() -> None:
    folder = sample_folder()
    assert folder is None or folder.name == "sample_flows"


@pytest.mark.parametrize("module", ["tui.targets", "tui.options", "tui.errors"])
def test_start_up_modules_import_nothing_slow(module: str) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        cwd=Path(targets.__file__).parent.parent,
    )
    slow = {"textual", "rich", "watchfiles", "asyncio", "shutil", "subprocess", "difflib"}
    assert not slow & {name.partition(".")[0] for name in run.stdout.split()}
