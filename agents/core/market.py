"""The market's mirror: the whole state of the contract, rebuilt from its events alone.

Every agent decides on such a mirror, and the auditor compares one with the contract. The rules of time
(`phase_of`) are the contract's (``market/Couples.sol``). No event can break it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import singledispatchmethod

from agents.core import events as e
from agents.core.assets import (
    FLAGGED_OUT,
    Couple,
    Dataset,
    Instance,
    Member,
    Model,
    ReplicaSet,
    Report,
    Round,
)
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus, Role
from agents.core.fit import can_follow, is_due
from agents.core.hashing import draw_round, full_set, round_seed, training_receipt
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId, dataset_of, subset_of


class Market:
    """All assets, balances included, as of the last event applied.

    Attributes:
        members, datasets, instances, models, couples: by address or id.
        balances: free coins by address, in wei.
        timestamp: of the last event's block, in seconds.
    """

    def __init__(self, history: Iterable[e.Logged] = ()) -> None:
        self.members: dict[Address, Member] = {}
        self.balances: defaultdict[Address, int] = defaultdict(int)
        self.datasets: dict[DatasetId, Dataset] = {}
        self.instances: dict[InstanceId, Instance] = {}
        self.models: dict[ModelId, Model] = {}
        self.couples: dict[CoupleId, Couple] = {}
        self.timestamp = 0
        self._misfits: list[e.Logged] = []
        for logged in history:
            self.apply(logged)

    def apply(self, logged: e.Logged) -> None:
        """Moves the mirror by one event; events come in the chain's order, each once.

        One that does not fit is noted as a misfit, and applied nevertheless if it can be: if nothing is
        missing, it is what the chain says.
        """
        self.timestamp = logged.timestamp
        possible = can_follow(self, logged.event)
        if not (possible and is_due(self, logged.event)):
            self._misfits.append(logged)
        if possible:
            self._on(logged.event)

    def take_misfits(self) -> list[e.Logged]:
        """Events since the last time that did not fit: others are missing, or a node made these up."""
        misfits, self._misfits = self._misfits, []
        return misfits

    # --- questions ---

    def role_of(self, address: Address) -> Role:
        """What an address is registered as; `Role.NONE` if it is no member."""
        member = self.members.get(address)
        return member.role if member else Role.NONE

    def members_of(self, role: Role) -> list[Member]:
        """All members of a role, in the order in which they registered."""
        return [member for member in self.members.values() if member.role is role]

    def dataset_of(self, couple: Couple) -> Dataset:
        """The dataset that a couple trains on."""
        return self.datasets[couple.ds]

    def pool_of(self, ds: DatasetId, subset: int) -> list[Instance]:
        """The instances in the pool of one subset, in the order of their places."""
        places = self.datasets[ds].subsets[subset].places
        return [self.instances[ci] for ci in places if self.instances[ci].status is InstanceStatus.VERIFIED]

    def covered(self, ds: DatasetId) -> int:
        """How many subsets have an instance in the pool."""
        return sum(bool(self.pool_of(ds, index)) for index in range(self.datasets[ds].terms.subsets))

    def assigned(self, couple: Couple, subset: int) -> list[Instance]:
        """The instances of a drawn subset that were in the pool when the open round was started."""
        places = self.datasets[couple.ds].subsets[subset].places
        drawn = (self.instances[ci] for ci in places)
        return [instance for instance in drawn if instance.was_in_pool(couple.pool_version)]

    def reports_of(self, couple: Couple, subset: int) -> list[Report]:
        """The reports of a drawn subset in the open round, in the order of their places."""
        reports = couple.current.reports
        return [reports[instance.id] for instance in self.assigned(couple, subset) if instance.id in reports]

    def quorum_of(self, couple: Couple, subset: int) -> int:
        """How many reports of a drawn subset must agree: a strict majority, or what the MO asks for."""
        assigned = len(self.assigned(couple, subset))
        return max(self.majority_of(couple, subset), min(couple.quorum, assigned))

    def majority_of(self, couple: Couple, subset: int) -> int:
        """A strict majority of the instances that a drawn subset is assigned to."""
        return len(self.assigned(couple, subset)) // 2 + 1

    def is_flagged(self, couple: Couple, subset: int) -> bool:
        """Whether anybody flagged of a drawn subset: the others may lack an honest quorum."""
        return any(instance.id in couple.current.flags for instance in self.assigned(couple, subset))

    def pays_who_reported(self, couple: Couple, subset: int) -> bool:
        """Whether a drawn subset that is void pays its reports: the MO may be why there is no verdict."""
        asked_more = couple.quorum > self.majority_of(couple, subset)
        return couple.current.flagged_out or asked_more or self.is_flagged(couple, subset)

    def void_share_of(self, couple: Couple, subset: int) -> int:
        """What the data owner is paid for a drawn subset that is void: what paid reports leave, if any."""
        reports = len(self.reports_of(couple, subset))
        if not reports or not self.pays_who_reported(couple, subset):
            return 0
        terms = self.dataset_of(couple).terms
        idle = len(self.assigned(couple, subset)) - reports
        return terms.round_price // terms.subsets_per_round + terms.job_price * idle

    def instances_at(self, cloud_owner: Address) -> Iterator[Instance]:
        """Every instance for which this cloud owner was named."""
        return (instance for instance in self.instances.values() if instance.cloud_owner == cloud_owner)

    def releasable_after(self, instance: Instance) -> float:
        """The last second before anyone may release an instance; infinity if nobody ever may."""
        terms = self.datasets[dataset_of(instance.id)].terms
        if instance.status in (InstanceStatus.FREE, InstanceStatus.JOINED):
            return instance.since + terms.answer_window_seconds
        if instance.status is InstanceStatus.RETIRING:
            return instance.since + terms.unbonding_seconds
        return terms.ends_at if instance.status is InstanceStatus.VERIFIED else math.inf

    def settle_deadline(self, couple: Couple) -> int:
        """The last second in which the open round can be settled."""
        return couple.deadline + self.datasets[couple.ds].terms.settle_window_seconds

    def overdue_since(self, couple: Couple) -> int:
        """The second after which the open round is Overdue, or in which the deciding flag was raised."""
        return couple.current.flagged_out_at or self.settle_deadline(couple)

    def phase_of(self, couple: Couple, now: int) -> CouplePhase:
        """What time makes of the stored phase."""
        phase, late = couple.phase, now > couple.deadline
        if phase is CouplePhase.APPROVED:
            over = couple.round == couple.max_rounds or now > couple.window_ends_at
            return CouplePhase.ENDED if over else phase
        if phase is CouplePhase.REQUESTED:
            return CouplePhase.LAPSED if late else phase
        if phase is CouplePhase.DRAWING:
            return CouplePhase.WITHHELD if late else phase
        if phase is not CouplePhase.TRAINING:
            return phase
        if couple.flags_left == FLAGGED_OUT:
            return CouplePhase.OVERDUE
        if late or couple.rem == 0:
            return CouplePhase.OVERDUE if now > self.settle_deadline(couple) else CouplePhase.SETTLING
        return phase

    def couple_bond_of(self, couple: Couple) -> int:
        """The bond that the data owner has locked for a couple, in wei; 0 unless it is under way."""
        return self.dataset_of(couple).terms.couple_bond if couple.phase in _BONDED else 0

    def total(self) -> int:
        """All coins that the market should hold: balances, escrows and bonds, in wei."""
        return (
            sum(self.balances.values())
            + sum(instance.bond for instance in self.instances.values())
            + sum(couple.escrow + self.couple_bond_of(couple) for couple in self.couples.values())
        )

    # --- ledger and members ---

    @singledispatchmethod
    def _on(self, event: object) -> None:
        raise TypeError(f"no event of the market: {event!r}")

    @_on.register
    def _(self, event: e.Deposited) -> None:
        self.balances[event.account] += event.amount

    @_on.register
    def _(self, event: e.Withdrawn) -> None:
        self.balances[event.account] -= event.amount

    @_on.register
    def _(self, event: e.MemberCreated) -> None:
        self.members[event.member] = Member(event.member, event.role, event.encryption_key)

    # --- distribution ---

    @_on.register
    def _(self, event: e.DatasetCreated) -> None:
        subsets = [ReplicaSet() for _ in range(event.terms.subsets)]
        self.datasets[event.ds] = Dataset(
            event.ds, event.data_owner, event.terms, event.metadata_hash, event.metadata_location, subsets
        )

    @_on.register
    def _(self, event: e.InstanceCreated) -> None:
        instance = Instance(event.ci, event.cloud_owner, event.sealed_location, self.timestamp)
        self.instances[event.ci] = instance
        self.replicas_beside(event.ci).name(event.ci)

    @_on.register
    def _(self, event: e.InstanceJoined) -> None:
        instance = self._enter(event.ci, InstanceStatus.JOINED)
        instance.data_hash, instance.nonce = event.data_hash, event.nonce
        instance.bond = self.datasets[dataset_of(event.ci)].terms.instance_bond
        self.balances[event.cloud_owner] -= instance.bond

    @_on.register
    def _(self, event: e.InstanceRefused) -> None:
        self._enter(event.ci, InstanceStatus.REFUSED)
        self.replicas_beside(event.ci).free(event.ci)

    @_on.register
    def _(self, event: e.InstanceVerified) -> None:
        self._enter(event.ci, InstanceStatus.VERIFIED).verified_at = self._next_pool_version(event.ci)

    @_on.register
    def _(self, event: e.InstanceRejected) -> None:
        self._release(self._enter(event.ci, InstanceStatus.REJECTED))

    @_on.register
    def _(self, event: e.InstanceRetiring) -> None:
        self._enter(event.ci, InstanceStatus.RETIRING).left_at = self._next_pool_version(event.ci)

    @_on.register
    def _(self, event: e.InstanceRetired) -> None:
        self._release(self._enter(event.ci, InstanceStatus.RETIRED))

    def _enter(self, ci: InstanceId, status: InstanceStatus) -> Instance:
        instance = self.instances[ci]
        instance.status, instance.since = status, self.timestamp
        return instance

    def _release(self, instance: Instance) -> None:
        self.replicas_beside(instance.id).free(instance.id)
        self.balances[instance.cloud_owner] += instance.bond
        instance.bond = 0

    def replicas_beside(self, ci: InstanceId) -> ReplicaSet:
        """The subset of an instance."""
        return self.datasets[dataset_of(ci)].subsets[subset_of(ci)]

    def _next_pool_version(self, ci: InstanceId) -> int:
        dataset = self.datasets[dataset_of(ci)]
        dataset.pool_version += 1
        return dataset.pool_version

    # --- training ---

    @_on.register
    def _(self, event: e.ModelCreated) -> None:
        self.models[event.mod] = Model(
            event.mod, event.model_owner, event.model_type, event.plan_hash, event.plan_location
        )

    @_on.register
    def _(self, event: e.CoupleRequested) -> None:
        terms = self.datasets[event.ds].terms
        deadline = self.timestamp + terms.answer_window_seconds
        self.balances[event.model_owner] -= event.escrow
        self.couples[event.tc] = Couple(
            event.tc,
            event.model_owner,
            event.ds,
            event.mod,
            event.max_rounds,
            event.quorum,
            event.escrow,
            deadline,
            deadline + terms.couple_window_seconds,
            event.seed_tip,
        )

    @_on.register
    def _(self, event: e.CoupleApproved) -> None:
        couple = self.couples[event.tc]
        couple.do_tip = event.seed_tip
        self._idle(couple)
        self.balances[event.data_owner] -= self.dataset_of(couple).terms.couple_bond

    @_on.register
    def _(self, event: e.CoupleDeclined) -> None:
        self._end(self.couples[event.tc], CouplePhase.DECLINED)

    @_on.register
    def _(self, event: e.CoupleCancelled) -> None:
        self._end(self.couples[event.tc], CouplePhase.CANCELLED)

    @_on.register
    def _(self, event: e.CoupleAborted) -> None:
        couple = self.couples[event.tc]
        self.balances[couple.model_owner] += self.dataset_of(couple).terms.couple_bond
        self._end(couple, CouplePhase.ABORTED)

    @_on.register
    def _(self, event: e.CoupleCompleted) -> None:
        couple = self.couples[event.tc]
        dataset = self.dataset_of(couple)
        couple.final_model_hash = event.final_model_hash
        self.balances[dataset.owner] += dataset.terms.couple_bond
        self._end(couple, CouplePhase.COMPLETED)

    @_on.register
    def _(self, event: e.RoundStarted) -> None:
        couple = self.couples[event.tc]
        couple.round, couple.mo_tip, couple.phase = event.round, event.mo_seed, CouplePhase.DRAWING
        dataset = self.dataset_of(couple)
        couple.deadline = self.timestamp + dataset.terms.draw_window_seconds
        record = Round(event.round, event.mo_seed, event.model_hash, event.model_location)
        record.pool_version = couple.pool_version = dataset.pool_version
        couple.rounds[event.round] = record

    @_on.register
    def _(self, event: e.RoundDrawn) -> None:
        couple = self.couples[event.tc]
        dataset, record = self.dataset_of(couple), couple.rounds[event.round]
        record.do_seed, record.drawn, record.jobs = event.do_seed, event.drawn, event.jobs
        record.drawn_before = couple.drawn_this_epoch
        everything = full_set(dataset.terms.subsets)
        if couple.drawn_this_epoch or event.drawn != everything:  # else as the contract: nothing to remember
            before = 0 if couple.drawn_this_epoch == everything else couple.drawn_this_epoch
            couple.drawn_this_epoch = before | event.drawn
        couple.do_tip, couple.phase, couple.pending = event.do_seed, CouplePhase.TRAINING, event.drawn
        couple.rem, couple.flags_left = event.jobs, event.jobs // 2
        couple.deadline = self.timestamp + dataset.terms.report_window_seconds

    @_on.register
    def _(self, event: e.JobReported) -> None:
        couple = self.couples[event.tc]
        couple.rem -= 1
        couple.rounds[event.round].reports[event.ci] = Report(
            event.ci, event.cloud_owner, event.hash, event.nonce, event.sealed_location
        )

    @_on.register
    def _(self, event: e.JobFlagged) -> None:
        couple = self.couples[event.tc]
        couple.rem -= 1
        couple.flags_left = max(0, couple.flags_left - 1)
        couple.rounds[event.round].flags[event.ci] = event.reason

    @_on.register
    def _(self, event: e.RoundVoided) -> None:
        couple = self.couples[event.tc]
        couple.flags_left = FLAGGED_OUT
        couple.rounds[event.round].flagged_out_at = self.timestamp

    def _idle(self, couple: Couple) -> None:
        couple.phase, couple.rem, couple.deadline = CouplePhase.APPROVED, 0, 0

    def _end(self, couple: Couple, phase: CouplePhase) -> None:
        self.balances[couple.model_owner] += couple.escrow
        couple.escrow, couple.deadline, couple.phase = 0, 0, phase
        couple.ended_at = self.timestamp

    # --- settlement ---

    @_on.register
    def _(self, event: e.JobJudged) -> None:
        couple, instance = self.couples[event.tc], self.instances[event.ci]
        couple.rounds[event.round].verdicts[event.ci] = event.verdict, event.amount
        if event.verdict in PAID:
            couple.escrow -= event.amount
            self.balances[instance.cloud_owner] += event.amount
        else:
            instance.bond -= event.amount
            couple.escrow += event.amount

    @_on.register
    def _(self, event: e.SubsetSettled) -> None:
        couple = self.couples[event.tc]
        record = couple.rounds[event.round]
        record.digests[event.subset] = event.digest
        record.shares[event.subset] = event.data_owner_share
        record.settlers[event.subset] = event.settler
        couple.pending &= ~(1 << event.subset)
        couple.escrow -= event.data_owner_share
        self.balances[self.dataset_of(couple).owner] += event.data_owner_share

    @_on.register
    def _(self, event: e.SubsetVoided) -> None:
        couple = self.couples[event.tc]
        couple.rounds[event.round].voided.add(event.subset)
        couple.rounds[event.round].shares[event.subset] = event.data_owner_share
        couple.pending &= ~(1 << event.subset)
        couple.escrow -= event.data_owner_share
        self.balances[self.dataset_of(couple).owner] += event.data_owner_share

    @_on.register
    def _(self, event: e.RoundClosed) -> None:
        couple = self.couples[event.tc]
        couple.rounds[event.round].closed_at = self.timestamp
        self._idle(couple)


PAID = (JobStatus.ACCEPTED, JobStatus.VOID)
"""Verdicts that pay; the others take."""

_BONDED = (CouplePhase.APPROVED, CouplePhase.DRAWING, CouplePhase.TRAINING)


def expected_draw(couple: Couple, record: Round, terms: e.DatasetTerms) -> int:
    """What the round's two seeds must have drawn, as a word."""
    seed = round_seed(record.mo_seed, record.do_seed, couple.id, record.number)
    drawn, _ = draw_round(seed, record.drawn_before, terms.subsets, terms.subsets_per_round)
    return drawn


def expected_receipt(couple: Couple, record: Round, report: Report, digest: bytes, domain: bytes) -> bytes:
    """The receipt that a reporter must have made of a digest.

    Args:
        couple: whose round it is.
        record: the round.
        report: the reporter's, whose nonce the receipt holds.
        digest: of the result, 32 bytes.
        domain: what every receipt of the market begins with, 32 bytes.

    Returns:
        32 bytes; an honest reporter's `Report.hash` is the same.
    """
    return training_receipt(
        domain, couple.id, record.number, report.ci, report.cloud_owner, digest, report.nonce
    )
