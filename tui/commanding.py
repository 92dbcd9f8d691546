"""What the commands behind ``:`` do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.screen import Screen

from tui.commands import COMMANDS, Call, CommandError, read
from tui.errors import TuiError, did_you_mean
from tui.export import csv
from tui.filters import FilterNameError
from tui.keys import EVERYWHERE, TABLES
from tui.model import log
from tui.model.table import Table
from tui.options import MAX_HZ, MIN_HZ
from tui.query.nodes import QueryError
from tui.screens.dashboard import DashboardScreen
from tui.screens.filtering import Narrowing
from tui.screens.linked import Linked
from tui.screens.live import LiveScreen, keys_of
from tui.screens.saved import SavedScreen
from tui.screens.values import ValuesScreen
from tui.widgets.commandbar import CommandBar
from tui.widgets.events import EventsPane
from tui.widgets.filterbar import Narrowed
from tui.widgets.filtered import FilteredPane
from tui.widgets.values import stat_name

if TYPE_CHECKING:
    from tui.app import MonitorApp

_SWITCH = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}
#: Settings that are read when the program starts.
_AT_START = ("ring", "mouse", "keys", "lints")


class Commands:
    """Does what is written. A method for each command that takes arguments, named after it."""

    def __init__(self, app: MonitorApp) -> None:
        self._app = app
        self._settable: dict[str, tuple[Callable[[], object], Callable[[str, int], None]]] = {
            "theme": (lambda: app.theme, self._set_theme),
            "rate": (lambda: app.hz, self._set_rate),
            "ascii": (lambda: app.options_ascii, self._set_ascii),
            "auto-reload": (lambda: bool(app.session and app.session.auto_reload), self._set_auto),
            "editor": (lambda: app.settings.editor, self._set_editor),
        }

    async def enter(self, bar: CommandBar, text: str) -> None:
        """A line was entered: do it, or say below it what is wrong."""
        bar.close()
        try:
            await self.run(text)
        except (CommandError, QueryError) as error:
            self._reopen(bar, text, error.message, error.column)
        except TuiError as error:
            self._reopen(bar, text, str(error), 0)
        else:
            self._app.filters.add_command(text)

    def _reopen(self, bar: CommandBar, text: str, message: str, column: int) -> None:
        screen = bar.screen
        if isinstance(screen, Linked) and screen.is_current:
            screen.write_command(text)
            bar.refuse(message, column)

    async def run(self, line: str) -> None:
        """Do what a line says.

        Raises:
            TuiError: it is no command, or cannot be done.
        """
        app, screen = self._app, self._screen
        call = read(line, screen.keys)
        if call.action is not None:
            node = app if call.action.id in EVERYWHERE else screen
            await app.run_action(call.action.id, node)
        elif call.command is not None:
            do: Callable[[Call], None] = getattr(self, f"_do_{call.command.name.replace('-', '_')}")
            do(call)

    @property
    def _screen(self) -> Linked:
        screen = self._app.screen
        if not isinstance(screen, Linked):
            raise CommandError("there is no command line here")
        return screen

    # the palette --------------------------------------------------------------------------------

    def palette(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        """The actions and commands that mean something on a screen, and the themes."""
        app = self._app
        for action in keys_of(screen):
            node = app if action.id in EVERYWHERE else screen
            if hasattr(node, f"action_{action.id.partition('(')[0]}"):
                title = f"{action.help.rstrip('.')}  ({action.shown})"  # brackets would be markup
                yield SystemCommand(title, action.group, self._runner(action.id))
        yield SystemCommand("Change the theme", "View", app.action_change_theme)
        for command in COMMANDS if screen.query(CommandBar) else ():
            title = f"{command.help.rstrip('.')}  (:{command.name})"
            yield SystemCommand(title, "Command", self._writer(command.name, command.usage))

    def _runner(self, action: str) -> Callable[[], Any]:
        async def run() -> None:
            app = self._app
            await app.run_action(action, app if action in EVERYWHERE else app.screen)

        return run

    def _writer(self, name: str, usage: str) -> Callable[[], Any]:
        """Does a command that takes nothing; begins to write any other."""

        async def begin() -> None:
            screen = self._app.screen
            if not isinstance(screen, Linked):
                return
            if usage:
                screen.write_command(f"{name} ")
            else:
                await self.enter(screen.query_one(CommandBar), name)

        return begin

    # names --------------------------------------------------------------------------------------

    def known(self, kind: str, before: Sequence[str]) -> list[str]:
        """What an argument may be; ``before`` are those that stand before it."""
        app = self._app
        run = app.monitor.run
        match kind:
            case "routine":
                return [row.name for row in run.routines()]
            case "stat":
                return [n for row in run.stats() if (n := stat_name(row)) not in before]
            case "theme":
                return sorted(app.available_themes)
            case "filter":
                pane = self._filtered
                return pane.names() if pane is not None else []
            case "saved" | "name":
                return sorted(app.filters.saved)
            case "rate":
                return [str(hz) for hz in range(MIN_HZ, MAX_HZ + 1, 5)]
            case "setting":
                return sorted(self._settable)
            case "value":
                return self._values(before[-1])
            case "topic":
                return topics()
        return []

    def _values(self, setting: str) -> list[str]:
        if setting in ("theme", "rate"):
            return self.known(setting, ())
        return ["on", "off"] if setting in ("ascii", "auto-reload") else []

    @property
    def _filtered(self) -> Narrowed | None:
        """The pane that a filter would be of."""
        screen = self._app.screen
        return screen.filtered_pane if isinstance(screen, Narrowing) else None

    def wrong(self, text: str) -> QueryError | None:
        """What is wrong with a filter of that pane."""
        pane = self._filtered
        return pane.check(text) if pane is not None else None

    # going --------------------------------------------------------------------------------------

    def _do_go(self, call: Call) -> None:
        run, name = self._app.monitor.run, call.words[0].strip("\"'")
        names = {row.name: row.key for row in run.routines()}
        if name not in names:
            hint = did_you_mean(name, names) or f": there are {', '.join(names) or 'none'}"
            raise CommandError(f"no routine {name!r}{hint}", call.at[0])
        self._app.open_routine(names[name])

    def _do_event(self, call: Call) -> None:
        number = _number(call.words[0].lstrip("#"), call.at[0], "the number of an event")
        view = self._app.monitor.log.view
        numbers = [r[log.SEQUENCE] for r in view if r[log.KIND] != log.RULE]
        if number not in numbers:
            there = f"{min(numbers):,} to {max(numbers):,}" if numbers else "none"
            raise CommandError(f"no event #{number:,} is kept: there is {there}", call.at[0])
        dashboard = self._app.to_dashboard()
        pane = dashboard.query_one(EventsPane)
        dashboard.action_pane(pane.number)
        if not pane.go_to_number(number):  # a filter hides it
            pane.narrow("")
            pane.go_to_number(number)
        dashboard.take_choice()

    def _do_chart(self, call: Call) -> None:
        known = self.known("stat", ())
        for name, column in zip(call.words, call.at, strict=True):
            if name not in known:
                hint = did_you_mean(name, known) or f": there are {', '.join(known) or 'none'}"
                raise CommandError(f"no statistic {name!r}{hint}", column)
        self._app.monitor.charted.choose(call.words, known)
        screen = self._app.go_to("values")
        if isinstance(screen, ValuesScreen):
            screen.open(call.words[0])

    def _do_q(self, _call: Call) -> None:
        screen = self._app.screen
        if isinstance(screen, LiveScreen):
            screen.action_back()
        else:
            self._app.call_later(self._app.action_quit)

    def _do_help(self, call: Call) -> None:
        self._app.show_help(" ".join(call.words))

    # filters ------------------------------------------------------------------------------------

    def _pane(self) -> Narrowed:
        pane = self._filtered
        if pane is None:
            raise CommandError("there is nothing to filter on this screen: Esc goes back")
        return pane

    def _do_filter(self, call: Call) -> None:
        pane = self._pane()
        self._check(pane, call)
        self._app.use_filter(pane, call.words[0])

    def _check(self, pane: Narrowed, call: Call) -> None:
        error = pane.check(call.words[0])
        if error is not None:
            raise CommandError(error.message, call.at[0] + error.column)

    def _do_find(self, call: Call) -> None:
        dashboard = self._app.to_dashboard()
        self._check(dashboard.query_one(EventsPane), call)
        dashboard.find(call.words[0])

    def _do_save_filter(self, call: Call) -> None:
        pane, name = self._pane(), call.words[0].removeprefix("@")
        if not pane.filter:
            raise CommandError("this pane has no filter: / writes one", 0)
        if f"@{name}" in pane.filter.replace("(", " ").replace(")", " ").split():
            raise CommandError(f"the filter names @{name} itself", call.at[0])
        try:
            self._app.filters.save(name, pane.filter)
        except FilterNameError as error:
            raise CommandError(str(error), call.at[0]) from None
        self._app.notify(f"@{name} is now {pane.filter}", markup=False, timeout=5)
        self._app.tell_of_filters()

    def _do_forget_filter(self, call: Call) -> None:
        name, saved = call.words[0].removeprefix("@"), self._app.filters.saved
        if name not in saved:
            hint = did_you_mean(name, saved) or f": there are {', '.join(saved) or 'none'}"
            raise CommandError(f"no saved filter {name!r}{hint}", call.at[0])
        self._app.filters.forget(name)

    def _do_filters(self, _call: Call) -> None:
        pane = self._pane()
        self.pick(lambda name: self._app.use_filter(pane, f"@{name}") if name else None)

    def pick(self, then: Callable[[str | None], Any]) -> None:
        """Let a saved filter be chosen."""
        saved = self._app.filters.saved
        if saved:
            self._app.push_screen(SavedScreen(saved), then)
        else:
            self._app.notify("No filter is saved yet: :save-filter NAME keeps the pane's.")

    # settings -----------------------------------------------------------------------------------

    def _do_theme(self, call: Call) -> None:
        if call.words:
            self._set_theme(call.words[0], call.at[0])
        else:
            self._app.action_change_theme()

    def _do_rate(self, call: Call) -> None:
        if call.words:
            self._set_rate(call.words[0], call.at[0])
        self._app.notify(f"{self._app.hz} looks a second", timeout=3)

    def _do_set(self, call: Call) -> None:
        if not call.words:
            parts = [f"{name} {_said(get())}" for name, (get, _) in self._settable.items()]
            self._app.notify(", ".join(parts), title="Settings", markup=False, timeout=8)
            return
        name = call.words[0].casefold().replace("_", "-")
        if name in _AT_START:
            raise CommandError(f"{name} is read at the start: put it into the configuration", 0)
        if name not in self._settable:
            hint = did_you_mean(name, self._settable)
            hint = hint or f": there are {', '.join(self._settable)}"
            raise CommandError(f"no setting {name!r}{hint}", call.at[0])
        get, change = self._settable[name]
        if len(call.words) > 1:
            change(call.words[1], call.at[1])
        self._app.notify(f"{name} {_said(get())}", markup=False, timeout=3)

    def _set_theme(self, name: str, column: int) -> None:
        try:
            self._app.use_theme(name)
        except ValueError as error:
            raise CommandError(str(error), column) from None

    def _set_rate(self, text: str, column: int) -> None:
        hz = _number(text, column, f"a number from {MIN_HZ} to {MAX_HZ}")
        if not MIN_HZ <= hz <= MAX_HZ:
            raise CommandError(f"{hz} is not from {MIN_HZ} to {MAX_HZ}", column)
        self._app.look_at(hz)

    def _set_ascii(self, text: str, column: int) -> None:
        self._app.draw_ascii(_switch(text, column))

    def _set_auto(self, text: str, column: int) -> None:
        on, session = _switch(text, column), self._app.session
        if session is not None:
            session.auto_reload = on
            self._app.show()

    def _set_editor(self, text: str, _column: int) -> None:
        self._app.set_editor(text)

    # files --------------------------------------------------------------------------------------

    def _do_export(self, call: Call) -> None:
        """Make and write the table in a thread: two hundred thousand events take seconds."""
        screen, monitor = self._screen, self._app.monitor
        make: Callable[[], Table | None] | None = None
        if isinstance(screen, LiveScreen) and screen.box is not None:
            make = partial(screen.box.table, monitor)
        elif isinstance(screen, DashboardScreen) and isinstance(screen.pane, FilteredPane):
            make = screen.pane.exporter(monitor)
        if make is None:
            raise CommandError("there is no table in this pane to write", 0)
        path = Path(call.words[0]) if call.words else None
        self._app.run_worker(self._write(screen, make, path), name="export")

    async def _write(
        self, screen: Linked, make: Callable[[], Table | None], path: Path | None
    ) -> None:
        try:
            said = await asyncio.to_thread(_written, make, path)
        except (TuiError, OSError, RuntimeError) as error:  # RuntimeError: no home for a ~
            screen.say(f"Not written: {error}", wrong=True)
        else:
            screen.say(said)


def _written(make: Callable[[], Table | None], path: Path | None) -> str:
    table = make()
    if table is None:
        raise CommandError("there is no table in this pane to write")
    file = csv.write(table, Path.cwd()) if path is None else csv.write_to(table, path.expanduser())
    return f"{len(table.rows):,} rows in {file}"


def topics() -> list[str]:
    """What help can be asked about: groups of keys, commands and actions."""
    actions = [action for table in TABLES.values() for action in table]
    found = {action.group for action in actions} | {command.name for command in COMMANDS}
    return sorted(found | {action.command.split()[0] for action in actions}, key=str.casefold)


def _number(text: str, column: int, what: str) -> int:
    digits = text.replace(",", "").replace("_", "")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 18:
        raise CommandError(f"{text!r} is not {what}", column)
    return int(digits)


def _switch(text: str, column: int) -> bool:
    if text.casefold() not in _SWITCH:
        raise CommandError(f"{text!r} is neither on nor off", column)
    return _SWITCH[text.casefold()]


def _said(value: object) -> str:
    return (
        {True: "on", False: "off"}.get(value, "")
        if isinstance(value, bool)
        else (str(value) or "(none)")
    )
