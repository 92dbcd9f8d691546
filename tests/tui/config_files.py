"""Configuration files of a user and a project, in a folder of the test's own."""

from __future__ import annotations

from pathlib import Path

from tui.config import Settings, settings
from tui.options import parse


class Files:
    """Writes them, and reads the settings that come of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.project = folder, folder / "project"
        self.project.mkdir()
        (self.project / ".git").mkdir()
        self.environ = {"XDG_CONFIG_HOME": str(folder / "config")}

    def user(self, text: str) -> Path:
        return self._write(self.folder / "config" / "routilux-tui" / "config.toml", text)

    def own(self, text: str) -> Path:
        return self._write(self.project / "routilux-tui.toml", text)

    def shared(self, text: str) -> Path:
        return self._write(self.project / "pyproject.toml", text)

    def _write(self, path: Path, text: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("latin-1" if "\xff" in text else "utf-8"))
        return path

    def read(self, *words: str) -> Settings:
        return settings(parse(words), self.project, self.environ)
