"""Comparing screens with text files, and a state folder that is no user's."""

from collections.abc import Callable

import pytest

from tests.tui.screens.screen_text import compare

Same = Callable[[str, str], None]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A state folder for all tests together: none of them reads what another has kept."""
    return str(tmp_path_factory.mktemp("state"))


@pytest.fixture(autouse=True)
def _no_user(monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", state)


@pytest.fixture
def same(request: pytest.FixtureRequest) -> Same:
    """Compare a screen's text with the snapshot of a name, or rewrite that."""
    update = request.config.getoption("--update-snapshots")
    return lambda text, name: compare(text, name, update=update)
