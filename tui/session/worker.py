"""The engine process: runs the user's code in its main thread, answers the monitor from another.

Started as ``python -P -c "…main(FD)"`` with one inherited socket; see `tui.session.process`. It
imports neither Textual nor rich, so a warm spare is cheap and the user's code finds a plain
interpreter. It ends when the socket closes: no process is left behind without a monitor.
"""

from __future__ import annotations

import contextlib
import faulthandler
import io
import os
import queue
import signal
import socket
import sys
import threading
import time
import traceback
from typing import Any

import msgspec

import routilux
from routilux import LineCapture, hub
from routilux.clock import now_ns

from .calls import begin_call, refused
from .collector import Collector
from .facts.ending import Ending
from .jobs import control
from .loader import NotFoundError, Program
from .messages import (
    AskLines,
    AskStack,
    Call,
    Control,
    Execute,
    Failure,
    Frames,
    Load,
    Message,
    OpenGate,
    Pull,
    Request,
    ScriptState,
    Stop,
    Stopped,
    decode_request,
    frame,
)
from .profile import Profiler
from .stack import stack_of

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_OURS = os.path.dirname(os.path.abspath(__file__)) + os.sep
_ENGINE = os.path.dirname(os.path.abspath(routilux.__file__))
#: After the drain the script's main thread gets so long for its ``finally`` blocks, seconds.
_GOODBYE = 0.3
#: The phases of a `ScriptState`: a script only ever goes on to a later one.
_PHASES = {"loading": 0, "gate": 1, "running": 2, "ended": 3, "failed": 3}


def main(fd: int) -> None:
    """Serve one monitor on an inherited socket; never returns."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A line leaves in one write, so that threads cannot glue two together.
            stream.reconfigure(
                encoding="utf-8",
                errors="backslashreplace",
                line_buffering=True,
                write_through=False,
            )
    # The user saves again within a second, which a cached .pyc would not notice.
    sys.dont_write_bytecode = True
    with contextlib.suppress(OSError, ValueError, RuntimeError):
        faulthandler.enable()
    _die_with_monitor()
    sock = socket.socket(fileno=fd)
    sock.set_inheritable(False)  # who the script starts must not keep the line open
    Engine(sock).run()


def _die_with_monitor() -> None:
    """On Linux the kernel ends us with the monitor, also while a C call holds the interpreter."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class Engine:
    """One loaded target and its conversation with the monitor."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._sending = threading.Lock()
        self._loads: queue.SimpleQueue[Load] = queue.SimpleQueue()
        self._gate = threading.Event()
        self._reporting = threading.Lock()  # guards _state; taken before _sending
        self._state = ScriptState("loading")
        self._collector = Collector()
        self._profile = Profiler()
        self._program: Program | None = None
        self._script_over = threading.Event()
        self._stopping = False
        self._forked = False
        self._modules = 0
        self._failed_in: set[str] = set()
        self._runs: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._runner: threading.Thread | None = None

    def run(self) -> None:
        """Main thread: wait for a target, run it, stay for its final state."""
        os.register_at_fork(after_in_child=self._leave_to_parent)
        threading.Thread(target=self._serve, name="routilux-monitor", daemon=True).start()
        load = self._loads.get()
        try:
            self._run(load)
        except KeyboardInterrupt:
            pass  # the script has ended, and the monitor ends us while we say so
        finally:
            self._script_over.set()
        self._await_threads()
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                threading.Event().wait()

    # the user's code (main thread) ------------------------------------------------------------

    def _run(self, load: Load) -> None:
        self._collector = Collector(load.generation)
        self._collector.files = (load.path,)
        ending = self._collector.ending = Ending()
        ending.watch()
        self._collector.attach()
        LineCapture().open()
        hub.gate = self._wait_at_gate
        code, failure = 0, None
        self._program = Program(load)
        try:
            os.chdir(load.cwd)
            _forget_ourselves()
            self._program.start(self._collector.flows)
        except SystemExit as leave:
            code = _exit_code(leave)
        except BaseException as error:  # noqa: BLE001 - whatever the script raises is its own
            if self._stopping and isinstance(error, KeyboardInterrupt):
                return  # our own doing: no failure of the script's
            failure = _failure(error, load)
            self._failed_in = _files_of(error)
            code = 1
            _print_exception(error, failure)
        _flush()
        if self._forked:
            sys.exit(code)  # a child that the script forked: it ends as under plain Python
        if not code and not self._program.drives_alone and not ending.waits:
            ending.take(self._collector.flows())  # before anybody hears that it has ended
        self._report("failed" if failure else "ended", code, failure)

    def _await_threads(self) -> None:
        """The script has ended when the threads have that Python would wait for."""
        ending, state, program = self._collector.ending, self._state, self._program
        if state.phase != "ended" or state.exit_code or ending is None or program is None:
            return
        if ending.waits and not program.drives_alone:
            with contextlib.suppress(KeyboardInterrupt):
                for thread in ending.waits:
                    thread.join()
                ending.take(self._collector.flows())

    def _leave_to_parent(self) -> None:
        """In a forked child: the line to the monitor, and the gate, are the parent's business."""
        self._forked = True
        hub.gate = None
        self._gate.set()
        with contextlib.suppress(OSError):
            self._sock.close()

    def _wait_at_gate(self) -> None:
        if not self._gate.is_set():
            self._report("gate")
            self._gate.wait()

    def _open_gate(self) -> None:
        hub.gate = None
        self._collector.began_ns = now_ns()
        self._report("running")
        self._gate.set()

    def _execute(self) -> None:
        """Run the entries once more, in a thread of their own so that we go on answering."""
        self._runs.put(None)
        if self._runner is None:
            self._runner = _Thread(target=self._execute_queued, name="run", daemon=True)
            self._runner.start()

    def _execute_queued(self) -> None:
        while True:
            self._runs.get()
            try:
                if self._program is not None:
                    self._program.drive(self._collector.flows())
            except BaseException as error:  # noqa: BLE001 - shown where the script's prints are
                _print_exception(error)

    # the monitor (thread "routilux-monitor") --------------------------------------------------

    def _serve(self) -> None:
        frames = Frames()
        try:
            while data := self._sock.recv(65_536):
                for body in frames.feed(data):
                    self._handle(decode_request(body))
        except OSError:
            pass
        except BaseException as error:  # noqa: BLE001 - a mistake of ours must not look like an end
            _print_exception(error)
            os._exit(70)
        # The monitor is gone. Nobody is left who could end what the script has started.
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(0)

    def _handle(self, request: Request) -> None:
        match request:
            case Pull():
                collector = self._collector
                snapshot = collector.snapshot(request)
                begin = time.thread_time_ns()
                self._send(snapshot)
                collector.spent_ns += time.thread_time_ns() - begin
                if len(sys.modules) != self._modules and self._state.phase != "loading":
                    self._report_new_files()
            case Load():
                self._loads.put(request)
            case OpenGate():
                self._open_gate()
            case Execute():
                self._execute()
            case AskStack():
                self._send(stack_of(self._collector.flows(), request))
            case AskLines():
                self._send(self._profile.answer(self._collector.flows(), request))
            case Call():
                _Thread(target=self._call, args=(request,), name="call", daemon=True).start()
            case Control():
                # Callbacks of the user's may run in it, or all that is left of a job.
                _Thread(target=self._control, args=(request,), name="control", daemon=True).start()
            case Stop():
                self._stop(request.drain)

    def _control(self, request: Control) -> None:
        answer = control(self._collector.flows(), request)
        with contextlib.suppress(OSError):  # the monitor may have gone meanwhile
            self._send(answer)

    def _call(self, request: Call) -> None:
        if not self._gate.is_set():
            self._send(refused(request, "the code is still loading"))
            return
        answer, job = begin_call(self._collector.flows(), request)
        with contextlib.suppress(OSError):
            self._send(answer)
        if job is not None:
            job.backend.settle(job)  # a sequential flow runs it here

    def _report_new_files(self) -> None:
        modules, files = len(sys.modules), self._files()
        with self._reporting:
            self._modules = modules
            if files != self._state.files:
                self._state = msgspec.structs.replace(self._state, files=files)
                self._send(self._state)

    def _stop(self, drain: float) -> None:
        hub.gate = _block_for_ever
        self._stopping = True
        deadline = time.monotonic() + drain
        flows = self._collector.flows()
        for flow in flows:
            flow._scheduler.stop_open_jobs()
        for flow in flows:
            flow.wait_for_completion(max(0.0, deadline - time.monotonic()))
        lanes = [lane for flow in flows for lane in flow.bus.lanes()]
        stuck = tuple(lane.thread.name for lane in lanes if lane.running)
        if self._gate.is_set() and not self._script_over.is_set():
            with contextlib.suppress(ProcessLookupError, RuntimeError):
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            self._script_over.wait(_GOODBYE)
        _flush()
        self._send(Stopped(sum(sum(lane.dropped.values()) for lane in lanes), stuck))
        os._exit(0)

    def _report(self, phase: str, code: int = 0, failure: Failure | None = None) -> None:
        """Go on to a phase and say so; nothing if the other thread has got further already."""
        if self._forked:
            return
        modules, files = len(sys.modules), self._files()
        with self._reporting:
            if _PHASES[phase] > _PHASES[self._state.phase]:
                opened = phase == "running" or self._gate.is_set()
                self._modules = modules
                self._state = ScriptState(phase, opened, code, failure, files)
                self._send(self._state)

    def _send(self, message: Message) -> None:
        data = frame(message)
        with self._sending:
            self._sock.sendall(data)

    def _files(self) -> tuple[str, ...]:
        loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        found = {_user_file(file) for file in (*loaded, *self._failed_in)}
        return tuple(sorted(file for file in found if file))


#: Kept, since a script may put something else in its place.
_Thread = threading.Thread


def _forget_ourselves() -> None:
    """A ``tui.py`` of the user's own must be found by its name, as under plain Python."""
    for name in list(sys.modules):
        if name == "tui" or name.startswith("tui."):
            del sys.modules[name]


def _user_file(file: object) -> str:
    """The file if it is the user's own: not the interpreter's, installed, or ours."""
    if not isinstance(file, str) or not file.endswith(".py"):
        return ""
    file = os.path.abspath(file)
    foreign = (
        os.path.join(sys.base_prefix, "lib"),
        os.path.join(sys.prefix, "lib"),
        _HERE,
        _ENGINE,
    )
    if "site-packages" in file or "dist-packages" in file:
        return ""
    return "" if any(file.startswith(root + os.sep) for root in foreign) else file


def _exit_code(leave: SystemExit) -> int:
    if leave.code is None:
        return 0
    if isinstance(leave.code, int):
        return leave.code
    _say(f"{leave.code}\n")
    return 1


def _say(text: str) -> None:
    """On the script's stderr, if it has left one."""
    with contextlib.suppress(Exception):
        sys.stderr.write(text)
        sys.stderr.flush()


def _failure(error: BaseException, load: Load) -> Failure:
    if isinstance(error, NotFoundError):
        return Failure("NotFound", str(error), load.path)
    kind, message = type(error).__name__, _text(error)
    own = _own_frames(error)
    text = "".join(traceback.format_exception(type(error), error, own))
    if isinstance(error, SyntaxError) and error.filename:
        return Failure(kind, error.msg, error.filename, error.lineno or 0, error.offset or 0, text)
    file, line = "", 0
    while own is not None:
        code = own.tb_frame.f_code
        if _user_file(code.co_filename):
            file, line = code.co_filename, own.tb_lineno
        own = own.tb_next
    return Failure(kind, message, file, line, 0, text)


def _own_frames(error: BaseException) -> Any:
    """The traceback from the first frame of the user's on: ours above it would only confuse."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_code.co_filename.startswith((_OURS, "<frozen import")):
        tb = tb.tb_next
    return tb


def _files_of(error: BaseException) -> set[str]:
    """The files that a failure went through: not all of them are modules that got loaded."""
    frames = traceback.walk_tb(error.__traceback__)
    files = {frame.f_code.co_filename for frame, _ in frames}
    if isinstance(error, SyntaxError) and error.filename:
        files.add(error.filename)
    return files


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the user's own __str__
        return "<its __str__ raised>"


def _print_exception(error: BaseException, failure: Failure | None = None) -> None:
    if failure is not None and failure.kind == "NotFound":
        _say(f"{failure.message}\n")
        return
    own = _own_frames(error)
    try:
        sys.excepthook(type(error), error.with_traceback(own), own)
    except BaseException:  # noqa: BLE001 - the script's own hook
        with contextlib.suppress(Exception):
            _say("".join(traceback.format_exception(type(error), error, own)))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _block_for_ever() -> None:
    threading.Event().wait()
