"""Other keys for actions: what is understood, and one clear reason for what is not."""

from __future__ import annotations

import string

import pytest
from textual.keys import _character_to_key

from tui.keys import LIVE, MAP, TABLES, Action, folded, written
from tui.remapping import KeyMapError, applied, remap


def keys_of(table: tuple[Action, ...], ident: str) -> str:
    return next(action.keys for action in table if action.id == ident)


def test_actions_are_named_by_id_or_command_and_keys_as_people_write_them() -> None:
    changes = remap(
        {
            "pause": ["p", "F5"],
            "pane 3": ["ctrl+e"],
            "next-pane": ["Tab", "PgDn"],
            "page(1)": ["alt+d"],
            "back": ["Esc", "shift+u"],
            "show_help": ["?", "\\"],
            "fold": ["@"],
        }
    )
    assert changes == {
        "pause": "p,f5",
        "pane(3)": "ctrl+e",
        "next_pane": "tab,pagedown",
        "page(1)": "alt+d",
        "back": "escape,U",
        "show_help": "question_mark,backslash",
        "fold": "at",
    }


def test_the_tables_have_them_and_nothing_else_is_changed() -> None:
    table = applied(MAP, {"pause": "p"})
    assert keys_of(table, "pause") == "p"
    assert [a for a in table if a.id != "pause"] == [a for a in MAP if a.id != "pause"]
    assert applied(LIVE, {}) == LIVE


def test_two_actions_may_change_places() -> None:
    changes = remap({"pause": ["f"], "follow": ["space"]})
    assert changes == {"pause": "f", "follow": "space"}


def test_every_sign_is_called_as_textual_calls_it() -> None:
    for sign in string.punctuation + string.ascii_letters + string.digits + "é§":
        table = {"one": (Action("pause", "x", "", "Pause.", "View"),)}
        assert remap({"pause": [sign]}, tables=table) == {"pause": _character_to_key(sign)}, sign
    assert remap({"pause": ["left_square_bracket"]}, tables=table) == {
        "pause": "left_square_bracket"
    }


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"pasue": ["p"]}, "no action 'pasue'; did you mean 'pause'?"),
        ({"qqqqq": ["p"]}, "no action 'qqqqq' (there are: again, as-rate, auto-reload, "),
        ({"pause": []}, "'pause' needs a key"),
        ({"next-pane": ["x"], "next_pane": ["y"]}, "'next_pane' stands there twice"),
        ({"pause": ["ctrl+c"]}, "'ctrl+c' for 'pause' is reserved: terminals take it for an int"),
        ({"pause": ["Ctrl+Z"]}, "'Ctrl+Z' for 'pause' is reserved"),
        ({"pause": ["ctrl+s"]}, "'ctrl+s' for 'pause' is reserved: some terminals stop all"),
        ({"pause": ["ctrl+i"]}, "'ctrl+i' for 'pause': a terminal sends Tab for it"),
        ({"pause": ["ctrl+["]}, "'ctrl+[' for 'pause': a terminal sends Esc for it"),
        ({"pause": ["ctrl+1"]}, "'ctrl+1' for 'pause': terminals do not send that"),
        ({"pause": ["ctrl+shift+x"]}, "'ctrl+shift+x' for 'pause': terminals do not send that"),
        ({"pause": ["super+x"]}, "'super+x' for 'pause': terminals do not send that"),
        ({"pause": ["entr"]}, "'entr' for 'pause' is no key; did you mean 'enter'?"),
        ({"pause": ["\x07"]}, "'\\x07' for 'pause' is no key: write x, X, ?"),
        ({"pause": [""]}, "'' for 'pause' is no key"),
        (
            {"pause": ["r"]},
            "r means both 'pause' and 'reload' on the screen 'dashboard': give one of them another",
        ),
        ({"stack": ["q"]}, "q means both 'stack' and 'back' on the screen 'routine'"),
        ({"pause": ["p"], "fold": ["p"]}, "p means both 'pause' and 'fold'"),
    ],
)
def test_what_is_not_possible_is_said(wanted: dict[str, list[str]], message: str) -> None:
    with pytest.raises(KeyMapError) as caught:
        remap(wanted)
    assert str(caught.value).startswith(message)


def test_an_action_has_one_name_however_it_is_written() -> None:
    for table in TABLES.values():
        for action in table:
            names = (action.id, action.command, action.id.upper(), action.command.upper())
            assert len({folded(name) for name in names}) == 1, names
    ids = {a.id for table in TABLES.values() for a in table}
    assert len({folded(ident) for ident in ids}) == len(ids)


def test_keys_are_shown_as_people_write_them() -> None:
    assert [written(key) for key in ("ctrl+r", "less_than_sign", "x", "ctrl+left")] == [
        "^r",
        "<",
        "x",
        "ctrl+left",
    ]


@pytest.mark.parametrize("screen", TABLES)
def test_no_screen_has_a_key_twice_or_one_that_terminals_eat(screen: str) -> None:
    keys = [key for action in TABLES[screen] for key in action.keys.split(",")]
    assert len(keys) == len(set(keys))
    for action in TABLES[screen]:
        rare = [k for k in action.keys.split(",") if k[:1] == "f" and k[1:].isdigit()]
        rare += [k for k in action.keys.split(",") if k.startswith("shift+") and k != "shift+tab"]
        assert len(rare) < len(action.keys.split(",")), f"{action.id} has no key beside {rare}"
