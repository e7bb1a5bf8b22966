"""The model owner: plans, pays, starts rounds, settles results, aggregates, and knows when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.core.assets import Couple, Dataset, Report
from agents.core.calls import (
    cancel_tc,
    close_round,
    complete_tc,
    create_mod,
    expire_draw,
    request_tc,
    settle_round,
    start_round,
)
from agents.core.enums import CouplePhase, InstanceStatus, Role
from agents.core.hashing import final_hash, set_bits
from agents.core.ids import Address, CoupleId, DatasetId, couple_id, model_id, subset_of
from agents.core.market import Market
from agents.roles import awaiting, upkeep
from agents.roles.acts import (
    Act,
    AgainstPolicy,
    CollectResults,
    Declined,
    DraftPlan,
    Identity,
    PublishWeights,
    ReportRef,
    Send,
    SettledRef,
    Situation,
)
from agents.roles.common import final_salt, for_asset, funded, has_quorum, registration, seed_link
from agents.roles.policy import Breach, ModelOwnerPolicy, Stakes
from agents.roles.retention import KEEP_SECONDS, of_model_owner


@dataclass(frozen=True)
class ModelOwner:
    """A model owner that trains one model on one dataset.

    Attributes:
        policy: on whose data it trains, and for how much.
        ds: which dataset, and so its owner; without one, the first that the policy allows.
        quorum: reports that must agree, if more than a strict majority.
        spare_rounds: how many rounds it pays for beyond those of its plan, to run void ones again; what is
            not used comes back.
        number: which of its models this is, counted from 1; the ones before exist already.
        store_keep_seconds: how long its objects stay in the store after they are done with.
        looks_after: whether it puts again what the store has lost.
    """

    identity: Identity
    policy: ModelOwnerPolicy
    ds: DatasetId | None = None
    opening_deposit: int = 0
    quorum: int = 0
    spare_rounds: int = 1
    number: int = 1
    store_keep_seconds: int = KEEP_SECONDS
    looks_after: bool = False

    @property
    def tc(self) -> CoupleId:
        """The couple's id, known before it exists."""
        return couple_id(self.identity.address, self.number)

    def decide(self, situation: Situation) -> list[Act]:
        """All that is due now."""
        market = situation.market
        first = registration(self.identity, Role.MODEL_OWNER, self.opening_deposit, market)
        if first:
            return list(first)
        couple = market.couples.get(self.tc)
        due = self._couple(situation, couple) if couple else self._request(situation)
        keep = self.store_keep_seconds
        old = for_asset("old weights", of_model_owner, situation, self.identity.address, keep)
        if self.looks_after:
            old += for_asset("own weights", upkeep.of_model_owner, situation, self.identity.address)
        return funded(self.identity, situation, [*due, *old])

    def awaits(self, situation: Situation) -> str:
        """See `Party`."""
        market = situation.market
        couple = market.couples.get(self.tc)
        if couple:
            return awaiting.in_couple(market, couple, situation.now)
        for dataset in self._wanted(market):
            if next(self._breaches(dataset), None) is None:
                return awaiting.for_replicas(market, dataset)
        return "a dataset that its policy allows" if self.ds is None else f"dataset {self.ds:x} to be offered"

    # --- the request ---

    def _request(self, situation: Situation) -> Iterator[Act]:
        for dataset in self._wanted(situation.market):
            breach = next(self._breaches(dataset), None)
            if breach is None:
                yield from self._request_on(situation, dataset)
                return
            yield AgainstPolicy(f"dataset {dataset.id:x}", breach)

    def _wanted(self, market: Market) -> list[Dataset]:
        if self.ds is None:
            return list(market.datasets.values())
        return [market.datasets[self.ds]] if self.ds in market.datasets else []

    def _breaches(self, dataset: Dataset) -> Iterator[Breach]:
        """What of a dataset the policy rules out for good."""
        policy = self.policy.toward(dataset.owner)
        if self.ds is None:
            yield from policy.on_member(dataset.owner)
        yield from policy.on_terms(dataset.terms)

    def _request_on(self, situation: Situation, dataset: Dataset) -> Iterator[Act]:
        market = situation.market
        if market.covered(dataset.id) < dataset.terms.subsets:
            return
        task = _plan_task(dataset)
        plan = situation.result(task)
        if plan is None:
            yield task
            return
        rounds = plan.rounds + self.spare_rounds
        escrow = rounds * dataset.terms.escrow_per_round
        stakes = Stakes.of(self.policy, self._locked(market))
        breach = next(stakes.on_lock(dataset.owner, escrow), None)
        if breach:
            yield AgainstPolicy(f"dataset {dataset.id:x}", breach)
            return
        mod = model_id(self.identity.address, self.number)
        if mod not in market.models:
            yield Send(create_mod(plan.model_type, plan.hash, plan.location))
        tip = seed_link(self.identity, self.tc, rounds, 0)
        yield Send(request_tc(mod, dataset.id, rounds, tip, self.quorum), escrow)

    def _locked(self, market: Market) -> Iterator[tuple[Address, int]]:
        """Its escrows, and for whose data."""
        for couple in market.couples.values():
            if couple.model_owner == self.identity.address:
                yield market.dataset_of(couple).owner, couple.escrow

    # --- the couple ---

    def _couple(self, situation: Situation, couple: Couple) -> Iterator[Act]:
        phase = situation.market.phase_of(couple, situation.now)
        if phase is CouplePhase.DECLINED:
            yield Declined(f"couple {couple.id:x}")
        elif phase is CouplePhase.LAPSED:
            yield Send(cancel_tc(couple.id))
        elif phase is CouplePhase.WITHHELD:
            yield Send(expire_draw(couple.id))
        elif phase is CouplePhase.SETTLING:
            yield from self._settle(situation, couple)
        elif phase is CouplePhase.OVERDUE:
            yield Send(close_round(couple.id, set_bits(couple.pending)))
        elif phase in (CouplePhase.APPROVED, CouplePhase.ENDED):
            yield from self._next(situation, couple, phase)

    def _next(self, situation: Situation, couple: Couple, phase: CouplePhase) -> Iterator[Act]:
        market = situation.market
        dataset = market.dataset_of(couple)
        salt = final_salt(self.identity, couple.id)
        task = PublishWeights(
            couple.id,
            couple.round,
            dataset.terms.subsets,
            couple.current.drawn if couple.round else 0,
            _settled(couple),
            _readers(market, dataset),
            couple.current.closed_at + dataset.terms.settle_window_seconds if couple.round else 0,
            salt,
            deadline=couple.window_ends_at,
        )
        weights = situation.result(task)
        if weights is None:
            yield task
        elif (
            weights.stop
            or phase is CouplePhase.ENDED
            or not weights.location
            or self._waits_in_vain(situation, dataset)
        ):
            ends = final_hash(self.identity.receipt_domain, couple.id, salt, weights.model)
            yield Send(complete_tc(couple.id, ends))
        else:
            link = seed_link(self.identity, couple.id, couple.max_rounds, couple.round + 1)
            start = start_round(couple.id, link, weights.hash, weights.location)
            yield Send(start, deadline=couple.window_ends_at)

    def _waits_in_vain(self, situation: Situation, dataset: Dataset) -> bool:
        """Whether its sums are over all subsets, and one of them has nobody left to train on it."""
        plan = situation.result(_plan_task(dataset))
        whole = situation.market.covered(dataset.id) == dataset.terms.subsets
        return plan is not None and plan.sums == "dataset" and not whole

    # --- settling ---

    def _settle(self, situation: Situation, couple: Couple) -> Iterator[Act]:
        market = situation.market
        window, deadline = (
            market.dataset_of(couple).terms.settle_window_seconds,
            market.settle_deadline(couple),
        )
        for subset in set_bits(couple.pending):
            reports = market.reports_of(couple, subset)
            task = CollectResults(
                couple.id,
                couple.round,
                subset,
                tuple(map(_ref, reports)),
                market.quorum_of(couple, subset),
                deadline - window // 2,
                deadline=deadline,
            )
            agreed = situation.result(task)
            if agreed is None:
                yield task
            elif agreed.digest and has_quorum(self.identity, market, couple, subset, agreed.digest):
                settle = settle_round(couple.id, subset, agreed.digest, reports)
                yield Send(settle, deadline=deadline, window=window)


def _plan_task(dataset: Dataset) -> DraftPlan:
    return DraftPlan(
        dataset.id,
        dataset.metadata_hash,
        dataset.metadata_location,
        report_window_seconds=dataset.terms.report_window_seconds,
        deadline=dataset.terms.ends_at,
    )


def _settled(couple: Couple) -> tuple[SettledRef, ...]:
    """What was settled for the current weights: in the last round, and in those before that had the same."""
    if not couple.round:
        return ()
    same = (record for record in couple.rounds.values() if record.model_hash == couple.current.model_hash)
    return tuple(
        SettledRef(
            record.number,
            subset,
            digest,
            tuple(_ref(r) for r in record.reports.values() if subset_of(r.ci) == subset),
        )
        for record in same
        for subset, digest in sorted(record.digests.items())
    )


def _ref(report: Report) -> ReportRef:
    return ReportRef(report.ci, report.cloud_owner, report.hash, report.nonce, report.sealed_location)


def _readers(market: Market, dataset: Dataset) -> tuple[bytes, ...]:
    """The keys of all cloud owners that may be drawn next."""
    named = (market.instances[ci] for subset in dataset.subsets for ci in subset.places)
    able = (InstanceStatus.JOINED, InstanceStatus.VERIFIED)
    owners = dict.fromkeys(i.cloud_owner for i in named if i.status in able)
    return tuple(market.members[owner].encryption_key for owner in owners)
