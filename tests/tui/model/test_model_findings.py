"""The board: rank, keys that last, mutes, and findings that come and go."""

from __future__ import annotations

from tui.model.findings import KEPT, Board, Finding, Kind, Place, Severity

LINTS = (Kind.LINT,)


def finding(id: str = "L06", name: str = "store", **more: object) -> Finding:
    place = Place("shop", name, key=(1, 0), number=1, file="/me/shop.py", line=3)
    return Finding(id, "title", place, ("seen",), "why", "do", **more)  # type: ignore[arg-type]


def keys(board: Board) -> list[str]:
    return [each.key for each in board.ranked()]


def test_races_come_before_errors_and_these_before_lints_by_how_grave_they_are() -> None:
    board = Board()
    found = [
        finding("L05", severity=Severity.NOTE),
        finding("L06"),
        finding("L02", severity=Severity.ERROR),
        finding("ERR", kind=Kind.ERROR, severity=Severity.ERROR),
        finding("R1", kind=Kind.RACE),
    ]
    board.put(found, 10, Kind)
    assert [each.id for each in board.ranked()] == ["R1", "ERR", "L02", "L06", "L05"]
    assert [board.count(kind) for kind in Kind] == [1, 1, 3]


def test_the_newest_comes_first_and_what_is_over_last() -> None:
    board = Board()
    board.put([finding(name="a")], 10, LINTS)
    board.put([finding(name="a"), finding(name="b")], 20, LINTS)
    assert keys(board) == ["L06 shop/b", "L06 shop/a"]
    board.put([finding(name="a")], 30, LINTS)
    assert keys(board) == ["L06 shop/a", "L06 shop/b"]


def test_first_last_and_how_often_it_began() -> None:
    board = Board()
    for now, found in ((10, True), (20, True), (30, False), (40, True)):
        board.put([finding()] if found else [], now, LINTS)
    (kept,) = board.ranked()
    assert (kept.first, kept.last, kept.count, kept.active) == (10, 40, 2, True)
    board.put([], 50, LINTS)
    (kept,) = board.ranked()
    assert (kept.last, kept.active) == (40, False)


def test_who_looks_for_one_kind_says_nothing_of_the_others() -> None:
    board = Board()
    board.put([finding("R1", kind=Kind.RACE)], 10, (Kind.RACE,))
    board.put([finding()], 20, (Kind.ERROR, Kind.LINT))
    assert all(each.active for each in board.ranked())


def test_muted_ones_are_neither_listed_nor_counted_and_not_lost() -> None:
    board = Board()
    board.muted = {"L06 shop/store": "known"}
    board.put([finding(), finding("L05")], 10, LINTS)
    assert keys(board) == ["L05 shop/store"]
    assert [each.id for each in board.ranked(muted=True)] == ["L05", "L06"]
    assert (board.count(Kind.LINT), board.hidden) == (1, 1)
    board.clear()
    assert (board.ranked(muted=True), board.hidden) == ([], 0)
    assert board.muted


def test_a_key_is_made_of_names_only() -> None:
    one = finding()
    other = finding()
    other.place = Place("shop", "store", key=(7, 3), number=7, worker="w3", file="/x.py", line=99)
    assert one.key == other.key == "L06 shop/store"
    assert finding(subject="self._lock", more="x").key == "L06 shop/self._lock x"
    monitor = Finding("L16", "t", Place(), (), "", "")
    assert monitor.key == "L16"


def test_so_many_are_kept_and_what_was_quiet_longest_goes() -> None:
    board = Board()
    board.put([finding(name="old")], 1, LINTS)
    board.put([finding(name=f"r{n}") for n in range(KEPT)], 2, LINTS)
    assert len(board.ranked()) == KEPT
    assert "L06 shop/old" not in keys(board)
