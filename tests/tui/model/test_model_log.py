"""The event log: a bounded ring, a view that may stand still, and honest counts of both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux.records import Kind, Note, Status
from tests.tui.building import World, flow_info
from tui.model.log import NOTES, RULE, EventLog, is_activation
from tui.session.messages import RecordTuple


def record(sequence: int, *, kind: int = Kind.ACTIVATION, status: int = 0) -> RecordTuple:
    return (sequence, sequence * 10, kind, 1, 1, sequence, 0, 1, 1, 0, 0, status, 0)


def numbers(log: EventLog) -> list[int]:
    return [each[0] for each in log.view]


def test_pausing_loses_nothing() -> None:
    log = EventLog()
    log.extend([record(n) for n in range(1, 4)], 3)
    log.pause()
    log.extend([record(n) for n in range(4, 8)], 4)
    assert numbers(log) == [1, 2, 3]
    log.resume()
    assert numbers(log) == [1, 2, 3, 4, 5, 6, 7]


def test_what_was_missed_counts_what_was_lost_on_the_way_too() -> None:
    log = EventLog()
    log.extend([record(1)], 1)
    assert log.missed == 0
    log.pause()
    log.extend([record(50)], 49)
    log.extend([], 1_000)
    assert log.missed == 1_049
    assert (log.total, log.received) == (1_050, 2)
    log.resume()
    assert log.missed == 0


def test_a_frozen_view_outlives_its_records_in_the_ring() -> None:
    log = EventLog(kept=3)
    log.extend([record(n) for n in (1, 2, 3)], 3)
    log.pause()
    log.extend([record(n) for n in range(4, 100)], 96)
    assert numbers(log) == [1, 2, 3]
    log.resume()
    assert numbers(log) == [97, 98, 99]


def test_pausing_again_moves_the_view_on() -> None:
    log = EventLog()
    log.extend([record(1)], 1)
    log.pause()
    log.extend([record(2)], 1)
    log.pause()
    assert numbers(log) == [1, 2]
    assert log.missed == 0


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from("pr-"))))
def test_counts_agree_whatever_the_order_of_pauses(
    steps: list[tuple[int, int, str]],
) -> None:
    log, sequence, published, at_pause = EventLog(kept=50), 0, 0, None
    for arrived, lost, move in steps:
        if move == "p":
            log.pause()
            at_pause = published
        elif move == "r":
            log.resume()
            at_pause = None
        log.extend([record(sequence + n) for n in range(arrived)], arrived + lost)
        sequence += arrived
        published += arrived + lost
        assert log.paused == (at_pause is not None)
        assert log.missed == (0 if at_pause is None else published - at_pause)
        assert len(log.view) <= 50
    assert (log.total, log.received) == (published, sequence)


def test_notes_are_bounded_and_the_oldest_go_first() -> None:
    log = EventLog()
    for activation in range(NOTES + 10):
        log.note(activation, Note.PAYLOAD, f"payload {activation}")
    assert log.text(record(9)) == ""
    assert log.text(record(10)) == "payload 10"
    assert log.text(record(NOTES + 9)) == f"payload {NOTES + 9}"


def test_a_failure_shows_its_error_a_success_its_payload() -> None:
    log = EventLog()
    log.note(1, Note.PAYLOAD, "x=1")
    log.note(1, Note.ERROR, 'Traceback:\n  File "a.py"\nValueError: no\n')
    assert log.text(record(1)) == "x=1"
    assert log.text(record(1, status=Status.FAILED)) == "ValueError: no"
    assert log.text(record(2, status=Status.FAILED)) == ""


@pytest.mark.parametrize(
    "note",
    [
        "ValueError: no",
        "ValueError: no\nand more of it",
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\n    f()\n    ^^^\n'
        "ValueError: no\nraised in flow 'shop', routine 'r', slot 's', job 2\n",
        "KeyError: 1\n\nDuring handling of the above exception, another exception occurred:\n\n"
        'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: no\n',
    ],
)
def test_of_an_error_the_line_that_names_it_is_shown(note: str) -> None:
    log = EventLog()
    log.note(1, Note.ERROR, note)
    assert log.text(record(1, status=Status.FAILED)) == "ValueError: no"


def test_an_error_that_is_all_indented_shows_its_last_line() -> None:
    log = EventLog()
    log.note(1, Note.ERROR, "  | Group\n  | ValueError: no\n")
    assert log.text(record(1, status=Status.FAILED)) == "| ValueError: no"


def test_a_failure_without_a_note_of_it_shows_its_payload() -> None:
    log = EventLog()
    log.note(1, Note.PAYLOAD, "x=1")
    assert log.text(record(1, status=Status.FAILED)) == "x=1"


def test_a_rule_stands_where_a_generation_begins() -> None:
    log = EventLog()
    log.extend([record(1)], 1)
    log.rule(15, 2)
    log.extend([record(2)], 1)
    assert [(each[2], each[3]) for each in log.view] == [
        (Kind.ACTIVATION, 1),
        (RULE, 2),
        (Kind.ACTIVATION, 1),
    ]
    assert (log.total, log.received) == (2, 2)  # it is no record


def test_only_handlers_that_ran_are_activations() -> None:
    world = World(flow_info([("a", "out", "b", "in")]))
    world.record(Kind.EMIT).record(Kind.ACTIVATION).record(Kind.JOB_ENDED)
    assert [is_activation(each) for each in world.records] == [False, True, False]
