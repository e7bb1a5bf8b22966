"""Why a member was paid or punished, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from agents.core.enums import InstanceStatus, JobStatus, Role
from agents.core.ids import Address
from agents.core.market import Market
from agents.readmodel.faults import Fault, ProvenFault
from agents.readmodel.jobs import judged_jobs
from agents.readmodel.projections import Projections
from agents.report.words import coins, listed, numbered


def accusation(found: ProvenFault, who: Callable[[Address], str]) -> str:
    """What a fault was and how anybody can see it.

    Args:
        found: the fault.
        who: a member's name for people.
    """
    source = found.receipt.copied_from if found.receipt else None
    match found.fault:
        case Fault.REJECTED if source:
            return (
                f"Declared the data receipt of {who(source)}, bit for bit. A receipt names its maker, so it "
                "cannot be right for a second one. The data owner rejected it."
            )
        case Fault.REJECTED:
            return "Declared a data receipt that the data owner found wrong: it does not open to the subset."
        case Fault.FAULTY if source:
            return (
                f"Reported the training receipt of {who(source)}, bit for bit. Made anew for its own address "
                "from the settled digest, the receipt is another."
            )
        case Fault.FAULTY:
            return (
                f"Reported a receipt that does not open to the digest on which {found.agreeing} of the "
                f"{found.asked} replicas agree: it trained something else, or nothing."
            )
        case Fault.MISSED:
            return "Was drawn and had not answered when the deadline passed."
        case Fault.WITHHELD:
            return (
                "Did not open its seed in time. Its bond and the rest of the escrow went to the model owner."
            )


def reasons(told: Projections, member: Address, faults: Iterable[ProvenFault]) -> Iterator[str]:
    """What a member was paid and what it lost, and what for: a line each.

    Args:
        told: what the market's events tell.
        member: whose lines.
        faults: everybody's, as `told` proves them.
    """
    role, flows = told.market.role_of(member), told.ledger.flows_of(member)
    if role is Role.CLOUD_OWNER:
        yield from _of_jobs(told.market, member)
    if role is Role.DATA_OWNER and flows.earned:
        settled = numbered(told.statements.sold_by(member), "settled subset")
        yield f"{coins(flows.earned)} for its data in {settled}"
    if flows.spent:
        yield f"spent {coins(flows.spent)} on jobs and data, out of escrow"
    if flows.compensated:
        yield f"{coins(flows.compensated)} that others forfeited came to its escrow or balance"
    mine = [found for found in faults if found.member == member]
    for fault in Fault:
        same = [found for found in mine if found.fault is fault]
        if same:
            yield _lost(fault, same)


def _of_jobs(market: Market, member: Address) -> Iterator[str]:
    jobs = list(judged_jobs(market, member))
    accepted = [job for job in jobs if job.verdict is JobStatus.ACCEPTED]
    void = [job for job in jobs if job.verdict is JobStatus.VOID]
    if accepted:
        wages = sum(job.price for job in accepted)
        yield f"{coins(wages)} for accepted jobs in {_rounds(job.round for job in accepted)}"
        bonus = sum(job.amount for job in accepted) - wages
        if bonus:
            yield f"{coins(bonus)} of the bonds that faulty replicas forfeited"
    if void:
        wages = sum(job.amount for job in void)
        yield f"{coins(wages)} for jobs that others flagged, in {_rounds(job.round for job in void)}"
    instances = list(market.instances_at(member))
    if not instances:
        yield "was named for no replica"
    elif all(instance.status is InstanceStatus.REFUSED for instance in instances):
        yield "refused its replica"


def _rounds(numbers: Iterable[int]) -> str:
    distinct = sorted(set(numbers))
    return f"round{'' if len(distinct) == 1 else 's'} {listed(distinct)}"


def _lost(fault: Fault, same: Sequence[ProvenFault]) -> str:
    lost, rounds = sum(found.lost for found in same), [found.round for found in same if found.round]
    what = f"lost {coins(lost)}" if lost else "lost its place, no coins"
    return f"{what}: {fault.value}{f' in {_rounds(rounds)}' if rounds else ''}"
