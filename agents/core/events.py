"""The contract's events as messages, field for field; ``tests/agents/core/test_mirror.py`` compares them with the ABI.

Amounts are in wei, times in seconds, digests, seeds and hashes 32 bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.core.enums import FlagReason, JobStatus, Role
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId


@dataclass(frozen=True, slots=True)
class DatasetTerms:
    """What a data owner offers; the interface ``IDistribution`` says what each term means."""

    subsets: int
    subsets_per_round: int
    max_replicas: int
    round_price: int
    job_price: int
    instance_bond: int
    miss_penalty: int
    couple_bond: int
    answer_window_seconds: int
    draw_window_seconds: int
    report_window_seconds: int
    settle_window_seconds: int
    couple_window_seconds: int
    ends_at: int

    @property
    def escrow_per_round(self) -> int:
        """What a model owner locks for each round, in wei."""
        return self.round_price + self.subsets_per_round * self.max_replicas * self.job_price


@dataclass(frozen=True, slots=True)
class Deposited:
    account: Address
    amount: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    account: Address
    amount: int


@dataclass(frozen=True, slots=True)
class MemberCreated:
    member: Address
    role: Role
    encryption_key: bytes


@dataclass(frozen=True, slots=True)
class DatasetCreated:
    ds: DatasetId
    data_owner: Address
    terms: DatasetTerms
    metadata_hash: bytes
    metadata_location: bytes


@dataclass(frozen=True, slots=True)
class InstanceCreated:
    ci: InstanceId
    cloud_owner: Address
    sealed_location: bytes


@dataclass(frozen=True, slots=True)
class InstanceJoined:
    ci: InstanceId
    cloud_owner: Address
    data_hash: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class InstanceRefused:
    ci: InstanceId
    cloud_owner: Address


@dataclass(frozen=True, slots=True)
class InstanceVerified:
    ci: InstanceId
    data_owner: Address


@dataclass(frozen=True, slots=True)
class InstanceRejected:
    ci: InstanceId
    data_owner: Address


@dataclass(frozen=True, slots=True)
class InstanceRetiring:
    ci: InstanceId
    by: Address


@dataclass(frozen=True, slots=True)
class InstanceRetired:
    ci: InstanceId
    by: Address
    bond: int


@dataclass(frozen=True, slots=True)
class ModelCreated:
    mod: ModelId
    model_owner: Address
    model_type: str
    plan_hash: bytes
    plan_location: bytes


@dataclass(frozen=True, slots=True)
class CoupleRequested:
    tc: CoupleId
    model_owner: Address
    ds: DatasetId
    mod: ModelId
    max_rounds: int
    seed_tip: bytes
    quorum: int
    escrow: int


@dataclass(frozen=True, slots=True)
class CoupleApproved:
    tc: CoupleId
    data_owner: Address
    seed_tip: bytes


@dataclass(frozen=True, slots=True)
class CoupleDeclined:
    tc: CoupleId
    data_owner: Address


@dataclass(frozen=True, slots=True)
class CoupleCancelled:
    tc: CoupleId
    by: Address


@dataclass(frozen=True, slots=True)
class RoundStarted:
    tc: CoupleId
    model_owner: Address
    round: int
    mo_seed: bytes
    model_hash: bytes
    model_location: bytes


@dataclass(frozen=True, slots=True)
class RoundDrawn:
    tc: CoupleId
    data_owner: Address
    round: int
    do_seed: bytes
    drawn: int
    jobs: int


@dataclass(frozen=True, slots=True)
class JobReported:
    tc: CoupleId
    ci: InstanceId
    cloud_owner: Address
    round: int
    hash: bytes
    nonce: bytes
    sealed_location: bytes


@dataclass(frozen=True, slots=True)
class JobFlagged:
    tc: CoupleId
    ci: InstanceId
    cloud_owner: Address
    round: int
    reason: FlagReason


@dataclass(frozen=True, slots=True)
class RoundVoided:
    tc: CoupleId
    by: Address
    round: int


@dataclass(frozen=True, slots=True)
class CoupleAborted:
    tc: CoupleId
    by: Address


@dataclass(frozen=True, slots=True)
class CoupleCompleted:
    tc: CoupleId
    by: Address
    final_model_hash: bytes
    refund: int


@dataclass(frozen=True, slots=True)
class SubsetSettled:
    tc: CoupleId
    settler: Address
    round: int
    subset: int
    digest: bytes
    data_owner_share: int


@dataclass(frozen=True, slots=True)
class JobJudged:
    tc: CoupleId
    ci: InstanceId
    round: int
    verdict: JobStatus
    amount: int


@dataclass(frozen=True, slots=True)
class SubsetVoided:
    tc: CoupleId
    by: Address
    round: int
    subset: int


@dataclass(frozen=True, slots=True)
class RoundClosed:
    tc: CoupleId
    round: int


MarketEvent = (
    Deposited
    | Withdrawn
    | MemberCreated
    | DatasetCreated
    | InstanceCreated
    | InstanceJoined
    | InstanceRefused
    | InstanceVerified
    | InstanceRejected
    | InstanceRetiring
    | InstanceRetired
    | ModelCreated
    | CoupleRequested
    | CoupleApproved
    | CoupleDeclined
    | CoupleCancelled
    | RoundStarted
    | RoundDrawn
    | JobReported
    | JobFlagged
    | RoundVoided
    | CoupleAborted
    | CoupleCompleted
    | SubsetSettled
    | JobJudged
    | SubsetVoided
    | RoundClosed
)
"""Whatever the market says."""

EVENTS: dict[str, type[MarketEvent]] = {event.__name__: event for event in MarketEvent.__args__}
"""Each event's message by the event's name."""


@dataclass(frozen=True, slots=True)
class Logged:
    """An event and where the chain says it: the order of (block, index) is the order of history.

    Attributes:
        block: number of the block. `block_hash` 32 bytes; `timestamp` in seconds.
        index: of the log in its block.
        transaction: hash, 32 bytes.
    """

    event: MarketEvent
    block: int
    block_hash: bytes
    timestamp: int
    index: int
    transaction: bytes
