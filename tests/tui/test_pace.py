"""A flow that does nothing is looked at seldom, and at once often again when it does something."""

from tui.pace import DRAWN, PATIENCE, REST, SLOW, Pace


def test_it_rests_only_after_many_looks_without_news() -> None:
    pace = Pace(10)
    assert all(pace.look(1, idle=True) for _ in range(PATIENCE + 1))
    assert pace.interval == 0.1
    drawn = [pace.look(1, idle=True) for _ in range(3 * DRAWN)]
    assert drawn.count(True) == 3
    assert pace.interval == REST


def test_news_end_the_rest_and_are_drawn() -> None:
    pace = Pace(30)
    for _ in range(PATIENCE * 2):
        pace.look(1, idle=True)
    assert pace.resting
    assert pace.look(2, idle=True)
    assert pace.interval == 1 / 30


def test_a_flow_that_runs_is_looked_at_though_nothing_comes() -> None:
    pace = Pace(10)
    assert all(pace.look(1, idle=False) for _ in range(PATIENCE * 2))
    assert not pace.resting


def test_who_is_woken_does_not_rest() -> None:
    pace = Pace(10)
    for _ in range(PATIENCE * 2):
        pace.look(1, idle=True)
    pace.wake()
    assert not pace.resting


def test_slow_looks_do_not_become_faster_at_rest() -> None:
    pace = Pace(2)
    for _ in range(PATIENCE * 2):
        pace.look(1, idle=True)
    assert pace.interval == 0.5


def test_a_slow_link_gets_fewer_frames_when_they_are_large() -> None:
    fast, slow = Pace(5), Pace(5, slow=True)
    for pace in (fast, slow):
        pace.wrote(1_000)
        pace.wrote(1_000 + SLOW)
    assert (fast.interval, slow.interval) == (0.2, 1.0)
    slow.wrote(1_100 + SLOW)
    assert slow.interval == 0.2
