"""Who may import whom. Reads the sources, so that a forbidden import fails here, not in review."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Each module of routilux and what it may import of routilux. Imports go upward in this list only,
#: so it is also the order in which to read the engine.
ENGINE: dict[str, set[str]] = {
    "errors": set(),
    "clock": {"errors"},
    "records": set(),
    "standing": {"clock"},
    "histogram": set(),
    "preview": set(),
    "evaluation": {"errors"},
    "expression": {"errors", "evaluation"},
    "history": set(),
    "copies": set(),
    "lanes": {"histogram", "records"},
    "bus": {"copies", "errors", "lanes", "preview", "records"},
    "report": {"bus"},
    "policy": {"errors"},
    "limits": {"errors"},
    "calling": {"errors"},
    "ports": {"calling", "errors", "report"},
    "activation": {"ports"},
    "job": {"activation", "errors", "history"},
    "remarks": {"activation", "job", "preview", "records"},
    "lines": {"activation", "job", "preview", "records", "remarks"},
    "commit": {"activation", "history", "job", "policy", "ports", "records",
               "report"},
    "gate": {"activation", "commit", "errors", "job", "lanes", "ports", "records"},
    "mailbox": {"activation", "commit", "errors", "gate", "job", "limits", "standing"},
    "routine": {
        "activation", "calling", "errors", "history", "job", "limits", "mailbox", "policy", "ports",
        "remarks",
    },
    "checks": {"errors", "routine"},
    "graph": {"ports", "routine"},
    "workers": {"activation", "commit", "copies", "gate", "job", "lanes", "limits"},
    "interrupts": {"commit", "job"},
    "inline": {"commit", "gate", "interrupts", "job", "standing", "workers"},
    "loop": {"activation", "commit", "gate", "job", "records"},
    "runtime": {"bus", "clock", "inline", "loop", "records", "workers"},
    "control": {
        "activation", "commit", "copies", "errors", "gate", "history", "interrupts", "job",
        "mailbox", "ports", "records", "routine",
    },
    "watching": {"activation", "job"},
    "waiting": {"activation", "errors", "gate", "job", "mailbox", "standing"},
    "fork": {
        "bus", "clock", "errors", "job", "limits", "lines", "mailbox", "ports", "standing",
        "waiting",
    },
    "scheduler": {
        "activation", "bus", "commit", "control", "errors", "gate", "history", "job", "mailbox",
        "preview", "records", "waiting", "watching", "workers",
    },
    "tracker": {"histogram", "history", "job"},
    "aio": {"activation", "interrupts"},
    "plain": {"errors"},
    "reader": {"errors", "plain"},
    "lookup": {"errors", "reader", "report", "routine"},
    "state_file": {"errors"},
    "job_data": {
        "control", "errors", "history", "job", "plain", "ports", "reader", "report", "routine",
        "state_file",
    },
    "routine_data": {
        "errors", "job_data", "lookup", "plain", "policy", "ports", "reader", "report", "routine",
    },
    "serialize": {
        "errors", "job", "job_data", "lookup", "plain", "ports", "reader", "report", "routine",
        "routine_data",
    },
    "flow": {
        "activation", "aio", "bus", "checks", "clock", "control", "copies", "errors", "fork",
        "graph", "history", "interrupts", "job", "policy", "ports", "report", "routine", "runtime",
        "scheduler",
        "serialize", "tracker", "waiting", "workers",
    },
    "testing": {"bus", "clock", "flow", "races", "records", "routine"},
    "__init__": {
        "bus", "clock", "commit", "errors", "flow", "history", "job", "limits", "lines", "policy",
        "ports", "records", "routine", "serialize", "tracker",
    },
}  # fmt: skip

#: Modules of routilux.races, in the order in which to read them; each may import those above it,
#: and the engine. The engine imports none of them.
RACES = [
    # The seam.
    "ops", "session", "locks", "observer", "sites", "proxies", "instrument", "patches", "seam",
    # The controlled scheduler.
    "tasks", "carriers", "deadlock", "controller", "primitives", "threads", "controlled_loop",
    "controlled", "observing", "quiet", "hidden", "lines", "run",
    # The search, and what is found.
    "depends", "strategies", "dpor", "bounded", "portfolio", "order", "minimise", "schedule",
    "advice", "report", "results", "explorer", "replaying", "__init__",
]  # fmt: skip

#: What a ready routine may import, beside its own folder: it is what a user could write.
BUILTIN = {"builtin", "errors", "evaluation", "expression", "routine"}

#: Methods that only hand over to a module above their own: what users call stands on the class,
#: how it is done in a module that knows all the classes. They import when they are called.
DELEGATES = {("job", "serialize"), ("job", "tracker"), ("routine", "serialize")}

#: Folders of tui and what of ours their modules may import, beside their own folder.
MONITOR: dict[str, set[str]] = {
    # Plain data: what crosses the border between the processes, and what a record means.
    "tui.model": {
        "tui.errors", "tui.session.messages", "tui.session.factual", "tui.session.events",
        "routilux.histogram",
        "routilux.records",
    },
    # Lints: what looks wrong, told from the model alone.
    "tui.findings": {"tui.model", "tui.errors", "tui.session.messages", "tui.session.factual"},
    "tui.query": {"tui.model", "tui.errors", "tui.session.messages", "routilux.records"},
    # A histogram is drawn as it is kept: in bins.
    "tui.paint": {"routilux.histogram"},
    "tui.export": {"tui.errors", "tui.model"},
    # Sentences in place of a screen: they read the model as widgets do.
    "tui.plain": {
        "tui.errors", "tui.model", "tui.query", "tui.paint", "tui.session.messages",
        "tui.targets", "tui.unseen", "tui.widgets.telling", "routilux.records",
    },
    "tui.widgets": {
        "tui.model", "tui.query", "tui.paint", "tui.themes", "tui.keys", "tui.commands",
        "tui.session.messages", "tui.session.factual", "routilux.records",
    },
}  # fmt: skip

SCREEN = {"textual", "rich"}


def modules(package: str) -> list[str]:
    """Dotted names of a package's modules, as they are in the checkout."""
    names = [path.relative_to(ROOT).with_suffix("") for path in (ROOT / package).rglob("*.py")]
    return sorted(".".join(name.parts) for name in names)


def path_of(module: str) -> Path:
    base = ROOT.joinpath(*module.split("."))
    return base.with_suffix(".py") if base.with_suffix(".py").exists() else base / "__init__.py"


def statements(tree: ast.AST) -> Iterator[ast.stmt]:
    """All statements that run, at import or later; not what only type checkers read."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from (s for other in node.orelse for s in [other, *statements(other)])
            continue
        if isinstance(node, ast.stmt):
            yield node
        yield from statements(node)


def imports(module: str) -> set[str]:
    """Absolute names of the modules that a module imports, also inside functions."""
    path = path_of(module)
    package = list(path.relative_to(ROOT).parent.parts)
    found: set[str] = set()
    for node in statements(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *(node.module or "").split(".")]).strip(".")
            inner = {f"{name}.{alias.name}" for alias in node.names}
            submodules = {each for each in inner if name and path_of(each).exists()}
            found |= submodules or {name}
    return found


def within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


# routilux -----------------------------------------------------------------------------------------


def test_the_table_lists_the_modules_of_the_engine() -> None:
    names = {name.removeprefix("routilux.") for name in modules("routilux")}
    assert sorted(ENGINE) == sorted(n for n in names if not within(n, {"builtin", "races"}))


@pytest.mark.parametrize("module", [m for m in modules("routilux") if "builtin" in m])
def test_a_ready_routine_imports_what_a_user_could(module: str) -> None:
    ours = {name.removeprefix("routilux.") for name in imports(module) if "routilux" in name}
    assert not {name for name in ours if not within(name, BUILTIN)}


@pytest.mark.parametrize("module", ENGINE)
def test_an_engine_module_imports_what_the_table_allows(module: str) -> None:
    ours = {name for name in imports(f"routilux.{module}") if within(name, {"routilux"})}
    names = {name.removeprefix("routilux.") for name in ours}
    assert {name for name in names if (module, name) not in DELEGATES} <= ENGINE[module]


@pytest.mark.parametrize("module", ENGINE)
def test_an_engine_module_imports_the_standard_library_only(module: str) -> None:
    roots = {name.partition(".")[0] for name in imports(f"routilux.{module}")}
    optional = {"pytest"} if module == "testing" else set()  # its fixtures, for who has it
    assert roots <= sys.stdlib_module_names | {"routilux"} | optional


def test_the_table_allows_imports_in_one_direction_only() -> None:
    order = list(ENGINE)
    for module, allowed in ENGINE.items():
        allowed = allowed - {"races"}  # only what is for tests knows of it
        assert allowed <= set(order[: order.index(module)]), module


def test_the_table_lists_the_modules_of_the_races() -> None:
    names = {name.removeprefix("routilux.races.") for name in modules("routilux/races")}
    assert names == set(RACES)


@pytest.mark.parametrize("module", RACES)
def test_a_module_of_the_races_imports_those_above_it_and_the_standard_library(module: str) -> None:
    found = imports(f"routilux.races.{module}")
    assert {name.partition(".")[0] for name in found} <= sys.stdlib_module_names | {"routilux"}
    ours = {name.removeprefix("routilux.races.") for name in found if "routilux.races." in name}
    assert ours <= set(RACES[: RACES.index(module)])


# tui ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", modules("tui"))
def test_a_monitor_module_imports_what_its_folder_allows(module: str) -> None:
    for folder, allowed in MONITOR.items():
        if within(module, {folder}):
            ours = {name for name in imports(module) if within(name, {"tui", "routilux"})}
            outside = {name for name in ours if not within(name, {folder, *allowed})}
            assert not outside, f"{module} imports {sorted(outside)}"


@pytest.mark.parametrize("module", modules("tui"))
def test_the_model_does_without_the_screen(module: str) -> None:
    if within(module, {"tui.model", "tui.findings"}):
        assert not {name for name in imports(module) if within(name, SCREEN)}


def reach(module: str) -> set[str]:
    """A module and everything of ours that it imports, directly or not."""
    found: set[str] = set()
    todo = {module}
    while todo:
        name = todo.pop()
        found.add(name)
        parents = {name.rpartition(".")[0]} - {""}
        ours = {each for each in imports(name) if within(each, {"tui", "routilux"})}
        todo |= {each for each in ours | parents if path_of(each).exists()} - found
    return found


@pytest.mark.skipif(not path_of("tui.session.worker").exists(), reason="there is no worker yet")
def test_the_engine_process_imports_neither_textual_nor_rich() -> None:
    reached = reach("tui.session.worker")
    assert "routilux.scheduler" in reached
    offenders = {m for m in reached for name in imports(m) if within(name, SCREEN)}
    assert not offenders


@pytest.mark.skipif(not path_of("tui.session.worker").exists(), reason="there is no worker yet")
def test_the_engine_process_loads_neither_textual_nor_rich() -> None:
    pytest.importorskip("msgspec", reason="the monitor's dependencies are not installed here")
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", "import tui.session.worker"],
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
        cwd=ROOT,
    )
    loaded = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "routilux.flow" in loaded
    assert not {name for name in loaded if within(name, SCREEN)}


# sizes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [*modules("routilux"), *modules("tui")])
def test_modules_and_functions_are_short(module: str) -> None:
    source = path_of(module).read_text("utf-8")
    assert len(source.splitlines()) <= 500
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 80, node.name
