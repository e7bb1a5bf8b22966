"""The market's rules in memory: takes calls from addresses, at a time that the test sets, and emits events.

It follows ``contracts/market`` call by call and chapter by chapter: the same checks in the same order, with
the same errors. Its state is the mirror of the events that it emitted, so a call that is refused after it
emitted some is undone by building the mirror anew.

    market = FakeMarket()
    market.send(alice, calls.register(Role.DATA_OWNER, key, 1_000))
    market.now += 60
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.core import events as e
from agents.core.assets import Couple, Dataset
from agents.core.enums import CouplePhase as P
from agents.core.enums import FlagReason, InstanceStatus, JobStatus, Role
from agents.core.hashing import draw_round, next_tip, round_seed, set_bits, training_receipt
from agents.core.ids import (
    Address,
    CoupleId,
    DatasetId,
    InstanceId,
    ModelId,
    couple_id,
    dataset_of,
    model_id,
    subset_of,
)
from testing.backend import NOBODY, TERMS
from testing.fake_distribution import FakeDistribution, require

__all__ = ["TERMS", "FakeMarket"]


class FakeMarket(FakeDistribution):
    """One market on one chain."""

    # --- Training ---

    def createMod(self, model_type: str, plan_hash: bytes, plan_location: bytes) -> None:
        self.require_role(self.sender, Role.MODEL_OWNER)
        mod = model_id(self.sender, 1 + self.count(self.mirror.models.values(), "owner"))
        self.emit(e.ModelCreated(mod, self.sender, model_type, plan_hash, plan_location))

    def requestTC(self, mod: ModelId, ds: DatasetId, max_rounds: int, seed_tip: bytes, quorum: int) -> None:
        model = self.mirror.models.get(mod)
        require(model is not None and model.owner == self.sender, "Training_NotYourModel", mod, self.sender)
        terms = self.dataset(ds).terms
        sound = max_rounds > 0 and quorum <= terms.max_replicas
        require(sound, "Training_BadRequest", max_rounds, quorum, terms.max_replicas)
        needed = self.now + terms.answer_window_seconds + terms.couple_window_seconds
        needed += terms.draw_window_seconds + terms.report_window_seconds + 2 * terms.settle_window_seconds
        require(needed <= terms.ends_at, "Training_DatasetEnds", ds, terms.ends_at, needed)
        escrow = max_rounds * terms.escrow_per_round
        self.lock(escrow)
        tc = couple_id(self.sender, 1 + self.count(self.mirror.couples.values(), "model_owner"))
        self.emit(e.CoupleRequested(tc, self.sender, ds, mod, max_rounds, seed_tip, quorum, escrow))

    def approveTC(self, tc: CoupleId, seed_tip: bytes) -> None:
        couple = self._couple(tc, P.REQUESTED)
        dataset = self._party_data_owner(couple)
        covered, subsets = self.mirror.covered(dataset.id), dataset.terms.subsets
        require(covered == subsets, "Training_SubsetsUncovered", dataset.id, covered, subsets)
        self.lock(dataset.terms.couple_bond)
        self.emit(e.CoupleApproved(tc, self.sender, seed_tip))

    def declineTC(self, tc: CoupleId) -> None:
        self._party_data_owner(self._couple(tc, P.REQUESTED))
        self.emit(e.CoupleDeclined(tc, self.sender))

    def cancelTC(self, tc: CoupleId) -> None:
        self._require_party(tc, self._couple(tc, P.REQUESTED, P.LAPSED).model_owner)
        self.emit(e.CoupleCancelled(tc, self.sender))

    def expireRequest(self, tc: CoupleId) -> None:
        self._couple(tc, P.LAPSED)
        self.emit(e.CoupleCancelled(tc, self.sender))

    def startRound(self, tc: CoupleId, mo_seed: bytes, model_hash: bytes, location: bytes) -> None:
        couple = self._couple(tc, P.APPROVED)
        self._require_party(tc, couple.model_owner)
        require(next_tip(mo_seed) == couple.mo_tip, "Training_WrongSeed", tc, mo_seed, couple.mo_tip)
        number = couple.round + 1
        self.emit(e.RoundStarted(tc, self.sender, number, mo_seed, model_hash, location))

    def drawRound(self, tc: CoupleId, do_seed: bytes) -> None:
        couple = self._couple(tc, P.DRAWING)
        terms = self._party_data_owner(couple).terms
        require(next_tip(do_seed) == couple.do_tip, "Training_WrongSeed", tc, do_seed, couple.do_tip)
        seed = round_seed(couple.mo_tip, do_seed, tc, couple.round)
        drawn, _ = draw_round(seed, couple.drawn_this_epoch, terms.subsets, terms.subsets_per_round)
        jobs = sum(len(self.mirror.assigned(couple, subset)) for subset in set_bits(drawn))
        self.emit(e.RoundDrawn(tc, self.sender, couple.round, do_seed, drawn, jobs))

    def updateTJ(
        self, tc: CoupleId, ci: InstanceId, round_: int, receipt: bytes, nonce: bytes, location: bytes
    ) -> None:
        self._answer(tc, ci, round_)
        self.emit(e.JobReported(tc, ci, self.sender, round_, receipt, nonce, location))

    def flagTJ(self, tc: CoupleId, ci: InstanceId, round_: int, reason: int) -> None:
        decides = self._answer(tc, ci, round_).flags_left == 0
        self.emit(e.JobFlagged(tc, ci, self.sender, round_, FlagReason(reason)))
        if decides:
            self.emit(e.RoundVoided(tc, self.sender, round_))

    def _answer(self, tc: CoupleId, ci: InstanceId, round_: int) -> Couple:
        couple = self._couple(tc, P.TRAINING)
        require(round_ == couple.round, "Training_WrongRound", tc, round_, couple.round)
        instance = self.mirror.instances.get(ci)
        owner = instance.cloud_owner if instance else NOBODY
        require(owner == self.sender, "Training_NotInstanceOwner", ci, self.sender, owner)
        drawn = dataset_of(ci) == couple.ds and couple.pending >> subset_of(ci) & 1
        assigned = drawn and instance and instance.was_in_pool(couple.pool_version)
        require(bool(assigned), "Training_NotDrawn", tc, ci)
        status = JobStatus.FLAGGED if ci in couple.current.flags else JobStatus.REPORTED
        require(not couple.current.answered(ci), "Training_AlreadyAnswered", tc, ci, status)
        return couple

    def expireDraw(self, tc: CoupleId) -> None:
        self._couple(tc, P.WITHHELD)
        self.emit(e.CoupleAborted(tc, self.sender))

    def completeTC(self, tc: CoupleId, final_model_hash: bytes) -> None:
        couple = self._couple(tc, P.APPROVED, P.ENDED)
        self._require_party(tc, couple.model_owner)
        self.emit(e.CoupleCompleted(tc, self.sender, final_model_hash, couple.escrow))

    def expireTC(self, tc: CoupleId) -> None:
        self.emit(e.CoupleCompleted(tc, self.sender, bytes(32), self._couple(tc, P.ENDED).escrow))

    # --- Settlement ---

    def settleRound(self, tc: CoupleId, subset: int, digest: bytes, reports: Sequence[Any]) -> None:
        couple = self._couple(tc, P.SETTLING)
        verdicts = self._tally_of(couple, subset)
        accepted = self._check_reports(couple, verdicts, digest, reports)
        needed = self.mirror.quorum_of(couple, subset)
        require(accepted >= needed, "Settlement_NoQuorum", tc, subset, accepted, needed)
        terms = self.mirror.dataset_of(couple).terms
        wage = terms.job_price + self._punish(couple, verdicts) // accepted
        for ci, verdict in verdicts.items():
            if verdict is JobStatus.ACCEPTED:
                self.emit(e.JobJudged(tc, ci, couple.round, verdict, wage))
        share = terms.round_price // terms.subsets_per_round
        self.emit(e.SubsetSettled(tc, self.sender, couple.round, subset, digest, share))
        self._close_subset(couple)

    def closeRound(self, tc: CoupleId, subsets: Sequence[int]) -> None:
        couple = self._couple(tc, P.OVERDUE)
        for subset in subsets:
            verdicts = self._tally_of(couple, subset)
            if self.mirror.pays_who_reported(couple, subset):
                self._compensate(couple, verdicts)
            if not couple.current.flagged_out:
                self._punish(couple, verdicts)
            share = self.mirror.void_share_of(couple, subset)
            self.emit(e.SubsetVoided(tc, self.sender, couple.round, subset, share))
            self._close_subset(couple)

    def _tally_of(self, couple: Couple, subset: int) -> dict[InstanceId, JobStatus]:
        require(bool(couple.pending >> subset & 1), "Settlement_NotPending", couple.id, subset)
        record, verdicts = couple.current, {}
        for instance in self.mirror.assigned(couple, subset):
            answer = JobStatus.FLAGGED if instance.id in record.flags else JobStatus.REPORTED
            verdicts[instance.id] = answer if record.answered(instance.id) else JobStatus.MISSED
        return verdicts

    def _check_reports(
        self, couple: Couple, verdicts: dict[InstanceId, JobStatus], digest: bytes, table: Sequence[Any]
    ) -> int:
        """Turns each Reported into Accepted or Faulty; returns how many agree."""
        made = [couple.current.reports[ci] for ci in verdicts if verdicts[ci] is JobStatus.REPORTED]
        for report in made:
            laid = next((laid for laid in table if laid[0] == report.ci), None)
            require(laid is not None, "Settlement_ReportMissing", couple.id, report.ci)
            same = laid == (report.ci, report.hash, report.nonce)
            require(same, "Settlement_ReportAltered", couple.id, report.ci)
            opened = training_receipt(
                self.domain, couple.id, couple.round, report.ci, report.cloud_owner, digest, report.nonce
            )
            verdicts[report.ci] = JobStatus.ACCEPTED if opened == report.hash else JobStatus.FAULTY
        require(len(table) == len(made), "Settlement_TooManyReports", len(table), len(made))
        return sum(verdict is JobStatus.ACCEPTED for verdict in verdicts.values())

    def _compensate(self, couple: Couple, verdicts: dict[InstanceId, JobStatus]) -> None:
        price = self.mirror.dataset_of(couple).terms.job_price
        for ci, verdict in verdicts.items():
            if verdict is JobStatus.REPORTED:
                self.emit(e.JobJudged(couple.id, ci, couple.round, JobStatus.VOID, price))

    def _punish(self, couple: Couple, verdicts: dict[InstanceId, JobStatus]) -> int:
        """Slashes the Faulty and the Missed; returns what the accepted share."""
        terms, shared = self.mirror.dataset_of(couple).terms, 0
        for ci, verdict in verdicts.items():
            if verdict not in (JobStatus.FAULTY, JobStatus.MISSED):
                continue
            instance, faulty = self.mirror.instances[ci], verdict is JobStatus.FAULTY
            taken = instance.bond if faulty else min(instance.bond, terms.miss_penalty)
            shared += max(0, taken - terms.job_price) if faulty else 0
            leaves = faulty or instance.bond - taken < terms.miss_penalty
            if leaves and instance.status is InstanceStatus.VERIFIED:
                self.emit(e.InstanceRetiring(ci, self.sender))
            self.emit(e.JobJudged(couple.id, ci, couple.round, verdict, taken))
        return shared

    def _close_subset(self, couple: Couple) -> None:
        if not couple.pending:
            self.emit(e.RoundClosed(couple.id, couple.round))

    # --- checks ---

    def _require_party(self, tc: CoupleId, party: Address) -> None:
        require(self.sender == party, "Training_NotParty", tc, self.sender, party)

    def _party_data_owner(self, couple: Couple) -> Dataset:
        dataset = self.mirror.dataset_of(couple)
        self._require_party(couple.id, dataset.owner)
        return dataset

    def _couple(self, tc: CoupleId, *allowed: P) -> Couple:
        couple = self.mirror.couples.get(tc)
        phase = self.mirror.phase_of(couple, self.now) if couple else P.NONE
        require(phase in allowed, "Training_WrongPhase", tc, phase, sum(1 << p for p in allowed))
        return self.mirror.couples[tc]
