"""What all tests share: hypothesis profiles, and slow tests only when asked for."""

import gc
import os

import pytest
from hypothesis import HealthCheck, settings

# No deadline per example: this runs on loaded machines, and pytest-timeout catches hangs.
_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("dev", **_COMMON)
settings.register_profile("ci", derandomize=True, database=None, print_blob=True, **_COMMON)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-snapshots", action="store_true", help="rewrite tests/snapshots/*.txt"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "slow" in config.option.markexpr:
        return
    slow = [item for item in items if item.get_closest_marker("slow")]
    if slow:
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def pytest_collection_finish() -> None:
    """What was imported and collected stays: no collection of garbage need walk it each time.

    Nor need one come after every 700 objects: an app makes thousands for each frame.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
