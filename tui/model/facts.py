"""What only findings need: facts of the source, the last look at threads, how the script ended."""

from __future__ import annotations

from tui.session.factual import FlowEnd, FlowFacts, PortFacts, RoutineFacts, ThreadLook
from tui.session.messages import LaneState, Snapshot

from .rows import Key


class Facts:
    """The facts of one generation, as of its last snapshot.

    Attributes:
        flows: by number.
        threads: the last look at each thread, by lane.
        lanes: what each thread runs, by lane.
        ends: how the script left its flows, by number; empty before it has ended by itself.
        version: counts up when the facts of flows are told anew.
    """

    def __init__(self) -> None:
        self.flows: dict[int, FlowFacts] = {}
        self.threads: dict[int, ThreadLook] = {}
        self.lanes: dict[int, LaneState] = {}
        self.ends: dict[int, FlowEnd] = {}
        self.version = 0
        self._routines: dict[Key, RoutineFacts] = {}

    def take(self, snapshot: Snapshot) -> None:
        """Fold in what a snapshot brought."""
        if snapshot.facts is not None:
            self.version += 1
            self.flows = {facts.number: facts for facts in snapshot.facts}
            self._routines = {
                (facts.number, routine.number): routine
                for facts in snapshot.facts
                for routine in facts.routines
            }
        self.threads = {look.lane: look for look in snapshot.threads}
        self.lanes = {lane.number: lane for lane in snapshot.lanes}
        self.ends = {end.number: end for end in snapshot.ends}

    def routine(self, key: Key) -> RoutineFacts | None:
        """What is known of a routine; None if nothing is."""
        return self._routines.get(key)

    def place(self, key: Key, port: str = "") -> tuple[str, int]:
        """File and line of a routine's class, or of the definition of one of its ports."""
        found = self.routine(key)
        if found is None:
            return "", 0
        ports: tuple[PortFacts, ...] = (*found.slots, *found.events) if port else ()
        where = next(((p.file, p.line) for p in ports if p.name == port and p.line), None)
        return where or (found.file, found.line)
