"""The model owner: plans, pays, starts rounds, settles results, aggregates, and knows when to stop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.core.assets import Couple, Dataset, Report
from agents.core.calls import cancel_tc, close_round, complete_tc, expire_draw, settle_round, start_round
from agents.core.enums import CouplePhase, InstanceStatus, Role
from agents.core.hashing import final_hash, set_bits
from agents.core.ids import ModelId, model_id, subset_of
from agents.core.market import Market
from agents.roles import awaiting, upkeep
from agents.roles.acts import Act, Declined, Identity, Send, Situation
from agents.roles.common import final_salt, for_asset, funded, has_quorum, registration, seed_link
from agents.roles.healing import bare_since
from agents.roles.model_requests import ModelRequest, plan_task
from agents.roles.policy import ModelOwnerPolicy, Stakes
from agents.roles.portfolio import WantedModel
from agents.roles.retention import KEEP_SECONDS, of_model_owner
from agents.roles.tasks.model_owner import CollectResults, PublishWeights, ReportRef, SettledRef


@dataclass(frozen=True)
class ModelOwner:
    """A model owner with all its models.

    Attributes:
        wanted: its models, as they are wanted now, in the order in which they were bound.
        policy: on whose data it trains, and for how much: its limits hold over all of them.
        opening_deposit: wei that it pays in when it registers; it pays in more when an escrow needs it.
        taken: serials of the wallet's models that have a name.
        store_keep_seconds: how long its objects stay in the store after they are done with.
        looks_after: whether it puts again what the store has lost.
    """

    identity: Identity
    wanted: tuple[WantedModel, ...]
    policy: ModelOwnerPolicy
    opening_deposit: int = 0
    taken: frozenset[int] = frozenset()
    store_keep_seconds: int = KEEP_SECONDS
    looks_after: bool = False

    def decide(self, situation: Situation) -> list[Act]:
        """All that is due now."""
        market = situation.market
        first = registration(self.identity, Role.MODEL_OWNER, self.opening_deposit, market)
        if first:
            return list(first)
        mine, acts = self._couples(market), list[Act]()
        by_model = {self._mod(wanted): wanted for wanted in self.wanted if wanted.serial}
        for couple in mine:
            wanted = by_model.get(couple.mod, _NAMELESS)
            acts += for_asset(f"couple {couple.id:x}", self._couple, situation, couple, wanted)
        acts += self._requests(situation, mine)
        keep, address = self.store_keep_seconds, self.identity.address
        acts += for_asset("old weights", of_model_owner, situation, address, keep)
        if self.looks_after:
            acts += for_asset("own weights", upkeep.of_model_owner, situation, address)
        return funded(self.identity, situation, acts)

    def awaits(self, situation: Situation) -> str:
        """See `Party`."""
        market = situation.market
        couples = {couple.mod: couple for couple in self._couples(market)}
        told = []
        for wanted in self.wanted:
            couple = couples.get(self._mod(wanted)) if wanted.serial else None
            if couple is None:
                told.append(self._request(wanted).awaits(situation))
            else:
                told.append(awaiting.in_couple(market, couple, situation.now))
        over = [words for words in told if words.startswith(awaiting.NOTHING)]
        return "; ".join(
            filter(None, over if over == told else (words for words in told if words not in over))
        )

    def _couples(self, market: Market) -> list[Couple]:
        return [c for c in market.couples.values() if c.model_owner == self.identity.address]

    def _mod(self, wanted: WantedModel) -> ModelId:
        return model_id(self.identity.address, wanted.serial)

    # --- the requests ---

    def _request(self, wanted: WantedModel) -> ModelRequest:
        return ModelRequest(self.identity, self.policy, wanted, self.taken)

    def _requests(self, situation: Situation, couples: list[Couple]) -> list[Act]:
        """Of those models that have no couple. The market numbers couples as they come: one at a time."""
        asked = {couple.mod for couple in couples}
        escrows = ((situation.market.dataset_of(couple).owner, couple.escrow) for couple in couples)
        stakes = Stakes.of(self.policy, escrows)
        acts: list[Act] = []
        for wanted in self.wanted:
            if wanted.serial and self._mod(wanted) in asked:
                continue
            due = for_asset(f"model {wanted.name}", self._request(wanted).acts, situation, stakes)
            if any(isinstance(act, Send) for act in acts):
                due = [act for act in due if not isinstance(act, Send)]
            acts += due
        return acts

    # --- the couple ---

    def _couple(self, situation: Situation, couple: Couple, wanted: WantedModel) -> Iterator[Act]:
        phase = situation.market.phase_of(couple, situation.now)
        unwanted = wanted.state == "stopped" and phase is CouplePhase.REQUESTED
        if phase is CouplePhase.DECLINED and wanted.state == "trained":
            yield Declined(f"couple {couple.id:x}")
        elif phase is CouplePhase.LAPSED or unwanted:
            yield Send(cancel_tc(couple.id))
        elif phase is CouplePhase.WITHHELD:
            yield Send(expire_draw(couple.id))
        elif phase is CouplePhase.SETTLING:
            yield from self._settle(situation, couple, wanted)
        elif phase is CouplePhase.OVERDUE:
            yield Send(close_round(couple.id, set_bits(couple.pending)))
        elif phase in (CouplePhase.APPROVED, CouplePhase.ENDED) and wanted.state != "paused":
            yield from self._next(situation, couple, phase, wanted)

    def _next(
        self, situation: Situation, couple: Couple, phase: CouplePhase, wanted: WantedModel
    ) -> Iterator[Act]:
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
            entry=wanted.name,
        )
        weights = situation.result(task)
        if weights is None:
            yield task
        elif (
            weights.stop
            or wanted.state == "stopped"
            or phase is CouplePhase.ENDED
            or not weights.location
            or _waited_in_vain(situation, dataset, wanted)
        ):
            ends = final_hash(self.identity.receipt_domain, couple.id, salt, weights.model)
            yield Send(complete_tc(couple.id, ends))
        elif not _lacks_cover(situation, dataset, wanted):
            link = seed_link(self.identity, couple.id, couple.max_rounds, couple.round + 1)
            start = start_round(couple.id, link, weights.hash, weights.location)
            yield Send(start, deadline=couple.window_ends_at)

    # --- settling ---

    def _settle(self, situation: Situation, couple: Couple, wanted: WantedModel) -> Iterator[Act]:
        if not wanted.serial:
            return
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
                entry=wanted.name,
            )
            agreed = situation.result(task)
            if agreed is None:
                yield task
            elif agreed.digest and has_quorum(self.identity, market, couple, subset, agreed.digest):
                settle = settle_round(couple.id, subset, agreed.digest, reports)
                yield Send(settle, deadline=deadline, window=window)


_NAMELESS = WantedModel("", state="paused")
"""A couple whose model no name is bound to: its journal was lost. What needs nothing of it is done."""


def _waited_in_vain(situation: Situation, dataset: Dataset, wanted: WantedModel) -> bool:
    """Whether a subset has had nobody for too long."""
    since = bare_since(situation.market, dataset)
    late = since is not None and situation.now >= since + wanted.wait_for_cover
    return late and _lacks_cover(situation, dataset, wanted)


def _lacks_cover(situation: Situation, dataset: Dataset, wanted: WantedModel) -> bool:
    """Whether its sums are over all subsets, and one of them has nobody now to train on it."""
    plan = situation.result(plan_task(dataset, wanted))
    summed = plan is not None and plan.sums == "dataset"
    return summed and bare_since(situation.market, dataset) is not None


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
