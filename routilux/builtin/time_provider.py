"""TimeProvider: what time it is, in the form that is wanted."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ._base import Builtin

_WEEKDAYS = {
    "zh_CN": ["星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"],
    "en_US": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
}


class TimeProvider(Builtin):
    """Tells the time whenever it is asked.

    Slot: ``request``. Event: ``output`` with ``time_string`` (as ``format`` says), ``timestamp``
    (seconds since 1970), ``datetime`` (with the local time zone) and ``formatted`` (for readers).

    Config:
        format ("iso"): ``"iso"``, ``"timestamp"``, ``"formatted"`` or ``"custom"``.
        custom_format ("%Y-%m-%d %H:%M:%S"): for ``strftime``.
        locale ("zh_CN"): of ``formatted``; or ``"en_US"``.
        include_weekday (True): whether ``formatted`` names it.

    Example:
        >>> from datetime import datetime
        >>> from routilux import Flow
        >>> from routilux.builtin import Mapper, TimeProvider
        >>> class Fixed(TimeProvider):
        ...     def current(self):
        ...         return datetime(2024, 5, 1, 12, 30)
        >>> flow, clock, show = Flow("clock"), Fixed(), Mapper()
        >>> clock.set_config(format="formatted", locale="en_US")
        >>> show.set_config(function=print)
        >>> flow.add_routine(clock, "clock"), flow.add_routine(show, "show")
        ('clock', 'show')
        >>> edge = flow.connect("clock", "output", "show", "input", {"time_string": "data"})
        >>> job = flow.execute("clock", entry_slot="request")
        Wednesday 2024-05-01 12:30:00
    """

    def __init__(self) -> None:
        super().__init__()
        self.set_config(
            format="iso",
            custom_format="%Y-%m-%d %H:%M:%S",
            locale="zh_CN",
            include_weekday=True,
        )
        self.define_slot("request", handler=self.handle)
        self.define_event("output", ["time_string", "timestamp", "datetime", "formatted"])

    def current(self) -> datetime:
        """The time to tell: that of the system. Override it for another clock or time zone."""
        return datetime.now().astimezone()

    def handle(self, **_message: Any) -> None:
        """Tell the time."""
        now = self.current()
        form = self._read_choice("format", "iso", "timestamp", "formatted", "custom")
        formatted, timestamp = self._formatted(now), now.timestamp()
        if form == "iso":
            text = now.isoformat()
        elif form == "timestamp":
            text = str(timestamp)
        else:
            text = (
                formatted if form == "formatted" else now.strftime(self._read_text("custom_format"))
            )
        self._track_operation("tell_time")
        self.emit(
            "output", time_string=text, timestamp=timestamp, datetime=now, formatted=formatted
        )

    def _formatted(self, now: datetime) -> str:
        locale = self._read_choice("locale", *_WEEKDAYS)
        weekday = _WEEKDAYS[locale][now.weekday()] if self._read_flag("include_weekday") else ""
        day, clock = f"{now:%Y-%m-%d}", f"{now:%H:%M:%S}"
        if locale == "zh_CN":
            day = f"{now.year}年{now.month:02}月{now.day:02}日"
            parts = [day, weekday, clock]
        else:
            parts = [weekday, day, clock]
        return " ".join(part for part in parts if part)
