"""Where every coin went. Amounts are in wei."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import events as e
from agents.core.enums import CouplePhase
from agents.core.ids import Address
from agents.core.market import PAID, Market
from agents.demo.outcome import DemoOutcome

_BONDED = (CouplePhase.APPROVED, CouplePhase.DRAWING, CouplePhase.TRAINING)


@dataclass
class Account:
    """The flows of one member, and what they leave.

    Attributes:
        earned: for jobs that were accepted, or void and paid; a data owner's shares.
        compensated: what others forfeited to it.
        spent: what was paid out of its escrow.
        lost: what it forfeited.
        free: its balance at the end; `locked` are its bonds and escrows.
    """

    paid_in: int = 0
    earned: int = 0
    compensated: int = 0
    spent: int = 0
    lost: int = 0
    taken_out: int = 0
    free: int = 0
    locked: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether the flows leave just what is there."""
        came = self.paid_in + self.earned + self.compensated
        went = self.spent + self.lost + self.taken_out
        return came - went == self.free + self.locked


@dataclass(frozen=True)
class Ledger:
    """The market's coins at the end.

    Attributes:
        balances, bonds, escrows, couple_bonds: what the rebuilt market says it holds, and for what.
        total: their sum. `contract` must be as much: what the chain says that the contract holds.
        forced: what it holds beyond that, which belongs to nobody.
        paid_in, taken_out: all deposits and withdrawals.
        paid_for_jobs, paid_to_data_owners, forfeited: what moved between members.
        conserved: whether the contract holds no less than the sum.
        accounts_add_up: whether each member's flows leave just what is there.
    """

    balances: int
    bonds: int
    escrows: int
    couple_bonds: int
    total: int
    contract: int
    forced: int
    paid_in: int
    taken_out: int
    paid_for_jobs: int
    paid_to_data_owners: int
    forfeited: int
    conserved: bool
    accounts_add_up: bool


def accounts_of(outcome: DemoOutcome) -> dict[Address, Account]:
    """The account of every party, and of everyone else whose coins moved."""
    market = outcome.market
    accounts = {party.address: Account() for party in outcome.parties}
    for logged in outcome.history:
        _flow(accounts, market, logged.event)
    for address, balance in market.balances.items():
        accounts.setdefault(address, Account()).free = balance
    for instance in market.instances.values():
        accounts.setdefault(instance.cloud_owner, Account()).locked += instance.bond
    for couple in market.couples.values():
        accounts.setdefault(couple.model_owner, Account()).locked += couple.escrow
        if couple.phase in _BONDED:
            dataset = market.dataset_of(couple)
            accounts.setdefault(dataset.owner, Account()).locked += dataset.terms.couple_bond
    return accounts


def _flow(accounts: dict[Address, Account], market: Market, event: e.MarketEvent) -> None:
    def of(member: Address) -> Account:
        return accounts.setdefault(member, Account())

    match event:
        case e.Deposited():
            of(event.account).paid_in += event.amount
        case e.Withdrawn():
            of(event.account).taken_out += event.amount
        case e.JobJudged() if event.verdict in PAID:
            of(market.instances[event.ci].cloud_owner).earned += event.amount
            of(market.couples[event.tc].model_owner).spent += event.amount
        case e.JobJudged():
            of(market.instances[event.ci].cloud_owner).lost += event.amount
            of(market.couples[event.tc].model_owner).compensated += event.amount
        case e.SubsetSettled() | e.SubsetVoided():
            couple = market.couples[event.tc]
            of(market.dataset_of(couple).owner).earned += event.data_owner_share
            of(couple.model_owner).spent += event.data_owner_share
        case e.CoupleAborted():
            couple = market.couples[event.tc]
            dataset = market.dataset_of(couple)
            of(dataset.owner).lost += dataset.terms.couple_bond
            of(couple.model_owner).compensated += dataset.terms.couple_bond
        case _:
            pass


def ledger_of(outcome: DemoOutcome, accounts: dict[Address, Account]) -> Ledger:
    """The sums, and whether they agree with the contract."""
    market = outcome.market
    bonds = sum(instance.bond for instance in market.instances.values())
    escrows = sum(couple.escrow for couple in market.couples.values())
    bonded = (couple for couple in market.couples.values() if couple.phase in _BONDED)
    settled = (logged.event for logged in outcome.history if isinstance(logged.event, e.SubsetSettled))
    shares = sum(event.data_owner_share for event in settled)
    return Ledger(
        balances=sum(market.balances.values()),
        bonds=bonds,
        escrows=escrows,
        couple_bonds=sum(market.dataset_of(couple).terms.couple_bond for couple in bonded),
        total=market.total(),
        contract=outcome.contract_balance,
        forced=max(0, outcome.contract_balance - market.total()),
        paid_in=sum(account.paid_in for account in accounts.values()),
        taken_out=sum(account.taken_out for account in accounts.values()),
        paid_for_jobs=sum(account.earned for account in accounts.values()) - shares,
        paid_to_data_owners=shares,
        forfeited=sum(account.lost for account in accounts.values()),
        conserved=market.total() <= outcome.contract_balance,
        accounts_add_up=all(account.adds_up for account in accounts.values()),
    )
