"""Loads and runs the user's code in the engine process, as ``python FILE`` or ``-m`` would.

What a flow module may expose: ``build_flow(**params)`` (or ``create_flow``), a factory; ``flow``,
a Flow; ``run(flow)``, a driver instead of executing the entry routines; ``ENTRY``, a routine id,
a list of them, or a mapping of id to keyword data.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from routilux import Flow, Routine

from .messages import Load

_FACTORIES = ("build_flow", "create_flow")


class NotFoundError(Exception):
    """The file holds nothing that can be run; the message lists what it does hold."""


class Program:
    """The user's code, loaded step by step in the main thread.

    Attributes:
        module: what was run or imported; its ``run`` and ``ENTRY`` drive the flows.
    """

    def __init__(self, load: Load) -> None:
        self._load = load
        self.module: ModuleType | None = None
        self._drives = False  # flows came from a factory or a name: nobody has executed them

    def start(self, known: Callable[[], list[Flow]]) -> None:
        """Run the script, or import the module and drive the flow it names.

        Args:
            known: the flows that have announced themselves.

        Raises:
            NotFoundError: no flow in there.
            BaseException: whatever the user's code raises.
        """
        load = self._load
        if load.kind == "script":
            self.module = _run_script(load)
        elif load.kind == "module":
            self.module = _run_module(load)
        else:
            self.module = _import_file(load)
        if load.name:
            flows = self._named(load.name)
        elif known():
            return  # the script built its flows itself, and executed them or not
        else:
            flows = self._exposed()
        self._drives = True
        self.drive(flows)

    def drive(self, flows: Iterable[Flow]) -> None:
        """Execute flows by the module's own driver, else by their entry routines."""
        run = getattr(self.module, "run", None)
        entry = getattr(self.module, "ENTRY", None)
        for flow in flows:
            if self._drives and callable(run):
                run(flow)
            else:
                for routine, data in _entries(flow, entry):
                    flow.execute(routine, data)

    @property
    def drives_alone(self) -> bool:
        """Whether we have executed the flows: the code has no part that could wait for them."""
        return self._drives and not callable(getattr(self.module, "run", None))

    def _named(self, name: str) -> list[Flow]:
        found: Any = self.module
        for part in name.split("."):
            if not hasattr(found, part):
                raise NotFoundError(f"{self._load.typed} has no {name!r}: {_contents(self.module)}")
            found = getattr(found, part)
        return self._flows_of(found, name)

    def _exposed(self) -> list[Flow]:
        for name in (*_FACTORIES, "flow"):
            if hasattr(self.module, name):
                return self._flows_of(getattr(self.module, name), name)
        raise NotFoundError(
            f"{self._load.typed} made no flow and exposes none: {_contents(self.module)}. "
            "Expose build_flow() or flow, create a Flow in the script, or name one: FILE.py:NAME"
        )

    def _flows_of(self, found: object, name: str) -> list[Flow]:
        if callable(found) and not isinstance(found, Flow):
            found = found(**_parameters(found, self._load.params))
        several = list(found) if isinstance(found, list | tuple) else [found]
        flows = [flow for flow in several if isinstance(flow, Flow)]
        if not flows or len(flows) != len(several):
            kinds = ", ".join(sorted({type(f).__name__ for f in several})) or "nothing"
            raise NotFoundError(
                f"{self._load.typed}:{name} gives {kinds}, not a Flow (or a list of Flows)"
            )
        return flows


def _run_script(load: Load) -> ModuleType:
    sys.argv = [load.typed, *load.argv]
    sys.path.insert(0, str(Path(load.path).resolve().parent))
    module = _main_module(__file__=load.path, __loader__=SourceFileLoader("__main__", load.path))
    source = Path(load.path).read_bytes()
    exec(compile(source, load.path, "exec", dont_inherit=True), module.__dict__)
    return module


def _run_module(load: Load) -> ModuleType:
    sys.path.insert(0, load.cwd)
    sys.argv = [load.typed, *load.argv]
    spec = _find(load.module)
    if spec is None:
        raise NotFoundError(f"no module named {load.module!r} from {load.cwd}")
    if not load.name and spec.submodule_search_locations is not None:
        spec = _find(f"{load.module}.__main__")
    if load.name or spec is None:  # a package without __main__ may expose its flow as well
        return importlib.import_module(load.module)
    get_code = getattr(spec.loader, "get_code", None)
    if get_code is None:
        raise NotFoundError(f"{load.module!r} has no Python code: {spec.origin}")
    sys.argv[0] = spec.origin or load.typed
    module = _main_module(
        __file__=spec.origin,
        __cached__=spec.cached,
        __loader__=spec.loader,
        __package__=spec.parent,
        __spec__=spec,
    )
    exec(get_code(spec.name), module.__dict__)
    return module


def _main_module(**names: object) -> ModuleType:
    """A fresh ``__main__`` with what Python puts into it. Our own modules make way for theirs."""
    module = ModuleType("__main__")
    module.__dict__.update(__annotations__={}, __builtins__=builtins, __cached__=None)
    module.__dict__.update(names)
    sys.modules["__main__"] = module
    return module


def _find(name: str) -> Any:
    try:
        return importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith(error.name + ".")):
            return None  # not there; anything else is an import that fails inside the package
        raise


def _import_file(load: Load) -> ModuleType:
    sys.argv = [load.typed, *load.argv]
    sys.path.insert(0, str(Path(load.path).resolve().parent))
    name = Path(load.path).stem
    spec = importlib.util.spec_from_file_location(name, load.path)
    if spec is None or spec.loader is None:
        raise NotFoundError(f"{load.typed} cannot be imported as a module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _parameters(factory: Callable[..., object], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Texts from the command line, as the types of the factory's defaults."""
    if not given:
        return {}
    values: dict[str, Any] = {}
    known = inspect.signature(factory).parameters
    free = any(p.kind is p.VAR_KEYWORD for p in known.values())
    for key, text in given:
        if key not in known and not free:
            raise NotFoundError(
                f"{factory.__name__}() has no parameter {key!r}; it has: "
                + (", ".join(known) or "none")
            )
        default = known[key].default if key in known else None
        try:
            values[key] = text if isinstance(default, str) else ast.literal_eval(text)
        except (ValueError, SyntaxError):
            values[key] = text
    return values


def _entries(flow: Flow, entry: object) -> list[tuple[str, Mapping[str, Any]]]:
    if isinstance(entry, str):
        return [(entry, {})]
    if isinstance(entry, Mapping):
        return [(str(name), dict(data)) for name, data in entry.items()]
    if isinstance(entry, list | tuple):
        return [(str(name), {}) for name in entry]
    return [(name, {}) for name in flow.entry_routines()]


def _contents(module: ModuleType | None) -> str:
    names = {k: v for k, v in vars(module).items() if not k.startswith("_")} if module else {}
    home = module.__name__ if module else ""
    own = [v for v in names.values() if getattr(v, "__module__", None) == home]
    classes = [c.__name__ for c in own if isinstance(c, type) and issubclass(c, Routine)]
    functions = [f.__name__ for f in own if callable(f) and not isinstance(f, type)]
    flows = [k for k, v in names.items() if isinstance(v, Flow)]
    parts = [
        f"{what} {', '.join(found[:8])}"
        for what, found in (("flows", flows), ("routines", classes), ("functions", functions))
        if found
    ]
    return "it has " + "; ".join(parts) if parts else "it has no flow, routine or function"
