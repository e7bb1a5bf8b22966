"""Where one member stands: what it holds and waits for, what it was paid and fined, who keeps whom waiting.

Times are the chain's, in seconds; amounts are in wei. All of it comes from the mirror, and so from events.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from agents.core.assets import Couple, Dataset, Instance
from agents.core.enums import CouplePhase, InstanceStatus
from agents.core.hashing import set_bits
from agents.core.ids import Address, CoupleId, InstanceId, dataset_of, short, subset_of
from agents.core.market import Market
from agents.readmodel.accounts import Holdings, holdings_of
from agents.readmodel.income import Income, income_of
from agents.readmodel.parts import HELD, couples_of, replicas_of


class AssetNames:
    """How assets are called.

    Args:
        bound: the names that a member gave to its own, by id.
    """

    def __init__(self, bound: Mapping[int, str] | None = None) -> None:
        self._bound = bound or {}

    def of(self, asset: int) -> str:
        """As ``fair (7099ab)``; the short id alone if it has no name."""
        name = self._bound.get(asset)
        return f"{name} ({short(asset)})" if name else short(asset)


@dataclass(frozen=True)
class AssetLine:
    """One asset.

    Attributes:
        kind: dataset, replica or couple.
        asset: its id.
        name: as it is called.
        state: the phase or status.
        awaits: who is to act next, and at what; empty if nobody has to.
        since: when that began; 0 if it is not known.
        deadline: when it must be done; 0 if there is no such time.
        locked: of this member's coins.
        earned: by this member.
    """

    kind: str
    asset: int
    name: str
    state: str
    awaits: str = ""
    since: int = 0
    deadline: int = 0
    locked: int = 0
    earned: int = 0


@dataclass(frozen=True)
class Unanswered:
    """Somebody who is to answer and has not.

    Attributes:
        who: the member.
        what: it is to do.
        asset: the couple or the replica that it is about.
        since, deadline: seconds.
    """

    who: Address
    what: str
    asset: int
    name: str
    since: int
    deadline: int


@dataclass(frozen=True)
class MemberStatus:
    """All of it, as of `now`."""

    member: Address
    now: int
    free: int
    holdings: Holdings
    income: Income
    assets: tuple[AssetLine, ...] = ()
    unanswered: tuple[Unanswered, ...] = ()
    over: tuple[CoupleId, ...] = field(default=())


def status_of(market: Market, member: Address, now: int, names: AssetNames) -> MemberStatus:
    """Where a member stands."""
    income = income_of(market, member)
    couples = list(couples_of(market, member))
    lines = [
        *(_of_dataset(market, one, names) for one in market.datasets.values() if one.owner == member),
        *(
            _of_replica(market, one, member, names)
            for one in replicas_of(market, member)
            if one.status in HELD
        ),
        *(_of_couple(market, one, member, now, names, income) for one in couples),
    ]
    return MemberStatus(
        member,
        now,
        market.balances.get(member, 0),
        holdings_of(market).get(member, Holdings()),
        income,
        tuple(lines),
        tuple(unanswered(market, member, now, names)),
        tuple(one.id for one in couples if market.phase_of(one, now).is_over),
    )


def unanswered(market: Market, member: Address, now: int, names: AssetNames) -> Iterator[Unanswered]:
    """Who has not answered, since when, of all that a member has a part in; itself included."""
    for couple in couples_of(market, member):
        yield from _late_in_couple(market, couple, now, names.of(couple.id))
    for instance in replicas_of(market, member):
        terms = market.datasets[dataset_of(instance.id)].terms
        step = _ANSWERS.get(instance.status)
        if step is not None:
            owner = market.datasets[dataset_of(instance.id)].owner
            who = instance.cloud_owner if instance.status is InstanceStatus.FREE else owner
            until = instance.since + terms.answer_window_seconds
            yield Unanswered(who, step, instance.id, names.of(instance.id), instance.since, until)


_ANSWERS = {InstanceStatus.FREE: "join or refuse", InstanceStatus.JOINED: "verify"}


def _late_in_couple(market: Market, couple: Couple, now: int, name: str) -> Iterator[Unanswered]:
    dataset = market.dataset_of(couple)
    terms, phase = dataset.terms, market.phase_of(couple, now)
    if phase in (CouplePhase.REQUESTED, CouplePhase.LAPSED):
        since = couple.deadline - terms.answer_window_seconds
        yield Unanswered(dataset.owner, "approve or decline", couple.id, name, since, couple.deadline)
    if phase in (CouplePhase.DRAWING, CouplePhase.WITHHELD):
        since = couple.deadline - terms.draw_window_seconds
        yield Unanswered(dataset.owner, "open its seed", couple.id, name, since, couple.deadline)
    if phase in (CouplePhase.TRAINING, CouplePhase.SETTLING, CouplePhase.OVERDUE):
        since = couple.deadline - terms.report_window_seconds
        for ci in silent(market, couple):
            who, what = market.instances[ci].cloud_owner, f"report on subset {subset_of(ci)}"
            yield Unanswered(who, what, couple.id, name, since, couple.deadline)


def silent(market: Market, couple: Couple) -> Iterator[InstanceId]:
    """The replicas that were drawn in the open round and have neither reported nor flagged."""
    for subset in set_bits(couple.pending):
        for instance in market.assigned(couple, subset):
            if not couple.current.answered(instance.id):
                yield instance.id


def _of_dataset(market: Market, dataset: Dataset, names: AssetNames) -> AssetLine:
    covered, subsets = market.covered(dataset.id), dataset.terms.subsets
    state = "offered" if covered == subsets else f"{covered} of {subsets} subsets covered"
    until = dataset.terms.ends_at
    return AssetLine("dataset", dataset.id, names.of(dataset.id), state, deadline=until)


def _of_replica(market: Market, instance: Instance, member: Address, names: AssetNames) -> AssetLine:
    mine = instance.cloud_owner == member
    until = market.releasable_after(instance)
    step = _ANSWERS.get(instance.status, "")
    return AssetLine(
        "replica",
        instance.id,
        f"{names.of(instance.id)} of subset {subset_of(instance.id)}"
        + ("" if mine else f" at {instance.cloud_owner}"),
        instance.status.name.lower(),
        step,
        instance.since,
        0 if until == float("inf") else int(until),
        instance.bond if mine else 0,
    )


def _of_couple(
    market: Market, couple: Couple, member: Address, now: int, names: AssetNames, income: Income
) -> AssetLine:
    phase = market.phase_of(couple, now)
    late = list(_late_in_couple(market, couple, now, ""))
    locked = couple.escrow if couple.model_owner == member else 0
    if market.dataset_of(couple).owner == member:
        locked += market.couple_bond_of(couple)
    return AssetLine(
        "couple",
        couple.id,
        names.of(couple.id),
        f"{phase.name.lower()}, round {couple.round} of {couple.max_rounds} at most",
        f"{len(late)} to {late[0].what.partition(' on ')[0]}" if late else "",
        late[0].since if late else 0,
        couple.deadline,
        locked,
        income.by_couple.get(couple.id, 0),
    )
