import gc
from collections.abc import Iterator

import pytest

from routilux import hub
from routilux.testing import make_flow, manual_clock  # noqa: F401 - fixtures
from tests.engine.building import workers
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """Every test ends without engine threads, whether it shut its flows down or dropped them."""
    yield
    assert hub.gate is None
    if workers():
        gc.collect()
        wait_until(lambda: not workers(), f"the end of {workers()[:3]}")
