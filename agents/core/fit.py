"""Whether an event fits those that came before it.

The contract emits none that does not. So one that does not says that a node left some out, or made one up: in
either case the mirror must stand it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.core import events as e
from agents.core.assets import Couple
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus, Role
from agents.core.ids import (
    Address,
    InstanceId,
    Kind,
    asset_id,
    dataset_of,
    replica_of,
    serial_of,
    subset_of,
)

if TYPE_CHECKING:
    from agents.core.market import Market

_KEY_BYTES = 64
_MAX_SUBSETS = 256
_MAX_REPLICAS = 16
_MAX_NAMED = 255

_OfInstance = (
    e.InstanceJoined
    | e.InstanceRefused
    | e.InstanceVerified
    | e.InstanceRejected
    | e.InstanceRetiring
    | e.InstanceRetired
)
_OfJob = e.JobReported | e.JobFlagged | e.JobJudged
_OfSubset = e.SubsetSettled | e.SubsetVoided
_OfRound = _OfJob | _OfSubset | e.RoundDrawn | e.RoundVoided | e.RoundClosed
_OfCouple = e.CoupleApproved | e.CoupleDeclined | e.CoupleCancelled | e.CoupleAborted | e.CoupleCompleted

_Phase, _Status = CouplePhase, InstanceStatus

_PHASE_BEFORE: dict[type[e.MarketEvent], CouplePhase] = {
    e.CoupleApproved: _Phase.REQUESTED,
    e.CoupleDeclined: _Phase.REQUESTED,
    e.CoupleCancelled: _Phase.REQUESTED,
    e.CoupleAborted: _Phase.DRAWING,
    e.CoupleCompleted: _Phase.APPROVED,
    e.RoundStarted: _Phase.APPROVED,
    e.RoundDrawn: _Phase.DRAWING,
    e.RoundVoided: _Phase.TRAINING,
    e.RoundClosed: _Phase.TRAINING,
    e.JobReported: _Phase.TRAINING,
    e.JobFlagged: _Phase.TRAINING,
    e.JobJudged: _Phase.TRAINING,
    e.SubsetSettled: _Phase.TRAINING,
    e.SubsetVoided: _Phase.TRAINING,
}
_STATUS_BEFORE: dict[type[e.MarketEvent], tuple[InstanceStatus, ...]] = {
    e.InstanceJoined: (_Status.FREE,),
    e.InstanceRefused: (_Status.FREE,),
    e.InstanceVerified: (_Status.JOINED,),
    e.InstanceRejected: (_Status.JOINED,),
    e.InstanceRetiring: (_Status.VERIFIED,),
    e.InstanceRetired: (_Status.FREE, _Status.JOINED, _Status.RETIRING),
}
_VERDICTS = (JobStatus.ACCEPTED, JobStatus.FAULTY, JobStatus.MISSED, JobStatus.VOID)


def can_follow(market: Market, event: object) -> bool:
    """Whether an event can be applied: it speaks of what is there, makes what is not, and within bounds."""
    match event:
        case e.Deposited() | e.Withdrawn():
            return True
        case e.MemberCreated():
            known = event.member in market.members
            return not known and event.role is not Role.NONE and len(event.encryption_key) == _KEY_BYTES
        case e.DatasetCreated() | e.InstanceCreated() | e.ModelCreated() | e.CoupleRequested():
            return _is_new(market, event)
        case e.RoundStarted():
            couple = market.couples.get(event.tc)
            return couple is not None and event.round == couple.round + 1 <= couple.max_rounds
        case _:
            return _is_there(market, event)


def is_due(market: Market, event: e.MarketEvent) -> bool:
    """Whether an event that can be applied finds all as the contract must have had it."""
    return _is_in_order(market, event) and _is_covered(market, event)


# --- what an event can be applied to ---


def _is_new(
    market: Market, event: e.DatasetCreated | e.InstanceCreated | e.ModelCreated | e.CoupleRequested
) -> bool:
    """Whether what an event makes has an id of its maker's, is not there, and is of what is."""
    match event:
        case e.DatasetCreated():
            known, own = event.ds in market.datasets, _is_of(event.ds, Kind.DATASET, event.data_owner)
            owner, role = event.data_owner, Role.DATA_OWNER
            sound = _has_shape(event.terms)
        case e.InstanceCreated():
            known, own = event.ci in market.instances, True
            owner, role = event.cloud_owner, Role.CLOUD_OWNER
            sound = _has_place(market, event.ci)
        case e.ModelCreated():
            known, own = event.mod in market.models, _is_of(event.mod, Kind.MODEL, event.model_owner)
            owner, role = event.model_owner, Role.MODEL_OWNER
            sound = True
        case e.CoupleRequested():
            known, own = event.tc in market.couples, _is_of(event.tc, Kind.COUPLE, event.model_owner)
            owner, role = event.model_owner, Role.MODEL_OWNER
            sound = event.ds in market.datasets and event.mod in market.models and event.max_rounds > 0
    member = market.members.get(owner)
    return not known and own and sound and member is not None and member.role is role


def _is_there(market: Market, event: object) -> bool:
    """Whether all that an event speaks of was made, and made so that it can be told of it."""
    match event:
        case e.InstanceRefused() | e.InstanceRejected() | e.InstanceRetired():
            return event.ci in market.instances and event.ci in market.replicas_beside(event.ci).places
        case e.InstanceJoined() | e.InstanceVerified() | e.InstanceRetiring():
            return event.ci in market.instances
        case _ if isinstance(event, _OfCouple):
            return event.tc in market.couples
        case _ if isinstance(event, _OfRound):
            couple = market.couples.get(event.tc)
            return couple is not None and event.round in couple.rounds and _is_of_round(market, couple, event)
        case _:
            return False


def _is_of_round(market: Market, couple: Couple, event: _OfRound) -> bool:
    subsets = market.dataset_of(couple).terms.subsets
    match event:
        case e.RoundDrawn():
            return 0 < event.drawn < 1 << subsets
        case e.SubsetSettled() | e.SubsetVoided():
            return event.subset < subsets
        case e.JobReported() | e.JobFlagged() | e.JobJudged():
            return event.ci in market.instances
        case _:
            return True


def _is_of(asset: int, kind: Kind, owner: Address) -> bool:
    serial = serial_of(asset)
    return serial > 0 and asset == asset_id(owner, kind, serial)


def _has_shape(terms: e.DatasetTerms) -> bool:
    drawn, replicas = terms.subsets_per_round, terms.max_replicas
    return 0 < drawn <= terms.subsets <= _MAX_SUBSETS and 0 < replicas <= _MAX_REPLICAS


def _has_place(market: Market, ci: InstanceId) -> bool:
    dataset = market.datasets.get(dataset_of(ci))
    return dataset is not None and subset_of(ci) < dataset.terms.subsets and 0 < replica_of(ci) <= _MAX_NAMED


# --- what the contract must have had ---


def _is_in_order(market: Market, event: e.MarketEvent) -> bool:
    """Whether phase, status and round are those in which the contract emits such an event."""
    if isinstance(event, _OfInstance):
        return market.instances[event.ci].status in _STATUS_BEFORE[type(event)]
    if isinstance(event, (_OfCouple, e.RoundStarted)):
        return market.couples[event.tc].phase is _PHASE_BEFORE[type(event)]
    if isinstance(event, _OfRound):
        couple = market.couples[event.tc]
        in_phase = couple.phase is _PHASE_BEFORE[type(event)] and event.round == couple.round
        return in_phase and _is_pending(couple, event)
    if isinstance(event, e.InstanceCreated):
        return replica_of(event.ci) == market.replicas_beside(event.ci).named + 1
    return True


def _is_pending(couple: Couple, event: _OfRound) -> bool:
    match event:
        case e.SubsetSettled() | e.SubsetVoided():
            return bool(couple.pending >> event.subset & 1)
        case e.JobReported() | e.JobFlagged():
            open_ = couple.pending >> subset_of(event.ci) & 1 and dataset_of(event.ci) == couple.ds
            return bool(open_) and not couple.current.answered(event.ci)
        case e.JobJudged():
            return event.verdict in _VERDICTS and event.ci not in couple.current.verdicts
        case e.RoundClosed():
            return couple.pending == 0
        case _:
            return True


def _is_covered(market: Market, event: e.MarketEvent) -> bool:
    """Whether the coins are there that an event takes from a balance."""
    match event:
        case e.Withdrawn():
            account, amount = event.account, event.amount
        case e.InstanceJoined():
            account = event.cloud_owner
            amount = market.datasets[dataset_of(event.ci)].terms.instance_bond
        case e.CoupleRequested():
            account, amount = event.model_owner, event.escrow
        case e.CoupleApproved():
            account = event.data_owner
            amount = market.dataset_of(market.couples[event.tc]).terms.couple_bond
        case _:
            return True
    return market.balances.get(account, 0) >= amount
