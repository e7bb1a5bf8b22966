"""What a member was paid and fined is the same, summed from the mirror and booked by the ledger."""

from __future__ import annotations

import pytest

from agents.readmodel.income import Cause, income_of
from agents.readmodel.projections import Projections
from testing.histories import ALL_CHEATS, Story, told


def cheated() -> Story:
    return told(6, cheats=ALL_CHEATS)


def voided() -> Story:
    """A round of which one subset has no verdict, and a seed that is withheld in the next."""
    story = Story()
    story.distribute()
    story.approve(3)
    story.start()
    story.draw()
    story.report()
    story.now = story.couple.deadline + story.market.dataset_of(story.couple).terms.settle_window_seconds + 1
    for subset in range(len(story.market.dataset_of(story.couple).subsets)):
        if story.couple.pending >> subset & 1:
            story.void(subset)
    story.start()
    story.now = story.couple.deadline + 1
    story.abort()
    return story


@pytest.mark.parametrize("tell", [cheated, voided])
def test_the_sums_are_the_ledgers(tell: object) -> None:
    story = tell()  # type: ignore[operator]
    market = story.market
    ledger = Projections.of(story.history, story.domain).ledger
    fined = 0
    for member in ledger.members:
        income, flows = income_of(market, member), ledger.flows_of(member)
        assert income.earned == flows.earned == sum(income.by_couple.values())
        assert sum(income.fined.values()) == flows.forfeited
        assert (income.last_fine is None) is not flows.forfeited
        fined += flows.forfeited
    assert fined


def test_a_fine_says_why() -> None:
    story = voided()
    owner = story.market.dataset_of(story.couple).owner
    fine = income_of(story.market, owner).last_fine
    assert fine is not None
    assert (fine.cause, fine.tc, fine.round) == (Cause.WITHHELD, story.couple.id, 0)
