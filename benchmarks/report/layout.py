"""What a table is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ReportTable:
    """Rows of text.

    Attributes:
        name: names its place in the documents.
        heading: for people.
        columns: the first to the left, the others to the right.
        wide: how many columns go on a screen.
    """

    name: str
    heading: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    wide: int = 8

    def markdown(self) -> str:
        """As in the documents."""
        rule = tuple("---" if place == 0 else "---:" for place in range(len(self.columns)))
        lines = (self.columns, rule, *self.rows)
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def span(spread: Mapping[str, Any], digits: int) -> str:
    """A figure and, if it varies, between what."""
    middle, low, high = (f"{spread[key]:,.{digits}f}" for key in ("median", "min", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"
