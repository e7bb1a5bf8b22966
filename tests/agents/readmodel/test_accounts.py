"""Where every coin went.

Rules: A62.
"""

from __future__ import annotations

from agents.core import events as e
from agents.core.hashing import set_bits
from agents.core.ids import Address
from agents.readmodel.accounts import BalanceSheet, Holdings, MemberAccount, accounts_of
from agents.readmodel.ledger import Flows
from agents.readmodel.projections import Projections
from testing.histories import ALL_CHEATS, ETHER, TERMS, Story, told


def projections(story: Story) -> Projections:
    return Projections.of(story.history, story.domain)


def accounts(story: Story) -> dict[Address, MemberAccount]:
    """Everybody's account."""
    made = projections(story)
    return accounts_of(made.market, made.ledger)


def sheet(story: Story) -> BalanceSheet:
    """The coins of the market beside those of the contract."""
    return projections(story).balance_sheet(story.balance)


def begun() -> Story:
    story = Story()
    story.distribute()
    story.approve(3)
    return story


def test_every_account_adds_up() -> None:
    story = told(6, cheats=ALL_CHEATS)
    story.withdraw(story.owner(story.cis[0]), ETHER // 500)
    found = accounts(story)
    assert all(account.adds_up for account in found.values())
    assert found[story.owner(story.cis[0])].flows.taken_out == ETHER // 500


def test_an_account_in_which_coins_appear_does_not_add_up() -> None:
    story = told(1)
    made = projections(story)
    made.market.balances[story.data_owner] += 1
    assert not accounts_of(made.market, made.ledger)[story.data_owner].adds_up
    assert not made.balance_sheet(story.balance).accounts_add_up


def test_the_balance_sheet_is_conserved() -> None:
    found = sheet(told(6, cheats=ALL_CHEATS))
    assert found.conserved
    assert found.accounts_add_up
    assert found.total == found.balances + found.bonds + found.escrows + found.couple_bonds
    assert found.total == found.paid_in - found.taken_out == found.contract
    assert found.escrows == found.couple_bonds == 0


def test_coins_that_the_contract_lacks_or_was_forced_to_take_are_told() -> None:
    story = told(1)
    made = projections(story)
    assert not made.balance_sheet(story.balance - 1).conserved
    assert made.balance_sheet(story.balance - 1).forced == 0
    assert made.balance_sheet(story.balance + 7).conserved
    assert made.balance_sheet(story.balance + 7).forced == 7


def test_a_market_under_way_holds_escrow_and_bonds() -> None:
    story = begun()
    story.round()
    found = sheet(story)
    share, wages = TERMS.round_price, 6 * TERMS.job_price
    assert found.escrows == 3 * TERMS.escrow_per_round - share - wages
    assert found.couple_bonds == TERMS.couple_bond
    assert found.bonds == 12 * TERMS.instance_bond
    assert (found.paid_for_jobs, found.paid_to_data_owners, found.forfeited) == (wages, share, 0)
    assert found.conserved


def test_tells_what_each_member_has_locked_and_for_what() -> None:
    story = begun()
    found = accounts(story)
    assert found[story.data_owner].holdings == Holdings(
        free=ETHER - TERMS.couple_bond, couple_bonds=TERMS.couple_bond
    )
    escrow = 3 * TERMS.escrow_per_round
    assert found[story.model_owner].holdings == Holdings(free=ETHER - escrow, escrows=escrow)
    cloud_owner = found[story.owner(story.cis[0])]
    assert cloud_owner.holdings == Holdings(free=ETHER // 50 - TERMS.instance_bond, bonds=TERMS.instance_bond)
    assert cloud_owner.flows == Flows(paid_in=ETHER // 50)
    assert cloud_owner.holdings.locked == TERMS.instance_bond


def test_sums_what_was_paid_and_forfeited() -> None:
    story = told(6, cheats=ALL_CHEATS)
    found = sheet(story)
    judged = [one.event for one in story.history if isinstance(one.event, e.JobJudged)]
    assert found.paid_for_jobs == sum(one.amount for one in judged if one.verdict.name == "ACCEPTED")
    assert found.forfeited == sum(one.amount for one in judged if one.verdict.name != "ACCEPTED")
    assert found.paid_to_data_owners == 6 * TERMS.round_price


def test_who_settles_is_told_in_its_statement_and_paid_nothing_for_it() -> None:
    story = begun()
    story.start()
    story.draw()
    story.report()
    settler = story.assigned()[0].cloud_owner
    for subset in set_bits(story.couple.current.drawn):
        story.settle(subset, settler)
    assert projections(story).statements.of(settler).settled == 2
    assert accounts(story)[settler].flows.earned == TERMS.job_price
