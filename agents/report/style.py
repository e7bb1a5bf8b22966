"""How figures look, and as what they are kept: one palette, one style, the same bytes for the same figure."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from io import StringIO
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure

from agents.core.escaping import escaped

INK, SOFT, FAINT, RULE = "#1d2733", "#5b6875", "#8a96a3", "#d5dbe1"
"""For text, for what explains it, for lines that guide the eye, and for grids."""

BLUE, VERMILION, GREEN, VIOLET, GOLD = "#0060a8", "#c4420e", "#1b7f5c", "#7a4fa3", "#b8860b"
"""For what is shown, in this order."""

DARK_AXES = {"axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK}
"""For a figure whose axes are read as closely as its text."""


def style(name: str, changes: Mapping[str, object] | None = None) -> AbstractContextManager[None]:
    """The style to draw and to save in.

    Args:
        name: the figure's own: figures on one page then have ids of their own.
        changes: settings of matplotlib (``rcParams``) that this figure has otherwise.
    """
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "text.parse_math": False,
        "font.family": "sans-serif",
        "font.size": 9,
        "text.color": INK,
        "axes.edgecolor": RULE,
        "axes.labelcolor": SOFT,
        "xtick.color": SOFT,
        "ytick.color": SOFT,
        "axes.spines.top": False,
        "axes.spines.right": False,
        **(changes or {}),
    }
    return rc_context(settings)


def document(figure: Figure, **options: Any) -> str:
    """A figure as an SVG document on white, without a date and without spaces at the ends of lines.

    Args:
        figure: drawn in `style`, within which this is called too.
        options: of ``Figure.savefig``.
    """
    lines = saved(figure, facecolor="white", **options).split("\n")
    return "\n".join(line.rstrip() for line in lines)


def saved(figure: Figure, **options: Any) -> str:
    """A figure as SVG without a date; letters that are hidden are escaped in it, whoever wrote its labels."""
    buffer = StringIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")  # who looks at it has fonts of its own
        figure.savefig(buffer, format="svg", metadata={"Date": None}, **options)
    return "\n".join(map(escaped, buffer.getvalue().split("\n")))
