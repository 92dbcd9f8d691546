"""Who waits where it should not, or does not where it should: L02, L03 and L14."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tui.model.findings import Finding, Place, Severity
from tui.model.rows import Key
from tui.session.factual import ThreadLook

from .lint import SECOND, Lint, Look, seconds, several


class NoWait(Lint):
    """The script ended while jobs were open: under plain Python they die with their threads."""

    id = "L02"
    title = "execute without wait"
    severity = Severity.ERROR
    defaults: ClassVar = {"jobs": 1}

    def judge(self, look: Look) -> Iterator[Finding]:
        """Look at how the script has left its flows."""
        for end in look.run.facts.ends.values():
            flow = look.run.flows.get(end.number)
            if flow is not None and end.open_jobs >= self.limits["jobs"]:
                yield self.found(
                    look.of_flow(flow),
                    [f"{several(end.open_jobs, 'job')} still open when the script had ended"],
                    "python FILE ends there, and with it the worker threads: that work is lost",
                    "call flow.wait_for_completion() before the end, or job.wait()",
                    numbers={"jobs": end.open_jobs},
                    goal="jobs",
                )


class NoShutdown(Lint):
    """The script ended and its pool was still up."""

    id = "L03"
    title = "pool never shut down"

    def judge(self, look: Look) -> Iterator[Finding]:
        """Look at how the script has left its flows."""
        for end in look.run.facts.ends.values():
            flow = look.run.flows.get(end.number)
            if flow is not None and end.pool:
                yield self.found(
                    look.of_flow(flow),
                    [f"its pool of {several(flow.workers, 'worker')} was up when the script ended"],
                    "in a program that goes on, each such flow keeps threads and what they hold",
                    "call flow.shutdown(wait=True) when the flow is not needed any more",
                    numbers={"workers": flow.workers},
                    goal="workers",
                )


class WaitInHandler(Lint):
    """A handler waits for a flow, or shuts one down, while it holds a worker of it."""

    id = "L14"
    title = "wait or shutdown in a handler"
    defaults: ClassVar = {"seconds": 0.5}

    def __init__(self, limits: dict[str, float] | None = None) -> None:
        super().__init__(limits)
        self._since: dict[int, tuple[tuple[str, Key], int]] = {}  # by lane
        self._seen: dict[Key, tuple[ThreadLook, int]] = {}  # the longest that was seen of each

    def note(self, look: Look) -> None:
        """See since when each thread is in a call that waits."""
        facts = look.run.facts
        for lane, thread in facts.threads.items():
            state = facts.lanes.get(lane)
            key = None
            if state is not None and state.running is not None:
                key = look.run.edge_target(state.running[0])
            if key is None or not thread.waits or thread.waits == "lock":
                self._since.pop(lane, None)
                continue
            what = (thread.waits, key)
            before, since = self._since.get(lane, (None, 0))
            if before != what:
                since = look.now
            self._since[lane] = (what, since)
            longest = self._seen.get(key, (thread, 0))[1]
            if look.now - since >= max(longest, self.span):
                self._seen[key] = (thread, look.now - since)

    def judge(self, look: Look) -> Iterator[Finding]:
        """What was refused, what was seen, and what the source says."""
        for group in look.run.failures.groups():
            if group.place.kind == "SelfDeadlockError" and group.key[0] in look.run.flows:
                yield self._refused(look, group.key, group.place.file, group.place.line)
        for key, (thread, longest) in self._seen.items():
            if key[0] in look.run.flows:
                yield self._waited(look, key, thread, longest)
        for flow in look.run.facts.flows.values():
            for routine in flow.routines:
                if routine.waits and flow.number in look.run.flows:
                    yield self._written(look, (flow.number, routine.number), routine.waits[0])

    def _refused(self, look: Look, key: Key, file: str, line: int) -> Finding:
        place = _at(look.of_routine(key), file, line)
        return self.found(
            place,
            [f"the engine refused the call at {place.source}: SelfDeadlockError"],
            "the handler would wait for itself for ever",
            _INSTEAD,
            severity=Severity.ERROR,
            goal="errors",
        )

    def _waited(self, look: Look, key: Key, thread: ThreadLook, longest: int) -> Finding:
        place = _at(look.of_routine(key, lane=thread.lane), thread.file, thread.line)
        nested = thread.waits == "JobState.wait"
        return self.found(
            place,
            [f"{thread.function} was in {thread.waits} for {seconds(longest)}, at {place.source}"],
            "a thread of the pool is held while it waits, and its messages with it",
            _INSTEAD,
            severity=Severity.NOTE if nested else Severity.WARNING,
            numbers={"seconds": longest / SECOND},
        )

    def _written(self, look: Look, key: Key, call: tuple[str, str, int, str]) -> Finding:
        what, file, line, function = call
        place = _at(look.of_routine(key), file, line)
        return self.found(
            place,
            [f"{function}() calls {what}, at {place.source}"],
            "in a handler of the same flow it would wait for itself, in one of another it holds "
            "a worker",
            _INSTEAD,
            suspected=True,
        )


_INSTEAD = (
    "emit an event and go on in its receiver; wait and shut down where the flow is executed from"
)


def _at(place: Place, file: str, line: int) -> Place:
    """The same place, at another line."""
    if not file:
        return place
    return Place(
        place.flow, place.routine, place.port, place.worker, place.key, place.number, file, line
    )
