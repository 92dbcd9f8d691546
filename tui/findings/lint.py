"""What a lint is, and what it is given to look at."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar

from tui.errors import did_you_mean
from tui.model.findings import Finding, Kind, Place, Severity
from tui.model.monitor import Monitor
from tui.model.names import short_thread
from tui.model.rows import Key
from tui.model.run import Run
from tui.session.messages import FlowInfo

SECOND = 1_000_000_000
#: So long what stands still is not looked at again.
_STILL = 3 * SECOND


class Look(NamedTuple):
    """The model at one moment.

    Attributes:
        monitor: all of it; only `tui.findings.overload` needs more than ``run``.
        now: of the engine's clock, ns.
        over: the script has ended and nothing runs any more: there is nothing to wait for.
    """

    monitor: Monitor
    now: int
    over: bool

    @property
    def run(self) -> Run:
        """The running generation."""
        return self.monitor.run

    @property
    def age(self) -> float:
        """Seconds since its code began to run."""
        return self.run.elapsed_ns / SECOND

    def of_flow(self, flow: FlowInfo) -> Place:
        """A flow as a place."""
        return Place(flow.id, number=flow.number)

    def of_routine(self, key: Key, port: str = "", lane: int | None = None) -> Place:
        """A routine, one of its ports, or it in a thread, as a place."""
        flow = self.run.flows.get(key[0])
        known = flow is not None and 0 <= key[1] < len(flow.routines)
        info = flow.routines[key[1]] if flow is not None and known else None
        file, line = self.run.facts.place(key, port)
        return Place(
            flow.id if flow is not None else "",
            info.id if info is not None else "?",
            port,
            self.run.lane_label(lane) if lane is not None else "",
            key,
            key[0],
            file,
            line,
        )

    def pool(self, flow: FlowInfo) -> int:
        """How many workers of a flow run a handler now."""
        return sum(
            lane.running is not None
            for lane in self.run.facts.lanes.values()
            if lane.flow == flow.number and is_worker(lane.name)
        )

    def pools(self) -> Iterator[FlowInfo]:
        """The flows that have threads."""
        return (flow for flow in self.run.flows.values() if flow.strategy == "concurrent")


def is_worker(thread: str) -> bool:
    """Whether a thread is one of a pool, by its name."""
    short = short_thread(thread)
    return short[:1] == "w" and short[1:].isdigit()


class Lint:
    """One kind of finding. Kept from look to look for as long as a generation runs.

    Args:
        limits: its thresholds, all of those in ``defaults``.

    Attributes:
        id, title, severity: of its findings.
        defaults: its thresholds by name; ``seconds`` is how long something must go on.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    severity: ClassVar[Severity] = Severity.WARNING
    defaults: ClassVar[Mapping[str, float]] = {}

    def __init__(self, limits: Mapping[str, float] | None = None) -> None:
        self.limits = {**self.defaults, **(limits or {})}

    def note(self, look: Look) -> None:
        """Take in a look; called for each snapshot."""

    def judge(self, look: Look) -> Iterable[Finding]:
        """What is found now; called about twice a second of model time."""
        raise NotImplementedError  # pragma: no cover - abstract

    @property
    def span(self) -> int:
        """How long something must go on, ns."""
        return round(self.limits["seconds"] * SECOND)

    def found(
        self, place: Place, evidence: Iterable[str], reason: str, action: str, **more: Any
    ) -> Finding:
        """A finding of this lint."""
        more = {"severity": self.severity, "kind": Kind.LINT} | more
        title = more.pop("title", self.title)
        return Finding(self.id, title, place, tuple(evidence), reason, action, **more)


class Still(Lint):
    """A lint of what stands still: the wiring and the source. Judged anew when they change, and
    now and then for the counts that it tells.
    """

    def __init__(self, limits: Mapping[str, float] | None = None) -> None:
        super().__init__(limits)
        self._of: object = None
        self._at = 0
        self._last: list[Finding] = []

    def judge(self, look: Look) -> Iterable[Finding]:
        """What was found last, or what is found now."""
        run = look.run
        of = (run.wiring, run.facts.version, look.over, look.age >= self.limits.get("seconds", 0))
        if of != self._of or look.now - self._at > _STILL:
            self._of, self._at = of, look.now
            self._last = list(self.inspect(look))
        return self._last

    def inspect(self, look: Look) -> Iterable[Finding]:
        """What is found now."""
        raise NotImplementedError  # pragma: no cover - abstract


T = TypeVar("T")


class Stretch(Generic[T]):
    """What was seen over the last stretch of time.

    Args:
        span: how long that is, ns.
    """

    def __init__(self, span: int) -> None:
        self._span = span
        self._seen: deque[tuple[int, T]] = deque()

    def add(self, now: int, value: T) -> None:
        """See something; what is older than the stretch, but for the last of it, is forgotten."""
        seen = self._seen
        seen.append((now, value))
        while len(seen) > 2 and seen[1][0] <= now - self._span:
            seen.popleft()

    def clear(self) -> None:
        """Begin anew."""
        self._seen.clear()

    def is_due(self, now: int) -> bool:
        """Whether a twentieth has passed since the last: enough for what is dear to look at."""
        return not self._seen or now - self._seen[-1][0] >= self._span // 20

    @property
    def is_full(self) -> bool:
        """Whether it reaches as far back as it should."""
        seen = self._seen
        return len(seen) > 1 and seen[-1][0] - seen[0][0] >= self._span

    @property
    def ends(self) -> tuple[tuple[int, T], tuple[int, T]]:
        """The first and the last, with their times. There must be one."""
        return self._seen[0], self._seen[-1]

    def __iter__(self) -> Iterator[T]:
        return (value for _, value in self._seen)

    def __len__(self) -> int:
        return len(self._seen)


def meant(word: str, ids: Collection[str]) -> str:
    """``; did you mean 'L06'?`` for ``L6``, ``l06``, ``06``, or for what is near by letters."""
    digits = word.strip().lstrip("Ll")
    ident = f"L{int(digits):02}" if digits.isdecimal() and len(digits) < 9 else ""
    return f"; did you mean {ident!r}?" if ident in ids else did_you_mean(word, ids)


def seconds(ns: float) -> str:
    """A time in a sentence: ``5.2 s``, ``180 ms``."""
    value = ns / SECOND
    if value >= 1:
        return f"{value:,.1f} s"
    return f"{value * 1000:.0f} ms" if value >= 0.001 else f"{value * 1e6:.0f} us"


def several(number: int, what: str) -> str:
    """``1 job``, ``2 jobs``, ``12,000 jobs``."""
    plural = what.removesuffix("y") + "ies" if what.endswith("ry") else f"{what}s"
    return f"{number:,} {what if number == 1 else plural}"
