"""Comparing screens with text files."""

from collections.abc import Callable

import pytest

from tests.tui.screens.screen_text import compare

Same = Callable[[str, str], None]


@pytest.fixture
def same(request: pytest.FixtureRequest) -> Same:
    """Compare a screen's text with the snapshot of a name, or rewrite that."""
    update = request.config.getoption("--update-snapshots")
    return lambda text, name: compare(text, name, update=update)
