"""The user's code runs as ``python FILE`` and ``python -m`` run it, and its flows are found."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.tui.session.running import ONE, in_loop, running, write

#: Prints what a script can see of how it was started. The flow is there for us only.
PROBE = """
import json, os, sys
import inspect
seen = {
    "file": __file__, "argv": sys.argv, "path": sys.path, "name": __name__, "cwd": os.getcwd(),
    "package": __package__, "spec": getattr(__spec__, "name", None),
    "builtins": type(__builtins__).__name__, "loader": type(__loader__).__name__,
    "globals": sorted(set(globals()) - {"seen", "flow", "Flow"}),
    "main": sys.modules["__main__"].__dict__ is globals(),
    "source": inspect.getsource(sys.modules["__main__"])[:12],
    "tui": "tui" in sys.modules, "stdin": sys.stdin.read(),
}
print("SEEN" + json.dumps(seen), flush=True)
from routilux import Flow
flow = Flow("probe")
"""


def seen(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.partition("SEEN")[2].partition("\n")[0])
    return found


async def as_we_run(where: str, cwd: Path, *, module: bool = False) -> dict[str, Any]:
    async with running(where, argv=("x", "--y"), cwd=cwd, module=module) as live:
        await live.until_phase("ended", "failed")
        await live.until_printed("SEEN")
        return seen(live.text())


def as_python_runs(cwd: Path, *words: str) -> dict[str, Any]:
    command = [sys.executable, *words, "x", "--y"]
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    )
    return seen(done.stdout)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with the probe as script, by a link, in a package, and as a package."""
    for folder in ("sub", "pkg", "pkg/inner"):
        (tmp_path / folder).mkdir()
        write(tmp_path / folder / "__init__.py", "")
    for name in ("sub/probe.py", "pkg/mod.py", "pkg/inner/__main__.py"):
        write(tmp_path / name, PROBE)
    (tmp_path / "link.py").symlink_to("sub/probe.py")
    return tmp_path


@pytest.mark.parametrize(
    "typed", ["sub/probe.py", "./sub/probe.py", "sub/../sub/probe.py", "link.py"]
)
def test_a_script_sees_what_python_shows_it(tree: Path, typed: str) -> None:
    @in_loop
    async def check() -> None:
        ours, theirs = await as_we_run(typed, tree), as_python_runs(tree, typed)
        # The same file; only "sub/../" and "./" are taken out of its name.
        assert ours.pop("file") == os.path.abspath(theirs.pop("file"))  # noqa: ASYNC240
        assert ours == theirs

    check()


@pytest.mark.parametrize("name", ["pkg.mod", "pkg.inner", "pkg.inner.__main__"])
def test_a_module_sees_what_python_shows_it(tree: Path, name: str) -> None:
    @in_loop
    async def check() -> None:
        ours, theirs = await as_we_run(name, tree, module=True), as_python_runs(tree, "-m", name)
        assert ours == theirs

    check()


# naming a flow ------------------------------------------------------------------------------------

NAMES = (
    ONE.format("print('ran', self._id, kwargs, flush=True)")
    + """
def make(flow_id="made", size=1, rate=0.5, deep=False, tags=()):
    print("make", repr((flow_id, size, rate, deep, tags)), flush=True)
    made = Flow(flow_id)
    made.add_routine(Echo(), flow_id)
    return made

def several():
    return [make("a"), make("b")]

def mixed():
    return [make("a"), 7]

def raises():
    raise KeyError("inside")

class Config:
    flow = flow
    make = staticmethod(make)

number = 7
nothing = []
"""
)


@pytest.mark.parametrize(
    ("name", "ran"),
    [
        ("flow", ["echo"]),
        ("make", ["made"]),
        ("several", ["a", "b"]),
        ("Config.flow", ["echo"]),
        ("Config.make", ["made"]),
    ],
)
def test_a_name_may_be_a_flow_a_factory_a_list_or_dotted(
    tmp_path: Path, name: str, ran: list[str]
) -> None:
    @in_loop
    async def check() -> None:
        path = write(tmp_path / "names.py", NAMES)
        async with running(f"{path}:{name}") as live:
            await live.until_phase("ended")
            for each in ran:
                await live.until_printed(f"ran {each}")
            await live.until_done(len(ran))
            assert live.text().count("ran ") == len(ran)

    check()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("number", "names.py:number gives int, not a Flow"),
        ("nothing", "names.py:nothing gives nothing, not a Flow"),
        ("mixed", "gives Flow, int, not a Flow"),
        ("Echo", "names.py:Echo gives Echo, not a Flow"),
        ("flwo", "has no 'flwo': it has flows flow; routines Echo; functions make, several"),
        ("Config.gone", "has no 'Config.gone'"),
    ],
)
def test_a_wrong_name_is_told_with_what_there_is(tmp_path: Path, name: str, said: str) -> None:
    @in_loop
    async def check() -> None:
        path = write(tmp_path / "names.py", NAMES)
        async with running(f"{path}:{name}") as live:
            await live.until_phase("failed")
            assert live.failure.kind == "NotFound"
            assert said in live.failure.message
            assert said in live.text(errors=True)
            assert "Traceback" not in live.text()

    check()


@in_loop
async def test_what_a_factory_raises_is_shown_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "names.py", NAMES)
    async with running(f"{path}:raises") as live:
        await live.until_phase("failed")
        assert (live.failure.kind, live.failure.message) == ("KeyError", "'inside'")
        assert live.failure.file == str(path)


@in_loop
async def test_a_named_flow_is_imported_under_the_name_of_its_file(tmp_path: Path) -> None:
    path = write(tmp_path / "names.py", NAMES + "print('as', __name__, flush=True)\n")
    async with running(f"{path}:flow") as live:
        await live.until_printed("as names\n")


# parameters, entries, drivers -----------------------------------------------------------------


@in_loop
async def test_parameters_come_with_the_types_of_the_defaults(tmp_path: Path) -> None:
    path = write(tmp_path / "names.py", NAMES + "build_flow = make\n")
    given = (("flow_id", "12"), ("size", "3"), ("rate", "1e3"), ("deep", "True"), ("tags", "[1]"))
    async with running(f"{path}:build_flow", params=given) as live:
        await live.until_phase("ended")
        await live.until_printed("make ('12', 3, 1000.0, True, [1])")


@in_loop
async def test_a_parameter_that_the_factory_does_not_have_is_told_with_those_it_has(
    tmp_path: Path,
) -> None:
    path = write(tmp_path / "names.py", NAMES)
    async with running(f"{path}:make", params=(("sise", "3"),)) as live:
        await live.until_phase("failed")
        assert "make() has no parameter 'sise'; it has: flow_id, size" in live.failure.message


@in_loop
async def test_a_script_that_only_exposes_build_flow_is_built_and_driven(tmp_path: Path) -> None:
    source = NAMES.split("\nflow = Flow")[0]
    source += "\ndef build_flow(size: int = 1):\n    f = Flow('b'); f.add_routine(Echo(), 'e')\n"
    source += "    print('size', size, flush=True)\n    return f\n"
    path = write(tmp_path / "build.py", source)
    async with running(path, params=(("size", "5"),)) as live:
        await live.until_phase("ended")
        await live.until_printed("size 5")
        await live.until_printed("ran e")


@pytest.mark.parametrize(
    ("entry", "ran"),
    [
        ("'echo'", ["ran echo {}"]),
        ("['echo', 'echo']", ["ran echo {}"] * 2),
        ("{'echo': {'x': 5}}", ["ran echo {'x': 5}"]),
        ("None", ["ran echo {}"]),
    ],
)
def test_entry_says_where_to_begin(tmp_path: Path, entry: str, ran: list[str]) -> None:
    @in_loop
    async def check() -> None:
        path = write(tmp_path / "names.py", NAMES + f"ENTRY = {entry}\n")
        async with running(f"{path}:flow") as live:
            await live.until_phase("ended")
            await live.until_done(len(ran))
            await live.until(lambda: live.text().count("ran ") == len(ran), "what ran")
            assert [line for line in live.text().splitlines() if line.startswith("ran")] == ran

    check()


@in_loop
async def test_run_drives_the_flow_in_place_of_the_entries(tmp_path: Path) -> None:
    source = NAMES + "def run(flow):\n    print('driven', flow.flow_id, flush=True)\n"
    path = write(tmp_path / "names.py", source)
    async with running(f"{path}:several") as live:
        await live.until_phase("ended")
        await live.until_printed("driven b")
        assert live.text().count("driven") == 2
        assert "ran" not in live.text()


@in_loop
async def test_a_script_that_drives_itself_is_not_driven_again(tmp_path: Path) -> None:
    path = write(
        tmp_path / "names.py", NAMES + "flow.execute('echo')\nflow.wait_for_completion()\n"
    )
    async with running(path) as live:
        await live.until_phase("ended")
        await live.until_printed("ran echo")
        await live.look()
        assert live.monitor.run.done == 1


# nothing there --------------------------------------------------------------------------------


@in_loop
async def test_where_nothing_is_found_the_message_lists_what_there_is(tmp_path: Path) -> None:
    path = write(tmp_path / "names.py", NAMES.split("\nflow = Flow")[0] + "\ndef helper(): ...\n")
    async with running(path) as live:
        await live.until_phase("failed")
        for part in (
            "made no flow",
            "routines Echo",
            "functions helper",
            "build_flow()",
            "FILE.py:NAME",
        ):
            assert part in live.failure.message


@in_loop
async def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    async with running(write(tmp_path / "empty.py", "")) as live:
        await live.until_phase("failed")
        assert "it has no flow, routine or function" in live.failure.message


@in_loop
async def test_a_module_that_does_not_exist_is_told_apart_from_a_failing_import(
    tmp_path: Path,
) -> None:
    (tmp_path / "pkg").mkdir()
    write(tmp_path / "pkg/__init__.py", "")
    write(tmp_path / "pkg/broken.py", "import not_there\n")
    for name in ("nowhere", "pkg.nowhere", "nowhere.deep"):
        async with running(name, module=True, cwd=tmp_path) as live:
            await live.until_phase("failed")
            assert live.failure.kind == "NotFound"
            assert f"no module named {name!r}" in live.failure.message
    async with running("pkg.broken", module=True, cwd=tmp_path) as live:
        await live.until_phase("failed")
        assert live.failure.kind == "ModuleNotFoundError"
        assert "not_there" in live.failure.message
        assert live.failure.file == str(tmp_path / "pkg/broken.py")
        assert live.failure.line == 1


@in_loop
async def test_a_named_module_that_does_not_exist_is_told_without_a_traceback(
    tmp_path: Path,
) -> None:
    async with running("nowhere:flow", module=True, cwd=tmp_path) as live:
        await live.until_phase("failed")
        assert live.failure.kind == "NotFound"
        assert "no module named 'nowhere'" in live.failure.message


@in_loop
async def test_a_package_without_main_runs_its_code_once(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    write(tmp_path / "pkg/__init__.py", NAMES + "print('imported', flush=True)\n")
    async with running("pkg", module=True, cwd=tmp_path) as live:
        await live.until_phase("ended")
        await live.until_printed("imported")
        await live.look()
        assert live.text().count("imported") == 1
        assert len(live.monitor.run.flows) == 1


@in_loop
async def test_a_flow_in_a_module_is_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    write(tmp_path / "pkg/__init__.py", "")
    write(tmp_path / "pkg/mod.py", "from . import __name__ as package\nprint(package)\n" + NAMES)
    async with running("pkg.mod:make", module=True, cwd=tmp_path) as live:
        await live.until_phase("ended")
        await live.until_printed("ran made")
