"""Configuration files: which one wins, and one clear message for each mistake."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tests.tui.config_files import Files
from tui import cli
from tui.config import KINDS, ConfigError, Settings, told
from tui.options import parse


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def test_without_files_everything_is_as_it_always_was(files: Files) -> None:
    found = files.read()
    assert (found.theme, found.ascii, found.rate, found.mouse, found.editor, found.ring) == (
        Settings().theme, False, 10, True, "", 200_000,
    )  # fmt: skip
    assert found.keys == found.lints == found.sources == {}
    assert list(found.files.values()) == [False, False, False]


def test_every_setting_is_understood(files: Files) -> None:
    user = files.user(
        'theme = "nord"\nascii = true\nrate = 20\nmouse = false\neditor = "vim"\nring = 5000\n'
        '[keys]\npause = "p"\n"next-pane" = ["Tab", "ctrl+n"]\nback = "Esc,b"\n'
        "[lints.L10]\nseconds = 3\n[lints.L04]\noff = true\n"
    )
    found = files.read()
    assert (found.theme, found.ascii, found.rate, found.mouse) == ("nord", True, 20, False)
    assert (found.editor, found.ring) == ("vim", 5000)
    assert found.keys == {"pause": "p", "next_pane": "tab,ctrl+n", "back": "escape,b"}
    assert found.lints == {"L10": {"seconds": 3}, "L04": {"off": True}}
    assert {found.source(name) for name in ("theme", "rate", "keys.pause")} == {str(user)}
    assert found.source("lints.L10.seconds") == str(user)


def test_the_project_wins_over_the_user_and_the_command_line_over_both(files: Files) -> None:
    user = files.user(
        'theme = "nord"\nslow = true\nring = 5000\n[keys]\npause = "p"\nfold = "D"\n'
        "[lints.L10]\nseconds = 3\nshare = 0.5\n"
    )
    own = files.own(
        'theme = "dracula"\nrate = 15\n[keys]\nPAUSE = ["P"]\n[lints.L10]\nseconds = 9\n'
    )
    found = files.read()
    assert (found.theme, found.rate, found.ring) == ("dracula", 15, 5000)
    assert found.keys == {"pause": "P", "fold": "D"}
    assert found.lints == {"L10": {"seconds": 9, "share": 0.5}}
    assert found.source("theme") == found.source("keys.pause") == str(own)
    assert found.source("keys.fold") == found.source("ring") == str(user)
    assert (found.source("lints.L10.seconds"), found.source("lints.L10.share")) == (
        str(own), str(user),
    )  # fmt: skip
    found = files.read("--theme", "gruvbox", "--slow", "--ascii")
    assert (found.theme, found.rate, found.ascii) == ("gruvbox", 5, True)
    for name in ("theme", "rate", "ascii"):
        assert found.source(name) == "command line"


def test_slow_is_a_rate(files: Files) -> None:
    files.user("slow = true")
    assert files.read().rate == 5
    files.own("slow = false")
    assert files.read().rate == 5


def test_a_project_may_write_it_into_its_pyproject(files: Files) -> None:
    shared = files.shared('[tool.routilux-tui]\nrate = 7\n[tool.other]\nrate = "x"\n')
    assert files.read().rate == 7
    assert files.read().source("rate") == f"{shared} [tool.routilux-tui]"
    files.own("ascii = true")
    assert files.read().rate == 10, "a file of its own takes the place of that table"
    assert files.read().ascii


def test_a_pyproject_that_is_broken_or_about_others_is_not_our_business(files: Files) -> None:
    for text in ("[tool", "tool = 3", "[project]\nname = 'x'\n"):
        files.shared(text)
        assert files.read().rate == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("them = 'x'", "unknown key 'them'; did you mean 'theme'? (there are: theme, ascii, "),
        ("qqqqq = 1", "unknown key 'qqqqq' (there are: theme, ascii, rate, "),
        ("rate = 'fast'", "'rate' must be a whole number from 5 to 30, not \"fast\""),
        ("rate = 31", "'rate' must be a whole number from 5 to 30, not 31"),
        ("rate = true", "'rate' must be a whole number from 5 to 30, not true"),
        ("rate = 7.0", "'rate' must be a whole number from 5 to 30, not 7.0"),
        ("ring = 10", "'ring' must be a whole number from 1000 to 5000000, not 10"),
        ("ascii = 1", "'ascii' must be true or false, not 1"),
        ("mouse = 'no'", "'mouse' must be true or false"),
        ("theme = ''", "'theme' must be a text between quotes"),
        ("editor = 2021-01-01", "'editor' must be a text between quotes, not 2021-01-01"),
        ("keys = 'p'", "'keys' must be a table"),
        ("[keys]\npause = 3", "'keys.pause' must be a key between quotes, such as \"x\", or a"),
        ("[keys]\npause = [3]", "'keys.pause' must be a key between quotes"),
        ("[keys]\npause = 'ctrl+c'", "'ctrl+c' for 'pause' is reserved"),
        ("[keys]\npasue = 'p'", "no action 'pasue'; did you mean 'pause'?"),
        ("[keys]\npause = ''", "'' for 'pause' is no key"),
        ("[keys]\nnext-pane = 'x'\nnext_pane = 'y'", "'next_pane' stands there twice"),
        ("[lints]\nL10 = 3", "'lints.L10' must be a table, not 3"),
        ("lints = []", "'lints' must be a table, not []"),
        ("slow = true\nrate = 7", "'slow' means rate = 5, and there is a 'rate' too"),
        ("rate = = 3", "it is no TOML: Invalid value (at line 1"),
        ("\xff\x00", "it is no TOML: "),
    ],
)
def test_a_mistake_is_one_message_with_the_file_and_the_way_on(
    files: Files, text: str, message: str
) -> None:
    for write in (files.user, files.own):
        path = write(text)
        with pytest.raises(ConfigError) as caught:
            files.read()
        said = str(caught.value)
        assert said.startswith(str(path))
        assert message in said
        assert said.endswith("; mend it, or start with --no-config to go on without")
        assert "\n" not in said
        assert caught.value.exit_code == 2
        assert files.read("--no-config").rate == 10
        path.unlink()


def test_keys_of_the_user_and_the_project_may_not_clash_together(files: Files) -> None:
    files.user("[keys]\npause = 'p'")
    own = files.own("[keys]\nfold = 'p'")
    with pytest.raises(ConfigError, match="p means both 'pause' and 'fold'") as caught:
        files.read()
    assert str(caught.value).startswith(f"{own} [keys]: ")


def test_a_file_that_cannot_be_read_is_told(files: Files) -> None:
    path = files.user("")
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="it cannot be read: Is a directory"):
        files.read()


def test_the_editor_of_the_environment_is_below_that_of_the_files(files: Files) -> None:
    files.environ |= {"EDITOR": "nano", "VISUAL": "code -n"}
    assert (files.read().editor, files.read().source("editor")) == ("code -n", "$VISUAL")
    del files.environ["VISUAL"]
    assert files.read().editor == "nano"
    files.own('editor = "hx"')
    assert files.read().editor == "hx"


def test_what_is_printed_is_toml_that_means_the_same(files: Files, tmp_path: Path) -> None:
    files.user('theme = "n\\"é"\n[keys]\npause = ["p", "comma", "é"]\n"moment -1" = "B"\n'
               "[lints.'L 1']\nx = [1, {y = 'z'}]\n")  # fmt: skip
    found = files.read("--slow")
    text = told(found)
    read = tomllib.loads(text)
    assert set(read) <= set(KINDS)
    assert read["slow"] is True
    assert read["lints"] == found.lints
    assert f"# {tmp_path}/config/routilux-tui/config.toml" in text
    assert "slow = true " in text
    assert "# command line" in text
    assert f"# not there: {tmp_path / 'project' / 'routilux-tui.toml'}" in text
    files.user(text)
    again = files.read()
    assert (again.theme, again.rate, again.keys, again.lints) == (
        found.theme, found.rate, found.keys, found.lints,
    )  # fmt: skip


# the command line ---------------------------------------------------------------------------------


def test_the_settings_are_printed_and_nothing_is_run(
    files: Files, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files.own("rate = 12")
    (files.project / "flow.py").write_text("raise SystemExit('it ran')")
    monkeypatch.setenv("XDG_CONFIG_HOME", files.environ["XDG_CONFIG_HOME"])
    assert cli.main(["--print-config", str(files.project / "flow.py")]) == 0
    out = capsys.readouterr().out
    assert "rate = 12 " in out
    assert f"# read: {files.project / 'routilux-tui.toml'}" in out


def test_a_bad_file_stops_the_start_with_exit_code_2(
    files: Files, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = files.own("rte = 12")
    (files.project / "flow.py").write_text("")
    monkeypatch.setenv("XDG_CONFIG_HOME", files.environ["XDG_CONFIG_HOME"])
    for words in ([], ["--headless"], ["--print-config"]):
        assert cli.main([*words, str(files.project / "flow.py")]) == 2
        said = capsys.readouterr().err
        assert said.startswith(f"routilux-tui: {path}: unknown key 'rte'; did you mean 'rate'?")
        assert said.count("\n") == 1


def test_the_options_for_it() -> None:
    assert parse(["--no-config"]).no_config
    assert parse(["--print-config"]).print_config
    assert parse([]).hz is None


def test_a_table_with_nothing_in_it_can_be_printed(files: Files) -> None:
    files.user("rate = 10\nslow = false\n[lints.L10]\n")
    text = told(files.read())
    assert "rate = 10" in text
    files.user(text)
    assert files.read().rate == 10
