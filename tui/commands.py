"""What can be written behind ``:``. One table, of which palette, completion and help are made.

Every action of `tui.keys` is a command too: `Action.command` are its words. What commands do is in
`tui.commanding`; here they are only read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tui.errors import TuiError, did_you_mean
from tui.keys import PANES, TABLES, Action, folded
from tui.query.completing import names_for


class CommandError(TuiError):
    """A line is no command, or cannot be done.

    Attributes:
        column: where, counted from 0.
    """

    def __init__(self, message: str, column: int = 0) -> None:
        super().__init__(message)
        self.message, self.column = message, column


class Command(NamedTuple):
    """A command that takes arguments.

    Attributes:
        takes: what each argument is, for completion.
        usage: the arguments as they are written in help; what may be left out in brackets.
        least: arguments that must be there.
        whole: the rest of the line is the one argument, blanks and all.
    """

    name: str
    takes: tuple[str, ...]
    usage: str
    help: str
    least: int = 0
    whole: bool = False

    @property
    def shown(self) -> str:
        """As it is written."""
        return f":{self.name} {self.usage}".rstrip()


COMMANDS: tuple[Command, ...] = (
    Command("go", ("routine",), "ROUTINE", "Open the screen of a routine.", 1, True),
    Command("event", ("number",), "NUMBER", "Go to the event of that number.", 1),
    Command("chart", ("stat", "stat"), "STAT [STAT]", "Chart a statistic, or two together.", 1),
    Command("filter", ("filter",), "[FILTER]", "Filter the pane with the focus.", 0, True),
    Command("find", ("filter",), "FILTER", "Let n and N go to the events that match.", 1, True),
    Command("filters", (), "", "Choose one of the saved filters."),
    Command("save-filter", ("name",), "NAME", "Keep the pane's filter as @NAME.", 1),
    Command("forget-filter", ("saved",), "NAME", "Keep a saved filter no more.", 1),
    Command("theme", ("theme",), "[NAME]", "Use a colour theme; alone: choose one."),
    Command("rate", ("rate",), "[5-30]", "Look so many times a second."),
    Command("set", ("setting", "value"), "[KEY [VALUE]]", "Show settings, or change one now."),
    Command("export", ("path",), "[FILE]", "Write the pane's table to a CSV file.", 0, True),
    Command("help", ("topic",), "[TOPIC]", "Keys and commands about something.", 0, True),
    Command("q", (), "", "Leave this screen; on the dashboard: quit."),
)
_BY_NAME = {command.name: command for command in COMMANDS}


class Call(NamedTuple):
    """A line that was understood: an action, or a command with its arguments.

    ``at`` is the column of each argument.
    """

    action: Action | None = None
    command: Command | None = None
    words: tuple[str, ...] = ()
    at: tuple[int, ...] = ()


class _Word(NamedTuple):
    text: str
    column: int


def read(line: str, actions: Sequence[Action]) -> Call:
    """What a line asks for.

    Args:
        line: what stands behind the colon.
        actions: those of the screen in front.

    Raises:
        CommandError: there is no such command, not here, or not with these arguments.
    """
    head = _head(line)
    command = _BY_NAME.get(head.text.casefold())
    rest = line[head.column + len(head.text) :].strip()
    action = _action(line, actions)
    if action is not None and (command is None or not rest):
        return Call(action)
    if command is None:
        raise _unknown(line, head)
    if command.whole:
        at = line.index(rest, head.column + len(head.text)) if rest else len(line)
        words = [_Word(rest, at)] if rest else []
    else:
        words = _words(line)[1:]
    if len(words) < command.least:
        raise CommandError(f"it needs more: {command.shown}", len(line))
    if len(words) > len(command.takes):
        raise CommandError(f"that is too much: {command.shown}", words[len(command.takes)].column)
    texts, at_ = tuple(w.text for w in words), tuple(w.column for w in words)
    return Call(None, command, texts, at_)


def _head(line: str) -> _Word:
    start = len(line) - len(line.lstrip())
    return _Word(line.split(maxsplit=1)[0] if line.strip() else "", start)


def _action(line: str, actions: Iterable[Action]) -> Action | None:
    wanted = folded(line)
    if wanted.startswith("pane "):
        name = wanted.removeprefix("pane ")
        numbers = {title.casefold(): number for number, title in PANES.items()}
        wanted = f"pane {numbers.get(name, name)}"
    return next((action for action in actions if folded(action.id) == wanted), None)


def _unknown(line: str, head: _Word) -> CommandError:
    """Why a line is no command here."""
    screens = [screen for screen, table in TABLES.items() if _action(line, table) is not None]
    if screens:
        where = " or ".join(screens)
        return CommandError(f"{line.strip()!r} is for another screen: {where}", head.column)
    actions = [action for table in TABLES.values() for action in table]
    same = {a.command for a in actions if a.command.split()[0] == head.text}
    if same:
        return CommandError(f"there is {', '.join(sorted(same))}", head.column)
    hint = did_you_mean(head.text, names(actions)) or ": Tab shows all"
    return CommandError(f"no command {head.text!r}{hint}", head.column)


def _words(line: str) -> list[_Word]:
    """The words of a line; quotes hold together what has blanks in it."""
    found: list[_Word] = []
    at = 0
    while at < len(line):
        if line[at].isspace():
            at += 1
            continue
        if line[at] in "\"'":
            end = line.find(line[at], at + 1)
            if end < 0:
                raise CommandError(f"this {line[at]} is never closed", at)
            found.append(_Word(line[at + 1 : end], at))
            at = end + 1
            continue
        end = at
        while end < len(line) and not line[end].isspace():
            end += 1
        found.append(_Word(line[at:end], at))
        at = end
    return found


# completing ---------------------------------------------------------------------------------------

Names = Callable[[str, Sequence[str]], Sequence[str]]
"""From what an argument is, and the arguments before it, to what it may be."""


def names(actions: Iterable[Action]) -> list[str]:
    """The first words of all commands, in order of the alphabet."""
    return sorted({*_BY_NAME, *(action.command.split()[0] for action in actions)})


def complete(before: str, actions: Sequence[Action], known: Names) -> tuple[int, list[str]]:
    """Where the word begins that ends at the cursor, and what it may become.

    Args:
        before: the line up to the cursor.
        actions: those of the screen in front.
        known: gives names of things.
    """
    head = _head(before)
    end = head.column + len(head.text)
    if len(before) == end:
        return head.column, _beginning(head.text, names(actions))
    command = _BY_NAME.get(head.text.casefold())
    if command is None:
        start = end + len(before[end:]) - len(before[end:].lstrip())
        second = [a.command.partition(" ")[2] for a in actions
                  if a.command.startswith(f"{head.text.casefold()} ")]  # fmt: skip
        titles = [title.casefold() for title in PANES.values()] if head.text == "pane" else []
        return start, _beginning(before[start:], [*second, *titles])
    if command.whole:
        start = end + len(before[end:]) - len(before[end:].lstrip())
        if command.takes == ("filter",):
            word, found = names_for(before[start:], known("filter", ()))
            return start + word, found
        return start, _beginning(before[start:], known(command.takes[0], ()))
    return _argument(before, command, known)


def _argument(before: str, command: Command, known: Names) -> tuple[int, list[str]]:
    try:
        last = _words(before)[-1]
        start = len(before) if before[-1].isspace() else last.column
    except CommandError as error:  # a quote that is still open
        start = error.column
    done = _words(before[:start])[1:]
    if len(done) >= len(command.takes):
        return start, []
    found = known(command.takes[len(done)], [word.text for word in done])
    begun = before[start:].lstrip("\"'")
    return start, [_quoted(name) for name in _beginning(begun, found)]


def _beginning(begun: str, found: Iterable[str]) -> list[str]:
    return [name for name in found if name.casefold().startswith(begun.casefold())]


def _quoted(name: str) -> str:
    return f'"{name}"' if any(char.isspace() for char in name) else name
