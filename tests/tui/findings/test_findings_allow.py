"""Comments in the source: read as tokens, placed by the syntax tree, told of when useless."""

from __future__ import annotations

import textwrap
from pathlib import Path
from types import ModuleType

import pytest

from routilux import Flow
from tests.tui.findings.looking import by_flow, load_file, watch_flows
from tui.model.findings import Finding
from tui.session.collector import Collector
from tui.session.facts.code import LONGEST, parse, source_of
from tui.session.facts.wiring import facts_of

#: A flow with an event that nobody hears (`check.bad`) and a slot that nobody feeds (`check.late`).
SHOP = """
{file}
from routilux import Flow, Routine


class Orders(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.read)
        self.define_event("order")

    def read(self, **kwargs):
        self.emit("order", number=1)


{klass}
class Check(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("order", handler=self.check)
        self.define_slot(
            "late",  {slot}
            handler=self.check_late,
        )
        {event}
        self.define_event("bad")

    def check(self, number):
        self.emit("bad", number=number)

    {handler}
    def check_late(self, number):
        pass


def build_flow():
    flow = Flow("shop")
    flow.add_routine(Orders(), "orders")
    flow.add_routine(Check(), "check")  {add}
    flow.connect("orders", "order", "check", "order")  {connect}
    return flow
"""
PLACES = ("file", "klass", "slot", "event", "handler", "add", "connect")


def shop(folder: Path, **comments: str) -> ModuleType:
    path = folder / "shop.py"
    path.write_text(SHOP.format(**dict.fromkeys(PLACES, "") | comments).lstrip("\n"))
    return load_file(path)


def findings(module: ModuleType) -> tuple[list[Finding], int]:
    """The findings of the shop, and how many were allowed."""

    def run(collector: Collector) -> None:
        flow: Flow = module.build_flow()
        collector.files = (str(module.__file__),)
        collector.add(flow)
        flow.execute("orders")

    monitor = watch_flows([run], {})
    return monitor.findings.ranked(), monitor.findings.allowed


ALL = {"check.bad", "check.late"}


@pytest.mark.parametrize(
    ("place", "comment", "left"),
    [
        ("file", "", ALL),
        ("file", "# routilux: allow(L05: a sketch)", set()),
        ("klass", "# routilux: allow(L05)", set()),
        ("klass", "# routilux: allow(L06, L05: (yes) both)", set()),
        ("klass", "# routilux: allow(L06)", ALL),
        ("klass", "# routilux: allow(L05)\n# and why: nobody asked", set()),
        ("slot", "# routilux: allow(L05: comes later)", {"check.bad"}),
        ("event", "# routilux: allow(L05)", {"check.late"}),
        ("handler", "# routilux: allow(L05)", {"check.bad"}),
        ("add", "# routilux: allow(L05)", set()),
        ("connect", "# routilux: allow(L05)", ALL),  # it is about the ports that it joins
    ],
)
def test_a_comment_covers_what_it_stands_at(
    tmp_path: Path, place: str, comment: str, left: set[str]
) -> None:
    found, allowed = findings(shop(tmp_path, **{place: comment}))
    assert {f.place.name for f in found} == left
    assert allowed == 2 - len(left)


def test_the_top_of_a_file_is_its_first_block_of_comments_only(tmp_path: Path) -> None:
    top = "#!/usr/bin/env python\n# a shop\n# routilux: allow(L05)\n"
    assert findings(shop(tmp_path, file=top))[0] == []
    lower = '"""A shop."""\n# routilux: allow(L05)\n'
    found, _ = findings(shop(tmp_path, file=lower))
    assert {f.id for f in found} == {"L05", "L00"}  # it stands at an import


@pytest.mark.parametrize(
    ("comment", "said"),
    [
        ("# routilux: allow(L5)", "there is no lint 'L5'; did you mean 'L05'?"),
        ("# routilux: allow(L05, L99)", "there is no lint 'L99'"),
        ("# routilux: allow L05", "it cannot be understood: 'allow L05'"),
        ("# routilux: allow()", "it cannot be understood"),
        ("# routilux: alow(L05)", "it cannot be understood: 'alow(L05)'"),
    ],
)
def test_a_comment_that_means_nothing_is_told_of_once(
    tmp_path: Path, comment: str, said: str
) -> None:
    found, _ = findings(shop(tmp_path, event=comment))
    (told,) = [f for f in found if f.id == "L00"]
    assert said in told.evidence[0]
    assert told.place.source == "shop.py:23"


def test_text_that_looks_like_a_comment_is_none() -> None:
    source = parse('text = """\n# routilux: allow(L05)\n"""\nother = "# routilux: allow(L05)"\n')
    assert source.comments == ()


def test_names_of_classes_are_those_of_python() -> None:
    source = parse(
        textwrap.dedent(
            """
            def build():
                class Node:
                    class Inner:
                        pass
                return Node
            class Node:
                def work(self):
                    self.a = 1
                    self.helper()
                def helper(self):
                    self.flow.shutdown()
                    self.pool.shutdown()
                    job.wait_for_completion(self.flow)
                def unused(self):
                    flow.wait_for_completion()
            class Sly:
                def __init__(self):
                    setattr(self, "x", 1)
            """
        )
    )
    names = [each.name for each in source.classes]
    assert names == ["build.<locals>.Node", "build.<locals>.Node.Inner", "Node", "Sly"]
    node = source.class_of("Node", 8)
    sly = source.class_of("Sly", 0)
    assert node is not None
    assert sly is not None
    assert node.sets == {"a"}
    assert sly.sets is None
    assert [(what, method) for what, _, method in node.waits] == [
        ("Flow.shutdown", "helper"),
        ("Flow.wait_for_completion", "helper"),
        ("Flow.wait_for_completion", "unused"),
    ]
    assert node.reached_from(["work"]) == {"work", "helper"}


@pytest.mark.parametrize(
    "content", [b"def (:\n", b"\xff\xfe\x00", b"# -*- coding: nonsense -*-\n", b"(" * 5_000]
)
def test_a_file_that_is_no_python_holds_nothing(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.py"
    path.write_bytes(content)
    assert source_of(str(path)).classes == ()
    assert source_of(str(tmp_path / "gone.py")).comments == ()


def test_a_file_is_read_again_when_it_was_saved_and_not_when_it_is_huge(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text("class A: pass\n")
    assert [c.name for c in source_of(str(path)).classes] == ["A"]
    path.write_text("class B: pass\nclass C: pass\n")
    import os

    os.utime(path, ns=(1, 1))
    assert [c.name for c in source_of(str(path)).classes] == ["B", "C"]
    path.write_text("class D: pass\n" + "#" * LONGEST)
    assert source_of(str(path)).classes == ()


def test_facts_of_routines_that_have_no_source() -> None:
    space: dict[str, object] = {}
    exec(
        "from routilux import Flow, Routine\n"
        "class R(Routine):\n"
        "    def __init__(self, a, *, b=1):\n"
        "        super().__init__()\n"
        "        self.define_slot('trigger', handler=lambda **k: None)\n"
        "flow = Flow('f')\nr = R(1)\nr.late = 3\nflow.add_routine(r, 'r')\n",
        space,
    )
    flow = space["flow"]
    assert isinstance(flow, Flow)
    (routine,) = facts_of(flow).routines
    assert (routine.required, routine.optional) == (("a",), ("b",))
    assert routine.loose == ()  # what a class without source sets cannot be known


def test_every_builtin_routine_is_without_findings() -> None:
    import routilux.builtin as ready
    from routilux import Routine

    flow = Flow("ready")
    kinds = [getattr(ready, name) for name in ready.__all__]
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, Routine):
            flow.add_routine(kind(), kind.__name__)
    assert len(flow.routines) > 10
    for routine in facts_of(flow).routines:
        assert (routine.required, routine.optional, routine.loose) == ((), (), ()), routine
    monitor = watch_flows([lambda collector: collector.add(flow)], {})
    assert by_flow(monitor) == {}
