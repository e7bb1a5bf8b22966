"""Figures as SVG to stand inside a page.

The same figure gives the same bytes. Ink and series colours are the page's own (CSS variables), so that a
plot follows the page into dark mode and onto paper.
"""

from __future__ import annotations

import html
import re
from contextlib import AbstractContextManager

from matplotlib.figure import Figure

from agents.core.escaping import printable
from agents.report.style import saved, style

INK, SOFT, RULE, MARKET, CENTRAL, SINGLE = (f"#0a0b{shade:02x}" for shade in range(1, 7))
_VARIABLES = {
    INK: "--ink",
    SOFT: "--soft",
    RULE: "--rule",
    MARKET: "--blue",
    CENTRAL: "--ink",
    SINGLE: "--vermilion",
}
"""Colours to draw with, and the CSS variable that each becomes."""


def page_style(name: str) -> AbstractContextManager[None]:
    """The style to draw in, in colours of the page; each figure of a page has a `name` of its own."""
    return style(
        name,
        {
            "font.size": 10,
            "text.color": INK,
            "axes.edgecolor": RULE,
            "axes.labelcolor": SOFT,
            "xtick.color": SOFT,
            "ytick.color": SOFT,
        },
    )


def svg(figure: Figure, title: str) -> str:
    """The figure as an ``<svg>`` element; `title` says what it shows to those who cannot see it."""
    text = saved(figure, transparent=True)
    text = text[text.index("<svg") :]
    text = re.sub(
        r"<(metadata|style).*?</\1>", "", text, flags=re.DOTALL
    )  # its style would be the whole page's
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var({variable})")
    label = html.escape(printable(title))
    return text.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1).strip()
