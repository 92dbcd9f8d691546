"""Random keys, texts, pastes, mouse events, escape sequences and sizes, the same for a seed."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from textual import events
from textual._xterm_parser import XTermParser

from tests.tui.building import MS, CannedSession
from tests.tui.screens.causal import NAMES, Depot
from tests.tui.screens.driving import Driver, drive
from tests.tui.screens.screen_text import screen_strips
from tests.tui.screens.test_screen_names import STRANGE
from tui.app import MonitorApp
from tui.escape import _parser
from tui.keys import DETAIL, ERRORS, JOBS, LIVE, MAP, VALUES
from tui.session.events import Output
from tui.session.messages import Answer, AskStack, Control, Pull, Snapshot, StackLine
from tui.session.source import Source

KEYS = sorted(
    {
        key
        for actions in (MAP, DETAIL, VALUES, JOBS, ERRORS, LIVE)
        for action in actions
        for key in action.keys.split(",")
    }
    | {"backspace", "delete", "ctrl+a", "ctrl+k", "shift+left", "f1", "f12", "ctrl+c", "insert"}
)
TEXTS = [
    "routine:a* & wait>5ms", "((", "/[/", "error | ", "gen:", "[/b]", '"', "é注\u0301",
    "\u05d4\u05d6", *STRANGE.values(),
]  # fmt: skip
#: What a terminal sends: mouse, arrows with modifiers, focus, pieces of these, and noise.
SEQUENCES = [
    "\x1b[A", "\x1b[1;5C", "\x1b[<0;5;5M", "\x1b[<0;5;5m", "\x1b[<64;300;300M", "\x1b[I", "\x1b[O",
    "\x1bOP", "\x1b[", "\x1b", "\x1b\x1b", "\x1b[200~a\x1b[201~", "\x1b[200~", "\x1b[201~",
    "\x1b]52;c;x\x07", "\x1b[?2026;2$y", "\x1b[99999999;1u", "\x00", "\x7f", "\x1b[97;5u", "\x1bx",
    "\x1b[<35;1;1M", "\x1b[M   ",
]  # fmt: skip
#: What the program reads keys with; nothing stands behind it, so what is begun stays so.
Parser = _parser(XTermParser, os.open(os.devnull, os.O_RDONLY))
Step = tuple[str, Any]


def steps(seed: int) -> Iterator[Step]:
    """What is done, without an end."""
    dice = random.Random(seed)
    while True:
        kind = dice.choices(
            ("key", "text", "paste", "mouse", "sequence", "resize", "tick"),
            (60, 4, 2, 12, 4, 6, 12),
        )[0]
        match kind:
            case "key":
                yield kind, dice.choice(KEYS)
            case "text" | "paste":
                yield kind, dice.choice(TEXTS)
            case "mouse":
                what = dice.choice(("down", "up", "click", "wheel", "move"))
                yield kind, (what, dice.randrange(300), dice.randrange(80), dice.choice((1, 2, 3)))
            case "sequence":
                yield kind, dice.choice(SEQUENCES)
            case "resize":
                small = dice.random() < 0.3
                width = dice.randint(1, 20 if small else 300)
                yield kind, (width, dice.randint(1, 8 if small else 80))
            case "tick":
                yield kind, None


class Busy(CannedSession):
    """A flow with strange names that never ends, loses records, fails and is reloaded."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(label=names[0])
        self._depot = Depot(names)
        self._dice = random.Random(0)
        self._jobs = 0
        self._name = names[-1]

    async def pull(self, pull: Pull, patience: float) -> Snapshot | None:
        depot, dice = self._depot, self._dice
        self._jobs += 1
        depot.job(self._jobs)
        depot.run(depot.world.now + dice.randint(1, 40) * MS)
        depot.world.lose(dice.choice((0, 0, 3)))
        text = f"{self._name} {self._jobs}\n".encode("utf-8", "replace")
        self.on_event(Output(1, text, dice.random() < 0.2))
        return depot.world.snapshot(histograms=pull.histograms)

    async def ask(self, request: Control | AskStack, patience: float) -> Answer | None:
        await super().ask(request, patience)
        line = StackLine(f"/{self._name}.py", 3, self._name, self._name)
        return self._dice.choice((None, Answer(1, self._name, stack=(line,), thread="[x]")))


def strange_names(seed: int) -> tuple[str, ...]:
    """Six names that no two routines share; some of them as plain as usual."""
    dice = random.Random(seed)
    return tuple(f"{dice.choice(list(STRANGE.values()))}{n}" for n in range(len(NAMES)))


def fuzz(source: Source, seed: int, count: int, patch: pytest.MonkeyPatch) -> None:
    """Do the first ``count`` steps of a seed; fails with the last ones and how to repeat them."""
    done: deque[str] = deque(maxlen=25)
    troubles: list[str] = []
    handler = _Collecting(troubles)

    async def stay(_app: MonitorApp) -> None:
        """In place of leaving."""

    async def script(d: Driver) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: troubles.append(str(context)))
        for number, step in zip(range(count), steps(seed), strict=False):
            done.append(f"{number}: {step[0]} {step[1]!r}")
            await _do(d, step, settle=number % 4 == 3)
            assert not d.app._exit, "it has left"
            assert d.app._exception is None
            assert not troubles, troubles
        await d.resize(120, 40)
        await d.tick()
        lines = screen_strips(d.app)
        assert len(lines) == 40
        assert any(line.text.strip() for line in lines)

    patch.setattr(MonitorApp, "action_quit", stay)
    logging.getLogger().addHandler(handler)
    try:
        drive(script, source)
    except BaseException as error:
        again = f"ROUTILUX_FUZZ={seed}:{count} pytest -k fuzz tests/tui/screens"
        error.add_note("\n".join([f"seed {seed}; {again}", "the last steps:", *done]))
        raise
    finally:
        logging.getLogger().removeHandler(handler)
    assert not troubles, troubles


async def _do(d: Driver, step: Step, *, settle: bool) -> None:
    kind, what = step
    match kind:
        case "key":
            _send(d, events.Key(what, what if len(what) == 1 else None))
        case "text":
            for char in what:
                _send(d, events.Key(char, char))
        case "paste":
            _send(d, events.Paste(what))
        case "mouse":
            for event in _mouse(*what):
                _send(d, event)
        case "sequence":
            parser = Parser()
            for message in [*parser.feed(what), *_rest(parser)]:
                _send(d, message)
        case "resize":
            await d.resize(*what)
        case "tick":
            await d.app.tick()
    await asyncio.sleep(0)
    if settle:
        await d.settle()


def _rest(parser: XTermParser) -> Iterator[Any]:
    """What waits for more that does not come."""
    if parser._timeout_time is not None:
        parser._timeout_time = 0.0
        yield from parser.tick()


def _mouse(what: str, x: int, y: int, button: int) -> list[events.MouseEvent]:
    kinds: dict[str, tuple[type[events.MouseEvent], ...]] = {
        "down": (events.MouseDown,),
        "up": (events.MouseUp,),
        "click": (events.MouseDown, events.MouseUp),
        "wheel": (events.MouseScrollUp if x % 2 else events.MouseScrollDown,),
        "move": (events.MouseMove,),
    }
    return [kind(None, x, y, 0, 0, button, False, False, False, x, y) for kind in kinds[what]]


def _send(d: Driver, message: Any) -> None:
    driver = d.app._driver
    assert driver is not None
    message.set_sender(d.app)
    driver.send_message(message)


class _Collecting(logging.Handler):
    """Notes what is logged as an error."""

    def __init__(self, troubles: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._note: Callable[[str], None] = troubles.append

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "routilux":  # there it is what the user's handlers raise
            self._note(record.getMessage())
