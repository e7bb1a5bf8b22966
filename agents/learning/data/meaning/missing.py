"""How people write that they do not know."""

from __future__ import annotations

from collections.abc import Iterator

NOWHERE_A_WORD = frozenset(
    """
    ? - -- --- . .. na n/a n.a. n.a nan null <na> \\n
    #n/a #na #div/0! #value! #ref! #name? #num! #null!
    """.split()  # noqa: SIM905 - a list of words
) | {""}
"""In small letters: of no use as a category, wherever they stand without quotes."""

_NO_NUMBER = NOWHERE_A_WORD | frozenset(
    """
    none nil unknown unk missing void x tbd pending refused nd n.d. n.d
    not-available not-applicable not-done not-known not-detected no-data
    """.split()  # noqa: SIM905
)
"""Of no use as a number; a category they may be, and a class."""


def is_missing_number(text: str) -> bool:
    """Whether a cell says among numbers that there is none: NA, quoted or not, none, unknown, n.d., ..."""
    return "-".join(text.split()).casefold() in _NO_NUMBER


def spellings() -> Iterator[str]:
    """`NOWHERE_A_WORD` as people write it, for a reader that compares letter by letter."""
    for word in sorted(NOWHERE_A_WORD):
        for form in sorted({word, word.upper(), word.capitalize(), word.title(), word.replace("nan", "NaN")}):
            yield form
            yield f" {form}"
