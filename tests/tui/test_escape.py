"""Esc is told from the start of a sequence without a long wait."""

import os
import time
from collections.abc import Iterator

import pytest
from textual._xterm_parser import XTermParser
from textual.drivers.headless_driver import HeadlessDriver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Key

from tui import escape


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Where keys are read from, and where a terminal would write them."""
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def keys(parser: XTermParser, data: str) -> list[str]:
    return [event.key for event in parser.feed(data) if isinstance(event, Key)]


def test_a_lone_escape_is_the_key_as_soon_as_nothing_follows(pipe: tuple[int, int]) -> None:
    parser = escape._parser(XTermParser, pipe[0])()
    begin = time.monotonic()
    assert keys(parser, "a\x1b") == ["a", "escape"]
    assert time.monotonic() - begin >= escape.PATIENCE
    assert keys(parser, "b\x1b[A") == ["b", "up"]


def test_what_follows_at_once_makes_it_a_sequence(pipe: tuple[int, int]) -> None:
    parser = escape._parser(XTermParser, pipe[0])()
    os.write(pipe[1], b"[A")
    assert keys(parser, "\x1b") == []
    assert keys(parser, os.read(pipe[0], 10).decode()) == ["up"]


def test_only_the_driver_of_a_terminal_is_changed() -> None:
    assert escape.quick_escape(HeadlessDriver) is HeadlessDriver
    assert issubclass(escape.quick_escape(LinuxDriver), LinuxDriver)


def test_a_code_that_is_no_character_does_not_end_the_reading(pipe: tuple[int, int]) -> None:
    parser = escape._parser(XTermParser, pipe[0])()
    keys(parser, "\x1b[99999999;1u")
    assert keys(parser, "x" * 40 + "b")[-1] == "b"
