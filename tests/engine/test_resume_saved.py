"""Pause, save, load in another process, resume: exactly the rest runs, and nothing twice."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from routilux import JobState, UnknownNameError
from tests.engine.saving import paused, pipeline, wait_for_pause
from tests.waiting import SECONDS

ROOT = Path(__file__).parents[2]
COUNT = 8

STEPS = '''
import threading
from routilux import ErrorHandler, Flow, Routine

lock = threading.Lock()


class Source(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.start)
        self.define_event("item")

    def start(self, count):
        for n in range(count):
            self.emit("item", n=n)


class Worker(Routine):
    """Writes into the ledger what it has handled. Fails at the first try of item 1."""

    def __init__(self):
        super().__init__()
        self.set_config(ledger="ledger.txt", pause_at=[], failed=[])
        self.define_slot("input", handler=self.work, merge_strategy="append")
        self.define_event("done")
        self.set_error_handler(ErrorHandler("retry", retry_delay=0.2))

    def work(self, n, **kwargs):
        with lock:
            if n == 1 and not self.get_stat("failed"):
                self.set_stat("failed", True)
                raise ValueError("not yet")
            self.increment_stat("handled")
            with open(self.get_config("ledger"), "a") as ledger:
                ledger.write(f"{n}\\n")
        if n in self.get_config("pause_at"):
            context = self.get_execution_context()
            context.flow.pause(context.job_state, "half-way", {"n": n})
        self.emit("done", value=n)


class Sink(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("input", handler=self.take, merge_strategy=self.add)

    @staticmethod
    def add(old, new):
        return {"n": [*old.get("n", []), new["n"]]}

    def take(self, **kwargs):
        self.increment_stat("taken")


def build(strategy):
    flow = Flow("pipeline", strategy, max_workers=3)
    flow.add_routine(Source(), "source")
    flow.add_routine(Worker(), "worker")
    flow.add_routine(Sink(), "sink")
    flow.connect("source", "item", "worker", "input")
    flow.connect("worker", "done", "sink", "input", {"value": "n"})
    return flow
'''

FIRST = """
import json, os, sys, threading
from steps import build

strategy, count, pause_at = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
flow = build(strategy)
flow.routines["worker"].set_config(pause_at=[pause_at])
with open("flow.json", "w") as file:
    json.dump(flow.serialize(), file)
paused = threading.Event()
pause = flow.pause
def pause_and_tell(*args, **kwargs):
    pause(*args, **kwargs)
    paused.set()
flow.pause = pause_and_tell
threading.Thread(target=flow.execute, args=("source", {"count": count}), daemon=True).start()
assert paused.wait(10)
(job,) = flow.get_all_executions()
assert pause(job, "to be saved", timeout=10)
job.save("job.json")
sys.stdout.flush()
os._exit(0)  # as if it were killed: nothing is put in order
"""

NEXT = """
import json, sys, threading
from routilux import Flow, JobState

flow = Flow()
with open("flow.json") as file:
    flow.deserialize(json.load(file))
job = JobState.load("job.json")
pending = len(job.pending_tasks)
flow.routines["worker"].set_config(pause_at=[])
flow.resume(job)
assert job.wait(10)
flow.shutdown()
print(json.dumps({
    "pending": pending,
    "status": job.status,
    "worker": flow.routines["worker"].get_slot("input").data["n"],
    "sink": flow.routines["sink"].get_slot("input").data["n"],
    "handled": flow.routines["worker"].get_stat("handled"),
    "taken": flow.routines["sink"].get_stat("taken"),
    "history": [record.event_name for record in job.execution_history],
    "points": [point["reason"] for point in job.pause_points],
    "states": job.routine_states,
}))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, source in (("steps", STEPS), ("first", FIRST), ("next", NEXT)):
        (tmp_path / f"{name}.py").write_text(source)
    return tmp_path


def run(folder: Path, script: str, *arguments: Any) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", f"{script}.py", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("pause_at", [0, 4, COUNT - 1])
@pytest.mark.parametrize("strategy", ["sequential", "concurrent"])
def test_another_process_runs_exactly_the_rest(folder: Path, strategy: str, pause_at: int) -> None:
    run(folder, "first", strategy, COUNT, pause_at)
    before = [int(n) for n in (folder / "ledger.txt").read_text().split()]
    assert pause_at in before
    result = json.loads(run(folder, "next"))
    everything = [int(n) for n in (folder / "ledger.txt").read_text().split()]
    assert Counter(everything) == Counter(range(COUNT))  # each item once in both together
    assert result["pending"] > 0
    assert result["status"] == "completed"
    assert sorted(result["worker"]) == list(range(COUNT))  # what was accumulated before is there
    assert sorted(result["sink"]) == list(range(COUNT))
    assert (result["handled"], result["taken"]) == (COUNT, COUNT)
    assert result["history"].count("item") == COUNT
    assert result["history"].count("done") == COUNT
    assert (result["history"][0], result["history"][-1]) == ("start", "completed")
    assert result["history"].count("retry") == 1
    assert result["points"] == ["half-way", "to be saved"]


# in one process, where more can be looked at -----------------------------------------------------


def test_a_loaded_job_runs_its_rest_in_order_and_ends() -> None:
    with paused(pipeline(max_workers=1)) as job:
        data = job.serialize()
    flow = pipeline("sequential")
    loaded = JobState.deserialize(data)
    assert flow.resume(loaded) is loaded
    assert loaded.done
    assert loaded.status == "completed"
    assert loaded.pending_tasks == []
    assert flow.routines["worker"].get_slot("input").data == {"n": list(range(6))}  # type: ignore[union-attr]


def test_the_same_file_can_be_resumed_again_from_the_start() -> None:
    with paused(pipeline(max_workers=1)) as job:
        data = job.serialize()
    for _ in range(2):
        flow = pipeline("sequential")
        flow.resume(JobState.deserialize(data))
        assert flow.routines["worker"].get_stat("handled") == 6
        assert len(flow.routines["sink"].get_slot("input").data["n"]) == 6  # type: ignore[union-attr]


def test_a_flow_that_lacks_a_routine_of_the_job_refuses_it_and_stays_as_it_was() -> None:
    with paused(pipeline(max_workers=1)) as job:
        data = job.serialize()
    data["pending_tasks"][-1]["routine_id"] = "gone"
    flow = pipeline("sequential")
    loaded = JobState.deserialize(data)
    with pytest.raises(UnknownNameError, match="has no routine 'gone'"):
        flow.resume(loaded)
    assert loaded.status == "paused"
    assert flow.routines["worker"].stats() == {}
    assert len(loaded.pending_tasks) == 6


def test_a_job_can_be_paused_and_saved_again_and_again() -> None:
    """Each round runs in a flow of its own, as a process of its own would."""
    count = 6
    with paused(pipeline(max_workers=1), count, 1) as job:
        data = job.serialize()
    for pause_at in (3, 4):
        flow = pipeline(max_workers=1)
        flow.routines["worker"].set_config(pause_at=pause_at)
        loaded = flow.resume(JobState.deserialize(data))
        try:
            wait_for_pause(flow, loaded)
            data = loaded.serialize()
        finally:
            flow.cancel(loaded)
            flow.shutdown(timeout=SECONDS)
        assert data["routine_states"]["worker"]["stats"]["handled"] == pause_at + 1
    flow = pipeline("sequential")
    last = flow.resume(JobState.deserialize(data))
    assert flow.routines["worker"].get_stat("handled") == count
    assert flow.routines["worker"].get_slot("input").data == {"n": list(range(count))}  # type: ignore[union-attr]
    assert sorted(flow.routines["sink"].get_slot("input").data["n"]) == list(range(count))  # type: ignore[union-attr]
    assert len(last.get_execution_history("worker")) == count
    assert last.routine_states["worker"]["status"] == "completed"
