"""The report's row for each party: what it did, got and lost, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.core.ids import Address, subset_of
from agents.demo.outcome import DemoOutcome, Names, Participant
from agents.readmodel.accounts import Holdings, MemberAccount, accounts_of
from agents.readmodel.faults import ProvenFault
from agents.readmodel.ledger import Flows
from agents.report.reasons import reasons
from agents.report.words import role_name


@dataclass(frozen=True)
class MemberSummary:
    """One party, or somebody else whose coins moved. Amounts in wei.

    Attributes:
        subsets: for which it was named.
        earned: for jobs that were accepted, or void and paid; a data owner's shares.
        compensated: what others forfeited to it.
        spent: what was paid out of its escrow.
        lost: what it forfeited.
        free: its balance at the end; `locked` are its bonds and escrows.
        verdicts: how many of its jobs were accepted, faulty, missed, flagged, or void and paid.
        why: what it was paid and what it lost, in words.
    """

    name: str
    role: str
    address: Address
    cheat: str
    subsets: tuple[int, ...]
    paid_in: int
    earned: int
    compensated: int
    spent: int
    lost: int
    taken_out: int
    free: int
    locked: int
    verdicts: dict[str, int]
    why: tuple[str, ...]


def members_of(outcome: DemoOutcome, faults: Sequence[ProvenFault]) -> tuple[MemberSummary, ...]:
    """The parties in their order, then whoever else has an account.

    Args:
        outcome: what the run left.
        faults: everybody's, as the chain proves them.
    """
    names = Names(outcome.parties)
    accounts = accounts_of(outcome.market, outcome.projections.ledger)
    others = [names[address] for address in accounts if address not in names]
    return tuple(
        _member(outcome, party, accounts.get(party.address, _NO_ACCOUNT), faults)
        for party in (*outcome.parties, *others)
    )


def _member(
    outcome: DemoOutcome, party: Participant, account: MemberAccount, faults: Sequence[ProvenFault]
) -> MemberSummary:
    market, address, flows = outcome.market, party.address, account.flows
    statement = outcome.projections.statements.of(address)
    return MemberSummary(
        name=party.name,
        role=role_name(market.role_of(address)),
        address=address,
        cheat=party.cheat,
        subsets=tuple(sorted({subset_of(instance.id) for instance in market.instances_at(address)})),
        paid_in=flows.paid_in,
        earned=flows.earned,
        compensated=flows.compensated,
        spent=flows.spent,
        lost=flows.forfeited,
        taken_out=flows.taken_out,
        free=account.holdings.free,
        locked=account.holdings.locked,
        verdicts={
            "accepted": statement.accepted,
            "faulty": statement.faulty,
            "missed": statement.missed,
            "flagged": statement.flagged,
            "void": statement.void,
        },
        why=tuple(reasons(outcome.projections, address, faults)),
    )


_NO_ACCOUNT = MemberAccount(Flows(), Holdings())
