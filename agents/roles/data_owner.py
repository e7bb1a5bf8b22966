"""The data owner: hands out replicas, checks receipts, approves couples by its policy, opens its seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

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
from agents.core.events import DatasetTerms
from agents.core.hashing import set_bits
from agents.core.ids import Address, DatasetId, InstanceId, dataset_id, dataset_of, subset_of
from agents.core.market import Market
from agents.roles import awaiting, upkeep
from agents.roles.acts import (
    NO_DEADLINE,
    Act,
    AgainstPolicy,
    Identity,
    PackReplica,
    ReviewPlan,
    Send,
    Situation,
    SplitData,
    Unnameable,
)
from agents.roles.common import (
    for_asset,
    funded,
    opens_to,
    registration,
    seconds_into_answer_window,
    seed_link,
)
from agents.roles.policy import Breach, DataOwnerPolicy, Dealings, Stakes, at_most, over
from agents.roles.results import PackedReplica, RefusedKey, SplitDataset
from agents.roles.retention import KEEP_SECONDS, of_data_owner

_REPLICAS_A_CALL = 32


@dataclass(frozen=True)
class DataOwner:
    """A data owner with one dataset.

    Attributes:
        cloud_owners: for each subset, who gets a replica.
        policy: whom it lets train.
        opening_deposit: wei that it pays in when it registers; it pays in more when a bond needs it.
        store_keep_seconds: how long its objects stay in the store after they are done with.
        looks_after: whether it puts again what the store has lost.
    """

    identity: Identity
    cloud_owners: tuple[tuple[Address, ...], ...]
    policy: DataOwnerPolicy
    opening_deposit: int = 0
    store_keep_seconds: int = KEEP_SECONDS
    looks_after: bool = False

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
        dealings = self._dealings(market)
        for couple in market.couples.values():
            if couple.ds == self.ds:
                acts += for_asset(f"couple {couple.id:x}", self._couple, situation, couple, dealings)
        acts += for_asset(f"dataset {self.ds:x}", self._distribute, situation)
        acts += for_asset("old packages", of_data_owner, situation, self.ds, self.store_keep_seconds)
        if self.looks_after:
            acts += for_asset("own packages", upkeep.of_data_owner, situation, self.ds)
        return funded(self.identity, situation, acts)

    def awaits(self, situation: Situation) -> str:
        """See `Party`."""
        market = situation.market
        if self.ds not in market.datasets:
            return ""
        couples = [couple for couple in market.couples.values() if couple.ds == self.ds]
        if any(not market.phase_of(couple, situation.now).is_over for couple in couples):
            return ""
        return (
            awaiting.for_members(market, chain.from_iterable(self.cloud_owners))
            or awaiting.for_replicas(market, market.datasets[self.ds])
            or f"model owners to ask for dataset {self.ds:x}"
        )

    def _dealings(self, market: Market) -> Dealings:
        """Its couple bonds, and the couples that it ever approved on this dataset."""
        known = [couple for couple in market.couples.values() if couple.ds in market.datasets]
        mine = [couple for couple in known if market.dataset_of(couple).owner == self.identity.address]
        bonds = ((couple.model_owner, market.couple_bond_of(couple)) for couple in mine)
        approved = (c.model_owner for c in mine if c.ds == self.ds and c.phase not in _NEVER_APPROVED)
        return Dealings(Stakes.of(self.policy, bonds), Counter(approved))

    # --- distribution ---

    def _distribute(self, situation: Situation) -> Iterator[Act]:
        market, task = situation.market, SplitData(self.ds)
        split = situation.result(task)
        if split is None:
            yield task
            return
        if self.ds not in market.datasets:
            yield Send(create_ds(split.terms, split.metadata_hash, split.metadata_location))
        yield from self._name(situation)
        if self.ds in market.datasets:
            yield from self._verify(situation, market.datasets[self.ds], split)

    def _name(self, situation: Situation) -> Iterator[Act]:
        """Each cloud owner is packed for and named by itself: none of them keeps the others waiting."""
        ready: list[tuple[PackReplica, PackedReplica]] = []
        for task in self._still_to_name(situation.market):
            packed = situation.result(task)
            if packed is None:
                yield task
            elif isinstance(packed, PackedReplica):
                ready.append((task, packed))
        yield from self._unnameable(situation)
        for start in range(0, len(ready), _REPLICAS_A_CALL):
            some = ready[start : start + _REPLICAS_A_CALL]
            yield Send(
                create_ci(
                    self.ds,
                    [task.subset for task, _ in some],
                    [task.cloud_owner for task, _ in some],
                    [packed.sealed_location for _, packed in some],
                )
            )

    def _still_to_name(self, market: Market) -> Iterator[PackReplica]:
        """The replicas of those that are cloud owners, and were never named for them."""
        for subset, cloud_owner in self._unnamed(market):
            if market.role_of(cloud_owner) is Role.CLOUD_OWNER:
                key = market.members[cloud_owner].encryption_key
                yield PackReplica(self.ds, subset, cloud_owner, key)

    def _unnamed(self, market: Market) -> Iterator[tuple[int, Address]]:
        done = {(subset, market.instances[ci].cloud_owner) for subset, ci in _ever_named(market, self.ds)}
        for subset, owners in enumerate(self.cloud_owners):
            yield from ((subset, owner) for owner in owners if (subset, owner) not in done)

    def _unnameable(self, situation: Situation) -> Iterator[Act]:
        """Of whom nothing is to be hoped, each once."""
        market = situation.market
        problems = {
            owner: f"it registered as a {_ROLES[role]}"
            for _, owner in self._unnamed(market)
            if (role := market.role_of(owner)) not in (Role.NONE, Role.CLOUD_OWNER)
        }
        for task in self._still_to_name(market):
            packed = situation.result(task)
            if isinstance(packed, RefusedKey):
                problems[task.cloud_owner] = packed.problem
        yield from (Unnameable(owner, problem) for owner, problem in problems.items())

    def _may_yet_be_named(self, situation: Situation) -> bool:
        """Whether somebody is still to be named, or to register."""
        market = situation.market
        hopeful = any(market.role_of(owner) is Role.NONE for _, owner in self._unnamed(market))
        tasks = self._still_to_name(market)
        return hopeful or any(not isinstance(situation.result(task), RefusedKey) for task in tasks)

    def _verify(self, situation: Situation, dataset: Dataset, split: SplitDataset) -> Iterator[Act]:
        market, window = situation.market, dataset.terms.answer_window_seconds
        cis, ok, first = [], [], NO_DEADLINE
        for index, subset in enumerate(dataset.subsets):
            for ci in subset.places:
                instance = market.instances[ci]
                if instance.status is InstanceStatus.JOINED and situation.now <= instance.since + window:
                    cis.append(ci)
                    ok.append(opens_to(self.identity, instance, split.digests[index]))
                    first = min(first, instance.since + window)
        if cis:
            yield Send(verify_ci(cis, ok), deadline=first, window=window)

    # --- couples ---

    def _couple(self, situation: Situation, couple: Couple, dealings: Dealings) -> Iterator[Act]:
        phase = situation.market.phase_of(couple, situation.now)
        if phase is CouplePhase.REQUESTED:
            yield from self._review(situation, couple, dealings)
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

    def _review(self, situation: Situation, couple: Couple, dealings: Dealings) -> Iterator[Act]:
        """What nobody asked for is left alone, which costs nothing; a member it deals with gets an answer."""
        market, asset = situation.market, f"couple {couple.id:x}"
        stranger = next(self.policy.on_member(couple.model_owner), None)
        if stranger:
            yield AgainstPolicy(asset, stranger)
            return
        too_much = next(self._too_much(market, couple, dealings.before), None)
        if too_much:
            yield AgainstPolicy(asset, too_much)
            yield self._declined(market, couple)
        elif not self._waits_its_turn(situation, couple):
            yield from self._answer(situation, couple, dealings)

    def _answer(self, situation: Situation, couple: Couple, dealings: Dealings) -> Iterator[Act]:
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
        elif review.problem:
            yield self._declined(market, couple)
        elif self._ready(situation, couple):
            yield self._approved(couple, terms, dealings)

    def _approved(self, couple: Couple, terms: DatasetTerms, dealings: Dealings) -> Act:
        """Its approval, unless with those before it there is too much: then the request waits."""
        owner, bond = couple.model_owner, terms.couple_bond
        breaches = chain(self._no_room(couple, dealings.numbers), dealings.stakes.on_lock(owner, bond))
        breach = next(breaches, None)
        if breach:
            return AgainstPolicy(f"couple {couple.id:x}", breach)
        dealings.agree(owner, bond)
        tip = seed_link(self.identity, couple.id, couple.max_rounds, 0)
        return Send(
            approve_tc(couple.id, tip),
            bond,
            deadline=couple.deadline,
            window=terms.answer_window_seconds,
        )

    def _declined(self, market: Market, couple: Couple) -> Send:
        window = market.dataset_of(couple).terms.answer_window_seconds
        return Send(decline_tc(couple.id), deadline=couple.deadline, window=window)

    def _too_much(self, market: Market, couple: Couple, approved: Counter[Address]) -> Iterator[Breach]:
        """What of a request the policy rules out for good."""
        policy = self.policy.toward(couple.model_owner)
        yield from self._no_room(couple, approved)
        yield from at_most("max_rounds", couple.max_rounds, policy.max_rounds, "rounds")
        majority = market.dataset_of(couple).terms.max_replicas // 2 + 1
        yield from at_most("max_quorum", couple.quorum, max(majority, policy.max_quorum), "that must agree")

    def _no_room(self, couple: Couple, couples: Counter[Address]) -> Iterator[Breach]:
        """Whether there are as many couples as there may be."""
        policy, owner = self.policy.toward(couple.model_owner), couple.model_owner
        with_it, in_all = couples[owner], couples.total()
        yield from over("max_couples_each", with_it, policy.max_couples_each, "of this model owner's")
        yield from over("max_couples", in_all, policy.max_couples, "couples on this dataset")

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

    def _ready(self, situation: Situation, couple: Couple) -> bool:
        """Every subset is covered, and all cloud owners answered or half of the answer window is over."""
        market = situation.market
        dataset = market.dataset_of(couple)
        if market.covered(dataset.id) < dataset.terms.subsets:
            return False
        waited, window = seconds_into_answer_window(situation, couple)
        places = (market.instances[ci] for subset in dataset.subsets for ci in subset.places)
        unanswered = any(i.status in (InstanceStatus.FREE, InstanceStatus.JOINED) for i in places)
        return 2 * waited > window or not (unanswered or self._may_yet_be_named(situation))


_ROLES = {Role.DATA_OWNER: "data owner", Role.MODEL_OWNER: "model owner"}
_NEVER_APPROVED = (CouplePhase.REQUESTED, CouplePhase.DECLINED, CouplePhase.CANCELLED)


def _ever_named(market: Market, ds: DatasetId) -> Iterator[tuple[int, InstanceId]]:
    for ci in market.instances:
        if dataset_of(ci) == ds:
            yield subset_of(ci), ci
