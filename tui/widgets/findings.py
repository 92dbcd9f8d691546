"""Findings: pane 8, and on their own screen the list and what is known of the chosen one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from tui.model.findings import Board, Finding, Kind, Severity
from tui.model.monitor import Monitor
from tui.model.table import Table
from tui.paint.canvas import Row, clean, fit, measure
from tui.paint.numbers import count, duration_ns

from .box import Box, TableBox
from .pane import Pane

#: Sign and role by severity: the sign is told by its shape, the role colours it.
_SIGNS = {
    Severity.ERROR: ("x", "bad"),
    Severity.WARNING: ("!", "warn"),
    Severity.NOTE: ("-", "text"),
}
_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
_KINDS = (
    (Kind.RACE, "race", "races"),
    (Kind.ERROR, "error", "errors"),
    (Kind.LINT, "lint", "lints"),
)


def sign(finding: Finding) -> tuple[str, str]:
    """A sign for how much a finding matters, and the role in which it stands out."""
    if finding.kind is Kind.RACE:
        return "x", "bad"
    return _SIGNS[finding.severity]


def told(board: Board) -> str:
    """How many there are of each kind, and how many are muted or allowed."""
    counts = [(board.count(kind), one, more) for kind, one, more in _KINDS]
    parts = [f"{number} {one if number == 1 else more}" for number, one, more in counts if number]
    if board.hidden:
        parts.append(f"{board.hidden} muted")
    if board.allowed:
        parts.append(f"{board.allowed} allowed")
    return "  ".join(parts)


class FindingsPane(Pane):
    """Pane 8: the findings in order of rank, a line each."""

    number = 8
    has_cursor: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[Finding] = []

    def title(self, monitor: Monitor) -> str:
        """How many there are."""
        return told(monitor.findings)

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per finding."""
        self._shown = monitor.findings.ranked()
        if not self._shown:
            return (((" nothing looks wrong", ("muted",)),),)
        titles = min(max(measure(_quiet(f)) for f in self._shown), max(12, width * 2 // 3))
        return [_line(finding, width, titles) for finding in self._shown]

    @property
    def chosen(self) -> Finding | None:
        """The finding under the cursor."""
        return self._shown[self.cursor] if self.cursor < len(self._shown) else None


def _quiet(finding: Finding) -> str:
    """The title of one that is not so any more says so."""
    return finding.title if finding.active else f"{finding.title} (was)"


def _line(finding: Finding, width: int, titles: int) -> Row:
    """The place gets what the title leaves."""
    mark, role = sign(finding)
    room, place = width - titles - 9, finding.place.name
    shown = f" {fit(place, min(measure(place), room))}" if room > 3 else ""
    return (
        (f" {mark} ", (role,)),
        (f"{fit(finding.id, 3)} ", ("strong",)),
        (fit(_quiet(finding), titles), ("text" if finding.active else "muted",)),
        (shown, ("muted",)),
    )


class FindingsBox(TableBox):
    """All findings, the gravest first; those that are muted too if they are asked for.

    Attributes:
        with_muted: whether muted ones are listed, at the end.
    """

    label = "Findings"
    ident = "findings-list"

    def __init__(self) -> None:
        super().__init__()
        self.with_muted = False
        self._shown: list[Finding] = []

    def title(self, monitor: Monitor) -> str:
        """How many there are of each kind."""
        return told(monitor.findings)

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """A row per finding."""
        board = monitor.findings
        self._shown = board.ranked(muted=self.with_muted)
        self.keep([finding.key for finding in self._shown])
        if not self._shown:
            more = f"; {board.hidden} muted, v lists them" if board.hidden else ""
            return (self.hint(f"nothing looks wrong{more}"),)
        titles = min(max(4, *(measure(_title(f, board)) for f in self._shown)), max(14, width // 2))
        head = f"     ID   {'LAST':>5} {'TIMES':>5}  {fit('WHAT', titles)} WHERE"
        lines: list[Row] = [((head, ("muted",)),)]
        lines += [
            self._row(monitor, finding, line, (titles, width - titles - 27))
            for line, finding in enumerate(self._shown, 1)
        ]
        return lines

    def _row(self, monitor: Monitor, finding: Finding, line: int, cells: tuple[int, int]) -> Row:
        mark, role = sign(finding)
        muted = finding.key in monitor.findings.muted
        last = "now" if finding.active else duration_ns(max(0, monitor.run.now - finding.last))
        plain = "muted" if muted or not finding.active else "text"
        where = finding.place
        place = f"{where.name}  {where.source}" if where.source != where.name else where.name
        return (
            self.marker(line),
            (f" {mark} ", ("muted" if muted else role,)),
            (f"{fit(finding.id, 4)} ", ("strong" if plain == "text" else "muted",)),
            (f"{last:>5} {count(finding.count):>5}  ", (plain,)),
            (f"{fit(_title(finding, monitor.findings), cells[0])} ", (plain,)),
            (
                fit(place, min(measure(place), max(4, cells[1]))),
                ("muted" if plain == "muted" else "accent",),
            ),
        )

    @property
    def chosen(self) -> Finding | None:
        """The finding under the cursor."""
        return next((f for f in self._shown if f.key == self.ident_at_cursor), None)

    def table(self, monitor: Monitor) -> Table | None:
        """All of them, with what they say."""
        header = ("id", "severity", "what", "flow", "where", "file", "line", "count", "active")
        rows = [
            (f.id, _WORDS[f.severity], f.title, f.place.flow, f.place.name, f.place.file,
             f.place.line or None, f.count, f.active, "; ".join(f.evidence),
             monitor.findings.muted.get(f.key, ""))
            for f in monitor.findings.ranked(muted=True)
        ]  # fmt: skip
        return Table("findings", (*header, "evidence", "muted"), rows)


def _title(finding: Finding, board: Board) -> str:
    if finding.key in board.muted:
        return f"{finding.title} (muted)"
    return f"{finding.title} (suspected)" if finding.suspected else finding.title


class FindingBox(Box):
    """What is known of one finding: evidence, reason, what to do, when it was seen.

    Attributes:
        finding: which one.
    """

    label = "Why"
    ident = "finding"

    def __init__(self) -> None:
        super().__init__()
        self.finding: Finding | None = None

    def title(self, monitor: Monitor) -> str:
        """Its id and place."""
        return f"{self.finding.id} {clean(self.finding.place.name)}" if self.finding else ""

    def rows(self, monitor: Monitor, width: int, height: int) -> Sequence[Row]:
        """Paragraphs, wrapped."""
        if self.finding is None:
            return ()
        return list(_paragraphs(monitor, self.finding, width))

    def table(self, monitor: Monitor) -> Table | None:
        """The paragraphs as they stand."""
        if self.finding is None:
            return None
        rows = _paragraphs(monitor, self.finding, 100)
        lines = ["".join(text for text, _ in row).strip() for row in rows]
        return Table("finding", ("line",), [(line,) for line in lines])


def _paragraphs(monitor: Monitor, finding: Finding, width: int) -> Iterator[Row]:
    mark, role = sign(finding)
    title = f"{finding.title}: suspected" if finding.suspected else finding.title
    yield ((f" {mark} ", (role,)), (clean(f"{finding.id} {title}"), ("strong",)))
    place = finding.place
    at = "  ".join(part for part in (place.name, place.worker, place.source) if part)
    yield from _wrapped("", [at], width, "accent")
    yield from _wrapped("seen", finding.evidence, width, "text")
    yield from _wrapped("why", [finding.reason], width, "text")
    yield from _wrapped("do", [finding.action], width, "good")
    yield from _wrapped("when", [_when(monitor, finding)], width, "muted")
    muted = monitor.findings.muted.get(finding.key)
    if muted is not None:
        yield from _wrapped("muted", [muted or "no reason given"], width, "warn")
    elif finding.kind is Kind.LINT:
        hint = f"M mutes it here; `# routilux: allow({finding.id}: reason)` in the source"
        yield from _wrapped("", [hint], width, "muted")


def _when(monitor: Monitor, finding: Finding) -> str:
    origin = monitor.run.origin
    first, last = (max(0, time - origin) / 1e9 for time in (finding.first, finding.last))
    again = f", began {finding.count} times" if finding.count > 1 else ""
    end = "still so" if finding.active else f"last at {last:.1f} s"
    return f"since {first:.1f} s of the run, {end}{again}"


_LABEL = 7


def _wrapped(label: str, texts: Iterable[str], width: int, role: str) -> Iterator[Row]:
    """Texts as lines behind a label, each on lines of its own."""
    head = label
    for text in texts:
        for line in wrap(clean(text), max(12, width - _LABEL - 2)):
            yield ((f" {head:<{_LABEL}}", ("muted",)), (line, (role,)))
            head = ""


def wrap(text: str, width: int) -> Iterator[str]:
    """Lines of at most so many cells, cut between words, or in a word that is longer.

    A number keeps its unit.
    """
    line = ""
    for word in _words(text):
        while measure(word) > width:
            if line:
                yield line
                line = ""
            piece = fit(word, width, mark="").rstrip()
            yield piece
            word = word[len(piece) :]  # noqa: PLW2901 - the rest of it
        if line and measure(line) + 1 + measure(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        yield line


def _words(text: str) -> list[str]:
    found: list[str] = []
    for word in text.split():
        if found and word.rstrip(",.;:") in ("s", "ms", "us") and found[-1][-1:].isdigit():
            found[-1] += f" {word}"
        else:
            found.append(word)
    return found
