"""The key map: one table from which bindings, the footer, the help and the palette are made.

What the user's configuration changes in it is said by `tui.remapping`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
        return written(self.keys.partition(",")[0])

    @property
    def command(self) -> str:
        """The words that do it on the command line: ``next-pane``, ``pane 3``."""
        return self.id.replace("_", "-").replace("(", " ").rstrip(")")

    @property
    def binding(self) -> str:
        """Its id among Textual's bindings."""
        return self.id.replace("(", "-").strip(")")


def written(key: str) -> str:
    """A key of Textual's as a person writes it."""
    if key.startswith("ctrl+") and len(key) == len("ctrl+x"):
        return f"^{key[-1]}"
    return _NAMES.get(key, key)


_NAMES = {
    "question_mark": "?",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "shift+tab": "shift+Tab",
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
    "slash": "/",
    "equals_sign": "=",
    "apostrophe": "'",
    "exclamation_mark": "!",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "comma": ",",
    "full_stop": ".",
    "colon": ":",
    "semicolon": ";",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "backspace": "Backspace",
    "delete": "Del",
    "space": "space",
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
    8: "Findings",
}

#: What can be done with whatever is chosen, on each screen.
LINKS: tuple[Action, ...] = (
    Action("edit", "e", "", "Open the source of what is chosen in your editor.", "Links"),
    Action("events_of", "E", "", "Show the events of what is chosen, and no others.", "Links"),
    Action("copy", "y", "", "Copy what is chosen, also into a file.", "Links"),
)

#: Screens that any other leads to.
SCREENS: tuple[Action, ...] = (
    Action("jobs", "J", "jobs", "Jobs: pause, resume or cancel them.", "Screens"),
    Action("errors", "exclamation_mark", "errors", "Errors by kind and place.", "Screens"),
    Action("values", "V", "values", "Statistics and their charts.", "Screens"),
    Action("findings", "R", "findings", "Findings: what looks wrong, and why.", "Screens"),
    Action("dead", "L", "", "Dead letters: messages that were dropped.", "Screens"),
    Action("waits", "H", "", "Who waits for whom; deadlocks.", "Screens"),
)

MAP: tuple[Action, ...] = (
    *(
        Action(f"pane({number})", str(number), "", f"Go to the {name} pane.", "Panes")
        for number, name in PANES.items()
    ),
    Action("next_pane", "tab", "", "Go to the next pane.", "Panes"),
    Action("previous_pane", "shift+tab", "", "Go to the previous pane.", "Panes"),
    Action("zoom", "z", "zoom", "Give the pane the whole screen, or take it back.", "Panes"),
    Action("open", "enter", "open", "Open what is chosen; where there is nothing, zoom.", "Panes"),
    Action("back", "escape", "", "A step back: causes, zoom, banner, past, filter.", "Panes"),
    Action("cursor(1)", "j,down", "", "Next line.", "Moving"),
    Action("cursor(-1)", "k,up", "", "Previous line.", "Moving"),
    Action("page(1)", "ctrl+d,pagedown", "", "Half a page down.", "Moving"),
    Action("page(-1)", "ctrl+u,pageup", "", "Half a page up.", "Moving"),
    Action("pan(-1)", "h,left", "", "Scroll left.", "Moving"),
    Action("pan(1)", "l,right", "", "Scroll right.", "Moving"),
    Action("edge(-1)", "g,home", "", "First line.", "Moving"),
    Action("edge(1)", "G,end", "", "Last line; events and output follow again.", "Moving"),
    Action("filter", "slash", "filter", "Show only what a filter keeps, in this pane.", "View"),
    Action("pause", "space", "pause", "Stop the view; recording goes on. Again: resume.", "View"),
    Action("follow", "f", "follow", "Back to now: follow the newest.", "View"),
    Action("fold", "equals_sign", "", "Fold what is equal: events; in 2 routines. Or not.", "View"),
    Action("mark", "m", "", "Mark the chosen event, or take the mark away.", "View"),
    Action("next_mark", "apostrophe", "", "Go to the mark before this, then the newest.", "View"),
    Action("match(1)", "n", "", "Next match of the last filter, or next error.", "View"),
    Action("match(-1)", "N", "", "The match before, or the error before.", "View"),
    Action("sort", "s", "", "Sort the routines by the next column.", "View"),
    Action("reverse", "S", "", "Turn the sort order round.", "View"),
    Action("bundles", "o", "", "Topology: one line with branches, or one each.", "View"),
    Action("near", "F", "", "Topology: 1, 2, 3 steps around the chosen, or all.", "View"),
    Action("column(-1)", "less_than_sign", "", "Move the sorted column to the left.", "View"),
    Action("column(1)", "greater_than_sign", "", "Move the sorted column to the right.", "View"),
    *LINKS,
    Action("why", "c", "why", "Why the chosen event happened.", "Causes and time"),
    Action("effects", "d", "", "What came of the chosen event.", "Causes and time"),
    Action("waterfall", "w", "", "Its causes in time; again: its job.", "Causes and time"),
    Action("timeline", "t", "time", "Show threads and queues over time.", "Causes and time"),
    Action("moment(-1)", "comma", "", "The moment of the event before.", "Causes and time"),
    Action("moment(1)", "full_stop", "", "The moment of the next event.", "Causes and time"),
    Action("fit", "0", "", "Timeline: all that is kept, or the chosen event.", "Causes and time"),
    Action("execute", "x", "run", "Run the entry routines once more.", "Engine"),
    Action("call", "X", "", "Send a message to a slot, with a form.", "Engine"),
    Action("again", "A", "", "Send the chosen event again, edited.", "Engine"),
    Action("reload", "r", "reload", "Load the file anew, changed or not.", "Engine"),
    Action("restart", "ctrl+r", "", "Stop it and start clean: nothing is kept.", "Engine"),
    Action("auto_reload", "a", "", "Reload on save: on or off.", "Engine"),
    Action("kill", "K", "", "Kill the engine process; its last state stays.", "Engine"),
    Action("faster", "plus", "", "Look more often, up to 30/s; in time: zoom in.", "View"),
    Action("slower", "minus", "", "Look less often, down to 5/s; in time: zoom out.", "View"),
    Action("command", "colon", "cmd", "Give a command, with completion by Tab.", "General"),
    Action(
        "show_help", "question_mark", "help", "Show keys and commands; type to search.", "General"
    ),
    Action("picture", "Y", "", "Write the screen here, as SVG and as text.", "General"),
    Action("command_palette", "ctrl+p", "palette", "Find a command by name.", "General"),
    Action("quit", "q,ctrl+q", "quit", "Stop the flow and leave.", "General"),
    *SCREENS,
)

#: What means the same on every screen that shows a part of what the dashboard shows.
LIVE: tuple[Action, ...] = (
    Action("back", "escape,q", "back", "Back to where you came from.", "Panes"),
    *(action for action in MAP if action.id in ("next_pane", "previous_pane")),
    *(action for action in MAP if action.group == "Moving"),
    *LINKS,
    *SCREENS,
    Action("export", "x", "csv", "Write the pane's table to a CSV file.", "General"),
    Action("call", "X", "", "Send a message to a slot, with a form.", "Engine"),
    *(action for action in MAP if action.id in ("reload", "restart", "faster", "slower")),
    *(action for action in MAP if action.group == "General" and action.id != "quit"),
    Action("quit", "ctrl+q", "quit", "Stop the flow and leave.", "General"),
)

_WINDOW = Action("window", "W", "window", "Look at the next window of time.", "View")
#: The screen of a routine.
DETAIL: tuple[Action, ...] = (
    Action("step(-1)", "left_square_bracket", "prev", "The routine before this one.", "Routine"),
    Action("step(1)", "right_square_bracket", "next", "The routine after this one.", "Routine"),
    Action("open", "enter", "open", "Go to a neighbour, or chart a statistic.", "Routine"),
    Action("stack", "K", "stack", "Python stack of what runs, live; again: away.", "Routine"),
    Action("profile", "P", "lines", "Time per source line, sampled; again: away.", "Routine"),
    Action("again", "A", "", "Send the chosen activation's message again.", "Routine"),
    _WINDOW,
    *LIVE,
)
#: The screen of dead letters.
DEAD: tuple[Action, ...] = (
    Action("again", "A", "send again", "Send the chosen message again, edited.", "Letters"),
    Action("filter", "slash", "filter", "Show only what a filter keeps.", "Letters"),
    Action("open", "enter", "routine", "Open the routine that it was for.", "Letters"),
    *LIVE,
)
#: The screen of who waits for whom.
WAITS: tuple[Action, ...] = LIVE
#: The screen of statistics.
VALUES: tuple[Action, ...] = (
    Action("open", "enter", "chart", "Put the statistic in the chart, or take it out.", "Chart"),
    Action("as_rate", "v", "as rate", "Chart growth per second, or values again.", "Chart"),
    _WINDOW,
    *LIVE,
)
#: The screen of jobs.
JOBS: tuple[Action, ...] = (
    Action("pause_job", "p", "pause", "Start nothing more of the job.", "Job"),
    Action("resume_job", "u", "resume", "Let a paused job go on.", "Job"),
    Action("cancel_job", "D", "cancel", "Cancel the job; drop what it has queued.", "Job"),
    *LIVE,
)
#: The screen of errors.
ERRORS: tuple[Action, ...] = (
    Action("open", "enter", "routine", "Open the routine that failed.", "Errors"),
    *LIVE,
)

#: The screen of findings.
FINDINGS: tuple[Action, ...] = (
    Action("open", "enter", "evidence", "Go to where it is to be seen.", "Findings"),
    Action("mute", "M", "mute", "Mute it in this project, with a reason; again: not.", "Findings"),
    Action("muted", "v", "muted", "List the muted ones too, or not.", "Findings"),
    *LIVE,
)

#: An event in full, over the dashboard.
PAYLOAD: tuple[Action, ...] = (
    Action("close", "escape,enter,q", "close", "Back to the list.", "Event"),
    Action("scroll(1)", "j", "", "Next line.", "Event"),
    Action("scroll(-1)", "k", "", "Line before.", "Event"),
    Action("moment(-1)", "comma", "earlier", "The event before, of those in the list.", "Event"),
    Action("moment(1)", "full_stop", "later", "The event after, of those in the list.", "Event"),
    Action("again", "A", "", "Send it again, edited; this page gives way.", "Event"),
    *(action for action in LINKS if action.id in ("edit", "copy")),
    Action("quit", "ctrl+q", "", "Stop the flow and leave.", "General"),
)

#: Every screen by the name that messages call it.
TABLES: dict[str, Sequence[Action]] = {
    "dashboard": MAP,
    "routine": DETAIL,
    "statistics": VALUES,
    "jobs": JOBS,
    "errors": ERRORS,
    "findings": FINDINGS,
    "dead letters": DEAD,
    "waits": WAITS,
    "event": PAYLOAD,
}

#: Actions of the dashboard that decide where the keys behind them go. They come before anything
#: else, so that keys that arrive all at once, over a slow line, mean what they would one by one.
FIRST = frozenset({"filter", "command", "call", "again", *(f"pane({number})" for number in PANES)})

#: Actions of the app, which work on every screen; the others are the dashboard's.
EVERYWHERE = frozenset({"quit", "command_palette", "show_help", "picture"})


def folded(name: str) -> str:
    """A name of an action or a command without what people write in different ways."""
    return re.sub(r"[\s_()]+|-(?!\d)", " ", name.casefold()).strip()
