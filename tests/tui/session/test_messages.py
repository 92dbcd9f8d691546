"""What crosses the border between the processes: frames, limits, and fields old and new."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.session import messages
from tui.session.messages import (
    Answer,
    AskStack,
    Control,
    Execute,
    Failure,
    Frames,
    JobInfo,
    LaterInfo,
    Load,
    Message,
    OpenGate,
    Pull,
    ScriptState,
    Snapshot,
    StackLine,
    Stop,
    Stopped,
    decode_reply,
    decode_request,
    frame,
)

LOAD = Load(1, "script", "/x/f.py", "f.py", "", "", ("a", "ä"), "/x", (("k", "v"),))
SNAPSHOT = Snapshot(
    1, 1, None, (), (), (), ((1, 0, {"n": 1, "x": 0.5, "s": "t"}),), (), (), 0, 0, 0, 0, 0
)
STATE = ScriptState("failed", True, 1, Failure("E", "m", "f.py", 3, 1, "tb"), ("/x/f.py",))
JOBS = msgspec.structs.replace(
    SNAPSHOT,
    jobs=(JobInfo(7, 1, "paused", -1, 5, False, -1, 2, 1, 0, 1, 2, "E: m"),),
    later=(LaterInfo(1, 7, 3, -9, -4, 2),),
)
STACK = Answer(4, "", stack=(StackLine("f.py", 3, "R.run", "x = [1]"),), thread="w1", began_ns=9)
REQUESTS: list[Message] = [
    *(LOAD, OpenGate(), Pull(jobs=9), Execute(), Stop(0.5)),
    *(Control(7, "pause", 3), AskStack(-(2**63), 1, 2, 4)),
]
REPLIES: list[Message] = [SNAPSHOT, JOBS, STATE, STACK, Stopped(3, ("w1",))]


def test_any_split_of_the_stream_gives_the_same_messages() -> None:
    @given(
        st.lists(st.binary(max_size=300), max_size=8),
        st.lists(st.integers(1, 200), min_size=1, max_size=60),
    )
    def check(bodies: list[bytes], sizes: list[int]) -> None:
        stream = b"".join(messages._LENGTH.pack(len(body)) + body for body in bodies)
        frames, found, at, turn = Frames(), [], 0, 0
        while at < len(stream):
            size = sizes[turn % len(sizes)]
            found += frames.feed(stream[at : at + size])
            at, turn = at + size, turn + 1
        assert found == bodies

    check()


@pytest.mark.parametrize("message", REQUESTS + REPLIES, ids=lambda m: type(m).__name__)
def test_every_message_comes_back_as_it_was(message: Message) -> None:
    (body,) = Frames().feed(frame(message))
    decode: Any = decode_request if message in REQUESTS else decode_reply
    assert decode(body) == message


def test_a_frame_that_is_too_long_is_refused_before_it_is_read() -> None:
    with pytest.raises(ValueError, match="not a routilux engine process"):
        list(Frames().feed(messages._LENGTH.pack(messages.MAX_FRAME + 1)))


def test_text_in_place_of_a_frame_is_refused() -> None:
    with pytest.raises(ValueError, match="not a routilux engine process"):
        list(Frames().feed(b"Traceback (most recent call last):\n"))


def test_a_frame_of_the_greatest_length_only_waits() -> None:
    assert list(Frames().feed(messages._LENGTH.pack(messages.MAX_FRAME) + b"x")) == []


def test_an_older_peer_leaves_out_new_fields_which_then_have_their_defaults() -> None:
    assert decode_request(msgspec.msgpack.encode(["Pull"])) == Pull()
    assert decode_request(msgspec.msgpack.encode(["Pull", 7])) == Pull(records=7)


def test_a_newer_peer_may_add_fields() -> None:
    body = msgspec.msgpack.encode(["Stopped", 2, ["w1"], "something new"])
    assert decode_reply(body) == Stopped(2, ("w1",))


def test_a_message_that_goes_the_other_way_is_refused() -> None:
    (body,) = Frames().feed(frame(OpenGate()))
    with pytest.raises(msgspec.ValidationError):
        decode_reply(body)


def test_fields_of_another_type_are_refused() -> None:
    with pytest.raises(msgspec.ValidationError):
        decode_request(msgspec.msgpack.encode(["Stop", "soon"]))
