"""Filters are kept per project; a file that is damaged costs a notice and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui.filters import KEPT, MOST_SAVED, FilterNameError, Filters, project_of, state_file


def test_what_was_used_is_there_in_the_next_run_newest_first(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "er" / "f.json"
    filters = Filters(file)
    for text in ("a", "wait>1ms", 'x="é [red] \ud800"', "a"):
        filters.add("Events", text)
    filters.add("Output", "err")
    again = Filters(file)
    assert again.used("Events") == ["a", 'x="é [red] \ud800"', "wait>1ms"]
    assert again.used("Output") == ["err"]
    assert again.used("Stats") == []
    assert not again.trouble
    assert list(file.parent.iterdir()) == [file], "nothing half written is left"


def test_two_monitors_of_a_project_do_not_forget_each_other_s(tmp_path: Path) -> None:
    one, other = Filters(tmp_path / "f.json"), Filters(tmp_path / "f.json")
    one.add("Events", "a")
    other.add("Events", "b")
    assert Filters(tmp_path / "f.json").used("Events") == ["b", "a"]


def test_only_so_many_are_kept(tmp_path: Path) -> None:
    filters = Filters(tmp_path / "f.json")
    for number in range(KEPT + 5):
        filters.add("Events", str(number))
    assert Filters(tmp_path / "f.json").used("Events")[0] == str(KEPT + 4)
    assert len(Filters(tmp_path / "f.json").used("Events")) == KEPT


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"filters": 1}',
        b'{"filters": {"Events": [1]}}',
        b'{"filters": {}, "saved": {"a": 1}}',
        b'{"filters": {}, "commands": "a"}',
        b'{"filters": {}, "columns": []}',
        b"\xff\x00",
        b"[" * 9999,
    ],
)
def test_a_damaged_file_is_told_once_and_the_next_filter_mends_it(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "f.json"
    file.write_bytes(content)
    filters = Filters(file)
    assert filters.used("Events") == []
    assert filters.trouble.startswith("saved filters cannot be read, going on without: ")
    filters.trouble = ""
    filters.add("Events", "a")
    assert filters.trouble == ""
    assert json.loads(file.read_text())["filters"] == {"Events": ["a"]}


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("no folder")
    filters = Filters(tmp_path / "blocked" / "f.json")
    filters.trouble = ""
    filters.add("Events", "a")
    filters.add("Events", "b")
    assert filters.used("Events") == ["b", "a"]


def test_without_a_file_they_last_for_the_run() -> None:
    filters = Filters()
    filters.add("Events", "a")
    assert filters.used("Events") == ["a"]
    assert not filters.trouble


def test_the_place_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    project = tmp_path / "my project [x]"
    state = {"XDG_STATE_HOME": str(tmp_path / "state")}
    file = state_file(project, state)
    assert file is not None
    assert file.parent == tmp_path / "state" / "routilux-tui" / "filters"
    assert file.name.startswith("my_project__x_-")
    assert file != state_file(tmp_path / "other" / "my project [x]", state)
    for unset in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative/path"}):
        default = state_file(project, unset)
        assert default is not None
        assert default.is_relative_to(tmp_path / "home" / ".local" / "state" / "routilux-tui")


def test_a_project_is_the_nearest_folder_that_says_so(tmp_path: Path) -> None:
    inner = tmp_path / "top" / "flows" / "deep"
    inner.mkdir(parents=True)
    assert project_of(inner) == inner
    (tmp_path / "top" / "pyproject.toml").write_text("")
    assert project_of(inner) == tmp_path / "top"


def test_saved_filters_commands_and_columns_are_there_in_the_next_run(tmp_path: Path) -> None:
    kept = Filters(tmp_path / "f.json")
    saved = kept.saved
    kept.save("slow", "wait>50ms")
    Filters(tmp_path / "f.json").save("bad-1.x", "error")
    kept.add_command("pause")
    kept.add_command("rate 5")
    kept.add_command("pause")
    kept.arrange("Routines", ["Q", "ERR"])
    again = Filters(tmp_path / "f.json")
    assert again.saved == kept.saved == {"slow": "wait>50ms", "bad-1.x": "error"}
    assert kept.saved is saved, "a pane that holds on to it sees what is new"
    assert again.commands == ["pause", "rate 5"]
    assert again.columns == {"Routines": ["Q", "ERR"]}
    again.forget("slow")
    again.forget("slow")
    assert Filters(tmp_path / "f.json").saved == {"bad-1.x": "error"}


@pytest.mark.parametrize("name", ["", "a b", "a)", "@x", "-x", "x" * 41, "a\n"])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(FilterNameError, match="is no name for a filter"):
        Filters().save(name, "error")


def test_there_is_an_end_to_the_names() -> None:
    filters = Filters()
    for number in range(MOST_SAVED):
        filters.save(f"n{number}", "x")
    with pytest.raises(FilterNameError, match="forget one first"):
        filters.save("more", "x")
    filters.save("n1", "y")
    assert filters.saved["n1"] == "y"
