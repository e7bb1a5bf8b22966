"""Whatever others wrote comes out as one line of visible letters, and is not longer than it may be.

Rules: A64.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.escaping import LEAST, MOST, escaped, printable
from testing.poison import ODD_TEXTS, is_clean

LETTERS = st.characters(blacklist_categories=())
MARKS = st.characters(whitelist_categories=("Mn", "Me"))
ANYTHING = st.one_of(
    st.text(LETTERS),
    st.text(MARKS),
    st.text(st.one_of(st.sampled_from("".join(ODD_TEXTS[:-1])), MARKS)),
    st.lists(st.sampled_from(ODD_TEXTS)).map("".join),
)


@settings(deadline=None)
@given(ANYTHING, st.integers(0, 300))
def test_one_visible_line_of_bounded_length_and_the_same_again(text: str, most: int) -> None:
    shown = printable(text, most)
    assert is_clean(shown)
    assert len(shown.splitlines()) <= 1
    assert len(shown) <= max(most, LEAST)
    assert printable(shown, most) == shown
    assert all(len(list(run)) <= 4 for mark, run in groupby(shown, _is_mark) if mark)
    assert not shown or not _is_mark(shown[0]), "it would stand on a letter of ours"
    shown.encode()  # no half of a letter


@settings(deadline=None)
@given(ANYTHING)
def test_without_a_limit_nothing_is_lost(text: str) -> None:
    shown = escaped(text)
    assert is_clean(shown)
    assert escaped(shown) == shown
    assert printable(text, len(shown)) == shown


@pytest.mark.parametrize(
    "text", ["", "é ж 漢 ñ ß ״ ﷺ 👍", "n\u0303", "C:\\new\\x1b", "a\u00a0b\u3000c", "$x_ <b> |"]
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31m", r"\x1b[31m"),
        ("a\nb\tc\x7f", r"a\x0ab\x09c\x7f"),
        ("\x85\x9b", r"\x85\x9b"),
        ("\u2028\u202e\u2066\u200f\u061c", r"\u2028\u202e\u2066\u200f\u061c"),
        ("\u200b\ufeff\u00ad", r"\u200b\ufeff\xad"),
        ("\ud800\ue000\U000e0041\U0010ffff", r"\ud800\ue000\U000e0041\U0010ffff"),
        ("\u3164\u2800", r"\u3164\u2800"),
        ("z" + "\u0301" * 6, "z" + "\u0301" * 4 + r"\u0301\u0301"),
        ("\u0301a", r"\u0301a"),
    ],
)
def test_what_is_hidden_is_shown_by_its_number(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_is_long_loses_its_middle_and_says_how_much() -> None:
    assert printable("a" * MOST) == "a" * MOST
    assert printable("a" * 100 + "b" * 900 + "c" * 100, 80) == f"{'a' * 29} [... 1,042 more ...] {'c' * 29}"
    assert printable("\x1b" * 70, 80) == rf"{chr(92) + 'x1b'}" * 7 + " [... 56 more ...] " + r"\x1b" * 7
    assert len(printable("a" * 1000, 0)) <= LEAST


def test_anything_that_has_words_is_shown() -> None:
    assert printable(ValueError("a\nb")) == r"a\x0ab"


def _is_mark(letter: str) -> bool:
    return unicodedata.category(letter) in ("Mn", "Me")
