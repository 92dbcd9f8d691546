"""Editors: what each is told, and one message where that is not possible."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui import editor
from tui.editor import EditorError, command, handler_line


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "a {line} b.py"
    path.write_text("x = 1\n")
    return str(path)


@pytest.fixture(autouse=True)
def _all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(editor.shutil, "which", lambda word: None if word == "gone" else word)


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        *((name, [name, "+7", "FILE"]) for name in ("vi", "vim", "nvim", "nano", "emacs", "kak")),
        ("emacsclient -t", ["emacsclient", "-t", "+7", "FILE"]),
        ("/usr/bin/vim -R", ["/usr/bin/vim", "-R", "+7", "FILE"]),
        ("code --wait", ["code", "--wait", "--goto", "FILE:7"]),
        ("codium", ["codium", "--goto", "FILE:7"]),
        ("hx", ["hx", "FILE:7"]),
        ("helix", ["helix", "FILE:7"]),
        ("subl -w", ["subl", "-w", "FILE:7"]),
        ("pycharm", ["pycharm", "--line", "7", "FILE"]),
        ("mine --at {line} '{file}'", ["mine", "--at", "7", "FILE"]),
        ("mine {file}", ["mine", "FILE"]),
        ("mine x{y}{file}:{line}{", ["mine", "x{y}FILE:7{"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(
    file: str, setting: str, words: list[str]
) -> None:
    assert command(setting, file, 7) == [word.replace("FILE", file) for word in words]


def test_a_line_that_is_not_known_is_the_first(file: str) -> None:
    assert command("vi", file, 0)[1] == "+1"


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("", "no editor is set: put $EDITOR into the environment"),
        ("  ", "no editor is set"),
        ("gone -x", "the editor 'gone' is not there"),
        ("vi 'x", 'the editor "vi \'x" is no command: No closing quotation'),
    ],
)
def test_what_cannot_be_started_is_said(file: str, setting: str, message: str) -> None:
    with pytest.raises(EditorError) as caught:
        command(setting, file, 1)
    assert str(caught.value).startswith(message)


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(EditorError, match="there is no file"):
        command("vi", str(tmp_path / "x.py"), 1)


SOURCE = """
class A:
    def handle(self): pass

class B:
    def __init__(self): pass
    async def handle(self): pass

def f():
    class B:
        def other(self): pass
        def handle(self): pass
"""


def test_a_handler_is_found_in_its_class_without_running_the_file(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text(SOURCE)
    assert handler_line(str(path), "A", "handle", 2) == 3
    assert handler_line(str(path), "B", "handle", 6) == 7
    assert handler_line(str(path), "B", "handle", 11) == 12, "the nearest of that name"
    assert handler_line(str(path), "B", "inherited", 6) == 6
    assert handler_line(str(path), "C", "handle", 6) == 6
    assert handler_line(str(path), "A", "", 2) == 2
    path.write_text("class A(:")
    assert handler_line(str(path), "A", "handle", 9) == 9
    assert handler_line(str(tmp_path / "gone.py"), "A", "handle", 9) == 9
