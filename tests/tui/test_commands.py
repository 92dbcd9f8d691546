"""What stands behind the colon: read, completed, and wrong at its column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tui.commands import COMMANDS, Call, CommandError, complete, names, read
from tui.keys import JOBS, MAP, TABLES, folded

ROUTINES = ["parse", "parse_more", "a b"]


def known(kind: str, before: Sequence[str]) -> list[str]:
    """Names of things, as the app would give them."""
    if kind == "stat":
        return [name for name in ("a.count", "a.rows", "b c.rows") if name not in before]
    return {"routine": ROUTINES, "theme": ["dark", "light"], "saved": ["slow"]}.get(kind, [])


def call(line: str) -> tuple[str, tuple[str, ...]]:
    found = read(line, MAP)
    if found.action is not None:
        return found.action.id, found.words
    assert found.command is not None
    return found.command.name, found.words


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pause", ("pause", ())),
        ("  Pause ", ("pause", ())),
        ("next-pane", ("next_pane", ())),
        ("next_pane", ("next_pane", ())),
        ("next pane", ("next_pane", ())),
        ("pane 3", ("pane(3)", ())),
        ("pane events", ("pane(3)", ())),
        ("cursor -1", ("cursor(-1)", ())),
        ("cursor(-1)", ("cursor(-1)", ())),
        ("filter", ("filter", ())),
        ("filter wait>1ms and (a or b)", ("filter", ("wait>1ms and (a or b)",))),
        ("go a b", ("go", ("a b",))),
        ("chart a.count", ("chart", ("a.count",))),
        ("chart a.count 'b c.rows'", ("chart", ("a.count", "b c.rows"))),
        ('chart "b c.rows"', ("chart", ("b c.rows",))),
        ("event 12", ("event", ("12",))),
        ("set", ("set", ())),
        ("q", ("q", ())),
        ("quit", ("quit", ())),
    ],
)
def test_a_line_is_an_action_or_a_command(line: str, expected: tuple[str, tuple[str, ...]]) -> None:
    assert call(line) == expected


@pytest.mark.parametrize(
    ("line", "column", "message"),
    [
        ("", 0, "no command ''"),
        ("puase", 0, "no command 'puase'; did you mean 'pause'?"),
        ("  them dark", 2, "no command 'them'; did you mean 'theme'?"),
        ("qqqqqqq", 0, "no command 'qqqqqqq': Tab shows all"),
        ("event", 5, "it needs more: :event NUMBER"),
        ("event 1 2", 8, "that is too much: :event NUMBER"),
        ("chart", 5, "it needs more: :chart STAT [STAT]"),
        ("chart a b c", 10, "that is too much: :chart STAT [STAT]"),
        ("chart 'a b", 6, "this ' is never closed"),
        ("go   ", 5, "it needs more: :go ROUTINE"),
        ("pane 9", 0, "there is pane 1, pane 2, pane 3"),
        ("pane", 0, "there is pane 1"),
        ("pause now", 0, "there is pause"),
        ("pause-job", 0, "'pause-job' is for another screen: jobs"),
    ],
)
def test_what_is_wrong_is_said_at_its_column(line: str, column: int, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        read(line, MAP)
    assert caught.value.message.startswith(message)
    assert caught.value.column == column


def test_the_columns_of_arguments_are_known() -> None:
    assert read("  chart a  'b c'", MAP).at == (8, 11)
    assert read("filter  a", MAP).at == (8,)


def test_every_action_of_every_screen_is_a_command_of_its_own() -> None:
    for table in TABLES.values():
        for action in table:
            assert read(action.command, table) == Call(action)
        assert len({folded(a.command) for a in table}) == len(table)


def test_no_command_hides_an_action_but_such_as_do_the_same_with_arguments() -> None:
    actions = {folded(a.id) for table in TABLES.values() for a in table}
    assert {c.name for c in COMMANDS if folded(c.name) in actions} == {"filter", "export"}
    assert len({c.name for c in COMMANDS}) == len(COMMANDS)


@pytest.mark.parametrize(
    ("before", "start", "expected"),
    [
        ("pau", 0, ["pause"]),
        ("  pau", 2, ["pause"]),
        ("save", 0, ["save-filter"]),
        ("go pa", 3, ["parse", "parse_more"]),
        ("go a", 3, ["a b"]),
        ("go ", 3, ROUTINES),
        ("theme D", 6, ["dark"]),
        ("chart ", 6, ["a.count", "a.rows", '"b c.rows"']),
        ("chart a.c", 6, ["a.count"]),
        ("chart a.count ", 14, ["a.rows", '"b c.rows"']),
        ("chart a.count b", 14, ['"b c.rows"']),
        ('chart a.count "b c', 14, ['"b c.rows"']),
        ('chart "b c.rows"', 6, []),
        ("chart 'b c", 6, ['"b c.rows"']),
        ("chart a b c", 10, []),
        ("event 1", 6, []),
        ("pane 3", 5, ["3"]),
        ("pane ev", 5, ["events"]),
        ("nonsense x", 9, []),
        ("cursor ", 7, ["1", "-1"]),
    ],
)
def test_names_and_arguments_are_completed(before: str, start: int, expected: list[str]) -> None:
    assert complete(before, MAP, known) == (start, expected)


def test_only_commands_of_the_screen_are_offered() -> None:
    assert "pause-job" in names(JOBS)
    assert "timeline" not in names(JOBS)
    assert names(MAP) == sorted(names(MAP))


def test_every_command_is_told_of_in_a_line() -> None:
    for command in COMMANDS:
        assert command.help.endswith(".")
        assert len(command.help) < 50
        assert len(command.shown) <= 22
        assert (command.usage.count("[") > 0) == (command.least < len(command.takes))


def test_every_command_stands_in_the_docs() -> None:
    page = (Path(__file__).parents[2] / "docs" / "monitor.md").read_text("utf-8")
    for command in COMMANDS:
        assert f"| `{command.shown}` |" in page
