"""Figures as documents: the same bytes each time, and what a figure has otherwise than all others."""

from __future__ import annotations

from matplotlib import rcParams
from matplotlib.figure import Figure

from agents.report.style import INK, RULE, document, style


def drawn(name: str, **changes: object) -> str:
    with style(name, changes):
        figure = Figure(figsize=(2, 1))
        axes = figure.add_subplot()
        axes.plot([1, 2], [3, 4])
        axes.set_title("$2 a piece")
        return document(figure)


def test_the_same_figure_gives_the_same_bytes() -> None:
    assert drawn("one") == drawn("one")
    assert drawn("one") != drawn("two"), "ids of its own"


def test_a_document_has_no_date_and_no_spaces_at_the_ends_of_lines() -> None:
    text = drawn("one")
    assert text.endswith("</svg>\n")
    assert all(line == line.rstrip() for line in text.splitlines())
    assert "<dc:date>" not in text


def test_text_is_no_formula() -> None:
    assert "$2 a piece" in drawn("one")


def test_a_figure_changes_the_style_for_itself_alone() -> None:
    before = rcParams["font.size"]
    with style("one", {"font.size": 20}):
        assert (rcParams["font.size"], rcParams["text.color"]) == (20, INK)
        assert rcParams["axes.edgecolor"] == RULE
    assert rcParams["font.size"] == before
