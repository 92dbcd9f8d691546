"""The tutorial's scripts, cut out of its text, and the runs that each routine must end with."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PLACES = (ROOT / "docs" / "tutorial", ROOT.parent / "shared" / "tutorial")

#: What each step ends with: runs by routine, and its last line of output.
RESULTS: list[tuple[dict[str, int], str]] = [
    ({"op1": 1, "op2": 1, "op3": 1}, "Sequential time: 0."),
    ({"op1": 1, "op2": 1, "op3": 1}, "Concurrent time: 0."),
    ({"fetcher1": 1, "fetcher2": 1, "fetcher3": 1, "aggregator": 3}, "Total time: 0."),
    ({**{f"source{n}": 1 for n in range(5)}, "counter": 5}, "Final count: 5"),
    (
        {**{f"fetcher{n}": 1 for n in range(5)}, "processor": 5, "collector": 5},
        "Collected 5 results",
    ),
]


def scripts() -> list[str]:
    """The five scripts; none where the tutorial is not at hand."""
    for place in _PLACES:
        path = place / "concurrent_execution.rst"
        if path.exists():
            blocks = re.findall(
                r"\.\. code-block:: python\n(?:   :.*\n)*\n((?:   .*\n|\s*\n)+)", path.read_text()
            )
            return [textwrap.dedent(b) for b in blocks if "from routilux import" in b]
    return []
