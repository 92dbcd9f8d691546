"""L08 configuration that is not saved: constructor arguments, and attributes set from outside

What is wrong: `Scale` takes its factor as an argument, so `flow.serialize()` refuses it: whoever
loads the flow could not make the routine again. The offset is set on the instance from outside, so
it is gone when the flow is loaded, without a word.

How to repair it: `set_config(factor=2.0, offset=1.0)`, which is saved, and `get_config()` in the
handler. What a routine gathers in attributes of its own is kept if it is named in
`add_serializable_fields()`.

With the argument `repaired` both stand in the config, and the findings are gone.
"""

import sys

from routilux import Flow, Routine


class Scale(Routine):
    """Takes its factor as an argument."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.set_config(factor=factor)
        self.define_slot("trigger", handler=self.scale)

    def scale(self, value: float = 1.0, **kwargs: object) -> None:
        offset = getattr(self, "offset", 0.0)
        self.set_stat("result", value * self.get_config("factor") + offset)


class SavedScale(Routine):
    """Takes everything from its config."""

    def __init__(self) -> None:
        super().__init__()
        self.set_config(factor=1.0, offset=0.0)
        self.define_slot("trigger", handler=self.scale)

    def scale(self, value: float = 1.0, **kwargs: object) -> None:
        self.set_stat("result", value * self.get_config("factor") + self.get_config("offset"))


def build_flow(repaired: bool = False) -> Flow:
    """One routine with two settings.

    Args:
        repaired: both of them in its config.
    """
    flow = Flow("l08_not_saved", execution_strategy="concurrent", max_workers=2)
    if repaired:
        saved = SavedScale()
        saved.set_config(factor=2.0, offset=1.0)
        flow.add_routine(saved, "scale")
    else:
        scale = Scale(2.0)
        scale.offset = 1.0  # type: ignore[attr-defined]
        flow.add_routine(scale, "scale")
    return flow


def run(flow: Flow) -> None:
    """Scale one value."""
    flow.execute("scale", {"value": 20.0})
    flow.wait_for_completion(timeout=10.0)
    print(f"result: {flow.routines['scale'].get_stat('result')}", flush=True)
    flow.shutdown(wait=True, timeout=2.0)


if __name__ == "__main__":
    run(build_flow(repaired="repaired" in sys.argv))
