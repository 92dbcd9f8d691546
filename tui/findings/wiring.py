"""What is wrong with how a flow is put together: L05 and L08. Known before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from tui.model.findings import Finding, Severity
from tui.model.rows import Key
from tui.session.factual import FlowFacts
from tui.session.messages import EXECUTE, EdgeInfo, FlowInfo, RoutineInfo

from .lint import Look, Still

#: The slot by which `execute` enters if it is told no other: it needs no connection.
_ENTRY = "trigger"


class Dangling(Still):
    """An event without receiver, a slot without source, an island, a parameter nobody sends.

    In a flow without any connection nothing is wired on purpose, and what its routines emit is for
    who looks at it.
    """

    id = "L05"
    title = "loose end in the wiring"
    #: So long the wiring may take; afterwards a slot that was executed has an edge.
    defaults: ClassVar = {"seconds": 1.0}

    def inspect(self, look: Look) -> Iterator[Finding]:
        """Look at every flow whose wiring has had its time."""
        if look.age < self.limits["seconds"] and not look.over:
            return
        for flow in look.run.flows.values():
            if not any(edge.source >= 0 for edge in flow.edges):
                continue
            yield from self._ports(look, flow)
            yield from self._islands(look, flow)
            facts = look.run.facts.flows.get(flow.number)
            if facts is not None:
                yield from self._params(look, flow, facts)

    def _ports(self, look: Look, flow: FlowInfo) -> Iterator[Finding]:
        heard = {edge.event_number for edge in flow.edges if edge.source >= 0}
        fed = {(edge.target, edge.slot) for edge in flow.edges}
        for routine in flow.routines:
            key = (flow.number, routine.number)
            for number, event in routine.events:
                if number not in heard:
                    yield self._unheard(look, key, number, event)
            for slot in routine.slots:
                if slot.name != _ENTRY and (routine.number, slot.name) not in fed:
                    yield self._unfed(look, key, slot.name)

    def _unheard(self, look: Look, key: Key, number: int, event: str) -> Finding:
        lost = look.run.emitted(number)
        place = look.of_routine(key, event)
        evidence = [f"event {place.name!r} is connected to no slot"]
        if lost:
            evidence.append(f"it was emitted {lost:,} times, to nobody")
        return self.found(
            place,
            evidence,
            "what is emitted there goes nowhere, and nothing says so",
            f"connect it, or remove define_event({event!r}); allow it where it is meant so",
            title="event without receiver",
            numbers={"emitted": lost},
            severity=Severity.WARNING if lost else Severity.NOTE,
            goal="topology",
        )

    def _unfed(self, look: Look, key: Key, slot: str) -> Finding:
        place = look.of_routine(key, slot)
        return self.found(
            place,
            [f"slot {place.name!r} has no connection, and no job came in there"],
            "its handler is never called",
            f"connect an event to it, execute it with entry_slot={slot!r}, or remove it",
            title="slot without source",
            goal="topology",
        )

    def _islands(self, look: Look, flow: FlowInfo) -> Iterator[Finding]:
        """Routines that have sources, all of which no job can reach."""
        entered = {edge.target for edge in flow.edges if edge.event == EXECUTE and edge.source < 0}
        fed = {edge.target for edge in flow.edges if edge.source >= 0}
        leads: dict[int, list[int]] = {}
        for edge in flow.edges:
            leads.setdefault(edge.source, []).append(edge.target)
        reached = {r.number for r in flow.routines if r.number in entered or _begins(r)}
        todo = list(reached)
        while todo:
            new = set(leads.get(todo.pop(), ())) - reached
            reached |= new
            todo += new
        islanders = [r for r in flow.routines if r.number not in reached]
        for routine in islanders:
            if routine.number not in fed:
                continue  # said already: its slots have no source
            place = look.of_routine((flow.number, routine.number))
            names = ", ".join(r.id for r in islanders[:6])
            yield self.found(
                place,
                [f"no routine where a job begins leads to {place.name!r}", f"cut off: {names}"],
                "nothing ever arrives there",
                "connect one of them to the rest, or execute one of them",
                title="routine that nothing reaches",
                goal="topology",
            )

    def _params(self, look: Look, flow: FlowInfo, facts: FlowFacts) -> Iterator[Finding]:
        """Handlers that need a name which the event does not say it sends."""
        sends = {(r.number, e.name): e.params for r in facts.routines for e in r.events}
        needs = {(r.number, s.name): s.params for r in facts.routines for s in r.slots}
        for edge in flow.edges:
            sent = sends.get((edge.source, edge.event), ())
            wanted = needs.get((edge.target, edge.slot), ())
            arriving = _arriving(edge, sent, facts)
            missing = [name for name in wanted if name not in arriving]
            if sent and missing:
                yield self._missing(look, flow, edge, missing, sorted(arriving))

    def _missing(
        self, look: Look, flow: FlowInfo, edge: EdgeInfo, missing: list[str], arriving: list[str]
    ) -> Finding:
        place = look.of_routine((flow.number, edge.target), edge.slot)
        source = look.of_routine((flow.number, edge.source), edge.event).name
        return self.found(
            place,
            [
                f"the handler of {place.name!r} must get {', '.join(missing)}",
                f"{source!r} says that it sends {', '.join(arriving)}",
            ],
            "a call without them fails with a TypeError",
            "send them, give the parameters defaults, or rename with param_mapping",
            title="parameters that do not meet",
            suspected=True,
            more=f"<- {source}",
            goal="topology",
        )


def _begins(routine: RoutineInfo) -> bool:
    """Whether jobs may begin at a routine; one without slots is told from outside what to emit."""
    return not routine.slots or any(slot.name == _ENTRY for slot in routine.slots)


def _arriving(edge: EdgeInfo, sent: tuple[str, ...], facts: FlowFacts) -> set[str]:
    """What a slot gets by name, after the connection has renamed it."""
    renamed = {old: new for number, old, new in facts.renamed if number == edge.number}
    return {renamed.get(name, name) for name in sent}


class Unsavable(Still):
    """Constructor arguments, or attributes set from outside: a saved flow comes back without."""

    id = "L08"
    title = "configuration that is not saved"

    def inspect(self, look: Look) -> Iterator[Finding]:
        """Look at what is known of every routine."""
        for flow in look.run.facts.flows.values():
            for routine in flow.routines:
                key = (flow.number, routine.number)
                if key[0] not in look.run.flows:
                    continue
                if routine.required or routine.optional:
                    yield self._constructor(look, key, routine.required, routine.optional)
                if routine.loose:
                    yield self._loose(look, key, routine.loose)

    def _constructor(
        self, look: Look, key: Key, required: tuple[str, ...], optional: tuple[str, ...]
    ) -> Finding:
        names = ", ".join((*required, *optional))
        reason = (
            "Flow.serialize() refuses it: nobody could make the routine again"
            if required
            else "a flow that is loaded makes the routine with the defaults"
        )
        return self.found(
            look.of_routine(key),
            [f"its constructor takes {names}"],
            reason,
            "take no arguments; set_config() and get_config() instead, which are saved",
            title="constructor arguments",
            severity=Severity.WARNING if required else Severity.NOTE,
            suspected=not required,
        )

    def _loose(self, look: Look, key: Key, names: tuple[str, ...]) -> Finding:
        return self.found(
            look.of_routine(key),
            [f"no method of its class sets {', '.join(names)}: that was done from outside"],
            "only config, statistics and fields named in add_serializable_fields() are saved",
            f"use set_config({names[0]}=...), or name it in add_serializable_fields()",
            title="config outside set_config",
            severity=Severity.NOTE,
            suspected=True,
            more="attributes",
        )
