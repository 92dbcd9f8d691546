"""The command line: parse, start the engine process, and only then import the screen.

Textual's import takes longer than loading most flows, so the two happen at the same time.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui.config import COMMAND_LINE, ConfigError, Settings, settings, told
from tui.errors import TuiError, UsageError
from tui.filters import Filters, project_of, state_file
from tui.options import Options, parse
from tui.targets import Folder, Target, parse_target

if TYPE_CHECKING:
    from tui.session.session import Session


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``routilux-tui``. Returns the exit code."""
    _open_standard_streams()
    options = parse(argv)
    if options.themes:
        return _list_themes()
    try:
        target = parse_target(
            options.module or options.target,
            module=options.module is not None,
            argv=options.argv,
            params=options.params,
        )
        found = settings(options, _project(target))
        if options.print_config:
            sys.stdout.write(told(found))
            return 0
        if options.headless:
            return _headless(options, target, found)
        if options.plain:
            return _plain(options, target, found)
        return _screen(options, target, found)
    except TuiError as error:
        if sys.stderr is not None:
            sys.stderr.write(f"routilux-tui: {error}\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130


def _open_standard_streams() -> None:
    """A closed 0, 1 or 2 would be the next descriptor that we open, and a child would lose it."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _project(target: Target | Folder) -> Path:
    start = target.path if isinstance(target, Folder) else target.path and target.path.parent
    return project_of(start or Path.cwd())


def _headless(options: Options, target: Target | Folder, found: Settings) -> int:
    if isinstance(target, Folder):
        raise UsageError(f"--headless needs a file to run, and {target.label!r} is a folder")
    from tui.headless import run

    return run(target, as_json=options.json, timeout=options.timeout, lints=found.lints)


def _plain(options: Options, target: Target | Folder, found: Settings) -> int:
    if isinstance(target, Folder):
        raise UsageError(f"--plain needs a file to run, and {target.label!r} is a folder")
    from tui.plain.run import run

    return run(target, reload=options.reload, ascii=found.ascii)


def _list_themes() -> int:
    from textual.theme import BUILTIN_THEMES

    from tui.themes import theme_names

    sys.stdout.write("\n".join(theme_names(BUILTIN_THEMES)) + "\n")
    return 0


def _screen(options: Options, target: Target | Folder, found: Settings) -> int:
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise UsageError(
            "there is no terminal to draw on (standard input and error must be one); "
            "--headless runs without a screen"
        )
    session = None if isinstance(target, Folder) else _session(target, options)
    from tui.app import MonitorApp
    from tui.mutes import Mutes, mutes_file

    project = _project(target)
    try:
        app = MonitorApp(
            session,
            folder=target if isinstance(target, Folder) else None,
            hz=found.rate,
            slow=found.slow,
            reload=options.reload,
            theme=found.theme,
            ascii=found.ascii,
            filters=Filters(state_file(project)),
            mutes=Mutes(mutes_file(project)),
            lints=found.lints,
            settings=found,
        )
    except ValueError as error:  # the name of the theme
        if session is not None:
            session.kill_all()
        source = found.source("theme")
        if source == COMMAND_LINE:
            raise UsageError(str(error)) from None
        raise ConfigError(source, str(error)) from None
    app.run(mouse=found.mouse)
    if app.session is not None:
        app.session.kill_all()
    return app.return_code or 0


def _session(target: Target, options: Options) -> Session:
    from tui.session.session import Session

    session = Session(target, reload=options.reload)
    atexit.register(session.kill_all)
    session.prepare()
    return session
