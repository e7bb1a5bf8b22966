"""Reports as pages: where their templates are and how these write."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from agents.report import words

_SHARED = Path(__file__).parent / "templates"


def environment(templates: Path) -> Environment:
    """The templates of a report and what all reports share (``style.css``); text stays text in them.

    Args:
        templates: the report's own folder.
    """
    made = Environment(
        loader=FileSystemLoader([templates, _SHARED]),
        autoescape=True,
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
