"""Reports as pages: where their templates are and how these write."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.core.escaping import printable
from agents.report import words

_SHARED = Path(__file__).parent / "templates"


def environment(templates: Path) -> Environment:
    """The templates of a report and what all reports share (``style.css``).

    Text stays text in them, and visible: HTML and hidden letters are escaped in all that is filled in.

    Args:
        templates: the report's own folder.
    """
    made = Environment(
        loader=FileSystemLoader([templates, _SHARED]),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        coins=words.coins,
        score=words.score,
        gap=words.gap,
        brief=words.brief,
        moment=words.moment,
        listed=words.listed,
        share=words.share,
        size=words.size,
        duration=words.duration,
    )
    made.globals.update(numbered=words.numbered)
    return made


def _shown(value: object) -> object:
    """What stands in a page: HTML of ours as it is, anything else as one visible line."""
    return value if hasattr(value, "__html__") else printable(value)
