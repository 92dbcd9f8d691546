"""Errors in groups: by kind, place and routine, with the traceback of the newest."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tui.building import MS, World, flow_info
from tui.model import failures
from tui.model.failures import Failures, Group, Place, place_of
from tui.session.messages import EdgeInfo, Snapshot

WIRES = [("a", "out", "b", "in"), ("a", "out", "c", "in")]
FLOW = flow_info(WIRES)
EDGES: dict[int, tuple[int, EdgeInfo]] = {edge.number: (1, edge) for edge in FLOW.edges}
FIRST = (
    'Traceback (most recent call last):\n  File "/u/f.py", line 3, in go\n    x()\nKeyError: 1\n'
)
SECOND = FIRST.replace("line 3", "line 9")


def take(found: Failures, snapshot: Snapshot) -> list[Group]:
    found.take(snapshot.records, snapshot.notes, EDGES)
    return found.groups()


def test_the_same_error_in_the_same_place_is_one_group() -> None:
    world = World(FLOW)
    for text, edge in ((FIRST, 1), (SECOND, 1), (FIRST, 1), (FIRST, 2)):
        world.wait(MS).handle(1, edge, failed=True, payload=text)
    world.wait(MS).handle(1, 1, retried=True, payload=FIRST)
    world.handle(1, 1)  # nothing failed
    found = Failures()
    groups = take(found, world.snapshot())
    assert [(g.place.line, g.key, g.count, g.retried) for g in groups] == [
        (3, (1, 1), 2, 1),
        (9, (1, 1), 1, 0),
        (3, (1, 2), 1, 0),
    ]
    assert found.seen == 4
    assert groups[0].last == world.now
    assert groups[0].first == world.now - 4 * MS


def test_the_traceback_is_that_of_the_newest() -> None:
    world, found = World(FLOW), Failures()
    world.handle(1, 1, failed=True, payload=FIRST)
    take(found, world.snapshot())
    newer = FIRST.replace("KeyError: 1", "KeyError: 2")
    world.handle(1, 1, failed=True, payload=newer)
    (group,) = take(found, world.snapshot())
    assert (group.traceback, group.place.message, group.count) == (newer, "2", 2)


def test_a_text_may_come_one_look_late_and_not_at_all() -> None:
    world, found = World(FLOW), Failures()
    world.handle(1, 1, failed=True, payload=FIRST)
    notes, world.notes = world.notes, []
    assert take(found, world.snapshot()) == []
    world.notes = notes
    (group,) = take(found, world.snapshot())
    assert group.traceback == FIRST
    world.handle(1, 2, failed=True)
    take(found, world.snapshot())
    groups = take(found, world.snapshot())
    assert [g.place.kind for g in groups] == ["KeyError", "?"]
    assert groups[1].traceback == ""


def test_the_tries_of_one_activation_keep_their_own_texts() -> None:
    world = World(FLOW)
    world.handle(1, 1, retried=True, payload=FIRST).handle(1, 1, failed=True, payload=SECOND)
    snapshot = world.snapshot()
    one = snapshot.records[0][5]
    records = tuple((*r[:5], one, *r[6:]) for r in snapshot.records)
    notes = tuple((one, kind, text) for _, kind, text in snapshot.notes)
    found = Failures()
    found.take(records, notes, EDGES)  # type: ignore[arg-type]
    assert [(g.place.line, g.count, g.retried) for g in found.groups()] == [(9, 1, 0), (3, 0, 1)]


def test_the_groups_are_bounded_and_the_quiet_ones_go() -> None:
    world, found = World(FLOW), Failures()
    for line in range(failures.KEPT + 5):
        text = FIRST.replace("line 3", f"line {line}")
        world.wait(MS).handle(1, 1, failed=True, payload=text)
    groups = take(found, world.snapshot())
    assert len(groups) == failures.KEPT
    assert min(g.place.line for g in groups) == 5
    assert found.seen == failures.KEPT + 5


# places -------------------------------------------------------------------------------------------


def said(function: Callable[[], Any]) -> str:
    try:
        function()
    except Exception as error:
        return "".join(traceback.format_exception(error))
    raise AssertionError("it did not raise")


def inner() -> None:
    raise ValueError("two\nlines: of it")


def chained() -> None:
    try:
        inner()
    except ValueError as error:
        raise KeyError("the second") from error


def in_library() -> None:
    import json

    json.loads("{")


def grouped() -> None:
    raise ExceptionGroup("some", [ValueError("one"), KeyError("two")])


@pytest.mark.parametrize(
    ("function", "kind", "message", "where"),
    [
        (inner, "ValueError", "two", "inner"),
        (chained, "KeyError", "'the second'", "chained"),
        (in_library, "JSONDecodeError", None, "in_library"),
        (grouped, "ExceptionGroup", None, "grouped"),
    ],
)
def test_the_place_is_the_innermost_of_the_users_own(
    function: Callable[[], None], kind: str, message: str | None, where: str
) -> None:
    place = place_of(said(function))
    assert (place.kind, place.file, place.function) == (kind, __file__, where)
    assert message in (None, place.message)
    assert place.line > 0


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("no such slot", Place("?", "no such slot", "", 0, "")),
        ("ValueError", Place("ValueError", "ValueError", "", 0, "")),
        ("a.b.OddError: it is", Place("OddError", "it is", "", 0, "")),
        ("\n\n", Place("?", "", "", 0, "")),
    ],
)
def test_a_text_without_frames_says_what_it_can(text: str, place: Place) -> None:
    assert place_of(text) == place


@given(st.text(max_size=200))
def test_any_text_has_some_place(text: str) -> None:
    place_of(text)
    place_of(FIRST + text)
