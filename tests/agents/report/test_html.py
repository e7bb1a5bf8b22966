"""Pages: a report's own templates beside those that all share."""

from __future__ import annotations

from html import unescape
from pathlib import Path

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from agents.report.html import environment
from testing.poison import ODD_TEXTS, is_clean


def rendered(folder: Path, template: str, **facts: object) -> str:
    (folder / "page.j2").write_text(template)
    return environment(folder).get_template("page.j2").render(facts)


def test_a_page_has_the_style_of_all_pages(tmp_path: Path) -> None:
    assert "--ink:" in rendered(tmp_path, "{% include 'style.css' %}")


def test_a_page_writes_as_all_pages_do(tmp_path: Path) -> None:
    text = rendered(
        tmp_path, "{{ 10000000000000000 | coins }}, {{ numbered(2, 'round') }}, {{ 0.5 | score('R2') }}"
    )
    assert text == "0.01, 2 rounds, 0.500"


def test_text_stays_text(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ name }}", name="<b>") == "&lt;b&gt;"


@pytest.mark.parametrize("text", ODD_TEXTS, ids=range(len(ODD_TEXTS)))
def test_text_stays_one_visible_line(tmp_path: Path, text: str) -> None:
    page = rendered(tmp_path, '<b title="{{ name }}">{{ [name, name] | join }}</b>', name=text)
    assert is_clean(page)
    assert is_clean(unescape(page))
    assert page.count("<") == 2
    assert page.count('"') == 2


def test_what_is_ours_stays_as_it_is(tmp_path: Path) -> None:
    assert rendered(tmp_path, "{{ plot }} {{ 7 }} {{ none }}", plot=Markup("<svg>\n</svg>")) == (
        "<svg>\n</svg> 7 None"
    )


def test_a_fact_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UndefinedError):
        rendered(tmp_path, "{{ name }}")
