"""README and docs tell the truth: examples run, commands and links exist."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

_FENCE = re.compile(r"^```([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass
class Example:
    """One ``python`` block, and what the ``text output`` block right behind it says it prints."""

    page: Path
    line: int
    source: str
    output: str | None = None


def examples(page: Path) -> list[Example]:
    """The page's examples, in order."""
    text = page.read_text()
    found: list[Example] = []
    for fence in _FENCE.finditer(text):
        info, body = fence[1].strip(), fence[2]
        if info == "python":
            found.append(Example(page, text.count("\n", 0, fence.start(2)), body))
        elif info == "text output":
            assert found, f"{page.name}: an output before any example"
            assert found[-1].output is None, f"{page.name}: two outputs of one example"
            found[-1].output = body
    return found


def name(page: Path) -> str:
    return page.name


@pytest.fixture
def log_level() -> Iterator[None]:
    """Put the engine's log level back, which an example may change."""
    logger = logging.getLogger("routilux")
    level = logger.level
    yield
    logger.setLevel(level)


@pytest.fixture
def as_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], dict[str, Any]]:
    """The namespace of a page: that of a module, whose classes are found by name when they are
    loaded. What a page writes to the current folder goes to a temporary one.
    """
    monkeypatch.chdir(tmp_path)

    def make(page: Path) -> dict[str, Any]:
        module = ModuleType(f"examples_of_{page.stem.replace('-', '_')}")
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return vars(module)

    return make


@pytest.mark.usefixtures("log_level")
@pytest.mark.parametrize("page", [p for p in PAGES if examples(p)], ids=name)
def test_the_examples_of_a_page_run_in_order_and_print_what_it_says(
    page: Path, as_module: Callable[[Path], dict[str, Any]]
) -> None:
    namespace = as_module(page)
    for example in examples(page):
        # Leading line ends make line numbers in a traceback those of the page.
        code = compile("\n" * example.line + example.source, str(page), "exec")
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(code, namespace)
        assert printed.getvalue() == (example.output or ""), f"{page.name}:{example.line}"


def test_the_readmes_first_flow_runs_as_a_script(tmp_path: Path) -> None:
    (first,) = examples(ROOT / "README.md")
    script = tmp_path / "hello.py"
    script.write_text(first.source)
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == (first.output, "", 0)


def test_the_tests_of_the_page_about_testing_pass_under_pytest(tmp_path: Path) -> None:
    page = examples(ROOT / "docs" / "testing.md")
    tests = [example.source for example in page if "def test_" in example.source]
    assert tests
    (tmp_path / "test_page.py").write_text("\n\n".join([page[0].source, *tests]))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_page.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=20,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert f"{len(tests)} passed" in done.stdout


def test_every_page_is_linked_from_the_readme_or_from_the_list_of_guides() -> None:
    guides = (ROOT / "docs" / "engine.md").read_text()
    for page in PAGES[2:]:
        linked = f"](docs/{page.name})" in README or f"]({page.name})" in guides
        assert linked, f"nothing leads to {page.name}"


def test_the_two_commands_of_the_readme_are_there_and_what_they_name_exists() -> None:
    shell = [body.strip() for info, body in _FENCE.findall(README) if info == "sh"]
    assert shell[1:3] == [
        "pip install -e . && routilux-tui sample_flows/pipeline.py",
        'pip install -e ".[dev]" && pytest -n auto',
    ]
    assert "venv" in shell[0]
    assert (ROOT / "sample_flows" / "pipeline.py").is_file()
    assert "routilux-tui" in PROJECT["scripts"]
    assert "dev" in PROJECT["optional-dependencies"]


def test_ci_installs_with_the_readmes_command() -> None:
    script = (ROOT / ".ci" / "run").read_text().splitlines()
    assert 'pip install -e ".[dev]"' in script
    assert script[-2:] == ["scripts/check", "scripts/test"]
    assert 'exec pytest -n auto "$@"' in (ROOT / "scripts" / "test").read_text().splitlines()
    for path in (".ci/run", "scripts/check", "scripts/test"):
        assert os.access(ROOT / path, os.X_OK), f"{path} is not executable"


def test_every_dependency_has_its_reason_in_the_design_page() -> None:
    _, _, section = (ROOT / "docs/design.md").read_text().partition("## Dependencies")
    listed = set(re.findall(r"^\| ([\w-]+) \| ", section, re.MULTILINE))
    extras = PROJECT["optional-dependencies"].values()
    declared = [*PROJECT["dependencies"], *(each for extra in extras for each in extra)]
    names = {re.split(r"[<>=!~\[; ]", text)[0] for text in declared}
    assert names == listed - {"package"}


def test_every_exit_code_of_the_command_line_help_is_in_the_readme() -> None:
    from tui.options import _EPILOG

    said = set(re.findall(r"^  (\d+) ", _EPILOG, re.MULTILINE))
    assert said == set(re.findall(r"^\| (\d+) \| ", README, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{page.name} links to {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings}
            assert anchor in slugs, f"{page.name} links to {target}"


def test_every_sample_that_a_page_mentions_exists() -> None:
    for page in PAGES:
        for path in re.findall(r"sample_flows/\w+\.py", page.read_text()):
            assert (ROOT / path).is_file(), f"{page.name} mentions {path}"


def test_the_keys_of_the_readme_are_keys_of_the_monitor() -> None:
    from tui.keys import MAP

    table = README[README.index("## Keys") : README.index("## Without a screen")]
    named = {"Tab": "tab", "Space": "space", "Esc": "escape", "Enter": "enter"}
    named |= {"?": "question_mark", "Ctrl+P": "ctrl+p"}
    said = re.findall(r"`([^`]+)`", "".join(re.findall(r"^\| (`.*?) \| ", table, re.MULTILINE)))
    known = {key for action in MAP for key in action.keys.split(",")}
    assert len(said) > 15
    assert {named.get(key, key) for key in said} <= known
