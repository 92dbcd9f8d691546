"""The reduced search sees every end that all schedules together have, on random programs."""

from __future__ import annotations

import pytest

from routilux.races import depends
from routilux.races.bounded import DepthFirst
from routilux.races.depends import NONE
from routilux.races.dpor import Dpor
from routilux.races.ops import READ, SLEEP, WRITE
from tests.races.programs import Program
from tests.races.searching import search

#: Programs that are drawn, and how many of them must have been compared: the others are too large.
DRAWN = 230
FLOOR = 200


def compare(
    seeds: range, most: int, cap: int, first: bool = False
) -> tuple[int, int, int, list[str]]:
    """How many programs were compared, how many of them have several ends, how many runs the
    reduction took, and what it missed (``first``: look no further).
    """
    compared = several = runs = 0
    missed = []
    for seed in seeds:
        program = Program(seed, most)
        every = search(program, DepthFirst(None), cap)
        if not every.ended:
            continue
        compared += 1
        several += len(every.outcomes) > 1
        reduced = search(program, Dpor(), cap)
        runs += reduced.runs
        if reduced.outcomes != every.outcomes or not reduced.ended:
            missed.append(f"{seed}: {program.bodies}, {program.workers} workers: "
                          f"{sorted(map(str, every.outcomes ^ reduced.outcomes))[:2]}")  # fmt: skip
            if first:
                break
    return compared, several, runs, missed


def test_the_reduction_misses_no_outcome_of_two_hundred_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    compared, several, runs, missed = compare(range(DRAWN), most=40, cap=150)
    with capsys.disabled():
        print(f"\ncompared {compared} programs, {several} with several ends, {runs} runs")
    assert missed == []
    assert compared >= FLOOR
    assert several >= FLOOR // 4


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_reduction_misses_no_outcome_of_larger_programs() -> None:
    compared, several, _, missed = compare(range(5000, 5300), most=900, cap=5000)
    assert missed == []
    assert compared >= 200
    assert several >= 60


@pytest.mark.parametrize("pair", [(READ, WRITE), (WRITE, WRITE), (READ, "w1"), (SLEEP, READ)])
def test_a_gap_in_the_relation_is_found_out(
    pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were two modes not known to depend on each other, the comparison would say so."""
    for modes in (pair, pair[::-1]):
        monkeypatch.setitem(depends._RELATION, modes, NONE)
    _, _, _, missed = compare(range(70), most=40, cap=150, first=True)
    assert missed
