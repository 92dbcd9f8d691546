"""Every screen there is, opened with deterministic data: for walks through all and pictures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, cast

from routilux.preview import tree
from routilux.records import Kind, Note
from tests.tui.building import MS, CannedSession
from tests.tui.screens.causal import parcels
from tests.tui.screens.close import close_by, stack
from tests.tui.screens.driving import Driver, drive
from tests.tui.screens.scene import replay, world
from tests.tui.screens.trouble import bad_day
from tui.model import log
from tui.screens.dashboard import DashboardScreen
from tui.session.events import Event, Rejected
from tui.session.messages import Failure, Snapshot
from tui.targets import Folder
from tui.widgets.events import EventsPane
from tui.widgets.filterbar import FilterBar

REJECTED = Rejected(
    2,
    Failure("SyntaxError", "'(' was never closed", "/home/me/orders.py", 84, 14),
    (
        (83, "        text = data or kwargs.get('data', '')"),
        (84, "        self.emit('output', result=f'{text}'"),
        (85, ""),
    ),
)


def payloads() -> list[Snapshot]:
    """Two orders that were parsed, alike but for a few keys."""
    scene = world()
    found = [scene.snapshot()]
    for number, country, items in ((4711, "EU", ["tea", "cup"]), (4712, "US", ["tea"])):
        order = {
            "order": number,
            "customer": {"name": "Ann Lee", "country": country, "since": 2019},
            "items": [{"sku": sku, "count": 1 + len(sku)} for sku in items],
            "paid": country == "EU",
        }
        scene.wait(MS).handle(3, 1, wait=4 * MS, run=2 * MS, payload=f"{{order: {number}}}")
        scene.notes.append((scene.last, Note.TREE, tree(order)))
    return [*found, scene.snapshot()]


#: Looks at an engine, by name; each is made once.
_SCENES: dict[str, Callable[[], Sequence[Snapshot | Event]]] = {
    "orders": replay,
    "trouble": bad_day,
    "close": close_by,
    "parcels": parcels,
    "payloads": payloads,
}
_made: dict[str, Sequence[Snapshot | Event]] = {}


def items(scene: str) -> Sequence[Snapshot | Event]:
    """The looks of a scene."""
    if scene not in _made:
        _made[scene] = _SCENES[scene]()
    return _made[scene]


class Shot(NamedTuple):
    """One screen: its name, what it is shown with, and how it is opened from the dashboard."""

    name: str
    scene: str
    opens: Callable[[Driver], Awaitable[None]]


def keys(*pressed: str) -> Callable[[Driver], Awaitable[None]]:
    """Opened by keys."""

    async def opens(d: Driver) -> None:
        await d.press(*pressed)
        await settled(d)

    return opens


async def settled(d: Driver) -> None:
    """What screens ask the engine for has come."""
    await d.app.workers.wait_for_complete()
    d.app.show()
    await d.settle()


def of_paid(*pressed: str) -> Callable[[Driver], Awaitable[None]]:
    """Keys for the last parcel that was paid."""

    async def opens(d: Driver) -> None:
        events = d.dashboard.query_one(EventsPane)
        view = d.app.monitor.log.view
        wanted = [r for r in view if (r[log.KIND], r[log.SUBJECT]) == (Kind.ACTIVATION, 5)][-1]
        await d.press("3")
        events.go_to_time(int(wanted[log.TIME]), int(wanted[log.SEQUENCE]))
        await d.press(*pressed)
        await settled(d)

    return opens


async def _filtered(d: Driver) -> None:
    await d.press("3", "slash")
    await d.type("routine=enrich and wait>70ms")
    await d.press("enter", "k", "k", "m", "k", "z")
    await settled(d)


async def _wrong_filter(d: Driver) -> None:
    await d.press("3", "slash")
    await d.type("routine=enrich and stauts=ok")
    await d.settle()


async def _found(d: Driver) -> None:
    await d.press("ctrl+p")
    await d.type("theme")
    await settled(d)
    await d.until(lambda: "Change the theme" in _text(d), "the palette has found it")


async def _stack(d: Driver) -> None:
    cast("CannedSession", d.app.session).answers = [stack()] * 9
    await d.press("1", "g", "down", "down", "down", "enter", "K")
    await settled(d)


async def _rejected(d: Driver) -> None:
    d.app.monitor.handle(REJECTED)
    d.app.show()
    await d.settle()


async def _told(d: Driver) -> None:
    d.app.notify("3 rows in /home/me/jobs.csv", title="Written", markup=False)
    d.app.notify("There is no job to pause.", severity="warning", markup=False)
    await d.settle()


def _text(d: Driver) -> str:
    from tests.tui.screens.screen_text import screen_text

    return screen_text(d.app)


#: Every screen.
SHOTS: tuple[Shot, ...] = (
    Shot("dashboard", "orders", keys()),
    Shot("topology", "orders", keys("2", "z")),
    Shot("events", "orders", _filtered),
    Shot("filter", "orders", _wrong_filter),
    Shot("workers", "orders", keys("4", "z")),
    Shot("output", "orders", keys("7")),
    Shot("help", "orders", keys("question_mark")),
    Shot("palette", "orders", _found),
    Shot("toasts", "orders", _told),
    Shot("banner", "orders", _rejected),
    Shot("trouble", "trouble", keys()),
    Shot("routine", "close", keys("1", "g", "down", "down", "down", "enter")),
    Shot("stack", "close", _stack),
    Shot("values", "close", keys("V", "g", "down", "enter", "down", "down", "down", "enter")),
    Shot("jobs", "close", keys("J")),
    Shot("errors", "close", keys("exclamation_mark")),
    Shot("findings", "close", keys("R")),
    Shot("dead", "trouble", keys("L")),
    Shot("waits", "close", keys("H")),
    Shot("form", "close", keys("X")),
    Shot("causes", "parcels", of_paid("c")),
    Shot("waterfall", "parcels", of_paid("w")),
    Shot("effects", "parcels", of_paid("d")),
    Shot("timeline", "parcels", of_paid("t", "minus", "minus")),
    Shot("payload", "payloads", keys("3", "enter")),
)


async def leave(d: Driver) -> None:
    """Back to the dashboard as it was at the beginning."""
    for _ in range(30):
        screen = d.app.screen
        clean = isinstance(screen, DashboardScreen) and not any(
            screen.has_class(name) for name in ("zoom", "causes", "time", "output")
        )
        monitor = d.app.monitor
        events = d.dashboard.query_one(EventsPane)
        clean = clean and not d.dashboard.query_one(FilterBar).display
        if clean and not (monitor.log.paused or events.filter or monitor.banner):
            d.app.clear_notifications()
            d.pane(1).focus()
            await d.settle()
            return
        await d.press("escape")
    raise AssertionError(f"no way back from {d.app.screen}")


def walk(
    look: Callable[[Driver, Shot], Awaitable[None]],
    *,
    size: tuple[int, int] = (120, 40),
    shots: Sequence[Shot] = SHOTS,
    **options: object,
) -> None:
    """Open one screen after the other, in one app for each scene, and look at each."""
    for scene in dict.fromkeys(shot.scene for shot in shots):
        *earlier, last = items(scene)

        async def script(d: Driver, scene: str = scene, earlier: list[Any] = earlier) -> None:
            for item in earlier:  # nobody looks at these: painting them would take most of the time
                fold = d.app.monitor.apply if isinstance(item, Snapshot) else d.app.monitor.handle
                fold(item)
            await d.tick()
            for shot in shots:
                if shot.scene == scene:
                    await shot.opens(d)
                    await look(d, shot)
                    await leave(d)

        drive(script, CannedSession(last), size=size, toasts=True, **options)


def pick(
    look: Callable[[Driver], Awaitable[None]],
    folder: Path,
    *,
    size: tuple[int, int] = (120, 40),
    **options: object,
) -> None:
    """Look at the picker for a folder, which gets three files."""
    for name, title in (("inbox", "Sorts what comes in"), ("orders", "Orders from two shops")):
        text = f'"""{title}"""\nfrom routilux import Flow\n\nflow = Flow()\n'
        (folder / f"{name}.py").write_text(text)
    (folder / "broken.py").write_text("from routilux import Flow\nflow = Flow(\n")

    async def script(d: Driver) -> None:
        await settled(d)
        await look(d)

    drive(script, None, folder=Folder(folder, (), folder), size=size, **options)
