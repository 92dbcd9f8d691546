"""The key map: one table from which bindings, the footer, the help and the palette are made."""

from __future__ import annotations

from typing import NamedTuple


class Action(NamedTuple):
    """Something the user can do.

    Attributes:
        id: names the Textual action (``action_<id>`` with its argument) and the palette entry.
        keys: every key that does it, comma-separated, the one to show first.
        label: a word for the footer; empty: not there.
        help: one sentence for help and palette.
        group: heading in the help.
    """

    id: str
    keys: str
    label: str
    help: str
    group: str

    @property
    def shown(self) -> str:
        """The first key as a person writes it."""
        key = self.keys.partition(",")[0]
        return _NAMES.get(key, key)


_NAMES = {
    "question_mark": "?",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "shift+tab": "shift+Tab",
    "ctrl+p": "^p",
    "down": "↓",
    "up": "↑",
    "left": "←",
    "right": "→",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "plus": "+",
    "minus": "-",
    "comma": ",",
    "full_stop": ".",
}

#: Pane names by number: `Action` ids and titles come from here.
PANES = {
    1: "Routines",
    2: "Topology",
    3: "Events",
    4: "Workers",
    5: "Throughput",
    6: "Stats",
    7: "Output",
}

MAP: tuple[Action, ...] = (
    *(
        Action(f"pane({number})", str(number), "", f"Go to the {name} pane.", "Panes")
        for number, name in PANES.items()
    ),
    Action("next_pane", "tab", "", "Go to the next pane.", "Panes"),
    Action("previous_pane", "shift+tab", "", "Go to the previous pane.", "Panes"),
    Action("zoom", "z", "zoom", "Give the pane the whole screen, or take it back.", "Panes"),
    Action("open", "enter", "", "Go to what is chosen; where there is nothing, zoom.", "Panes"),
    Action("back", "escape", "", "One step back: causes, zoom, banner, past, pause.", "Panes"),
    Action("cursor(1)", "j,down", "", "Next line.", "Moving"),
    Action("cursor(-1)", "k,up", "", "Previous line.", "Moving"),
    Action("page(1)", "ctrl+d,pagedown", "", "Half a page down.", "Moving"),
    Action("page(-1)", "ctrl+u,pageup", "", "Half a page up.", "Moving"),
    Action("pan(-1)", "h,left", "", "Scroll left.", "Moving"),
    Action("pan(1)", "l,right", "", "Scroll right.", "Moving"),
    Action("edge(-1)", "g,home", "", "First line.", "Moving"),
    Action("edge(1)", "G,end", "", "Last line; events and output follow again.", "Moving"),
    Action("pause", "space", "pause", "Stop the view; recording goes on. Again: resume.", "View"),
    Action("follow", "f", "follow", "Back to now: follow the newest.", "View"),
    Action("sort", "s", "sort", "Sort the routines by the next column.", "View"),
    Action("reverse", "S", "", "Turn the sort order round.", "View"),
    Action("why", "c", "why", "Why the chosen event happened.", "Causes and time"),
    Action("effects", "d", "", "What came of the chosen event.", "Causes and time"),
    Action("waterfall", "w", "", "Its causes in time; again: its job.", "Causes and time"),
    Action("timeline", "t", "time", "Show threads and queues over time.", "Causes and time"),
    Action("moment(-1)", "comma", "", "The moment of the event before.", "Causes and time"),
    Action("moment(1)", "full_stop", "", "The moment of the next event.", "Causes and time"),
    Action("fit", "0", "", "Timeline: all that is kept, or the chosen event.", "Causes and time"),
    Action("execute", "x,X", "run", "Run the entry routines once more.", "Engine"),
    Action("reload", "r", "reload", "Load the file anew, changed or not.", "Engine"),
    Action("auto_reload", "a", "", "Reload on save: on or off.", "Engine"),
    Action("kill", "K", "", "Kill the engine process; its last state stays.", "Engine"),
    Action("faster", "plus", "", "Look more often, up to 30/s; in time: zoom in.", "View"),
    Action("slower", "minus", "", "Look less often, down to 5/s; in time: zoom out.", "View"),
    Action("show_help", "question_mark", "help", "Show all keys.", "General"),
    Action("command_palette", "ctrl+p", "palette", "Find a command by name.", "General"),
    Action("quit", "q,ctrl+q", "quit", "Stop the flow and leave.", "General"),
)

#: Actions of the app, which work on every screen; the others are the dashboard's.
EVERYWHERE = frozenset({"quit", "command_palette", "show_help"})
