"""What JSON lines say of messages that were dropped, and of what was sent by hand."""

from __future__ import annotations

from pathlib import Path

from routilux.records import Drop, Kind, Status
from tests.tui.building import World, flow_info, watching
from tui.findings.registry import Thresholds
from tui.findings.watch import Watch
from tui.headless import _Headless
from tui.targets import Target, parse_target


def test_json_lines_tell_why_a_message_was_dropped_and_what_was_sent_by_hand(
    tmp_path: Path,
) -> None:
    file = tmp_path / "f.py"
    file.write_text("")
    target = parse_target(str(file))
    assert isinstance(target, Target)
    headless = _Headless(target, as_json=True, lints=Watch(Thresholds()))
    world, headless._monitor = World(flow_info([("a", "out", "b", "in")])), watching()
    for job, why in ((1, Drop.FULL), (7, Drop.CANCELLED), (1, 0)):
        dropped = {"status": Status.CANCELLED, "value": int(why), "job": job}
        world.record(Kind.DROPPED, subject=1, **dropped)  # type: ignore[arg-type]
    world.record(subject=1, job=7)
    world.synthetic = (7,)
    headless._monitor.apply(world.snapshot())
    lines = [headless._as_dict(record) for record in headless._monitor.log.view]
    assert [line.get("reason") for line in lines] == ["full", "cancelled", None, None]
    assert [line.get("synthetic") for line in lines] == [None, True, None, True]
