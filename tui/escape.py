"""Keys from a terminal: Esc without the wait, and nothing that ends the reading of keys.

Textual takes 100 ms or more to tell it from the start of a sequence.

A terminal sends a sequence in one go, so what follows a lone ESC byte is there at once or within a
few milliseconds of a slow link; nothing after `PATIENCE` means the key.
"""

from __future__ import annotations

import select
from typing import Any

from textual.driver import Driver

#: Seconds that the rest of a sequence may take.
PATIENCE = 0.025


def quick_escape(base: type[Driver]) -> type[Driver]:
    """A driver that gives Esc after `PATIENCE`; another than Textual's for Linux stays as it is."""
    try:
        from textual.drivers import linux_driver
    except ImportError:  # no terminal of that kind, as on Windows
        return base
    if not issubclass(base, linux_driver.LinuxDriver):
        return base

    class QuickEscape(base):  # type: ignore[misc,valid-type]
        """The parser is made in the thread that reads keys, so it is put in its place there.

        Attributes:
            written: characters that were given to the terminal so far.
        """

        written = 0

        def write(self, data: str) -> None:
            self.written += len(data)
            super().write(data)

        def run_input_thread(self) -> None:
            module: Any = linux_driver
            module.XTermParser = _parser(module.XTermParser, self.fileno)
            super().run_input_thread()

    return QuickEscape


def _parser(base: Any, fileno: int) -> Any:
    """A parser that looks after each piece whether it ends in an ESC that nothing follows.

    One that raises would end the thread that reads keys, and the program with it.
    """
    if getattr(base, "is_quick", False):
        base.fileno = fileno
        return base

    class Parser(base):  # type: ignore[misc]
        is_quick = True
        _timeout_time: float | None

        def feed(self, data: str) -> Any:
            yield from super().feed(data)
            if data.endswith("\x1b") and self._timeout_time is not None:
                more, _, _ = select.select([self.fileno], [], [], PATIENCE)
                if not more:
                    self._timeout_time = 0.0  # it has waited long enough
                    yield from self.tick()

        def _parse_extended_key(self, sequence: str) -> Any:
            try:
                return super()._parse_extended_key(sequence)
            except (ValueError, OverflowError):  # a code that is no character's
                return None

    Parser.fileno = fileno
    return Parser
