"""What is tried, in which order, and how much of each."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from ..errors import InvalidValueError
from .bounded import DepthFirst
from .dpor import Dpor
from .strategies import Pct, Pos, Random, Strategy

API, LINE, AUTO = "api", "line", "auto"
GRANULARITIES = (AUTO, API, LINE)
STRATEGIES = ("portfolio", "dpor", "pos", "random", "bounded", "pct")
BOUNDS = (0, 1, 2)


class Phase(NamedTuple):
    """One strategy for so many runs.

    Attributes:
        name: of the strategy.
        strategy: what chooses.
        runs: at most.
        points: where steps begin: `API` or `LINE`.
    """

    name: str
    strategy: Strategy
    runs: int
    points: str


def check_names(strategy: str, granularity: str) -> None:
    """Refuse names that are none.

    Raises:
        InvalidValueError: with the nearest name that is.
    """
    for what, name, known in (
        ("strategy", strategy, STRATEGIES), ("granularity", granularity, GRANULARITIES)
    ):  # fmt: skip
        if name not in known:
            near = get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise InvalidValueError(f"unknown {what} {name!r}{hint}; use one of {', '.join(known)}")


def api_phases(strategy: str, seed: int, runs: int) -> Iterator[Phase]:
    """Phases whose steps begin where the state of routines is used. What one leaves of its runs,
    the later ones have.
    """
    if strategy != "portfolio":
        yield from _alone(strategy, seed, runs, API)
        return
    yield Phase("dpor", Dpor(), max(20, runs // 5), API)
    yield Phase("pos", Pos(seed), runs * 3 // 10, API)
    yield Phase("random", Random(seed), runs // 5, API)
    for bound in BOUNDS:
        yield Phase(f"bounded {bound}", DepthFirst(bound), runs // 10, API)
    yield Phase("pct", Pct(seed), runs, API)


def line_phases(strategy: str, seed: int, runs: int) -> Iterator[Phase]:
    """Phases whose steps begin at each line of the handlers. No reduction: what depends on what is
    not known there.
    """
    if strategy not in ("portfolio", "dpor"):
        yield from _alone(strategy, seed, runs, LINE)
        return
    yield Phase("random", Random(seed), runs // 5, LINE)
    yield Phase("bounded 0", DepthFirst(0), runs // 10, LINE)
    yield Phase("bounded 1", DepthFirst(1), runs * 3 // 10, LINE)
    yield Phase("pos", Pos(seed), runs // 5, LINE)
    yield Phase("pct", Pct(seed), runs, LINE)


def _alone(strategy: str, seed: int, runs: int, points: str) -> Iterator[Phase]:
    if strategy == "bounded":
        for bound in BOUNDS:
            yield Phase(f"bounded {bound}", DepthFirst(bound), runs, points)
        return
    made: dict[str, Strategy] = {
        "dpor": Dpor(), "pos": Pos(seed), "random": Random(seed), "pct": Pct(seed)
    }  # fmt: skip
    yield Phase(strategy, made[strategy], runs, points)
