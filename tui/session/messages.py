"""What crosses the border between the monitor and the engine process: plain data, msgpack.

A frame is a 4-byte big-endian length and one message. The monitor asks, the engine process
answers; only `ScriptState` comes unasked, since a reload waits for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from .factual import FlowEnd, FlowFacts, ThreadLook

#: What stands for the source of an edge on which no routine emits.
EXECUTE, TIMER = "execute", "timer"
#: A frame longer than this is a broken peer.
MAX_FRAME = 256 * 1024 * 1024
_LENGTH = struct.Struct(">I")


class Message(msgspec.Struct, frozen=True, array_like=True, tag=True):
    """Base of all messages."""


# monitor -> engine process ------------------------------------------------------------------------


class Load(Message, frozen=True):
    """Load this target as that generation, up to the gate."""

    generation: int
    kind: str  # script, file, module: see `tui.targets.Target`
    path: str
    typed: str
    module: str
    name: str
    argv: tuple[str, ...]
    cwd: str
    params: tuple[tuple[str, str], ...]


class OpenGate(Message, frozen=True):
    """Let the loaded code run."""


class Pull(Message, frozen=True):
    """Ask for one `Snapshot`."""

    records: int = 2_000  #: the newest so many records
    previews: int = 40  #: payload previews to make until the next pull
    histograms: bool = False
    sample: bool = True  #: trace fewer jobs when more is published than `records`
    trees: bool = False  #: also a tree of each payload that a preview is made of
    jobs: int = 0  #: of so many jobs a `JobInfo`, and of what waits for its time a `LaterInfo`


class Control(Message, frozen=True):
    """Pause, resume or cancel (``action``) a job by number. An `Answer` follows."""

    job: int
    action: str
    ticket: int = 0  #: comes back with the answer; whoever sends it puts it in


class AskStack(Message, frozen=True):
    """Ask for the stack of a running activation. An `Answer` follows, at once.

    One that is not traced has no id: with 0 for it, what the thread of that ``lane`` runs over that
    ``edge`` now is meant.
    """

    activation: int
    lane: int = 0
    edge: int = 0
    ticket: int = 0


class Call(Message, frozen=True):
    """Start a job at a slot, marked as sent by hand. An `Answer` follows once it has begun.

    ``values`` are the message's keys, each with its value as a Python literal.
    """

    flow: int
    routine: str
    slot: str
    values: tuple[tuple[str, str], ...] = ()
    ticket: int = 0


class AskLines(Message, frozen=True):
    """Where handlers of a routine spend their time. An `Answer` follows, at once.

    The first one begins to sample. Sampling ends by itself when nobody has asked for two seconds,
    or at once with ``off``.
    """

    flow: int
    routine: str
    source: bool = False  #: also the source of the handlers
    off: bool = False
    ticket: int = 0


class Execute(Message, frozen=True):
    """Run the entry routines of every flow once more."""


class Stop(Message, frozen=True):
    """Drop what is queued, give running handlers so many seconds, then leave."""

    drain: float


# engine process -> monitor ------------------------------------------------------------------------


class Failure(Message, frozen=True):
    """An exception, as far as a banner needs it."""

    kind: str
    message: str
    file: str = ""
    line: int = 0
    column: int = 0
    traceback: str = ""


class ScriptState(Message, frozen=True):
    """How far the user's code is.

    ``phase`` is ``loading``, ``gate`` (loaded, waits for `OpenGate`), ``running``, ``ended`` or
    ``failed``. ``opened`` tells whether it got past the gate, ``files`` the user's own files that
    were loaded, ``exit_code`` what the script left with.
    """

    phase: str
    opened: bool = False
    exit_code: int = 0
    failure: Failure | None = None
    files: tuple[str, ...] = ()


class ParamInfo(msgspec.Struct, frozen=True, array_like=True):
    """A value that a handler takes by name. ``default`` is shown only; it is the handler's own."""

    name: str
    kind: str = ""  #: the annotation
    default: str = ""
    required: bool = False


class SlotInfo(msgspec.Struct, frozen=True, array_like=True):
    """A slot: its name, merge strategy and handler, and what that takes: ``more`` any keys."""

    name: str
    merge: str
    handler: str
    params: tuple[ParamInfo, ...] = ()
    more: bool = True


class RoutineInfo(msgspec.Struct, frozen=True, array_like=True):
    """A routine as wired; ``number`` is its place in the flow."""

    number: int
    id: str
    cls: str
    file: str
    line: int
    slots: tuple[SlotInfo, ...]
    events: tuple[tuple[int, str], ...]  # event number, name
    entry: bool


class EdgeInfo(msgspec.Struct, frozen=True, array_like=True):
    """A connection. ``source`` is -1 for the edges that have none: ``event`` is then
    `EXECUTE` where a job enters, `TIMER` where a routine has itself called later.
    """

    number: int
    source: int
    event: str
    event_number: int
    target: int
    slot: str
    renames: tuple[tuple[str, str], ...] = ()  # of keys: as emitted, as the slot gets them


class FlowInfo(msgspec.Struct, frozen=True, array_like=True):
    """A flow's topology."""

    number: int
    id: str
    strategy: str
    workers: int
    routines: tuple[RoutineInfo, ...]
    edges: tuple[EdgeInfo, ...]


class BoxState(msgspec.Struct, frozen=True, array_like=True):
    """A slot with limits: what waits for it, how much may (0: any number), and what that cost.

    ``blocked`` counts emitters that wait for room now, ``overflowed`` messages that went in over
    the limit so that nothing deadlocks.
    """

    routine: int
    slot: str
    waiting: int
    room: int
    blocked: int
    dropped: int
    overflowed: int


class FlowState(msgspec.Struct, frozen=True, array_like=True):
    """Where a flow stands.

    ``waiting`` counts deliveries that were queued and have not begun, wherever they stand: in a
    ready queue, a slot's mailbox or a job. ``retries`` and ``timers`` wait for their time and are
    not among them. ``held`` says of which edges: (edge, deliveries that wait for their time,
    deliveries of paused jobs). ``dropped`` counts what will never run.
    """

    number: int
    waiting: int
    open_jobs: int
    completed: int
    failed: int
    paused: int = 0
    cancelled: int = 0
    retries: int = 0
    timers: int = 0
    dropped: int = 0
    held: tuple[tuple[int, int, int], ...] = ()
    boxes: tuple[BoxState, ...] = ()
    every: int = 1  # one job in so many is traced


#: One thread's exact counts of one edge since the start: edge, queued, started, done, failed,
#: run ns, wait ns, dropped, timed. Only the times of the ``timed`` ones are known.
Counts = tuple[int, int, int, int, int, int, int, int, int]


class LaneState(msgspec.Struct, frozen=True, array_like=True):
    """One thread that runs handlers of a flow: what runs now, and the counts that changed.

    ``coroutines`` is None but for the flow's event loop: how many it has under way. ``running`` is
    then the one that began first.
    """

    number: int
    flow: int
    name: str
    running: tuple[int, int, int] | None  # edge, start ns, activation
    counts: tuple[Counts, ...]
    emitted: tuple[tuple[int, int], ...]  # event number, emissions that nothing received
    coroutines: int | None = None


class Histogram(msgspec.Struct, frozen=True, array_like=True):
    """Log-linear bins of one edge since the start; see `routilux.histogram`."""

    edge: int
    run: dict[int, int]
    wait: dict[int, int]


class JobInfo(msgspec.Struct, frozen=True, array_like=True):
    """A job that is open, or has ended and is still held by somebody.

    ``entry`` is the edge by which it came in, -1 for what is emitted outside of any job. ``sent``
    counts its deliveries so far, -1 where the flow keeps no history or that is too long to count
    now; ``left`` those of them that have not ended, ``later`` the share of these that waits for
    its time. ``errors`` counts failed tries for good, ``retried`` those that were repeated.
    """

    number: int
    flow: int
    status: str
    entry: int
    age_ns: int  #: since it began; of one that has ended how long it took
    ended: bool
    sent: int
    left: int
    later: int
    dropped: int
    errors: int
    retried: int
    error: str = ""


class LaterInfo(msgspec.Struct, frozen=True, array_like=True):
    """A delivery that waits for its time: the ``tries``-th try of it, or a timer (0)."""

    flow: int
    job: int
    edge: int
    activation: int
    due_ns: int  #: from now on; negative when a worker should have had it already
    tries: int


class StackLine(msgspec.Struct, frozen=True, array_like=True):
    """A frame: where it is, and what the source says there (empty where that is not known)."""

    file: str
    line: int
    function: str
    text: str


class WaitInfo(msgspec.Struct, frozen=True, array_like=True):
    """A thread that waits. Of a wait of the engine's all is exact; what waits for a lock of the
    user's is told from its stack, and its holder known only where the lock or a stack tells.

    ``what`` is job, flow, turn, room, lock or thread; ``deadlock`` numbers the circle that the
    wait is part of, 0: none.
    """

    thread: str
    what: str
    text: str  #: what it waits for, in words
    file: str
    line: int
    since_ns: int
    seconds: float | None  #: when it gives up, counted from then; None: never
    holders: tuple[str, ...]
    note: str = ""  #: why nobody holds it, or how the holder is known
    deadlock: int = 0


class HotLine(msgspec.Struct, frozen=True, array_like=True):
    """A source line on which handlers were seen. Times are estimates in nanoseconds.

    ``wall_ns`` is all of it; of ``known_ns`` of that it is known that ``cpu_ns`` were spent
    computing; ``lock_ns`` were spent waiting for a lock.
    """

    file: str
    line: int
    hits: int
    wall_ns: int
    known_ns: int
    cpu_ns: int
    lock_ns: int


class SourceText(msgspec.Struct, frozen=True, array_like=True):
    """Some lines of a file, from ``first`` on."""

    file: str
    first: int
    lines: tuple[str, ...]


class Hot(msgspec.Struct, frozen=True, array_like=True):
    """What sampling a routine has found so far. ``cost_ns`` is CPU time of the sampler."""

    since_ns: int
    hz: float
    looks: int
    cost_ns: int
    lines: tuple[HotLine, ...]
    source: tuple[SourceText, ...] | None = None  # None: not asked for


#: See `routilux.records.Record`.
RecordTuple = tuple[int, int, int, int, int, int, int, int, int, int, int, int, int | float]


class Snapshot(Message, frozen=True):
    """The state of the engine process at one moment. Apart from ``records`` nothing is sampled.

    ``flows`` is None while the wiring is as last sent; counts, histograms and stats hold what has
    changed since the last pull, as totals. ``published`` and ``received`` count records since the
    start: the difference was lost on the way and is shown as such. ``cost_ns`` is CPU time spent
    on answering and on previews since the last snapshot, ``cpu_ns`` that of the whole process.
    ``stat_names`` brings the statistics that records name by a number, each once: number, flow,
    routine id, key.
    """

    taken_ns: int
    generation: int
    flows: tuple[FlowInfo, ...] | None
    states: tuple[FlowState, ...]
    lanes: tuple[LaneState, ...]
    histograms: tuple[Histogram, ...]
    stats: tuple[tuple[int, int, dict[str, int | float | str]], ...]  # flow, routine, values
    records: tuple[RecordTuple, ...]
    notes: tuple[tuple[int, int, str], ...]  # activation, records.Note, text
    published: int
    received: int
    cpu_ns: int
    cost_ns: int
    rss: int
    began_ns: int = 0  # when the code began to run, on the engine's clock; 0: not told
    unwatched_flows: int = 0  # flows beyond the number that is watched at once
    stat_names: tuple[tuple[int, int, str, str], ...] = ()
    jobs: tuple[JobInfo, ...] | None = None  # None: not asked for; the newest last
    later: tuple[LaterInfo, ...] = ()  # asked for together with the jobs; the first due first
    facts: tuple[FlowFacts, ...] | None = None  # comes with the wiring; None: as last sent
    threads: tuple[ThreadLook, ...] = ()
    ends: tuple[FlowEnd, ...] = ()  # once the script has ended by itself
    synthetic: tuple[int, ...] = ()  # numbers of jobs that were sent by hand, each once
    waits: tuple[WaitInfo, ...] = ()


class Answer(Message, frozen=True):
    """What came of a `Control`, `Call`, `AskStack` or `AskLines`: one line for the user.

    ``refused`` tells that nothing was done. Of a stack the outermost frame comes first, and
    ``began_ns`` says on the engine's clock since when that activation runs (0: not known).
    """

    ticket: int
    text: str
    refused: bool = False
    stack: tuple[StackLine, ...] = ()
    thread: str = ""
    began_ns: int = 0
    hot: Hot | None = None


class Stopped(Message, frozen=True):
    """The last message: what stopping cost. ``stuck`` names threads still in a handler."""

    dropped: int
    stuck: tuple[str, ...]


#: What is answered by an `Answer`.
Question = Control | Call | AskStack | AskLines
Request = Load | OpenGate | Pull | Question | Execute | Stop
Reply = Snapshot | ScriptState | Answer | Stopped

_encoder = msgspec.msgpack.Encoder()
decode_request = msgspec.msgpack.Decoder(Request).decode
decode_reply = msgspec.msgpack.Decoder(Reply).decode


def frame(message: Message) -> bytes:
    """One message, ready for the wire."""
    try:
        body = _encoder.encode(message)
    except UnicodeEncodeError:  # a lone surrogate, as in a file name that is not UTF-8
        body = _encoder.encode(_encodable(msgspec.to_builtins(message)))
    return _LENGTH.pack(len(body)) + body


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_encodable(key): _encodable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(each) for each in value]
    return value


class Frames:
    """Cuts a byte stream into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Add what arrived and give the frames that are complete.

        Raises:
            ValueError: the stream is not ours.
        """
        buffer = self._buffer
        buffer += data
        while len(buffer) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(buffer)
            if length > MAX_FRAME:
                raise ValueError(f"a frame of {length} bytes: not a routilux engine process")
            end = _LENGTH.size + length
            if len(buffer) < end:
                return
            body = bytes(buffer[_LENGTH.size : end])
            del buffer[:end]
            yield body
