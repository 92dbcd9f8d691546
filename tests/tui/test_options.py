"""The command line: what each option gives, and one clear line for each mistake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.options import Options, parse


def test_no_words_ask_for_the_picker() -> None:
    assert parse([]) == Options()


def test_every_option_is_understood(tmp_path: Path) -> None:
    log = tmp_path / "tui.log"
    words = ["flow.py:build", "--headless", "--json", "--timeout", "2.5", "--no-reload"]
    words += ["-p", "n=3", "-p", "text=a=b", "-p", "n=4", "--hz", "30", "--theme", "nord"]
    words += [
        "--ascii",
        "--no-mouse",
        "--themes",
        "--log-file",
        str(log),
        "--",
        "--json",
        "x",
        "--",
        "y",
    ]
    assert parse(words) == Options(
        target="flow.py:build",
        argv=("--json", "x", "--", "y"),
        params=(("n", "4"), ("text", "a=b")),
        headless=True,
        json=True,
        timeout=2.5,
        reload=False,
        hz=30,
        theme="nord",
        themes=True,
        ascii=True,
        mouse=False,
        log_file=log,
    )


@pytest.mark.parametrize(
    "words", [["--headless", "a.py"], ["a.py", "--headless"], ["-p", "x=1", "--json", "a.py"]]
)
def test_options_may_stand_before_or_after_the_target(words: list[str]) -> None:
    assert parse(words).target == "a.py"
    assert parse(words).headless


def test_a_module_takes_the_place_of_the_target() -> None:
    options = parse(["-m", "pkg.mod:flow", "--slow", "--", "a"])
    assert (options.module, options.target, options.argv) == ("pkg.mod:flow", None, ("a",))
    assert options.hz == 5


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("--hz 4", "not a whole number from 5 to 30"),
        ("--hz 31", "not a whole number from 5 to 30"),
        ("--hz fast", "not a whole number from 5 to 30"),
        ("--hz", "expected one argument"),
        ("--slow --hz 9", "not allowed with"),
        ("--plain --headless a.py", "two ways to do without a screen"),
        ("--plain", "--plain needs something to run"),
        ("--headless a.py --timeout 0", "not a number of seconds above 0"),
        ("--headless a.py --timeout nan", "not a number of seconds above 0"),
        ("--headless a.py --timeout inf", "not a number of seconds above 0"),
        ("--headless a.py --timeout=-1", "not a number of seconds above 0"),
        ("a.py --timeout 3", "--timeout needs --headless"),
        ("--headless", "needs something to run"),
        ("--json", "needs something to run"),
        ("-m a b.py", "got both -m a and 'b.py'"),
        ("a.py b", "unexpected argument 'b'; arguments of the script go after --"),
        ("a.py --headless b", "unexpected argument 'b'"),
        ("a.py --headles", "unknown option '--headles'; did you mean '--headless'?"),
        ("a.py --time=3", "unknown option '--time=3'"),
        ("a.py -z", "unknown option '-z'"),
        ("a.py -p n", "is not KEY=VALUE"),
        ("a.py -p =3", "cannot name a parameter"),
        ("a.py -p a-b=3", "cannot name a parameter"),
        ("a.py --theme=", "the name is empty"),
        ("a.py --log-file .", "is a folder"),
        ("a.py --log-file=", "is empty"),
        ("a.py --log-file no/such/folder/x.log", "no folder 'no/such/folder'"),
    ],
)
def test_a_mistake_is_one_line_and_code_2(
    capsys: pytest.CaptureFixture[str], words: str, says: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(words.split())
    out, err = capsys.readouterr()
    assert caught.value.code == 2
    assert out == ""
    assert says in err
    assert err.startswith("routilux-tui: ")
    assert err.count("\n") == 1


def test_a_newline_in_a_word_cannot_break_the_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--slow\nx"])
    assert capsys.readouterr().err.count("\n") == 1


def test_help_shows_examples_codes_and_the_security_note(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--help"])
    text = capsys.readouterr().out
    assert caught.value.code == 0
    order = ["examples:", "flow.py:build_flow", "what to run:", "exit codes:", "130", "security:"]
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert "--no-reload for trees that\n  you do not trust" in text
    assert all(len(line) < 80 for line in text.splitlines())
    assert text.isascii()


def test_version_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        parse(["--version"])
    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert out.startswith("routilux-tui ")
    assert out.count("\n") == 1
