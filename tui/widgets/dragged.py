"""A pane that shows a part of something larger, which the mouse takes hold of and moves."""

from __future__ import annotations

from textual import events

from .pane import Pane

#: Cells that the wheel scrolls across and down.
_WHEEL = (6, 3)


class DraggedPane(Pane):
    """Dragging and the wheel scroll; a click that ends no drag points at something."""

    def __init__(self) -> None:
        super().__init__()
        self._grip: tuple[int, int] | None = None  # where the mouse holds what is shown
        self._dragged = False

    def scroll_by(self, across: int, down: int) -> None:
        """Show what lies so many cells further right and down."""
        raise NotImplementedError  # pragma: no cover - abstract

    def point_at(self, x: int, y: int) -> None:
        """A cell of the content was clicked."""
        raise NotImplementedError  # pragma: no cover - abstract

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Take hold."""
        self._grip, self._dragged = (event.screen_x, event.screen_y), False
        self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Drag, if held."""
        if self._grip is None:
            return
        across, down = self._grip[0] - event.screen_x, self._grip[1] - event.screen_y
        if across or down:
            self._grip, self._dragged = (event.screen_x, event.screen_y), True
            self.scroll_by(across, down)

    def on_mouse_up(self, _event: events.MouseUp) -> None:
        """Let go."""
        self._grip = None
        self.release_mouse()

    def on_click(self, event: events.Click) -> None:
        """Point at the cell."""
        event.prevent_default()  # what a line does in other panes
        offset = event.get_content_offset(self)
        if offset is not None and not self._dragged:
            self.point_at(offset.x, offset.y)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Wheel; with shift sideways."""
        self._wheel(event, 1, event.shift)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Wheel; with shift sideways."""
        self._wheel(event, -1, event.shift)

    def on_mouse_scroll_right(self, event: events.MouseScrollRight) -> None:
        """Wheel, sideways."""
        self._wheel(event, 1, True)

    def on_mouse_scroll_left(self, event: events.MouseScrollLeft) -> None:
        """Wheel, sideways."""
        self._wheel(event, -1, True)

    def _wheel(self, event: events.MouseEvent, direction: int, sideways: bool) -> None:
        event.stop()
        event.prevent_default()
        across, down = _WHEEL
        self.scroll_by(direction * across if sideways else 0, 0 if sideways else direction * down)
