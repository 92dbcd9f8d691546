"""Comparing screens with text files, no user's state folder, and what spares each app work."""

from collections.abc import Callable, Iterator

import pytest
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet

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


@pytest.fixture(scope="session", autouse=True)
def _one_stylesheet() -> Iterator[None]:
    """Parse each rule once a process instead of six times an app: a quarter of an app's start."""
    parse = Stylesheet._parse_rules
    parsed: dict[object, list[RuleSet]] = {}

    def parse_once(sheet: Stylesheet, css: str, *args: object, **more: object) -> list[RuleSet]:
        variables, frozen = sheet.__dict__.get("_frozen", (None, None))
        if variables is not sheet._variables:
            variables, frozen = sheet._variables, frozenset(sheet._variables.items())
            sheet.__dict__["_frozen"] = variables, frozen
        key = (frozen, css, args, tuple(more.items()))
        rules = parsed.get(key)
        if rules is None:
            rules = parsed[key] = parse(sheet, css, *args, **more)  # type: ignore[arg-type]
        return rules

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stylesheet, "_parse_rules", parse_once)
        yield
