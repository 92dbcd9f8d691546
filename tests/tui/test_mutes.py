"""Mutes are kept for a project, and a file that is no good spoils nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.filters import state_file
from tui.mutes import KEPT, LONGEST, Mutes, mutes_file


def test_a_mute_is_there_in_the_next_run(tmp_path: Path) -> None:
    path = tmp_path / "state" / "muted.json"
    first = Mutes(path)
    first.mute("L06 shop", "  known,\n and small ")
    first.mute("L05 shop/check.bad", "x" * 1000)
    second = Mutes(path)
    assert second.reasons == {"L06 shop": "known, and small", "L05 shop/check.bad": "x" * LONGEST}
    second.unmute("L06 shop")
    second.unmute("L06 shop")
    assert list(Mutes(path).reasons) == ["L05 shop/check.bad"]
    assert first.trouble == second.trouble == ""


def test_two_monitors_do_not_lose_what_the_other_muted(tmp_path: Path) -> None:
    path = tmp_path / "muted.json"
    one, other = Mutes(path), Mutes(path)
    reasons = one.reasons
    one.mute("a", "1")
    other.mute("b", "2")
    one.mute("c", "3")
    assert one.reasons == {"a": "1", "b": "2", "c": "3"}
    assert one.reasons is reasons  # the model holds it
    one.unmute("a")
    other.unmute("b")
    other.unmute("c")
    assert Mutes(path).reasons == {}


@pytest.mark.parametrize("content", ["{", "[]", '{"muted": []}', '{"muted": {"a": 1}}', "\xff"])
def test_a_file_that_is_no_good_is_told_of_and_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "muted.json"
    path.write_text(content, "latin-1")
    mutes = Mutes(path)
    assert "cannot be read" in mutes.trouble
    assert str(path) in mutes.trouble
    mutes.mute("a", "for this run")
    assert mutes.reasons == {"a": "for this run"}
    assert path.read_text("latin-1") == content


def test_a_folder_that_cannot_be_written_is_told_of(tmp_path: Path) -> None:
    mutes = Mutes(tmp_path / "file" / "muted.json")
    (tmp_path / "file").write_text("")
    mutes._read = dict  # type: ignore[method-assign] # what cannot be read is another test
    mutes.mute("a", "b")
    assert "for this run only" in mutes.trouble
    assert mutes.reasons == {"a": "b"}


def test_so_many_are_kept(tmp_path: Path) -> None:
    mutes = Mutes()
    for number in range(KEPT + 3):
        mutes.mute(f"L05 {number}", "why")
    assert len(mutes.reasons) == KEPT
    assert "L05 2" not in mutes.reasons


def test_they_stand_beside_the_filters_of_the_project(tmp_path: Path) -> None:
    environ = {"XDG_STATE_HOME": str(tmp_path)}
    found, filters = mutes_file(Path("/me/shop"), environ), state_file(Path("/me/shop"), environ)
    assert found is not None
    assert filters is not None
    assert found.name == filters.name
    assert found.parent.parent == filters.parent.parent
    assert found.parent != filters.parent
