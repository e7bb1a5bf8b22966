"""What a data owner answers to requests for one of its datasets: by its policy, and by hand if it likes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from agents.core.assets import Couple
from agents.core.calls import approve_tc, decline_tc
from agents.core.enums import CouplePhase
from agents.core.events import DatasetTerms
from agents.core.ids import Address, CoupleId
from agents.core.market import Market
from agents.roles.acts import Act, AgainstPolicy, Identity, Send, Situation
from agents.roles.common import seconds_into_answer_window, seed_link
from agents.roles.distribution import Distribution, unanswered
from agents.roles.policy import Breach, DataOwnerPolicy, Dealings, at_most, over
from agents.roles.portfolio import AwaitsDecision, OfferedDataset
from agents.roles.tasks.data_owner import ReviewPlan


@dataclass(frozen=True)
class Requests:
    """The requests for one dataset.

    Attributes:
        policy: whom its owner lets train.
        offered: the dataset, as it is wanted.
        decided: by hand: whether a couple is wanted.
    """

    identity: Identity
    policy: DataOwnerPolicy
    offered: OfferedDataset
    decided: Mapping[CoupleId, bool] = field(default_factory=dict)

    def acts(self, situation: Situation, couple: Couple, dealings: Dealings, number: int) -> Iterator[Act]:
        """What nobody asked for is left alone, which costs nothing; a member it deals with gets an answer."""
        market, asset = situation.market, f"couple {couple.id:x}"
        if self.decided.get(couple.id) is False:
            yield self._declined(market, couple)
            return
        stranger = next(self.policy.on_member(couple.model_owner), None)
        if stranger:
            yield AgainstPolicy(asset, stranger)
            return
        too_much = next(self.breaches(market, couple, dealings.before), None)
        if too_much:
            yield AgainstPolicy(asset, too_much)
            yield self._declined(market, couple)
        elif self.offered.state == "closed":
            yield self._declined(market, couple)
        elif not self._waits_its_turn(situation, couple):
            yield from self._answer(situation, couple, dealings, number)

    def _answer(self, situation: Situation, couple: Couple, dealings: Dealings, number: int) -> Iterator[Act]:
        market = situation.market
        task = review_of(market, couple, self.offered.name)
        review = situation.result(task)
        if review is None:
            yield task
        elif review.problem:
            yield self._declined(market, couple)
        elif self.offered.by_hand and couple.id not in self.decided:
            yield AwaitsDecision(number, self.offered.name, couple.id)
        elif self._ready(situation, couple):
            yield self._approved(couple, market.dataset_of(couple).terms, dealings)

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

    def breaches(self, market: Market, couple: Couple, approved: Counter[Address]) -> Iterator[Breach]:
        """What of a request the policy rules out for good.

        Args:
            market: the mirror.
            couple: that is asked for.
            approved: how many couples on this dataset there ever were, by model owner.
        """
        policy = self.policy.toward(couple.model_owner)
        yield from self._no_room(couple, approved)
        yield from at_most("max_rounds", couple.max_rounds, policy.max_rounds, "rounds")
        replicas = self.offered.replicas or market.dataset_of(couple).terms.max_replicas
        most = max(replicas // 2 + 1, policy.max_quorum)
        yield from at_most("max_quorum", couple.quorum, most, "that must agree")

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
        coming = Distribution(self.identity, self.offered).may_yet_be_named(situation)
        return 2 * waited > window or not (unanswered(market, dataset) or coming)


def review_of(market: Market, couple: Couple, entry: str) -> ReviewPlan:
    """The task of reviewing the plan of a request."""
    model, window = market.models[couple.mod], market.dataset_of(couple).terms.answer_window_seconds
    return ReviewPlan(
        couple.id,
        model.plan_hash,
        model.plan_location,
        patience_until=couple.deadline - window // 4,
        deadline=couple.deadline,
        entry=entry,
    )
