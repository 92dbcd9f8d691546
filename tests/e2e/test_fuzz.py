"""Random bytes from a keyboard at the real program, on a flow in a process of its own."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.e2e.terminal import terminal
from tests.tui.screens.fuzzing import SEQUENCES, TEXTS

FLOW = """
import time
from routilux import Flow, Routine

class Step(Routine):
    def __init__(self):
        super().__init__()
        self.define_slot("trigger", handler=self.work)
        self.define_event("out")

    def work(self, n):
        if n % 50 == 7:
            raise ValueError("[/b] \\u202e注文")
        self.increment_stat("[red]seen")
        self.emit("out", n=n)

flow = Flow("f [b]", execution_strategy="concurrent", max_workers=3)
names = ["a b", "[b]x[/b]", "注文処理", "ne\\u0301e\\u0301", "\\u05d4\\u05d6\\u05de", "n" * 300]
for name in names:
    flow.add_routine(Step(), name)
for one, other in zip(names, names[1:]):
    flow.connect(one, "out", other, "trigger")
n = 0
while True:
    n += 1
    flow.execute(names[0], {"n": n})
    time.sleep(0.002)
"""
#: What would end the program, or stop it: that is tested elsewhere.
_LEAVING = "q\x03\x11\x1a\x1c"
#: Letters and marks that are keys, and what terminals send for the others.
_KEYS = [chr(code) for code in range(32, 127)] + ["\r", "\t", "\x7f", "\x10", "\x04", "\x15"]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", range(3))
def test_random_keys_and_sizes_do_not_end_it(seed: int, tmp_path: Path) -> None:
    """Five hundred at a time, then it answers, leaves with 0 and has left nothing switched on."""
    flow = tmp_path / "flow.py"
    flow.write_text(FLOW)
    dice = random.Random(seed)
    done: list[str] = []
    env = {"XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    with terminal(flow, cwd=tmp_path, size=(120, 40), env=env) as screen:
        screen.wait_for("ev/s")
        try:
            for _ in range(500):
                word = dice.choice(
                    (*[dice.choice(_KEYS)] * 6, *dice.sample((*SEQUENCES, *TEXTS), 2))
                )
                word = "".join(char for char in word if char not in _LEAVING)
                done.append(repr(word))
                screen.press(word.encode("utf-8", "replace").decode())
                if dice.random() < 0.1:
                    size = dice.randint(2, 300), dice.randint(2, 80)
                    done.append(str(size))
                    screen.resize(*size)
                assert screen.read(0.01), "it has ended"
            screen.press("\x1b[201~")  # a paste that was begun ends
            screen.resize(120, 40)
            for _ in range(6):
                screen.press("escape")
                screen.read(0.1)
            screen.wait_for("routilux-tui")
            assert screen.process.isalive()
            assert "Traceback" not in screen.text()
            screen.process.send("\x11")
            assert screen.wait_exit() == 0
            screen.assert_restored()
        except BaseException as error:
            error.add_note(f"seed {seed}; the last keys:\n" + "\n".join(done[-30:]))
            raise
