"""What a failed handler means: stop the job, go on, or try again after a while. Decisions only."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from .errors import InvalidValueError, at_least, duration

if TYPE_CHECKING:
    from .flow import Flow
    from .routine import Routine

#: Longest time between two tries, in seconds, unless a handler says otherwise.
MAX_DELAY = 3600.0


class ErrorStrategy(StrEnum):
    """What happens to the job when a handler raises. Compares equal to its plain string."""

    STOP = "stop"  #: the job fails; what it has queued is dropped and counted
    CONTINUE = "continue"  #: the error is recorded and the job goes on
    RETRY = "retry"  #: the handler is called again after a delay, then the job fails
    SKIP = "skip"  #: like continue; recorded as skipped


class Decision(NamedTuple):
    """What to do about one error.

    ``strategy`` is never RETRY without another try left; ``delay`` is in seconds, for RETRY.
    """

    strategy: ErrorStrategy
    delay: float = 0.0


class ErrorHandler:
    """A strategy and its numbers. Set on a routine, or on a flow for all its routines.

    Args:
        strategy: an `ErrorStrategy` or its name.
        max_retries: tries after the first one, for each delivery of its own.
        retry_delay: seconds before the first retry.
        retry_backoff: the k-th delay is ``retry_delay * retry_backoff ** (k - 1)``.
        retryable_exceptions: types that are tried again, the others fail at once; None: all.
        is_critical: says that the job is worthless without this routine. Errors that no retry has
            helped against fail the job either way, unless ``is_optional``.
        is_optional: after the last retry the job goes on.
        max_delay: longest delay in seconds.
        jitter: share (0..1) by which a delay is shortened at random, so that those who failed
            together do not come back together.

    Attributes:
        retry_count: the retries of the delivery that was decided on last.
    """

    def __init__(
        self,
        strategy: ErrorStrategy | str = ErrorStrategy.STOP,
        max_retries: int = 3,
        retry_delay: float = 1.0,
        retry_backoff: float = 2.0,
        retryable_exceptions: Iterable[type[BaseException]] | None = None,
        is_critical: bool = False,
        *,
        is_optional: bool = False,
        max_delay: float = MAX_DELAY,
        jitter: float = 0.0,
    ) -> None:
        self.strategy = _strategy(strategy)
        self.max_retries = at_least(max_retries, 0, "max_retries")
        self.retry_delay = duration(retry_delay, "retry_delay")
        self.retry_backoff = duration(retry_backoff, "retry_backoff", "a factor")
        self.retryable_exceptions = _types(retryable_exceptions)
        self.is_critical = is_critical
        self.is_optional = is_optional
        self.max_delay = duration(max_delay, "max_delay")
        self.jitter = duration(jitter, "jitter", "a share from 0 to 1, a number")
        if self.jitter > 1:
            raise InvalidValueError(f"jitter must be a share from 0 to 1, not {jitter!r}")
        self.retry_count = 0

    def decide(self, error: BaseException, retries: int) -> Decision:
        """What to do about an error of a delivery that has been retried that often. Any thread."""
        if self.strategy is not ErrorStrategy.RETRY:
            self.retry_count = retries
            optional = self.is_optional and self.strategy is ErrorStrategy.STOP
            return Decision(ErrorStrategy.CONTINUE if optional else self.strategy)
        if not isinstance(error, self.retryable_exceptions) or retries >= self.max_retries:
            self.retry_count = retries
            return Decision(ErrorStrategy.CONTINUE if self.is_optional else ErrorStrategy.STOP)
        self.retry_count = retries + 1
        return Decision(ErrorStrategy.RETRY, self.delay(retries + 1))

    def delay(self, retry: int) -> float:
        """Seconds before the retry of that number, the first being 1."""
        try:
            delay = self.retry_delay * float(self.retry_backoff) ** (retry - 1)
        except OverflowError:
            delay = self.max_delay if self.retry_delay else 0.0
        delay = min(delay, self.max_delay)
        if self.jitter:
            import random  # costs 5 ms to import

            delay *= 1 - self.jitter * random.random()
        return delay

    def handle_error(
        self,
        error: BaseException,
        routine: Routine | None = None,
        routine_id: str = "",
        flow: Flow | None = None,
        context: dict[str, Any] | None = None,
    ) -> bool:
        """Decide by hand, as for one delivery; counts `retry_count` up. Does not wait.

        Returns:
            Whether to go on: True for continue, skip, and while a retry is left.
        """
        return self.decide(error, self.retry_count).strategy is not ErrorStrategy.STOP

    def reset(self) -> None:
        """Forget the retries that `handle_error` has counted."""
        self.retry_count = 0

    def serialize(self) -> dict[str, Any]:
        """Plain data. Exception types are code, so ``retryable_exceptions`` is left out."""
        return {
            "strategy": self.strategy.value,
            "max_retries": self.max_retries,
            "retry_delay": self.retry_delay,
            "retry_backoff": self.retry_backoff,
            "is_critical": self.is_critical,
            "is_optional": self.is_optional,
            "max_delay": self.max_delay,
            "jitter": self.jitter,
            "retry_count": self.retry_count,
        }

    def deserialize(self, data: dict[str, Any]) -> None:
        """Take over what `serialize` gave; nothing changes if some of it is not valid."""
        values = {k: v for k, v in data.items() if k in _FIELDS}
        new = ErrorHandler(**values)
        vars(self).update({key: getattr(new, key) for key in values})
        self.retry_count = at_least(data.get("retry_count", 0), 0, "retry_count")

    def __repr__(self) -> str:
        retries = f" max_retries={self.max_retries}" if self.strategy == "retry" else ""
        critical = " critical" if self.is_critical else ""
        return f"<ErrorHandler {self.strategy.value}{retries}{critical}>"


_FIELDS = frozenset({"strategy", "max_retries", "retry_delay", "retry_backoff", "is_critical",
                     "is_optional", "max_delay", "jitter"})  # fmt: skip


def _strategy(strategy: ErrorStrategy | str) -> ErrorStrategy:
    try:
        return ErrorStrategy(strategy)
    except ValueError:
        names = ", ".join(repr(each.value) for each in ErrorStrategy)
        raise InvalidValueError(f"unknown error strategy {strategy!r}: use {names}") from None


def _types(types: Iterable[type[BaseException]] | None) -> tuple[type[BaseException], ...]:
    if types is None:
        return (Exception,)
    found: tuple[Any, ...] = (types,) if isinstance(types, type) else tuple(types)
    for each in found:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise InvalidValueError(f"retryable_exceptions must be exception types, not {each!r}")
    return found
