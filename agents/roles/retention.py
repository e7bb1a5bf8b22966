"""Retention: what of a member's own objects nobody needs any more, as the market says.

Each object was put for a task, so the tasks' keys name what is done with. No member may delete another's
objects, and a store need not know what they are. An object is kept some time after it is done with, for an
agent that was away, or whoever looks into what happened.
"""

from __future__ import annotations

from collections.abc import Iterator

from agents.core.assets import Couple, Instance, Round
from agents.core.enums import InstanceStatus
from agents.core.ids import Address, DatasetId, dataset_of, subset_of
from agents.core.market import Market
from agents.roles.acts import Act, Situation
from agents.roles.results import DraftedPlan, PackedReplica
from agents.roles.tasks.cloud_owner import job_key
from agents.roles.tasks.model_owner import weights_key
from agents.roles.tasks.objects import ForgetObjects

KEEP_SECONDS = 24 * 3600
"""How long an object is kept after it is done with, if nothing else is said."""


def of_cloud_owner(situation: Situation, address: Address, keep: int) -> Iterator[Act]:
    """Results: of rounds that are closed, once the weights that they were made of are replaced.

    A sum over the dataset is made of several rounds' results, all for the same weights.
    """
    market = situation.market
    mine = list(market.instances_at(address))
    for couple in market.couples.values():
        here = [instance.id for instance in mine if dataset_of(instance.id) == couple.ds]
        for record in couple.rounds.values():
            task = ForgetObjects(f"job/{couple.id:x}/{record.number}")
            if situation.result(task) is None and _results_are_over(situation, couple, record, keep):
                keys = (job_key(couple.id, record.number, ci) for ci in here)
                if any(key in situation.results for key in keys):
                    yield task


def of_model_owner(situation: Situation, address: Address, keep: int) -> Iterator[Act]:
    """Weights: of rounds that are closed. Plan, keys and all weights: of couples that have ended."""
    market = situation.market
    for couple in market.couples.values():
        if couple.model_owner != address or weights_key(couple.id, 0) not in situation.results:
            continue
        if _is_over(situation, couple, keep):
            yield from _forget(situation, f"weights/{couple.id:x}")
            continue
        for record in couple.rounds.values():
            if _is_closed(situation, couple, record, keep):
                yield from _forget(situation, weights_key(couple.id, record.number - 1))
    for key, plan in situation.results.items():
        if isinstance(plan, DraftedPlan):
            with_it = _couples_with(market, address, plan.location)
            if with_it and all(_is_over(situation, couple, keep) for couple in with_it):
                yield from _forget(situation, key)


def of_data_owner(situation: Situation, ds: DatasetId, keep: int) -> Iterator[Act]:
    """Packages: of instances that are over. The description: of datasets that have ended, and couples."""
    market, now = situation.market, situation.now
    if ds not in market.datasets:
        return
    named: dict[str, list[Instance]] = {}
    for instance in market.instances.values():
        if dataset_of(instance.id) == ds:
            key = f"replica/{ds:x}/{subset_of(instance.id)}/{instance.cloud_owner}"
            named.setdefault(key, []).append(instance)
    for key, instances in named.items():
        put = isinstance(situation.results.get(key), PackedReplica)
        if put and all(_is_gone(market, instance, now - keep) for instance in instances):
            yield from _forget(situation, key)
    couples = (couple for couple in market.couples.values() if couple.ds == ds)
    if now > market.datasets[ds].terms.ends_at + keep and all(
        _is_over(situation, couple, keep) for couple in couples
    ):
        yield from _forget(situation, f"split/{ds:x}")


def of_member(situation: Situation, address: Address, keep: int) -> Iterator[Act]:
    """The same, of a member whatever its role."""
    yield from of_cloud_owner(situation, address, keep)
    yield from of_model_owner(situation, address, keep)
    for dataset in situation.market.datasets.values():
        if dataset.owner == address:
            yield from of_data_owner(situation, dataset.id, keep)


def _forget(situation: Situation, purpose: str) -> Iterator[Act]:
    task = ForgetObjects(purpose)
    if situation.result(task) is None:
        yield task


def _couples_with(market: Market, owner: Address, plan: bytes) -> list[Couple]:
    """A model owner's couples on this plan, whichever of its models they are of."""
    mine = (couple for couple in market.couples.values() if couple.model_owner == owner)
    return [couple for couple in mine if market.models[couple.mod].plan_location == plan]


def _results_are_over(situation: Situation, couple: Couple, record: Round, keep: int) -> bool:
    if _is_over(situation, couple, keep):
        return True
    replaced = record.model_hash != couple.current.model_hash
    return replaced and _is_closed(situation, couple, record, keep)


def _is_closed(situation: Situation, couple: Couple, record: Round, keep: int) -> bool:
    """Whether a round is closed, and the time in which its results are asked for is over, too."""
    window = situation.market.dataset_of(couple).terms.settle_window_seconds
    return record.closed and situation.now > record.closed_at + window + keep


def _is_over(situation: Situation, couple: Couple, keep: int) -> bool:
    """Whether a couple has ended so long ago."""
    return couple.ended_at > 0 and situation.now > couple.ended_at + keep


def _is_gone(market: Market, instance: Instance, before: int) -> bool:
    """Whether an instance was over before a time, or nobody can take it up any more."""
    if instance.status in _OVER:
        return instance.since < before
    return instance.status is InstanceStatus.FREE and market.releasable_after(instance) < before


_OVER = (InstanceStatus.REFUSED, InstanceStatus.REJECTED, InstanceStatus.RETIRED)
