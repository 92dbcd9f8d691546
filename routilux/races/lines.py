"""Steps at each line of the user's code, and before each store: for what the seam cannot see.

On 3.12 and later by `sys.monitoring`, which is told of the code objects beforehand; on 3.11 by
`sys.settrace`. A step is named by the function and how far the line is into it, so that it keeps
its name when something is edited above.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from .hidden import codes_of
from .observing import Control
from .ops import LINE

if TYPE_CHECKING:
    from ..flow import Flow

_STORES = ("STORE_GLOBAL", "STORE_ATTR", "STORE_SUBSCR", "STORE_DEREF")
_TOOLS = (4, 3, 5, 2)  # ids that debuggers and coverage seldom use


class Lines:
    """Turns lines into steps, while a run lasts."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._codes: dict[CodeType, frozenset[int]] = {}
        self._told: set[CodeType] = set()
        self._tool: int | None = None

    def begin(self, flows: Iterable[Flow]) -> None:
        """The flows are built; steps begin."""
        self._codes = {
            code: _stores(code)
            for flow in flows
            for routine in flow.routines.values()
            for code in codes_of(routine)
        }
        if not hasattr(sys, "monitoring"):
            self._control.controller.tracer = self._trace
            return
        if self._tool is None:
            self._tool = _monitor(self._at_line, self._at_instruction)
        _tell_of(self._tool, self._codes.keys() - self._told, self._codes)
        self._told |= self._codes.keys()

    def end(self) -> None:
        """The run is over. Code that is told of stays so for the next run."""
        self._control.controller.tracer = None
        self._codes = {}

    def close(self) -> None:
        """There are no more runs."""
        if self._tool is not None:
            _stop_monitoring(self._tool, self._told)
            self._tool = None
            self._told.clear()

    def _step(self, code: CodeType, line: int) -> None:
        control = self._control
        task = control.controller.me()
        if task is None or not task.number or control.controller.is_busy():
            return
        control.access(LINE, (LINE, code.co_qualname, line - code.co_firstlineno))

    # 3.12 and later -------------------------------------------------------------------------------

    def _at_line(self, code: CodeType, line: int) -> Any:
        if code in self._codes:
            self._step(code, line)

    def _at_instruction(self, code: CodeType, offset: int) -> Any:
        if offset not in self._codes.get(code, ()):
            if self._codes.get(code) is None:  # not of this run
                return None
            return sys.monitoring.DISABLE  # type: ignore[attr-defined] # of 3.12
        self._step(code, _line_of(code, offset))
        return None

    # 3.11 -----------------------------------------------------------------------------------------

    def _trace(self, frame: FrameType, event: str, arg: Any) -> Any:
        stores = self._codes.get(frame.f_code)
        if stores is None:
            return None
        frame.f_trace_opcodes = bool(stores)
        return self._trace_inside

    def _trace_inside(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        if event == "line" or (event == "opcode" and frame.f_lasti in self._codes[code]):
            self._step(code, frame.f_lineno)
        return self._trace_inside


def _stores(code: CodeType) -> frozenset[int]:
    return frozenset(i.offset for i in dis.get_instructions(code) if i.opname in _STORES)


def _line_of(code: CodeType, offset: int) -> int:
    for start, end, line in code.co_lines():
        if start <= offset < end:
            return line or code.co_firstlineno
    return code.co_firstlineno


def _monitor(
    at_line: Callable[[CodeType, int], Any],
    at_instruction: Callable[[CodeType, int], Any],
) -> int:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined] # of 3.12
    tool = next((t for t in _TOOLS if monitoring.get_tool(t) is None), None)
    if tool is None:
        raise RuntimeError("all tools of sys.monitoring are in use; use granularity='api'")
    monitoring.use_tool_id(tool, "routilux")
    events = monitoring.events
    monitoring.register_callback(tool, events.LINE, at_line)
    monitoring.register_callback(tool, events.INSTRUCTION, at_instruction)
    monitoring.restart_events()
    return int(tool)


def _tell_of(tool: int, codes: Iterable[CodeType], stores: dict[CodeType, frozenset[int]]) -> None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined] # of 3.12
    events = monitoring.events
    for code in codes:
        wanted = events.LINE | events.INSTRUCTION if stores[code] else events.LINE
        monitoring.set_local_events(tool, code, wanted)


def _stop_monitoring(tool: int, codes: Iterable[CodeType]) -> None:
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined] # of 3.12
    for code in codes:
        monitoring.set_local_events(tool, code, 0)
    monitoring.free_tool_id(tool)
