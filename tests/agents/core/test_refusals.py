"""What the contract refuses is said in words."""

from __future__ import annotations

import pytest

from agents.core.errors import Refused
from agents.core.refusals import SENTENCES, in_words
from testing.evm import abi

ANYBODY = "0x" + "1f" * 20


def errors() -> dict[str, list[str]]:
    """Of the market's ABI: each error's name, and the types of its arguments."""
    entries = [entry for entry in abi() if entry["type"] == "error"]
    return {entry["name"]: [given["type"] for given in entry["inputs"]] for entry in entries}


def test_each_error_of_the_contract_has_a_sentence() -> None:
    assert SENTENCES.keys() == errors().keys()


@pytest.mark.parametrize("error", sorted(SENTENCES))
def test_a_sentence_is_made_of_the_errors_arguments(error: str) -> None:
    made = {"address": ANYBODY, "bytes32": bytes(32)}
    told = in_words(Refused(error, tuple(made.get(kind, 3) for kind in errors()[error])))
    assert told.endswith(f" ({error})")
    assert not {"{", "}"} & set(told)


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        (
            Refused("Ledger_InsufficientBalance", (ANYBODY, 7, 5)),
            f"{ANYBODY} has 5 wei free in the market, and 7 are needed (Ledger_InsufficientBalance)",
        ),
        (
            Refused("Distribution_WrongStatus", (31, 4)),
            "instance 1f is retiring (Distribution_WrongStatus)",
        ),
        (Refused("Distribution_WrongStatus", (31, 99)), "Distribution_WrongStatus(31, 99)"),
        (Refused("Distribution_WrongStatus"), "Distribution_WrongStatus()"),
        (Refused("Training_NotDrawn", (ANYBODY, ANYBODY)), f"Training_NotDrawn({ANYBODY}, {ANYBODY})"),
        (Refused("Another", (1,)), "Another(1)"),
        (Refused(""), "reverted without a reason"),
    ],
)
def test_what_is_no_error_of_the_contract_is_told_as_it_is(refused: Refused, words: str) -> None:
    assert in_words(refused) == words
