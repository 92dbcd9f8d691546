"""ConditionalRouter: each message takes the way whose condition it meets."""

from __future__ import annotations

import threading
from typing import Any

from ._base import Builtin, Function


class ConditionalRouter(Builtin):
    """Sends data to the event of the route whose condition it meets.

    Slot: ``input``. Events: one per route, named like it, with ``data`` and ``route``; ``output``
    with route ``"unmatched"`` for what meets no condition when there is no default route.

    Config:
        routes ([]): pairs ``(name, condition)``, tried in order; see also `add_route`. A condition
            is a function of the data (parameters ``config`` and ``stats`` get those too), the text
            of an expression over ``data``, ``config`` and ``stats``, or a dict
            ``{field: value or function of the value}``.
        default_route (None): the event for what meets no condition.
        route_priority ("first_match"): ``"first_match"`` or ``"all"`` routes that match.

    Example:
        >>> from routilux import Flow
        >>> from routilux.builtin import ConditionalRouter, Mapper
        >>> flow, sort, show = Flow("orders"), ConditionalRouter(), Mapper()
        >>> sort.add_route("large", "data.amount > 100")
        >>> sort.add_route("gift", {"kind": "gift"})
        >>> show.set_config(function=lambda data, config: print(config["label"], data))
        >>> show.set_config(label="large:")
        >>> flow.add_routine(sort, "sort"), flow.add_routine(show, "show")
        ('sort', 'show')
        >>> edge = flow.connect("sort", "large", "show", "input")
        >>> for amount in (50, 500):
        ...     order = {"amount": amount, "kind": "book"}
        ...     job = flow.execute("sort", {"data": order}, entry_slot="input")
        large: {'amount': 500, 'kind': 'book'}
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.RLock()  # guards the list of routes and the making of their events
        self.define_slot("input", handler=self.handle)
        self.define_event("output", ["data", "route"])
        self.set_config(routes=[], default_route=None, route_priority="first_match")

    def add_route(self, name: str, condition: Any) -> None:
        """Add a route behind the others.

        Args:
            name: of the route and of its event.
            condition: a function, an expression or a dict; see the class.

        Raises:
            RoutiluxError: the condition is none of these, or a wrong expression.
        """
        self._condition(f"routes[{name!r}]", condition)
        with self._lock:
            self.set_config(routes=[*self._routes(), (name, condition)])

    def set_config(self, **values: Any) -> None:
        """Set configuration values; routes get their events, so that they can be connected."""
        super().set_config(**values)
        routes = values.get("routes")
        for route in routes if isinstance(routes, list | tuple) else ():
            if _is_route(route):
                self._make_event(route[0])
        if isinstance(values.get("default_route"), str):
            self._make_event(values["default_route"])

    def handle(self, **message: Any) -> None:
        """Send a message on by its route or routes."""
        data = self._received(message)
        names = self._tracked("route", self._matching, data)
        default = self.get_config("default_route")
        if default is not None and not isinstance(default, str):
            raise self._refusal("default_route", default, "a name or None")
        for name in names or ([default] if default is not None else []):
            self._make_event(name)
            self.emit(name, data=data, route=name)
        if not names and default is None:
            self.emit("output", data=data, route="unmatched")

    def _matching(self, data: Any) -> list[str]:
        first = self._read_choice("route_priority", "first_match", "all") == "first_match"
        names: list[str] = []
        for name, meets in self._conditions():
            try:
                matches = meets(data)
            except Exception as error:
                error.add_note(f"in the condition of route {name!r} of {self._where()}")
                raise
            if matches:
                names.append(name)
                if first:
                    break
        return names

    def _conditions(self) -> list[tuple[str, Function]]:
        """All of them before any is tried, so that a wrong one shows with the first message."""
        return [(name, self._condition(f"routes[{name!r}]", c)) for name, c in self._routes()]

    def _routes(self) -> list[tuple[str, Any]]:
        routes = self.get_config("routes")
        if not isinstance(routes, list | tuple) or not all(map(_is_route, routes)):
            raise self._refusal("routes", routes, "a list of pairs (name, condition)")
        return [(name, condition) for name, condition in routes]

    def _make_event(self, name: str) -> None:
        with self._lock:
            if self.get_event(name) is None:
                self.define_event(name, ["data", "route"])


def _is_route(route: Any) -> bool:
    return isinstance(route, list | tuple) and len(route) == 2 and isinstance(route[0], str)
