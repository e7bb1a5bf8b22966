"""What each party did, got and lost, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from agents.audit.replay import Statement
from agents.core.assets import Member as Registered
from agents.core.enums import InstanceStatus, JobStatus, Role
from agents.core.ids import Address, subset_of
from agents.demo.outcome import DemoOutcome, Participant
from agents.readmodel.evidence import Fault, Finding
from agents.readmodel.money import Account
from agents.report.words import Names, coins, listed, numbered

_ROLES = {
    Role.DATA_OWNER: "data owner",
    Role.CLOUD_OWNER: "cloud owner",
    Role.MODEL_OWNER: "model owner",
}


@dataclass(frozen=True)
class MemberSummary:
    """One party, or somebody else whose coins moved. Amounts in wei.

    Attributes:
        subsets: for which it was named.
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


def members_of(
    outcome: DemoOutcome, accounts: dict[Address, Account], findings: Sequence[Finding]
) -> tuple[MemberSummary, ...]:
    """The parties in their order, then whoever else has an account."""
    names = Names(outcome.parties)
    others = [names[address] for address in accounts if address not in names]
    return tuple(
        _member(outcome, party, accounts[party.address], findings) for party in (*outcome.parties, *others)
    )


def is_slashed(statement: Statement) -> bool:
    """Whether a member was judged Faulty or Missed, rejected, or lost a bond."""
    return bool(statement.faulty or statement.missed or statement.rejected or statement.forfeited)


def _member(
    outcome: DemoOutcome, party: Participant, account: Account, findings: Sequence[Finding]
) -> MemberSummary:
    market, address = outcome.market, party.address
    statement = outcome.audit.statements.get(address, Statement())
    mine = [found for found in findings if found.member == address]
    return MemberSummary(
        name=party.name,
        role=role_of(market.members.get(address)),
        address=address,
        cheat=party.cheat,
        subsets=tuple(sorted({subset_of(instance.id) for instance in market.instances_at(address)})),
        **vars(account),
        verdicts={
            "accepted": statement.accepted,
            "faulty": statement.faulty,
            "missed": statement.missed,
            "flagged": statement.flagged,
            "void": statement.void,
        },
        why=tuple(_why(outcome, address, account, mine)),
    )


def role_of(member: Registered | None) -> str:
    """A member's role in words."""
    return _ROLES.get(member.role, "no member") if member else "no member"


def _why(outcome: DemoOutcome, address: Address, account: Account, mine: Sequence[Finding]) -> Iterator[str]:
    member = outcome.market.members.get(address)
    role = member.role if member else Role.NONE
    if role is Role.CLOUD_OWNER:
        yield from _jobs(outcome, address)
    if role is Role.DATA_OWNER and account.earned:
        settled = _settled(outcome, address)
        yield f"{coins(account.earned)} for its data in {numbered(settled, 'settled subset')}"
    if account.spent:
        yield f"spent {coins(account.spent)} on jobs and data, out of escrow"
    if account.compensated:
        yield f"{coins(account.compensated)} that others forfeited came to its escrow or balance"
    for fault in Fault:
        same = [found for found in mine if found.fault is fault]
        if same:
            yield _lost(fault, same)


def _jobs(outcome: DemoOutcome, address: Address) -> Iterator[str]:
    market = outcome.market
    judged = [
        (verdict, record.number, amount, market.dataset_of(couple).terms.job_price)
        for couple in market.couples.values()
        for record in couple.rounds.values()
        for ci, (verdict, amount) in record.verdicts.items()
        if market.instances[ci].cloud_owner == address
    ]
    accepted = [job[1:] for job in judged if job[0] is JobStatus.ACCEPTED]
    void = [job[1:3] for job in judged if job[0] is JobStatus.VOID]
    if accepted:
        wages = sum(price for _, _, price in accepted)
        yield f"{coins(wages)} for accepted jobs in {_rounds(number for number, _, _ in accepted)}"
        bonus = sum(amount for _, amount, _ in accepted) - wages
        if bonus:
            yield f"{coins(bonus)} of the bonds that faulty replicas forfeited"
    if void:
        wages = sum(amount for _, amount in void)
        yield f"{coins(wages)} for jobs that others flagged, in {_rounds(number for number, _ in void)}"
    instances = list(market.instances_at(address))
    if not instances:
        yield "was named for no replica"
    elif all(instance.status is InstanceStatus.REFUSED for instance in instances):
        yield "refused its replica"


def _rounds(numbers: Iterable[int]) -> str:
    distinct = sorted(set(numbers))
    return f"round{'' if len(distinct) == 1 else 's'} {listed(distinct)}"


def _settled(outcome: DemoOutcome, owner: Address) -> int:
    couples = outcome.market.couples.values()
    mine = (couple for couple in couples if outcome.market.dataset_of(couple).owner == owner)
    return sum(len(record.digests) for couple in mine for record in couple.rounds.values())


def _lost(fault: Fault, same: Sequence[Finding]) -> str:
    lost, rounds = sum(found.lost for found in same), [found.round for found in same if found.round]
    what = f"lost {coins(lost)}" if lost else "lost its place, no coins"
    return f"{what}: {fault.value}{f' in {_rounds(rounds)}' if rounds else ''}"
