"""The tutorial's code blocks with the output that it promises for each."""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tutorial" / "concurrent_execution.rst"
#: Where the specification stands in our own checkouts; users have only the copy above.
ORIGINAL = ROOT.parent / "shared" / "tutorial" / PAGE.name

_BLOCK = re.compile(
    r"^\.\. code-block:: (?P<language>\w+)\n(?:   :.*\n)*\n(?P<text>(?:   .*\n|[ ]*\n)+)",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """A script of the tutorial. ``seconds`` is the time that its output states, if any."""

    name: str
    source: str
    expected: str

    @property
    def seconds(self) -> float | None:
        """The time that the output states."""
        return seconds(self.expected)


def seconds(output: str) -> float | None:
    """The time that a run took by its own account."""
    stated = re.search(r"(\d+\.\d\d)s$", output, re.MULTILINE)
    return float(stated[1]) if stated else None


def steps() -> list[Step]:
    """Every Python block that an output follows, in order."""
    blocks = [
        (match["language"], re.sub(r"^   ", "", match["text"], flags=re.MULTILINE).strip() + "\n")
        for match in _BLOCK.finditer(PAGE.read_text("utf-8"))
    ]
    pairs = [
        (code, output)
        for (language, code), (following, output) in pairwise(blocks)
        if language == "python" and following == "text"
    ]
    return [Step(f"step{i}", code, output) for i, (code, output) in enumerate(pairs, 1)]


def lines(output: str) -> list[str]:
    """An output's lines; of times only the form counts."""
    output = re.sub(r"^\[\d{9,}\.\d\d\]", "[TIME]", output, flags=re.MULTILINE)
    return re.sub(r"\b\d+\.\d\ds$", "N.NNs", output, flags=re.MULTILINE).strip().split("\n")
