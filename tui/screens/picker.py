"""What to run: the sample flows and the flows below a folder. Nothing is executed here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.paint.canvas import clean, fit
from tui.targets import Candidate, Folder, sample_folder, scan
from tui.themes import palette

if TYPE_CHECKING:
    from tui.app import MonitorApp


class PickerScreen(Screen[None]):
    """A list; Enter runs the chosen file. Files that do not parse are listed with their error."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "cursor(1)", "Next", show=False),
        Binding("k", "cursor(-1)", "Previous", show=False),
        Binding("q,escape", "app.quit", "Quit"),
    ]

    def __init__(self, folder: Folder) -> None:
        super().__init__(id="picker")
        self._folder = folder
        self._files: list[Path] = []
        self._found: list[Candidate] = []  # as they stand in the list

    def compose(self) -> ComposeResult:
        """A heading, the list, the keys."""
        yield Static(Text(" routilux-tui  choose a flow to run"), id="picker-title")
        yield OptionList(id="picker-list")
        yield Static(
            Text(" Enter run  j k move  q quit   (nothing runs before you choose)"),
            id="picker-keys",
        )

    def on_mount(self) -> None:
        """Look for flows beside the event loop: a big tree takes a moment."""
        self.query_one(OptionList).loading = True
        self._scan()

    @work(thread=True, exclusive=True, name="scan")
    def _scan(self) -> None:
        here = scan(self._folder.path)
        samples = sample_folder()
        below = samples is not None and samples.is_relative_to(self._folder.path)
        sample_files = scan(samples) if samples is not None and not below else []
        self.app.call_from_thread(self._fill, list(sample_files), list(here), here.note)

    def _fill(self, samples: list[Candidate], here: list[Candidate], note: str) -> None:
        options = self.query_one(OptionList)
        options.loading = False
        self._files, self._found = [], []
        for heading, found in (
            ("Sample flows", samples),
            (f"Flows below {self._folder.path}", here),
        ):
            if found:
                options.add_option(Option(Text(heading, style="bold"), disabled=True))
            for candidate in found:
                options.add_option(Option(self._text(candidate), id=str(len(self._files))))
                self._files.append(candidate.path)
                self._found.append(candidate)
        if not self._files:
            nothing = "No flows found: a flow is a .py file that imports routilux."
            options.add_option(Option(Text(nothing), disabled=True))
        if note:
            options.add_option(Option(Text(note), disabled=True))
        options.focus()
        options.action_first()

    def restyle(self) -> None:
        """The theme has changed."""
        options = self.query_one(OptionList)
        for place, candidate in enumerate(self._found):
            options.replace_option_prompt(str(place), self._text(candidate))

    def _text(self, candidate: Candidate) -> Text:
        path = candidate.path
        near = path.is_relative_to(self._folder.path)
        name = str(path.relative_to(self._folder.path)) if near else path.name
        width = max(24, self.size.width - 46)
        text = Text(f"  {fit(name, 34)} ")
        if candidate.error:
            return text.append(
                fit(f"x {clean(candidate.error)}", width),
                style=palette(self.app.theme_variables).bad,
            )
        return text.append(fit(clean(candidate.title or candidate.detail), width))

    def action_cursor(self, lines: int) -> None:
        """Move the choice."""
        options = self.query_one(OptionList)
        if lines > 0:
            options.action_cursor_down()
        else:
            options.action_cursor_up()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Run it."""
        if event.option.id is not None:
            path = self._files[int(event.option.id)]
            cast("MonitorApp", self.app).open_target(self._folder.target(path))
