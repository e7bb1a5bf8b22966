"""Amounts: what people write is read as wei, and shown as it can be written again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.core.amounts import ETHER, read_amount, shown_amount


@pytest.mark.parametrize(
    ("text", "wei"),
    [
        ("7", 7),
        ("7 wei", 7),
        ("30 gwei", 30 * 10**9),
        ("0.1 ether", ETHER // 10),
        (" 1   ether ", ETHER),
        ("-1", -1),
        ("1e3", 1000),
    ],
)
def test_an_amount_may_have_a_unit(text: str, wei: int) -> None:
    assert read_amount(text) == wei


@pytest.mark.parametrize(
    "text", ["", "dear", "1 euro", "1,5 ether", "nan ether", "inf", "1 ether ether", "1e999999"]
)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is no amount: write wei, or as '0\.1 ether' or '30 gwei'"):
        read_amount(text)


@pytest.mark.parametrize("text", ["0.5", "0.0000000001 gwei"])
def test_there_is_no_part_of_a_wei(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number of wei"):
        read_amount(text)


def test_what_is_no_text_is_left_as_it_is() -> None:
    assert (read_amount(5), read_amount(None)) == (5, None)


@pytest.mark.parametrize(
    ("wei", "text"),
    [
        (0, "0 wei"),
        (7, "7 wei"),
        (ETHER, "1 ether"),
        (ETHER // 1000, "0.001 ether"),
        (ETHER // 10**4, "100000 gwei"),
        (100 * ETHER, "100 ether"),
        (3 * 10**9, "3 gwei"),
    ],
)
def test_an_amount_is_shown_in_the_unit_in_which_it_is_short(wei: int, text: str) -> None:
    assert shown_amount(wei) == text


@given(st.integers(0, 2**256))
def test_what_is_shown_is_read_as_what_it_was(wei: int) -> None:
    assert read_amount(shown_amount(wei)) == wei
