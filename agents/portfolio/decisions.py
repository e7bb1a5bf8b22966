"""What a data owner decided by hand: a small file for each request, which its agent reads."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from agents.core.errors import StorageFailed
from agents.core.ids import CoupleId
from agents.storage.files import read, write

FOLDER = "decisions"
_WORDS = {b"approve\n": True, b"decline\n": False}


class HandDecisions:
    """The decisions in a home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._stamp: tuple[int, int] | None = None
        self._found: dict[CoupleId, bool] = {}

    def look(self) -> Mapping[CoupleId, bool]:
        """Whether each couple that was decided on is wanted. Nothing is read unless something changed."""
        try:
            stat = self._folder.stat()
        except OSError:
            return {}
        if (stat.st_ino, stat.st_mtime_ns) != self._stamp:
            self._stamp = stat.st_ino, stat.st_mtime_ns
            self._found = self._read()
        return self._found

    def _read(self) -> dict[CoupleId, bool]:
        found = {}
        for path in self._folder.iterdir():
            try:
                word = _WORDS.get(read(path) or b"")
                tc = CoupleId(int(path.name, 16))
            except (StorageFailed, ValueError):  # nobody's decision
                continue
            if word is not None:
                found[tc] = word
        return found


def decide(home: Path, tc: CoupleId, *, wanted: bool) -> None:
    """Writes a decision; the last one counts.

    Raises:
        StorageFailed: it cannot be written.
    """
    write(home / FOLDER / f"{tc:x}", next(word for word, means in _WORDS.items() if means is wanted))
