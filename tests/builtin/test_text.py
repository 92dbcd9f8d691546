"""TimeProvider, TextClipper, TextRenderer, ResultExtractor."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routilux import RoutiluxError
from routilux.builtin import ResultExtractor, TextClipper, TextRenderer, TimeProvider
from tests.builtin.driving import sequential


def only(driver: Any) -> dict[str, Any]:
    """The one message that came out."""
    ((_, data),) = driver.got
    return dict(data)


# TimeProvider -------------------------------------------------------------------------------------


class Fixed(TimeProvider):
    def current(self) -> datetime:
        return datetime(2024, 5, 1, 9, 8, 7, tzinfo=UTC)


def told(**config: Any) -> dict[str, Any]:
    driver = sequential(Fixed(), **config)
    assert driver.send(slot="request").error is None
    return only(driver)


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ({}, "2024-05-01T09:08:07+00:00"),
        ({"format": "timestamp"}, "1714554487.0"),
        ({"format": "formatted"}, "2024年05月01日 星期三 09:08:07"),
        ({"format": "formatted", "include_weekday": False}, "2024年05月01日 09:08:07"),
        ({"format": "formatted", "locale": "en_US"}, "Wednesday 2024-05-01 09:08:07"),
        ({"format": "custom"}, "2024-05-01 09:08:07"),
        ({"format": "custom", "custom_format": "%H:%M"}, "09:08"),
    ],
)
def test_the_time_is_told_in_the_form_that_is_wanted(config: dict[str, Any], text: str) -> None:
    assert told(**config)["time_string"] == text


def test_the_time_comes_in_all_forms_beside_the_wanted_one() -> None:
    message = told(locale="en_US")
    assert message["timestamp"] == 1714554487.0
    assert message["datetime"] == datetime(2024, 5, 1, 9, 8, 7, tzinfo=UTC)
    assert message["formatted"] == "Wednesday 2024-05-01 09:08:07"


def test_the_time_is_the_systems_with_its_zone() -> None:
    before = time.time()
    driver = sequential(TimeProvider())
    driver.send_raw({}, slot="request")
    message = only(driver)
    assert before <= message["timestamp"] <= time.time()
    assert message["datetime"].tzinfo is not None


# TextClipper --------------------------------------------------------------------------------------

TRACEBACK = (
    "Traceback (most recent call last):\n"
    '  File "a.py", line 1, in <module>\n'
    "    f()\n"
    "ValueError: no good"
)


def clipped(data: Any, **config: Any) -> dict[str, Any]:
    driver = sequential(TextClipper(), truncation_message="[…]")
    driver.routine.set_config(**config)
    assert driver.send(data).error is None
    return only(driver)


def test_short_text_passes_as_it_is() -> None:
    assert clipped("abc", max_length=3) == {
        "clipped_text": "abc",
        "was_clipped": False,
        "original_length": 3,
    }


def test_long_text_is_cut_to_the_length_with_the_message() -> None:
    assert clipped("abcdefghij", max_length=8) == {
        "clipped_text": "abcde[…]",
        "was_clipped": True,
        "original_length": 10,
    }


def test_a_message_that_is_longer_than_the_length_is_left_out() -> None:
    assert clipped("abcdefghij", max_length=2)["clipped_text"] == "ab"


def test_the_default_message_is_chinese() -> None:
    driver = sequential(TextClipper())
    driver.send("x" * 2000)
    text = only(driver)["clipped_text"]
    assert len(text) == 1000
    assert "已截断" in text


def test_a_traceback_is_kept_and_the_text_before_it_is_cut() -> None:
    text = "x" * 200 + "\n" + TRACEBACK
    result = clipped(text, max_length=len(TRACEBACK) + 20)["clipped_text"]
    assert result == "x" * 17 + "[…]" + TRACEBACK


def test_a_traceback_that_is_longer_than_the_length_is_kept_whole() -> None:
    assert clipped("x" * 50 + TRACEBACK, max_length=20)["clipped_text"] == TRACEBACK
    assert clipped(TRACEBACK, max_length=20)["was_clipped"] is False


def test_text_behind_a_traceback_is_cut_too() -> None:
    text = f"before\n{TRACEBACK}\n" + "y" * 500
    result = clipped(text, max_length=len(TRACEBACK) + 10)["clipped_text"]
    assert result == "before\n" + TRACEBACK + "[…]"


def test_of_several_tracebacks_the_last_is_kept() -> None:
    last = TRACEBACK.replace("no good", "the last")
    result = clipped(f"{TRACEBACK}\n\n{last}", max_length=len(last) + 5)["clipped_text"]
    assert result == "Tr[…]" + last


def test_a_traceback_is_cut_like_other_text_if_wanted() -> None:
    result = clipped(TRACEBACK, max_length=10, preserve_tracebacks=False)["clipped_text"]
    assert result == TRACEBACK[:7] + "[…]"


def test_what_is_no_text_is_clipped_as_it_is_shown() -> None:
    assert clipped([1, 2, 3], max_length=5)["clipped_text"] == "[1[…]"
    assert clipped({"a": 1})["clipped_text"] == "{'a': 1}"


@given(st.text(max_size=60), st.integers(1, 40), st.text(max_size=10))
def test_clipped_text_is_never_longer_than_the_length(text: str, length: int, mark: str) -> None:
    result = clipped(text, max_length=length, truncation_message=mark)
    assert len(result["clipped_text"]) <= length
    assert result["was_clipped"] is (result["clipped_text"] != text)


@given(st.text("xy\n", max_size=60), st.text("xy\n ", max_size=60), st.integers(1, 200))
def test_a_traceback_survives_any_length(before: str, behind: str, length: int) -> None:
    text = f"{before}{TRACEBACK}\n{behind}"
    result = clipped(text, max_length=length)["clipped_text"]
    assert TRACEBACK in result
    assert len(result) <= max(length, len(TRACEBACK))


# TextRenderer -------------------------------------------------------------------------------------


def rendered(data: Any, **config: Any) -> str:
    driver = sequential(TextRenderer(), **config)
    assert driver.send(data).error is None
    message = only(driver)
    assert message["original_type"] == type(data).__name__
    return str(message["rendered_text"])


NESTED = {"id": 7, "user": {"name": "Ann & Bob"}, "tags": ["a", ["b"]], "none": None}


def test_nested_data_becomes_tags() -> None:
    assert rendered(NESTED) == (
        "<id>7</id>\n"
        "<user>\n"
        "  <name>Ann &amp; Bob</name>\n"
        "</user>\n"
        "<tags>\n"
        "  <item>a</item>\n"
        "  <item>\n"
        "    <item>b</item>\n"
        "  </item>\n"
        "</tags>\n"
        "<none>None</none>"
    )


def test_nested_data_becomes_a_markdown_list() -> None:
    assert rendered(NESTED, tag_format="markdown") == (
        "- **id**: 7\n"
        "- **user**:\n"
        "  - **name**: Ann & Bob\n"
        "- **tags**:\n"
        "  - a\n"
        "  -\n"
        "    - b\n"
        "- **none**: None"
    )


def test_the_indent_may_be_another() -> None:
    assert rendered({"a": {"b": 1}}, indent=0) == "<a>\n<b>1</b>\n</a>"
    assert rendered({"a": {"b": 1}}, indent=4) == "<a>\n    <b>1</b>\n</a>"


@pytest.mark.parametrize(("data", "text"), [(5, "5"), ("a<b", "a&lt;b"), ([], ""), ({}, "")])
def test_plain_and_empty_data_is_rendered(data: object, text: str) -> None:
    assert rendered(data) == text


def test_names_that_xml_does_not_allow_are_changed() -> None:
    assert rendered({"a b": 1, "1st": 2, "": 3, "<x>": 4}) == (
        "<a_b>1</a_b>\n<_1st>2</_1st>\n<_>3</_>\n<_x_>4</_x_>"
    )


@pytest.mark.parametrize("tag_format", ["xml", "markdown"])
def test_what_contains_itself_or_is_too_deep_ends_in_dots(tag_format: str) -> None:
    data: dict[str, Any] = {"a": 1}
    data["me"] = data
    assert "…" in rendered(data, tag_format=tag_format)
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert "…" in rendered(deep, tag_format=tag_format)


_PLAIN = st.one_of(st.integers(), st.text(st.characters(codec="utf-8", exclude_categories=["C"])))
_ANY: st.SearchStrategy[Any] = st.recursive(
    _PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner)
)


@given(_ANY)
def test_rendered_tags_are_xml(data: Any) -> None:
    ET.fromstring(f"<root>{rendered(data)}</root>")


# ResultExtractor ----------------------------------------------------------------------------------


def extracted(data: Any, extractor: ResultExtractor | None = None, **config: Any) -> dict[str, Any]:
    driver = sequential(extractor or ResultExtractor(), **config)
    assert driver.send(data).error is None
    return only(driver)


FENCED = 'Here:\n```json\n{"a": [1]}\n```\nand\n```python\nprint(1)\n```\n'


@pytest.mark.parametrize(
    ("text", "result", "form", "confidence"),
    [
        ('{"a": 1}', {"a": 1}, "json", 1.0),
        (" [1, 2] ", [1, 2], "json", 1.0),
        (FENCED, {"a": [1]}, "json", 0.95),
        ("```\n[1]\n```", [1], "json", 0.95),
        ('so {it} is {"a": 1}, or [2]', {"a": 1}, "json", 0.8),
        ("```python\nprint(1)\nprint(2)\n```", "print(1)\nprint(2)", "code", 0.7),
        ("name: Ann\nage = 5\n", {"name": "Ann", "age": "5"}, "key_value", 0.5),
        ("  just words: one line ", "just words: one line", "text", 0.1),
        ("", "", "text", 0.1),
        ("{[{[{", "{[{[{", "text", 0.1),
        ({"a": 1}, {"a": 1}, "dict", 1.0),
        ([1], [1], "list", 1.0),
        (5, 5, "int", 1.0),
    ],
)
def test_the_most_confident_result_is_found(
    text: object, result: object, form: str, confidence: float
) -> None:
    message = extracted(text)
    assert (message["extracted_result"], message["format"]) == (result, form)
    assert message["confidence"] == confidence


def test_the_path_names_what_was_tried() -> None:
    assert extracted(FENCED)["extraction_path"] == ["json", "code", "key_value"]
    assert extracted(FENCED, strategy="first_match")["extraction_path"] == ["json"]
    assert extracted(5)["extraction_path"] == []


def test_extractors_can_be_switched_off() -> None:
    assert extracted(FENCED, extract_json=False)["format"] == "code"
    message = extracted("a: 1\nb: 2", extract_key_value=False)
    assert (message["format"], message["extraction_path"]) == ("text", ["json", "code"])


def test_an_order_of_extractors_may_be_given() -> None:
    message = extracted(FENCED, strategy="priority", priority=["code", "json"])
    assert (message["format"], message["extraction_path"]) == ("code", ["code"])
    message = extracted(FENCED, strategy="priority", priority=["code", "json"], extract_code=False)
    assert message["format"] == "json"


def test_all_results_may_be_wanted() -> None:
    message = extracted(FENCED, strategy="all")
    assert message["format"] == "all"
    assert message["extracted_result"] == {"json": {"a": [1]}, "code": '{"a": [1]}'}
    assert message["confidence"] == 0.95


def test_a_registered_extractor_comes_first() -> None:
    extractor = ResultExtractor()
    extractor.register_extractor("length", lambda data: len(data) or None)
    assert extracted(FENCED, extractor)["extracted_result"] == len(FENCED)


def test_a_registered_extractor_that_finds_nothing_leaves_it_to_the_others() -> None:
    extractor = ResultExtractor()
    extractor.register_extractor("nothing", lambda data: None)
    assert extracted("[1]", extractor)["extraction_path"] == [
        "nothing",
        "json",
        "code",
        "key_value",
    ]


def test_a_registered_extractor_also_gets_what_is_no_text() -> None:
    extractor = ResultExtractor()
    extractor.register_extractor("total", lambda data: sum(data))
    assert extracted([1, 2], extractor)["extracted_result"] == 3


def test_an_extractor_that_raises_is_reported_and_the_next_is_tried() -> None:
    extractor = ResultExtractor()
    extractor.register_extractor("bad", lambda data: 1 / 0)
    message = extracted("[1]", extractor)
    assert message["extracted_result"] == [1]
    assert message["metadata"]["errors"] == ["bad: ZeroDivisionError: division by zero"]


def test_only_functions_are_registered_as_extractors() -> None:
    with pytest.raises(RoutiluxError, match="extractor x' must be a function of the data, not 5"):
        ResultExtractor().register_extractor("x", 5)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 50_000,
        "{" * 50_000,
        '{"a":' * 50_000,
        "```a\n" * 50_000,
        "a:" * 50_000,
        "a" * 100_000,
        "\n" * 100_000,
        " " * 100_000,
        "[1," * 30_000,
    ],
    ids=lambda text: text[:6],
)
def test_long_text_without_a_result_takes_no_long_time(text: str) -> None:
    started = time.perf_counter()
    extracted(text)
    assert time.perf_counter() - started < 3.0


@given(st.text(max_size=200))
def test_any_text_gives_a_result(text: str) -> None:
    assert 0 < extracted(text)["confidence"] <= 1
