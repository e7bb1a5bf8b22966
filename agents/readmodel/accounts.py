"""What the market holds, for whom and for what, and whether it is what the ledger says; amounts in wei."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from agents.core.ids import Address
from agents.core.market import Market
from agents.readmodel.ledger import Flows, Ledger, Reason


@dataclass(frozen=True)
class Holdings:
    """Coins by what they are held for, in wei.

    Attributes:
        free: balances, which can be taken out.
        bonds: of cloud owners, for their instances.
        escrows: of model owners, for the rounds of their train couples.
        couple_bonds: of data owners, for train couples that are under way.
    """

    free: int = 0
    bonds: int = 0
    escrows: int = 0
    couple_bonds: int = 0

    def __add__(self, other: Holdings) -> Holdings:
        return Holdings(
            self.free + other.free,
            self.bonds + other.bonds,
            self.escrows + other.escrows,
            self.couple_bonds + other.couple_bonds,
        )

    @property
    def locked(self) -> int:
        """All but what is free."""
        return self.bonds + self.escrows + self.couple_bonds

    @property
    def total(self) -> int:
        """All of it."""
        return self.free + self.locked


@dataclass(frozen=True)
class MemberAccount:
    """The coins of one member: what the ledger says came and went, and what the mirror says is there."""

    flows: Flows
    holdings: Holdings

    @property
    def adds_up(self) -> bool:
        """Whether the flows leave just what is there."""
        return self.flows.left == self.holdings.total


@dataclass(frozen=True)
class BalanceSheet:
    """The coins of the whole market, in wei.

    Attributes:
        balances, bonds, escrows, couple_bonds: what the rebuilt market says it holds, and for what.
        total: their sum. `contract` must be as much: what the chain says that the contract holds.
        forced: what it holds beyond that, which belongs to nobody.
        paid_in, taken_out: all deposits and withdrawals.
        paid_for_jobs: to cloud owners, and what void subsets left to their data owner.
        paid_to_data_owners: for settled subsets.
        forfeited: bonds and penalties, to model owners.
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


def holdings_of(market: Market) -> dict[Address, Holdings]:
    """What the market holds for each member, and for whoever else has coins in it."""
    held: defaultdict[Address, Holdings] = defaultdict(Holdings)
    for address, balance in market.balances.items():
        held[address] += Holdings(free=balance)
    for instance in market.instances.values():
        held[instance.cloud_owner] += Holdings(bonds=instance.bond)
    for couple in market.couples.values():
        held[couple.model_owner] += Holdings(escrows=couple.escrow)
        held[market.dataset_of(couple).owner] += Holdings(couple_bonds=market.couple_bond_of(couple))
    return dict(held)


def accounts_of(market: Market, ledger: Ledger) -> dict[Address, MemberAccount]:
    """The account of everyone whose coins moved, or could have."""
    held = holdings_of(market)
    return {
        member: MemberAccount(ledger.flows_of(member), held.get(member, Holdings()))
        for member in dict.fromkeys((*ledger.members, *held))
    }


def balance_sheet(market: Market, ledger: Ledger, contract: int) -> BalanceSheet:
    """The sums, and whether they agree with the contract.

    Args:
        market: the mirror.
        ledger: of the same events.
        contract: the coins that the chain says the contract holds, in wei.
    """
    accounts = accounts_of(market, ledger).values()
    held = sum((account.holdings for account in accounts), Holdings())
    return BalanceSheet(
        balances=held.free,
        bonds=held.bonds,
        escrows=held.escrows,
        couple_bonds=held.couple_bonds,
        total=held.total,
        contract=contract,
        forced=max(0, contract - held.total),
        paid_in=ledger.total(Reason.DEPOSIT),
        taken_out=ledger.total(Reason.WITHDRAWAL),
        paid_for_jobs=ledger.total(Reason.JOB) + ledger.total(Reason.VOID_SUBSET),
        paid_to_data_owners=ledger.total(Reason.SETTLED_SUBSET),
        forfeited=ledger.total(Reason.FORFEIT),
        conserved=held.total <= contract,
        accounts_add_up=all(account.adds_up for account in accounts),
    )
