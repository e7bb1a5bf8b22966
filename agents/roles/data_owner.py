"""The data owner: hands out replicas, checks receipts, approves couples by its policy, opens its seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.core.assets import Couple, Dataset
from agents.core.calls import (
    approve_tc,
    close_round,
    create_ci,
    create_ds,
    decline_tc,
    draw_round,
    expire_tc,
    verify_ci,
)
from agents.core.enums import CouplePhase, InstanceStatus, Role
from agents.core.hashing import set_bits
from agents.core.ids import Address, DatasetId, InstanceId, dataset_id, dataset_of, subset_of
from agents.core.market import Market
from agents.roles.acts import NO_DEADLINE, Act, Identity, PackData, ReviewPlan, Send, Situation
from agents.roles.common import (
    for_asset,
    funded,
    opens_to,
    registration,
    seconds_into_answer_window,
    seed_link,
)
from agents.roles.results import PackedData

_REPLICAS_A_CALL = 32


@dataclass(frozen=True)
class Policy:
    """Whom a data owner lets train.

    Attributes:
        couples_per_model_owner: how many couples it approves for one model owner: each is another look at
            the data.
        max_quorum: up to how many agreeing replicas of a subset a model owner may ask for. A strict majority
            of the places is always allowed. If one may ask for all, it needs a single cloud owner of its own
            to leave every subset void, and keeps the results of the others for nothing.
    """

    couples_per_model_owner: int = 3
    max_quorum: int = 0


@dataclass(frozen=True)
class DataOwner:
    """A data owner with one dataset.

    Attributes:
        cloud_owners: for each subset, who gets a replica.
        opening_deposit: wei that it pays in when it registers; it pays in more when a bond needs it.
    """

    identity: Identity
    cloud_owners: tuple[tuple[Address, ...], ...]
    opening_deposit: int = 0
    policy: Policy = Policy()

    @property
    def ds(self) -> DatasetId:
        """The dataset's id, known before it exists."""
        return dataset_id(self.identity.address, 1)

    def decide(self, situation: Situation) -> list[Act]:
        """All that is due now: seeds first, a bond is at stake."""
        market = situation.market
        first = registration(self.identity, Role.DATA_OWNER, self.opening_deposit, market)
        if first:
            return list(first)
        acts: list[Act] = []
        for couple in market.couples.values():
            if couple.ds == self.ds:
                acts += for_asset(f"couple {couple.id:x}", self._couple, situation, couple)
        acts += for_asset(f"dataset {self.ds:x}", self._distribute, situation)
        return funded(self.identity, situation, acts)

    # --- distribution ---

    def _distribute(self, situation: Situation) -> Iterator[Act]:
        market = situation.market
        named = [(subset, co) for subset, owners in enumerate(self.cloud_owners) for co in owners]
        if any(co not in market.members for _, co in named):
            return
        task = PackData(
            self.ds, tuple((subset, co, market.members[co].encryption_key) for subset, co in named)
        )
        packed = situation.result(task)
        if packed is None:
            yield task
            return
        if self.ds not in market.datasets:
            yield Send(create_ds(packed.terms, packed.metadata_hash, packed.metadata_location))
        yield from self._name(market, packed)
        if self.ds in market.datasets:
            yield from self._verify(situation, market.datasets[self.ds], packed)

    def _name(self, market: Market, packed: PackedData) -> Iterator[Act]:
        done = {(subset, market.instances[ci].cloud_owner) for subset, ci in _ever_named(market, self.ds)}
        missing = [
            package for package in packed.packages if (package.subset, package.cloud_owner) not in done
        ]
        for start in range(0, len(missing), _REPLICAS_A_CALL):
            some = missing[start : start + _REPLICAS_A_CALL]
            yield Send(
                create_ci(
                    self.ds,
                    [package.subset for package in some],
                    [package.cloud_owner for package in some],
                    [package.sealed_location for package in some],
                )
            )

    def _verify(self, situation: Situation, dataset: Dataset, packed: PackedData) -> Iterator[Act]:
        market, window = situation.market, dataset.terms.answer_window_seconds
        cis, ok, first = [], [], NO_DEADLINE
        for index, subset in enumerate(dataset.subsets):
            for ci in subset.places:
                instance = market.instances[ci]
                if instance.status is InstanceStatus.JOINED and situation.now <= instance.since + window:
                    cis.append(ci)
                    ok.append(opens_to(self.identity, instance, packed.digests[index]))
                    first = min(first, instance.since + window)
        if cis:
            yield Send(verify_ci(cis, ok), deadline=first, window=window)

    # --- couples ---

    def _couple(self, situation: Situation, couple: Couple) -> Iterator[Act]:
        phase = situation.market.phase_of(couple, situation.now)
        if phase is CouplePhase.REQUESTED:
            yield from self._review(situation, couple)
        elif phase is CouplePhase.DRAWING:
            link = seed_link(self.identity, couple.id, couple.max_rounds, couple.round)
            window = situation.market.dataset_of(couple).terms.draw_window_seconds
            yield Send(draw_round(couple.id, link), deadline=couple.deadline, window=window)
        elif situation.now > couple.window_ends_at:
            yield from self._finish(couple, phase)

    def _finish(self, couple: Couple, phase: CouplePhase) -> Iterator[Act]:
        """What a model owner that is gone leaves undone holds the data owner's bond."""
        if phase is CouplePhase.OVERDUE:
            yield Send(close_round(couple.id, set_bits(couple.pending)))
        elif phase is CouplePhase.ENDED:
            yield Send(expire_tc(couple.id))

    def _review(self, situation: Situation, couple: Couple) -> Iterator[Act]:
        market, deadline = situation.market, couple.deadline
        model, terms = market.models[couple.mod], market.dataset_of(couple).terms
        window = terms.answer_window_seconds
        task = ReviewPlan(
            couple.id,
            model.plan_hash,
            model.plan_location,
            patience_until=deadline - window // 4,
            deadline=deadline,
        )
        review = situation.result(task)
        if review is None:
            yield task
        elif review.problem or self._asks_too_much(market, couple):
            yield Send(decline_tc(couple.id), deadline=deadline, window=window)
        elif not self._waits_its_turn(situation, couple) and self._ready(situation, couple):
            tip = seed_link(self.identity, couple.id, couple.max_rounds, 0)
            yield Send(approve_tc(couple.id, tip), terms.couple_bond, deadline=deadline, window=window)

    def _asks_too_much(self, market: Market, couple: Couple) -> bool:
        """Whether the policy rules a request out: too many couples, or too high a quorum."""
        majority = market.dataset_of(couple).terms.max_replicas // 2 + 1
        return self._approved_for(
            market, couple
        ) >= self.policy.couples_per_model_owner or couple.quorum > max(majority, self.policy.max_quorum)

    def _waits_its_turn(self, situation: Situation, couple: Couple) -> bool:
        """Whether an earlier request of this model owner is open: together they could be too many."""
        market = situation.market
        return any(
            other.ds == couple.ds
            and other.model_owner == couple.model_owner
            and other.id < couple.id
            and market.phase_of(other, situation.now) is CouplePhase.REQUESTED
            for other in market.couples.values()
        )

    def _approved_for(self, market: Market, couple: Couple) -> int:
        others = (
            other
            for other in market.couples.values()
            if other.ds == couple.ds and other.model_owner == couple.model_owner
        )
        return sum(other.phase not in _NEVER_APPROVED for other in others)

    def _ready(self, situation: Situation, couple: Couple) -> bool:
        """Every subset is covered, and all cloud owners answered or half of the answer window is over."""
        market = situation.market
        dataset = market.dataset_of(couple)
        if market.covered(dataset.id) < dataset.terms.subsets:
            return False
        waited, window = seconds_into_answer_window(situation, couple)
        places = (market.instances[ci] for subset in dataset.subsets for ci in subset.places)
        unanswered = any(i.status in (InstanceStatus.FREE, InstanceStatus.JOINED) for i in places)
        return not unanswered or 2 * waited > window


_NEVER_APPROVED = (CouplePhase.REQUESTED, CouplePhase.DECLINED, CouplePhase.CANCELLED)


def _ever_named(market: Market, ds: DatasetId) -> Iterator[tuple[int, InstanceId]]:
    for ci in market.instances:
        if dataset_of(ci) == ds:
            yield subset_of(ci), ci
