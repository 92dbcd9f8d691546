"""What happened in a failing schedule, to be read: as text and as data."""

from __future__ import annotations

import linecache
from typing import Any, NamedTuple

from .advice import Advice, advise
from .deadlock import Deadlock
from .minimise import Minimised
from .observing import Detail
from .ops import STATE, op_text, text_of
from .run import Failure, Result
from .schedule import Schedule
from .tasks import Step, Task, names_of

#: Steps that the table shows, at most: the last ones.
MOST_STEPS = 60
#: Links of a chain of causes.
MOST_CAUSES = 64
_WORDS = {
    "r": "reads", "w": "writes", "u": "updates", "e": "reads", "acq": "takes", "try": "tries",
    "emit": "emits", "exec": "executes", "start": "begins", "sleep": "sleeps", "wait": "waits for",
    "line": "at",
}  # fmt: skip


class Line(NamedTuple):
    """One step, to be read.

    Attributes:
        number: of the step.
        task: number of the task: the column it belongs to.
        what: in words: ``reads counter.stat:n = 0``.
        place: ``file:line``; empty when it is none of the user's.
        source: that line.
        held: locks that the task holds.
        preempts: another task was left here that could have gone on.
    """

    number: int
    task: int
    what: str
    place: str
    source: str
    held: tuple[str, ...]
    preempts: bool


class Report(NamedTuple):
    """What happened.

    Attributes:
        title: one line.
        tasks: number and name of each task with its chain of causes, back to ``execute``.
        lines: the steps that matter.
        left_out: steps before these.
        advice: the two accesses that conflict, and what may help; None: not known.
        deadlock: who waits for whom, if it is one.
        facts: preemptions and such, a line each.
        notes: what to keep in mind.
    """

    title: str
    tasks: tuple[tuple[int, str, str], ...]
    lines: tuple[Line, ...]
    left_out: int
    advice: Advice | None
    deadlock: Deadlock | None
    facts: tuple[str, ...]
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return self.text()

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        found = self._asdict()
        found["lines"] = [line._asdict() for line in self.lines]
        found["advice"] = self.advice._asdict() if self.advice is not None else None
        found["deadlock"] = _deadlock_data(self.deadlock)
        return found

    def text(self, width: int = 100) -> str:
        """As lines of text, without any markup.

        Args:
            width: of a line, in characters, at least 40.
        """
        width = max(40, width)
        lines = [self.title, *self.facts, ""]
        if self.deadlock is not None:
            lines += [*_deadlock_lines(self.deadlock), ""]
        if self.advice is not None:
            lines += [*self.advice.lines(), ""]
        if self.lines:
            lines += [*self._columns(width), ""]
            lines += [f"{name}: {chain}" for _, name, chain in self.tasks if chain]
        lines += self.notes
        return "\n".join(line.rstrip() for line in lines).strip() + "\n"

    def _columns(self, width: int) -> list[str]:
        """The steps, a column for each of the tasks: two where two conflict."""
        shown = [number for number, _, _ in self.tasks]
        columns = shown if len(shown) <= _COLUMNS else shown[:_COLUMNS]
        each = (width - 5) // max(1, len(columns))
        names = {number: name for number, name, _ in self.tasks}
        lines = ["     " + "".join(_cut(names[n], each) for n in columns)]
        if self.left_out:
            lines.append(f"     ({self.left_out} steps before)")
        for line in self.lines:
            if line.task not in columns:
                continue
            at = columns.index(line.task)
            mark = ">" if line.preempts else " "
            held = f" [{', '.join(line.held)}]" if line.held else ""
            room = width - 5 - at * each
            lines.append(f"{line.number:>3}{mark} " + " " * (at * each) + (line.what + held)[:room])
            if line.source:
                where = f"  {line.place}  {line.source}"
                lines.append(" " * (5 + at * each) + where[:room])
        return lines


_COLUMNS = 3


def report_of(
    result: Result | None,
    failure: Failure | None,
    schedule: Schedule | None,
    small: Minimised | None,
    notes: list[str],
) -> Report:
    """The report of a failing run; or without one, what there is to say."""
    if result is None or failure is None:
        return Report(notes[0] if notes else "", (), (), 0, None, None, (), tuple(notes[1:]))
    advice = None if failure.kind == "deadlock" else advise(result)
    numbers: tuple[int, ...] = advice.tasks if advice is not None else ()
    if failure.deadlock is not None:
        numbers = failure.deadlock.tasks
    lines = _lines(result, numbers)
    tasks = _tasks(result, [line.task for line in lines], numbers)
    facts = []
    if small is not None:
        least = "the least there is" if small.proved >= small.preemptions else (
            f"proved to be at least {small.proved}")  # fmt: skip
        facts.append(f"{_count(small.preemptions, 'preemption')} ({least})")
    title = f"{failure.kind}: {failure.message}"
    shown = tuple(lines[-MOST_STEPS:])
    left_out = len(lines) - len(shown)
    report = Report(
        title, tasks, shown, left_out, advice, failure.deadlock, tuple(facts), tuple(notes)
    )
    renamed: Report = _renamed(report, result.locks)
    return renamed


def _renamed(part: Any, names: dict[str, str]) -> Any:
    """The same with locks called by the attributes that hold them."""
    if isinstance(part, str):
        for name in sorted(names, key=len, reverse=True):
            part = part.replace(name, names[name])
        return part
    if isinstance(part, tuple):
        parts = [_renamed(each, names) for each in part]
        return type(part)(*parts) if hasattr(part, "_fields") else tuple(parts)
    return part


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _lines(result: Result, numbers: tuple[int, ...]) -> list[Line]:
    found = []
    for index, step in enumerate(result.steps):
        if step.mode in ("start", "") or (numbers and step.task.number not in numbers):
            continue
        found.append(_line(index, step))
    return found


def _line(index: int, step: Step) -> Line:
    detail: Detail | None = step.detail
    word = _WORDS.get(step.mode, step.mode)
    obj = step.obj[1:] if step.mode in ("emit", "wait") and len(step.obj) > 1 else step.obj
    what = f"{word} {'.'.join(map(str, obj)) if obj is not step.obj else text_of(obj)}"
    if detail is not None and step.mode in STATE:
        what += f" = {detail.value}"
    place = source = ""
    if detail is not None and detail.place is not None:
        file, number = detail.place
        place = f"{file.rpartition('/')[2]}:{number}"
        source = linecache.getline(file, number).strip()
    held = detail.held if detail is not None else ()
    return Line(index, step.task.number, what, place, source, held, step.preempts)


def _tasks(
    result: Result, seen: list[int], first: tuple[int, ...]
) -> tuple[tuple[int, str, str], ...]:
    order = dict.fromkeys([*first, *seen])
    names = names_of(result.tasks)
    return tuple((n, names[n], _chain(result.tasks, n, names)) for n in order)


def _chain(tasks: list[Task], number: int, names: dict[int, str]) -> str:
    """Who caused a task, back to ``execute``."""
    found: list[str] = []
    task = tasks[number]
    while task.number and len(found) < MOST_CAUSES:
        found.append(names[task.number])
        task = tasks[task.parent]
    if not found:
        return ""
    cut = "… -> " if task.number else "execute -> "
    return cut + " -> ".join(reversed(found))


def _cut(text: str, width: int) -> str:
    return (text if len(text) < width else text[: width - 2] + "…").ljust(width)


def _deadlock_lines(found: Deadlock) -> list[str]:
    lines = []
    for line in found.table:
        holds = f", and holds {', '.join(line.holds)}" if line.holds else ""
        by = f", held by {line.holder}" if line.holder else ""
        lines.append(f"  {line.who} {line.does} {line.what}{by}{holds}")
    return [*lines, *(f"  {text}" for text in found.queued)]


def _deadlock_data(found: Deadlock | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return found._asdict() | {"table": [line._asdict() for line in found.table]}


def steps_text(result: Result) -> tuple[str, ...]:
    """Every step in one line."""
    names = names_of(result.tasks)
    return tuple(
        f"{index} {names[step.task.number]}: {op_text(step.mode, step.obj)}"
        for index, step in enumerate(result.steps)
    )
