"""Engine time: integer nanoseconds of one monotonic clock, the same for every thread."""

from __future__ import annotations

import time
from collections.abc import Callable

NowNs = Callable[[], int]

#: Nanoseconds since an arbitrary start. On Linux the clock is shared by all processes, so that a
#: monitor in another process can compare its own reading with a record's.
now_ns: NowNs = time.monotonic_ns
