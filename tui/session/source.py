"""What the app needs of a session, whoever gives it: processes, this process, or a test's list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from .events import Event
from .messages import Answer, Pull, Question, Snapshot


class Labelled(Protocol):
    """Something with a short name for the header."""

    @property
    def label(self) -> str:
        """The name."""


class Source(Protocol):
    """Where snapshots and events come from. Everything happens in the event loop's thread.

    Attributes:
        generation: number of the generation that runs, 0 before the first.
        auto_reload: whether changes of files are acted on.
        on_event: called with each `Event`.
    """

    generation: int
    auto_reload: bool
    on_event: Callable[[Event], None]

    @property
    def target(self) -> Labelled:
        """What runs."""

    @property
    def answering(self) -> bool:
        """Whether questions are answered in time."""

    @property
    def alive(self) -> bool:
        """Whether the running generation can still do something."""

    async def start(self) -> None:
        """Begin: from now on events come."""

    async def pull(self, pull: Pull, patience: float) -> Snapshot | None:
        """A snapshot of the running generation; None when none came in ``patience`` seconds."""

    async def ask(self, request: Question, patience: float) -> Answer | None:
        """What came of a request; None when no answer came in ``patience`` seconds."""

    def execute(self) -> None:
        """Run the entry routines once more."""

    def reload(self) -> None:
        """Load the target anew, changed or not."""

    def restart(self) -> None:
        """End the running generation by force, and load the target anew."""

    def kill(self) -> None:
        """End the running generation by force; its last state stays."""

    def kill_all(self) -> None:
        """End everything by force. Safe in a signal handler."""

    async def close(self, drain: float = 0.1) -> None:
        """End everything; handlers get ``drain`` seconds to finish."""
