"""``python -m tests.bench [ROUNDS]``: the bars of the engine, measured here and now.

Nothing is asserted: machines differ. The monitor's bars are in ``python -m tests.bench.monitor``.
"""

from __future__ import annotations

import platform
import sys
from itertools import chain

from tests.bench import engine, scale, tutorial

ROUNDS = 9


def main() -> None:
    """Print a row as soon as it is measured."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    print(f"Python {platform.python_version()}, {rounds} rounds")
    for row in chain(tutorial.rows(rounds), engine.rows(rounds), scale.rows(rounds)):
        mark = " " if row.met else "!"
        print(f"{mark} {row.name:6}{row.what:46}{row.measured:>22}  {row.bar}", flush=True)


if __name__ == "__main__":
    main()
