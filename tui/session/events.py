"""What a session tells between snapshots. Plain data; the model folds it like a snapshot."""

from __future__ import annotations

from dataclasses import dataclass

from .messages import Failure, ScriptState


@dataclass(frozen=True, slots=True)
class Output:
    """The user's code printed something."""

    generation: int
    data: bytes
    is_error: bool


@dataclass(frozen=True, slots=True)
class Started:
    """A generation runs: its gate is open. ``took`` is seconds from the change, None at first."""

    generation: int
    took: float | None = None
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """The running generation's script got further: it runs, has ended, or has failed."""

    generation: int
    state: ScriptState


@dataclass(frozen=True, slots=True)
class Rejected:
    """A change could not be loaded; what ran before goes on."""

    generation: int
    failure: Failure
    snippet: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Loading:
    """A new generation is being loaded, or takes longer than expected to reach its gate."""

    generation: int
    slow: bool = False


@dataclass(frozen=True, slots=True)
class Stopping:
    """The old generation finishes what its handlers are doing."""

    generation: int


@dataclass(frozen=True, slots=True)
class Gone:
    """The old generation has ended for the new one."""

    generation: int
    dropped: int
    stuck: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Died:
    """The running engine process ended by itself, or was killed."""

    generation: int
    exit_code: int


Event = Output | Started | Progress | Rejected | Loading | Stopping | Gone | Died
