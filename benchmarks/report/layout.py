"""What a table is."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.core.escaping import printable

_SYNTAX = re.compile(r"[\\`|*\[\]]")


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
        head, *rows = (tuple(map(in_markdown, line)) for line in (self.columns, *self.rows))
        return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def in_markdown(text: str) -> str:
    """Text that stays text in a page or in a cell of a table: neither HTML nor code nor the cell's end."""
    return _SYNTAX.sub(r"\\\g<0>", html.escape(printable(text), quote=False))


def span(spread: Mapping[str, Any], digits: int) -> str:
    """A figure and, if it varies, between what."""
    middle, low, high = (f"{spread[key]:,.{digits}f}" for key in ("median", "min", "max"))
    return middle if low == high else f"{middle} ({low} to {high})"
