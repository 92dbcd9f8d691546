"""The command line of ``routilux-tui``, parsed and checked, without importing anything slow."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from tui.errors import did_you_mean

PROG = "routilux-tui"
MIN_HZ, DEFAULT_HZ, MAX_HZ = 5, 10, 30

_USAGE = f"""\
{PROG} [options] FILE.py[:NAME] [-- ARGS...]
       {PROG} [options] -m MODULE[:NAME] [-- ARGS...]
       {PROG} [options] [FOLDER]"""

_DESCRIPTION = f"""\
Watch a routilux flow run, live, and reload it whenever you save it.

examples:
  {PROG} flow.py              run the script, watch every flow it creates
  {PROG} flow.py:build_flow   import it, watch what NAME is or returns
  {PROG} -m pkg.flows         the same for a module (or pkg.flows:NAME)
  {PROG} --headless flow.py   no screen: run once, report, exit code
  {PROG} --plain flow.py      no screen: sentences, and commands by line
  {PROG}                      pick a flow below the current folder
  {PROG} flow.py -- --size 3  what follows -- is the script's sys.argv"""

_EPILOG = """\
exit codes:
  0    ran, no routine failed
  1    a routine failed
  2    the command line or a configuration file was wrong
  3    the flow could not be found or loaded
  4    --timeout was over before the flow was
  130  interrupted (Ctrl+C)

security:
  Opening a file runs it with your rights, exactly as `python FILE` does.
  The picker only reads files and never executes them. Auto-reload also runs
  what a `git checkout` or a `git pull` brings: use --no-reload for trees that
  you do not trust."""


@dataclass(frozen=True, slots=True)
class Options:
    """One checked command line."""

    target: str | None = None
    """File, ``FILE.py:NAME`` or folder as typed; None opens the picker (or *module* is set)."""
    module: str | None = None
    """``MODULE[:NAME]`` of ``-m``; never set together with *target*."""
    argv: tuple[str, ...] = ()
    """What followed ``--``: the script's ``sys.argv[1:]``."""
    params: tuple[tuple[str, str], ...] = ()
    """``-p KEY=VALUE`` in order, one entry per key; the last value of a repeated key counts."""
    headless: bool = False
    json: bool = False
    timeout: float | None = None
    """Seconds, > 0; None waits for ever. Only with *headless*."""
    reload: bool = True
    hz: int | None = None
    """Screen refreshes per second, 5 to 30; None: not said, so that the configuration decides."""
    slow: bool = False
    """The link to the terminal is slow: fewer frames when screens are full."""
    theme: str | None = None
    themes: bool = False
    ascii: bool = False
    mouse: bool = True
    """False leaves the mouse to the terminal, which selects and copies with it."""
    plain: bool = False
    log_file: Path | None = None
    no_config: bool = False
    print_config: bool = False


def parse(argv: Sequence[str] | None = None) -> Options:
    """Parse *argv* (default: ``sys.argv[1:]``).

    Raises:
        SystemExit: code 2 after one line on stderr for a bad command line; code 0 after
            ``--help`` and ``--version`` have written to stdout.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    script_args: list[str] = []
    if "--" in words:
        # argparse has its own, version-dependent idea of "--": it never gets to see one.
        cut = words.index("--")
        words, script_args = words[:cut], words[cut + 1 :]
    parser = _build_parser()
    given, unknown = parser.parse_known_args(words)
    if unknown:
        parser.error(_unknown(unknown[0], given.target is not None, parser))
    _check_together(parser, given)
    return Options(
        target=given.target,
        module=given.module,
        argv=tuple(script_args),
        params=tuple(dict(given.params).items()),
        headless=given.headless or given.json,
        json=given.json,
        timeout=given.timeout,
        reload=not given.no_reload,
        hz=MIN_HZ if given.slow else given.hz,
        slow=given.slow,
        theme=given.theme,
        themes=given.themes,
        ascii=given.ascii,
        mouse=not given.no_mouse,
        plain=given.plain,
        log_file=given.log_file,
        no_config=given.no_config,
        print_config=given.print_config,
    )


def _check_together(parser: _Parser, given: argparse.Namespace) -> None:
    """Refuse combinations of options that contradict each other."""
    headless = given.headless or given.json
    if given.module is not None and given.target is not None:
        parser.error(
            f"got both -m {given.module} and {given.target!r}; give one of them "
            "(arguments of the script go after --)"
        )
    if headless and given.plain:
        parser.error("--plain and --headless are two ways to do without a screen; give one of them")
    if given.plain and given.module is None and given.target is None:
        parser.error("--plain needs something to run: FILE.py or -m MODULE")
    if headless and given.module is None and given.target is None:
        parser.error("--headless needs something to run: FILE.py or -m MODULE")
    if given.timeout is not None and not headless:
        parser.error("--timeout needs --headless: a screen stays open until you close it")


def _unknown(word: str, has_target: bool, parser: _Parser) -> str:
    if word.startswith("-") and len(word) > 1:
        known = [name for action in parser._actions for name in action.option_strings]
        hint = did_you_mean(word.partition("=")[0], [n for n in known if n.startswith("--")])
        return f"unknown option {word!r}" + (hint or "; arguments of the script go after --")
    if has_target:
        return f"unexpected argument {word!r}; arguments of the script go after --"
    return f"unexpected argument {word!r}"


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        line = " ".join(message.splitlines())
        self.exit(2, f"{PROG}: {line} (try {PROG} --help)\n")


class _Help(argparse.RawDescriptionHelpFormatter):
    """Fixed width: asking for the terminal's would import shutil and its compressors."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=24, width=79)


class _Version(argparse.Action):
    """``--version``; importlib.metadata is imported only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("routilux-tui")
        except PackageNotFoundError:
            number = "(not installed)"
        sys.stdout.write(f"{PROG} {number}\n")
        parser.exit()


def _build_parser() -> _Parser:
    parser = _Parser(
        prog=PROG,
        usage=_USAGE,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=_Help,
        allow_abbrev=False,
        add_help=False,
    )
    what = parser.add_argument_group("what to run")
    what.add_argument("target", nargs="?", metavar="FILE.py[:NAME]", help="script, flow or folder")
    what.add_argument("-m", dest="module", metavar="MODULE[:NAME]", help="a module by dotted name")
    what.add_argument(
        "-p",
        dest="params",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        type=_key_value,
        help="argument for build_flow() or NAME(); repeatable",
    )
    what.add_argument("--no-reload", action="store_true", help="do not reload when a file is saved")
    _add_headless(parser.add_argument_group("without a screen"))
    _add_screen(parser.add_argument_group("screen"))
    other = parser.add_argument_group("other")
    other.add_argument(
        "--log-file", metavar="FILE", type=_log_file, help="write the monitor's own log to FILE"
    )
    other.add_argument("--no-config", action="store_true", help="read no configuration files")
    other.add_argument(
        "--print-config",
        action="store_true",
        help="show the settings, where each is from, and exit",
    )
    other.add_argument("--version", nargs=0, action=_Version, help="show the version and exit")
    other.add_argument("-h", "--help", action="help", help="show this text and exit")
    return parser


def _add_headless(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--headless", action="store_true", help="run once, report as text, exit")
    group.add_argument(
        "--plain",
        action="store_true",
        help="sentences in place of a screen, commands by line: for screen readers and logs",
    )
    group.add_argument(
        "--json",
        action="store_true",
        help="one JSON record per line on stdout; implies --headless",
    )
    group.add_argument(
        "--timeout", metavar="S", type=_seconds, help="give up after S seconds (exit code 4)"
    )


def _add_screen(group: argparse._ArgumentGroup) -> None:
    pace = group.add_mutually_exclusive_group()
    pace.add_argument(
        "--hz",
        metavar="N",
        type=_hertz,
        help=f"screen updates per second, {MIN_HZ} to {MAX_HZ} (default {DEFAULT_HZ})",
    )
    pace.add_argument(
        "--slow",
        action="store_true",
        help=f"for slow links: --hz {MIN_HZ}, and fewer when screens are full",
    )
    group.add_argument(
        "--theme", metavar="NAME", type=_word, help="colour theme; --themes lists them"
    )
    group.add_argument("--themes", action="store_true", help="list the themes and exit")
    group.add_argument("--ascii", action="store_true", help="draw with ASCII characters only")
    group.add_argument(
        "--no-mouse", action="store_true", help="leave the mouse to the terminal, to select text"
    )


def _key_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE (no '=' in it)")
    if not key.isidentifier():
        raise argparse.ArgumentTypeError(f"{key!r} cannot name a parameter (in {text!r})")
    return key, value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _hertz(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if not MIN_HZ <= value <= MAX_HZ:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a whole number from {MIN_HZ} to {MAX_HZ}"
        )
    return value


def _word(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("the name is empty")
    return text


def _log_file(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("the file name is empty")
    if os.path.isdir(text):
        raise argparse.ArgumentTypeError(f"{text!r} is a folder, not a file")
    folder = os.path.dirname(text) or "."
    if not os.path.isdir(folder):
        raise argparse.ArgumentTypeError(f"{text!r} cannot be made: no folder {folder!r}")
    return Path(text)
