"""Upkeep: looking after own objects in a remote store while others need them.

Once for each occasion, at half of the time that the others have before they call an object unavailable, an
author sees whether it is still there, and puts it again if not.
"""

from __future__ import annotations

from collections.abc import Iterator

from agents.core.assets import Couple
from agents.core.enums import CouplePhase, InstanceStatus
from agents.core.ids import Address, DatasetId, dataset_of, subset_of
from agents.roles.acts import Act, Situation
from agents.roles.results import DraftedPlan
from agents.roles.tasks.cloud_owner import job_key
from agents.roles.tasks.model_owner import weights_key
from agents.roles.tasks.objects import LookAfter


def of_cloud_owner(situation: Situation, address: Address) -> Iterator[Act]:
    """Results, while their round is settled: half of the settle window is the model owner's."""
    for couple in situation.market.couples.values():
        if situation.market.phase_of(couple, situation.now) is not CouplePhase.SETTLING:
            continue
        window = situation.market.dataset_of(couple).terms.settle_window_seconds
        reports = couple.current.reports.values()
        mine = [job_key(couple.id, couple.round, r.ci) for r in reports if r.cloud_owner == address]
        if mine and situation.now > couple.deadline + window // 4:
            about = f"job/{couple.id:x}/{couple.round}"
            yield from _once(situation, about, tuple(mine), couple.deadline + window // 2)


def of_model_owner(situation: Situation, address: Address) -> Iterator[Act]:
    """Plan and keys while a request is reviewed, and with the weights while a round is trained."""
    for couple in situation.market.couples.values():
        if couple.model_owner != address:
            continue
        terms = situation.market.dataset_of(couple).terms
        phase = situation.market.phase_of(couple, situation.now)
        plans = _plans_of(situation, couple)
        left = couple.deadline - situation.now
        if phase is CouplePhase.REQUESTED and left < terms.answer_window_seconds // 2:
            yield from _once(situation, f"plan/{couple.id:x}", plans, couple.deadline)
        if phase is CouplePhase.TRAINING and left < terms.report_window_seconds // 2:
            weights = weights_key(couple.id, couple.round - 1)
            yield from _once(situation, weights, (weights, *plans), couple.deadline)


def of_data_owner(situation: Situation, ds: DatasetId) -> Iterator[Act]:
    """The packages of those that have not answered yet, with the description."""
    for instance in situation.market.instances.values():
        if dataset_of(instance.id) != ds or instance.status is not InstanceStatus.FREE:
            continue
        window = situation.market.datasets[ds].terms.answer_window_seconds
        if instance.since + window // 2 < situation.now <= instance.since + window:
            package = f"replica/{ds:x}/{subset_of(instance.id)}/{instance.cloud_owner}"
            about, both = f"replica/{instance.id:x}", (package, f"split/{ds:x}")
            yield from _once(situation, about, both, instance.since + window)


def _plans_of(situation: Situation, couple: Couple) -> tuple[str, ...]:
    """The tasks that a couple's plan and keys came of."""
    location = situation.market.models[couple.mod].plan_location
    results = situation.results.items()
    return tuple(key for key, plan in results if isinstance(plan, DraftedPlan) and plan.location == location)


def _once(situation: Situation, about: str, purposes: tuple[str, ...], deadline: int) -> Iterator[Act]:
    task = LookAfter(about, purposes, deadline=deadline)
    if situation.result(task) is None:
        yield task
