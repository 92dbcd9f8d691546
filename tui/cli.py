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

from tui.errors import TuiError, UsageError, did_you_mean
from tui.options import Options, parse
from tui.targets import Folder, Target, parse_target

if TYPE_CHECKING:
    from tui.session.session import Session


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``routilux-tui``. Returns the exit code."""
    _open_standard_streams()
    options = parse(argv)
    try:
        target = parse_target(
            options.module or options.target,
            module=options.module is not None,
            argv=options.argv,
            params=options.params,
        )
        if options.headless:
            return _headless(options, target)
        return _screen(options, target)
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


def _headless(options: Options, target: Target | Folder) -> int:
    if isinstance(target, Folder):
        raise UsageError(f"--headless needs a file to run, and {target.label!r} is a folder")
    from tui.headless import run

    return run(target, as_json=options.json, timeout=options.timeout)


def _screen(options: Options, target: Target | Folder) -> int:
    if not all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr)):
        raise UsageError(
            "there is no terminal to draw on (standard input and error must be one); "
            "--headless runs without a screen"
        )
    session = None if isinstance(target, Folder) else _session(target, options)
    from tui.app import MonitorApp
    from tui.filters import CALLS, Filters, project_of, state_file
    from tui.themes import THEMES

    start = target.path if isinstance(target, Folder) else target.path and target.path.parent
    project = project_of(start or Path.cwd())
    app = MonitorApp(
        session,
        folder=target if isinstance(target, Folder) else None,
        hz=options.hz,
        reload=options.reload,
        theme=options.theme,
        ascii=options.ascii,
        filters=Filters(state_file(project)),
        calls=Filters(state_file(project, what="calls"), what="calls", kept=CALLS),
    )
    for theme in THEMES:
        app.register_theme(theme)
    if options.theme is not None and options.theme not in app.available_themes:
        if session is not None:
            session.kill_all()
        names = sorted(app.available_themes)
        raise UsageError(
            f"no theme {options.theme!r}{did_you_mean(options.theme, names)} "
            f"(there are: {', '.join(names)})"
        )
    app.run()
    if app.session is not None:
        app.session.kill_all()
    return app.return_code or 0


def _session(target: Target, options: Options) -> Session:
    from tui.session.session import Session

    session = Session(target, reload=options.reload)
    atexit.register(session.kill_all)
    session.prepare()
    return session
