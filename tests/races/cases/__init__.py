"""Bugs of concurrency, each with a repaired twin, to see whether they are found, and only they."""

from tests.races.cases.case import CASES, Case

from . import (  # noqa: F401 - they add their cases
    atomicity,
    containers,
    counters,
    deadlocks,
    hidden,
    lifecycle,
    orders,
    timing,
)

__all__ = ["CASES", "Case"]
