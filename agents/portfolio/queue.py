"""The requests that a data owner has: who asks, for what, until when, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from agents.core.assets import Couple
from agents.core.enums import CouplePhase
from agents.core.errors import BadInput
from agents.core.ids import Address, CoupleId
from agents.core.market import Market
from agents.portfolio.decisions import HandDecisions
from agents.portfolio.entries import DatasetEntry
from agents.portfolio.files import EntryFiles
from agents.portfolio.known import KnownHome
from agents.portfolio.parties import offered_as
from agents.roles.data_owner import DataOwner
from agents.roles.policy import DataOwnerPolicy, Dealings, Stakes
from agents.roles.portfolio import OfferedDataset, requests_on
from agents.roles.requests import Requests, review_of


@dataclass(frozen=True)
class QueuedRequest:
    """One request.

    Attributes:
        number: counts all that the data owner ever had, from 1.
        dataset: as its owner calls it.
        plan: what is to be trained.
        escrow: in wei, what the model owner pays in.
        left: seconds of the chain's time until it lapses.
        open: whether it waits for an answer.
        says: what becomes of it, and why.
        ruled_out: the line of the policy that rules it out; empty if none does.
    """

    number: int
    tc: CoupleId
    model_owner: Address
    dataset: str
    plan: str
    rounds: int
    escrow: int
    left: int
    open: bool
    says: str
    ruled_out: str


def queue(known: KnownHome, policy: DataOwnerPolicy) -> Iterator[QueuedRequest]:
    """All requests, oldest first.

    Args:
        known: the data owner's home.
        policy: whom it lets train.
    """
    role = DataOwner(known.identity, _offered(known), policy, decided=HandDecisions(known.home).look())
    dealings = role.dealings(known.market)
    for number, tc in requests_on(known.market, known.address):
        couple = known.market.couples[tc]
        phase = known.market.phase_of(couple, known.now)
        ruled_out, says = "", phase.name.lower()
        if phase is CouplePhase.REQUESTED:
            requests = next(role.requests(couple.ds), None)
            ruled_out = _ruled_out(known.market, couple, policy, requests, dealings[couple.ds])
            says = _says(known, couple, requests, ruled_out)
        yield QueuedRequest(
            number,
            tc,
            couple.model_owner,
            known.called(couple.ds),
            _plan(known.market, couple),
            couple.max_rounds,
            couple.escrow,
            max(0, couple.deadline - known.now),
            phase is CouplePhase.REQUESTED,
            says,
            ruled_out,
        )


def open_request(known: KnownHome, policy: DataOwnerPolicy, number: int) -> QueuedRequest:
    """One that waits for an answer.

    Raises:
        BadInput: there is none of that number, or it is answered.
    """
    found = next((one for one in queue(known, policy) if one.number == number), None)
    if found is None:
        raise BadInput(f"there is no request {number}: see holdfast data-owner requests")
    if not found.open:
        raise BadInput(f"request {number} is {found.says}: nothing is to be decided")
    return found


def _offered(known: KnownHome) -> tuple[OfferedDataset, ...]:
    good: Mapping[str, DatasetEntry | str] = EntryFiles(known.home, DatasetEntry).look()
    made = []
    for serial, bound in known.datasets.items():
        entry = good.get(bound.name)
        usable = entry if isinstance(entry, DatasetEntry) and not entry.changed_since(bound.facts) else None
        made.append(offered_as(bound.name, usable, serial, bound.facts))
    return tuple(made)


def _ruled_out(
    market: Market, couple: Couple, policy: DataOwnerPolicy, requests: Requests | None, dealings: Dealings
) -> str:
    breach = next(policy.on_member(couple.model_owner), None)
    if breach is None and requests is not None:
        breach = next(requests.breaches(market, couple, dealings.before), None)
    return str(breach or "")


def _says(known: KnownHome, couple: Couple, requests: Requests | None, ruled_out: str) -> str:
    if requests is None:
        name = known.names.get(couple.ds)
        return (
            f"left alone: datasets/{name}.toml is not there, or says nothing good" if name else "left alone"
        )
    decided = requests.decided.get(couple.id)
    if decided is False:
        return "is declined: you decided so"
    if ruled_out:
        stranger = ruled_out.startswith("members:")
        return f"{'is left alone' if stranger else 'is declined'}, by policy: {ruled_out}"
    if requests.offered.state == "closed":
        return "is declined: the dataset is closed"
    review = known.situation.result(review_of(known.market, couple, requests.offered.name))
    if review is None:
        return "its plan is not reviewed yet"
    if review.problem:
        return f"is declined: {review.problem}"
    if requests.offered.by_hand and decided is None:
        return "waits for you"
    stakes = Stakes.of(requests.policy, _bonds(known))
    breach = next(stakes.on_lock(couple.model_owner, known.market.dataset_of(couple).terms.couple_bond), None)
    return f"waits: {breach}" if breach else "is approved once every subset is covered"


def _bonds(known: KnownHome) -> Iterator[tuple[Address, int]]:
    for _, tc in requests_on(known.market, known.address):
        couple = known.market.couples[tc]
        yield couple.model_owner, known.market.couple_bond_of(couple)


def _plan(market: Market, couple: Couple) -> str:
    model = market.models[couple.mod]
    return f"{model.model_type} {model.plan_hash.hex()[:8]}"
