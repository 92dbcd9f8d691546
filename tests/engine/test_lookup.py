"""Classes by name: what is saved of one, where it is looked for, and what is said if it is gone."""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from routilux import DamagedDataError, Flow, Routine, SerializationError, UnknownNameError
from tests.engine.saving import Worker

ROOT = Path(__file__).parents[2]


class NeedsArguments(Routine):
    def __init__(self, path: str, size: int, *more: int, mode: str = "r", **rest: int) -> None:
        super().__init__()


class NeedsNothing(Routine):
    def __init__(self, size: int = 5, *more: int, **rest: int) -> None:
        super().__init__()


class Outer:
    class Inner(Routine):
        pass


Renamed = type("OtherName", (Routine,), {"__module__": __name__})


def with_one(routine: Routine) -> Flow:
    flow = Flow("f")
    flow.add_routine(routine, "a")
    return flow


def refusal(routine: Routine) -> str:
    with pytest.raises(SerializationError) as caught:
        with_one(routine).serialize()
    assert isinstance(caught.value, TypeError)
    return str(caught.value)


Making = Callable[[str, str], Any]


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Making]:
    """Writes and imports a module, which is forgotten at the end."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # its time may not tell it is stale
    made: list[str] = []

    def write(name: str, source: str) -> Any:
        (tmp_path / f"{name}.py").write_text(f"from routilux import Routine\n{source}\n")
        made.append(name)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    yield write
    for name in made:
        sys.modules.pop(name, None)


# saving -------------------------------------------------------------------------------------------


def test_a_class_is_named_by_its_module_and_its_qualified_name() -> None:
    data = with_one(Outer.Inner()).serialize()
    assert data["routines"]["a"]["class"] == {"module": __name__, "qualname": "Outer.Inner"}
    loaded = Flow()
    loaded.deserialize(data)
    assert type(loaded.routines["a"]) is Outer.Inner


def test_a_class_that_needs_arguments_is_refused_with_the_way_to_do_without() -> None:
    said = refusal(NeedsArguments("x", 1))
    assert "routine 'a' (NeedsArguments) of flow 'f': NeedsArguments() needs 'path', 'size'" in said
    assert "routine.set_config(path=..., size=...)" in said
    with_one(NeedsNothing()).serialize()


def test_a_class_in_a_function_is_refused() -> None:
    class Local(Routine):
        pass

    assert "Local stands in a function, where it cannot be found again" in refusal(Local())


def test_a_class_that_its_module_does_not_know_by_that_name_is_refused() -> None:
    assert "has no class OtherName, so it could not be found again" in refusal(Renamed())


def test_a_class_whose_module_was_never_imported_is_not_imported_to_save_it() -> None:
    stray = type("Stray", (Routine,), {"__module__": "no_such_module"})
    assert with_one(stray()).serialize()["routines"]["a"]["class"]["module"] == "no_such_module"


# loading ------------------------------------------------------------------------------------------


def test_classes_of_one_name_in_two_modules_are_told_apart(module: Making) -> None:
    one, two = (module(f"steps_{n}", "class Step(Routine): pass") for n in (1, 2))
    flow = Flow("f")
    flow.add_routine(one.Step(), "one")
    flow.add_routine(two.Step(), "two")
    loaded = Flow()
    loaded.deserialize(flow.serialize())
    assert type(loaded.routines["one"]) is one.Step
    assert type(loaded.routines["two"]) is two.Step


def test_a_reloaded_module_gives_its_new_class(module: Making) -> None:
    steps = module("steps_3", "class Step(Routine): pass")
    flow = with_one(steps.Step())
    old = steps.Step
    module("steps_3", "class Step(Routine): new = True")
    importlib.reload(steps)
    assert steps.Step is not old
    loaded = Flow()
    loaded.deserialize(flow.serialize())  # also saving does, with an instance of the old one
    assert type(loaded.routines["a"]) is steps.Step


def test_a_module_is_imported_when_a_flow_is_loaded(module: Making) -> None:
    steps = module("steps_4", "class Step(Routine): pass")
    data = with_one(steps.Step()).serialize()
    del sys.modules["steps_4"]
    loaded = Flow()
    loaded.deserialize(data)
    assert type(loaded.routines["a"]) is sys.modules["steps_4"].Step


def saved(**names: Any) -> dict[str, Any]:
    data = with_one(Worker()).serialize()
    data["routines"]["a"]["class"] |= names
    return data


@pytest.mark.parametrize(
    ("names", "error", "said"),
    [
        (
            {"module": "tests.engine.savin"},
            UnknownNameError,
            "flow 'f', routine 'a', class Worker: this program has no module 'tests.engine.savin'; "
            "did you mean 'tests.engine.saving'?",
        ),
        (
            {"qualname": "Wroker"},
            UnknownNameError,
            "flow 'f', routine 'a': module 'tests.engine.saving' has no class 'Wroker'; did you "
            "mean 'Worker'? It has: Sink, Source, Worker",
        ),
        (
            {"qualname": "pipeline"},
            DamagedDataError,
            "flow 'f', routine 'a': pipeline of module 'tests.engine.saving' is no subclass of "
            "Routine",
        ),
        ({"qualname": "Flow"}, DamagedDataError, "is no subclass of Routine"),
        ({"qualname": "Worker.work.x"}, UnknownNameError, "has no class 'Worker.work.x'"),
        ({"module": "no/such"}, DamagedDataError, "'no/such' names no class"),
        ({"module": ".saving"}, DamagedDataError, "'.saving' names no class"),
        ({"module": ""}, DamagedDataError, "'' names no class"),
        ({"module": 5}, DamagedDataError, "['class']['module'] must be a text, not 5"),
        (
            {"module": "json.nothing"},
            UnknownNameError,
            "this program has no module 'json.nothing'",
        ),
        (
            {"module": __name__, "qualname": "NeedsArguments"},
            DamagedDataError,
            "NeedsArguments() needs 'path', 'size' now, so it cannot be loaded",
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else None,
)
def test_a_class_that_is_gone_is_one_clear_error_and_changes_nothing(
    names: dict[str, Any], error: type[ValueError], said: str
) -> None:
    flow = with_one(Worker())
    flow.flow_id = "before"
    routine = flow.routines["a"]
    with pytest.raises(error) as caught:
        flow.deserialize(saved(**names))
    assert said in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert flow.flow_id == "before"
    assert flow.routines == {"a": routine}
    assert routine._flow is flow


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("1 / 0", "raised ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "raised SystemExit: 3"),
        ("import no_such_thing", "raised ModuleNotFoundError: No module named 'no_such_thing'"),
        ("def (", "raised SyntaxError"),
    ],
)
def test_a_module_that_cannot_be_imported_is_named_with_the_reason(
    module: Making, tmp_path: Path, source: str, said: str
) -> None:
    module("broken_1", "")
    del sys.modules["broken_1"]
    (tmp_path / "broken_1.py").write_text(source)
    with pytest.raises(DamagedDataError) as caught:
        Flow().deserialize(saved(module="broken_1"))
    assert f"flow 'f', routine 'a': importing module 'broken_1' {said}" in str(caught.value)
    assert caught.value.__cause__ is not None


def test_a_class_that_cannot_be_made_is_named_with_the_reason(module: Making) -> None:
    module("broken_2", "class Bad(Routine):\n    def __init__(self): raise OSError('no disk')")
    with pytest.raises(DamagedDataError, match=r"routine 'a': Bad\(\) raised OSError: no disk"):
        Flow().deserialize(saved(module="broken_2", qualname="Bad"))


# the script that was started ----------------------------------------------------------------------

SCRIPT = """
import json, sys
from routilux import Flow, Routine

class Step(Routine):
    pass

if __name__ == "__main__":
    if sys.argv[1] == "save":
        flow = Flow("f")
        flow.add_routine(Step(), "a")
        print(json.dumps(flow.serialize()))
    else:
        flow = Flow()
        flow.deserialize(json.loads(sys.argv[2]))
        print(type(flow.routines["a"]) is Step, type(flow.routines["a"]).__module__)
"""

OTHER = """
import json, sys
from routilux import Flow
flow = Flow()
try:
    flow.deserialize(json.loads(sys.argv[1]))
    print(type(flow.routines["a"]).__module__, type(flow.routines["a"]).__name__)
except ValueError as error:
    print(error)
"""


def run(*arguments: Any, folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "one" / "my_steps.py"
    path.parent.mkdir()
    path.write_text(SCRIPT)
    return path


def test_a_script_finds_its_own_classes_again(script: Path) -> None:
    data = run(script, "save", folder=script.parent)
    assert json.loads(data)["routines"]["a"]["class"] == {
        "module": "__main__",
        "qualname": "Step",
        "file": str(script),
        "spec": None,
    }
    assert run(script, "load", data, folder=script.parent) == "True __main__"


def test_a_script_that_was_moved_finds_its_own_classes_again(script: Path) -> None:
    data = run(script, "save", folder=script.parent)
    (moved := script.parent.parent / "two").mkdir()
    script = script.rename(moved / script.name)
    assert run(script, "load", data, folder=moved) == "True __main__"


def test_another_script_imports_the_first_by_its_file_name(script: Path) -> None:
    data = run(script, "save", folder=script.parent)
    other = script.parent / "other.py"
    other.write_text(OTHER)
    assert run(other, data, folder=script.parent) == "my_steps Step"


def test_a_module_that_was_started_with_m_is_imported_by_its_name(script: Path) -> None:
    (script.parent / "__init__.py").touch()
    folder = script.parent.parent
    data = run("-m", "one.my_steps", "save", folder=folder)
    assert json.loads(data)["routines"]["a"]["class"]["spec"] == "one.my_steps"
    other = folder / "other.py"
    other.write_text(OTHER)
    assert run(other, data, folder=folder) == "one.my_steps Step"


def test_another_script_that_cannot_reach_the_first_says_so(script: Path) -> None:
    data = run(script, "save", folder=script.parent)
    other = script.parent.parent / "other.py"
    other.write_text(OTHER)
    said = run(other, data, folder=script.parent.parent)
    assert said.startswith("flow 'f', routine 'a', class Step (script ")
    assert "this program has no module '__main__'" in said


def test_another_script_of_the_same_name_is_not_run_a_second_time(script: Path) -> None:
    data = run(script, "save", folder=script.parent)
    (folder := script.parent.parent / "two").mkdir()
    other = folder / script.name
    other.write_text(OTHER)
    said = run(other, data, folder=folder)
    assert said == f"flow 'f', routine 'a': script {script} has no class 'Step' (it has none)"


def test_a_script_is_found_under_the_name_by_which_it_was_imported(
    script: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = json.loads(run(script, "save", folder=script.parent))
    spec = importlib.util.spec_from_file_location("quite_another_name", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "quite_another_name", module)
    spec.loader.exec_module(module)
    loaded = Flow()
    loaded.deserialize(data)
    assert type(loaded.routines["a"]) is module.Step


def test_a_class_typed_at_the_prompt_is_found_in_the_same_session(tmp_path: Path) -> None:
    source = (
        "import routilux\n"
        "class Step(routilux.Routine): pass\n"
        "flow, loaded = routilux.Flow(), routilux.Flow()\n"
        "flow.add_routine(Step(), 'a')\n"
        "loaded.deserialize(flow.serialize())\n"
        "print(type(loaded.routines['a']) is Step)\n"
    )
    assert run("-c", source, folder=tmp_path) == "True"
