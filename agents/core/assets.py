"""The market's assets as a mirror holds them: what the contract stores, and what only its events tell."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.core.enums import CouplePhase, FlagReason, InstanceStatus, JobStatus, Role
from agents.core.events import DatasetTerms
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId, replica_of, subset_of

_ZERO = bytes(32)

FLAGGED_OUT = 2**16 - 1
"""What `Couple.flags_left` is in a round of which more than half of the jobs were flagged."""


@dataclass(slots=True)
class Member:
    """A registered address and the key to seal to, 64 bytes."""

    address: Address
    role: Role
    encryption_key: bytes


@dataclass(slots=True)
class ReplicaSet:
    """The instances that hold a place, in the contract's order, and how many were ever named."""

    places: list[InstanceId] = field(default_factory=list)
    named: int = 0

    def free(self, ci: InstanceId) -> None:
        """Gives up a place: the last one moves into it."""
        self.places[self.places.index(ci)] = self.places[-1]
        self.places.pop()

    def name(self, ci: InstanceId) -> None:
        """Takes the next place."""
        self.places.append(ci)
        self.named = replica_of(ci)


@dataclass(slots=True)
class Dataset:
    """A dataset, its subsets and how often its pool has changed."""

    id: DatasetId
    owner: Address
    terms: DatasetTerms
    metadata_hash: bytes
    metadata_location: bytes
    subsets: list[ReplicaSet]
    pool_version: int = 0


@dataclass(slots=True)
class Instance:
    """A cloud instance; `data_hash` and `nonce` are empty until it joined."""

    id: InstanceId
    cloud_owner: Address
    sealed_location: bytes
    since: int
    status: InstanceStatus = InstanceStatus.FREE
    verified_at: int = 0
    left_at: int = 0
    bond: int = 0
    data_hash: bytes = b""
    nonce: bytes = b""

    def was_in_pool(self, version: int) -> bool:
        """Whether it was in the pool after the pool's `version`-th change."""
        return 0 < self.verified_at <= version and (self.left_at == 0 or self.left_at > version)


@dataclass(frozen=True, slots=True)
class Model:
    """A model and where its training plan is."""

    id: ModelId
    owner: Address
    model_type: str
    plan_hash: bytes
    plan_location: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """A cloud owner's word on one job of one round."""

    ci: InstanceId
    cloud_owner: Address
    hash: bytes
    nonce: bytes
    sealed_location: bytes


@dataclass(slots=True)
class Round:
    """What happened in one round.

    Attributes:
        drawn: the subsets as a word; 0 until drawn.
        pool_version: the pool's changes at the start.
        reports: by instance. `flags` likewise.
        verdicts: by instance: the verdict and what it was paid or lost, in wei.
        digests: of each settled subset. `voided` are the others that are over.
        shares: what the data owner was paid for each settled or void subset, in wei.
        settlers: who settled each subset.
        flagged_out_at: when more than half of its jobs had been flagged, in seconds; 0 if they were not.
        closed_at: when the last subset was settled or void, in seconds; 0 while one is not.
    """

    number: int
    mo_seed: bytes
    model_hash: bytes
    model_location: bytes
    do_seed: bytes = b""
    drawn: int = 0
    jobs: int = 0
    pool_version: int = 0
    drawn_before: int = 0
    reports: dict[InstanceId, Report] = field(default_factory=dict)
    flags: dict[InstanceId, FlagReason] = field(default_factory=dict)
    verdicts: dict[InstanceId, tuple[JobStatus, int]] = field(default_factory=dict)
    digests: dict[int, bytes] = field(default_factory=dict)
    shares: dict[int, int] = field(default_factory=dict)
    settlers: dict[int, Address] = field(default_factory=dict)
    voided: set[int] = field(default_factory=set)
    flagged_out_at: int = 0
    closed_at: int = 0

    @property
    def closed(self) -> bool:
        """Whether every drawn subset is settled or void."""
        return self.closed_at > 0

    @property
    def flagged_out(self) -> bool:
        """Whether more than half of the jobs were flagged."""
        return self.flagged_out_at > 0

    def answered(self, ci: InstanceId) -> bool:
        """Whether this instance reported or raised a flag."""
        return ci in self.reports or ci in self.flags


@dataclass(slots=True)
class Couple:
    """A train couple. `phase` is what is stored; `Market.phase_of` says what time makes of it.

    Attributes:
        ended_at: when it was completed, declined, cancelled or aborted, in seconds; 0 while it is not.
    """

    id: CoupleId
    model_owner: Address
    ds: DatasetId
    mod: ModelId
    max_rounds: int
    quorum: int
    escrow: int
    deadline: int
    window_ends_at: int
    mo_tip: bytes
    phase: CouplePhase = CouplePhase.REQUESTED
    do_tip: bytes = _ZERO
    round: int = 0
    rem: int = 0
    flags_left: int = 0
    pool_version: int = 0
    drawn_this_epoch: int = 0
    pending: int = 0
    final_model_hash: bytes = b""
    ended_at: int = 0
    rounds: dict[int, Round] = field(default_factory=dict)

    @property
    def current(self) -> Round:
        """The last round started."""
        return self.rounds[self.round]

    def job_status(self, ci: InstanceId) -> tuple[int, JobStatus]:
        """The round this instance last answered in or missed (0 if none), and where that job stands."""
        for number in range(self.round, 0, -1):
            record = self.rounds[number]
            if ci in record.verdicts:
                return number, record.verdicts[ci][0]
            if ci in record.flags:
                return number, JobStatus.FLAGGED
            if ci in record.reports:
                open_ = number == self.round and self.pending >> subset_of(ci) & 1
                return number, JobStatus.REPORTED if open_ else JobStatus.VOID
        return 0, JobStatus.IDLE
