"""Schedules: the choices that make a run repeatable, and the files that hold them."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import DamagedDataError, RoutiluxError
from .minimise import segments_of
from .order import order_of, preemptions_of, step_text
from .run import Failure, Program, Result
from .session import session

KIND = "routilux.schedule"
SCHEMA = 1


class Schedule(NamedTuple):
    """One order of steps.

    Attributes:
        order: ``(id of a task, how many steps)``, in order.
        ops: what each step begins with.
        flow: which flow it is of: ``build`` and the names of its routines.
        failure: what it ends in: kind, message, type of the error; None: nothing wrong.
        preemptions: how many it has.
        seed: of the exploration that found it.
        strategy: what found it.
        granularity: ``"api"`` or ``"line"``.
        python: the version that recorded it.
        source: a hash of the source of the routines.
    """

    order: tuple[tuple[int, int], ...]
    ops: tuple[str, ...]
    flow: dict[str, Any]
    failure: dict[str, str] | None
    preemptions: int
    seed: int
    strategy: str
    granularity: str
    python: str
    source: str

    def tasks(self) -> list[int]:
        """Who takes each step."""
        return [ident for ident, count in self.order for _ in range(count)]

    def to_data(self) -> dict[str, Any]:
        """As plain data."""
        return {"kind": KIND, "schema": SCHEMA} | self._asdict()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a JSON file. Makes the folders."""
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(self.to_data(), indent=1) + "\n", "utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Schedule:
        """Read it from a file.

        Raises:
            FileNotFoundError: there is none.
            DamagedDataError: (a ValueError) it is damaged, of another kind, or newer.
        """
        where = os.fsdecode(path)
        try:
            data = json.loads(Path(path).read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise DamagedDataError(f"{where} is no JSON file: {error}") from None
        return cls.from_data(data, where)

    @classmethod
    def from_data(cls, data: Any, where: str = "the schedule") -> Schedule:
        """From what `to_data` gave.

        Raises:
            DamagedDataError: it is no such data.
        """
        if not isinstance(data, dict) or data.get("kind") != KIND:
            raise DamagedDataError(f"{where} is no schedule (its kind is not {KIND!r})")
        schema = data.get("schema")
        if not isinstance(schema, int) or schema > SCHEMA:
            raise DamagedDataError(
                f"{where} has schema {schema!r}, and this version reads up to {SCHEMA}; use a "
                "newer routilux"
            )
        for name, kind in _FIELDS.items():
            if not isinstance(data.get(name), kind):
                said = f"{name!r} is missing or no {_said(kind)}"
                raise DamagedDataError(f"{where} is damaged: {said}")
        order = tuple(_segment(each, where) for each in data["order"])
        if not all(isinstance(op, str) for op in data["ops"]):
            raise DamagedDataError(f"{where} is damaged: 'ops' must be texts")
        if sum(count for _, count in order) != len(data["ops"]):
            raise DamagedDataError(f"{where} is damaged: 'order' and 'ops' have different lengths")
        if not isinstance(data["flow"].get("routines"), list):
            raise DamagedDataError(f"{where} is damaged: 'flow' must name its routines")
        values = {name: data[name] for name in _FIELDS}
        return cls(**(values | {"order": order, "ops": tuple(data["ops"])}))


_FIELDS: dict[str, Any] = {
    "order": list, "ops": list, "flow": dict, "failure": dict | None, "preemptions": int,
    "seed": int, "strategy": str, "granularity": str, "python": str, "source": str,
}  # fmt: skip


def _said(kind: Any) -> str:
    return {list: "list", dict: "object", int: "number", str: "text"}.get(kind, "object")


def _segment(data: Any, where: str) -> tuple[int, int]:
    good = isinstance(data, list) and len(data) == 2 and all(type(n) is int for n in data)
    if not good or data[1] < 1:
        raise DamagedDataError(f"{where} is damaged: 'order' must hold pairs of id and count")
    return data[0], data[1]


def schedule_of(
    result: Result, reference: dict[str, Any], source: str, seed: int, strategy: str, points: str
) -> Schedule:
    """The schedule of a run."""
    return Schedule(
        tuple(segments_of(order_of(result.steps))),
        tuple(step_text(step.mode, step) for step in result.steps[1:]),
        reference,
        failure_data(result.failure),
        preemptions_of(result.steps),
        seed,
        strategy,
        points,
        platform.python_version(),
        source,
    )


def failure_data(failure: Failure | None) -> dict[str, str] | None:
    """A failure as plain data."""
    if failure is None:
        return None
    return {"kind": failure.kind, "message": failure.message, "error": failure.sort[1]}


def reference_to(program: Program) -> dict[str, Any]:
    """What tells one flow from another: who builds it, and its routines. Right after a run."""
    build = program.build
    name = f"{getattr(build, '__module__', '?')}:{getattr(build, '__qualname__', repr(build))}"
    routines = [session.name(r) for flow in session.flows for r in flow.routines.values()]
    return {"build": name, "routines": routines}


def source_hash() -> str:
    """A hash of the source of the routines' classes. Right after a run."""
    routines = [r for flow in session.flows for r in flow.routines.values()]
    kinds = {kind for routine in routines for kind in type(routine).mro()}
    texts = []
    for kind in sorted(kinds, key=lambda k: (k.__module__, k.__qualname__)):
        if kind.__module__.partition(".")[0] not in ("routilux", "builtins"):
            try:
                texts.append(inspect.getsource(kind))
            except (OSError, TypeError):  # made in a console
                texts.append(kind.__qualname__)
    return hashlib.sha256("\n".join(dict.fromkeys(texts)).encode()).hexdigest()[:16]


def refuse_other_flow(schedule: Schedule, found: dict[str, Any]) -> None:
    """A schedule says nothing about a flow with other routines.

    Raises:
        RoutiluxError: it is of another one.
    """
    recorded, now = schedule.flow["routines"], found["routines"]
    if recorded != now:
        missing = sorted(set(map(str, recorded)) - set(now))
        added = sorted(set(now) - set(map(str, recorded)))
        raise RoutiluxError(
            f"the schedule is of another flow: it was recorded with the routines "
            f"{', '.join(map(str, recorded))} ({schedule.flow.get('build', '?')}), and build() "
            f"gave {', '.join(now)}"
            + (f"; missing: {', '.join(missing)}" if missing else "")
            + (f"; new: {', '.join(added)}" if added else "")
        )
