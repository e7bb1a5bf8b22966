"""The contract's events as messages, field for field.

``tests/agents/core/test_mirror.py`` compares them with the ABI.

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
    def unbonding_seconds(self) -> int:
        """How long the bond of an instance that leaves is held."""
        return self.draw_window_seconds + self.report_window_seconds + 2 * self.settle_window_seconds

    @property
    def escrow_per_round(self) -> int:
        """What a model owner locks for each round, in wei."""
        return self.round_price + self.subsets_per_round * self.max_replicas * self.job_price


@dataclass(frozen=True, slots=True)
class Deposited:
    """Coins came in to an account's balance."""

    account: Address
    amount: int


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An account took coins out."""

    account: Address
    amount: int


@dataclass(frozen=True, slots=True)
class MemberCreated:
    """A member registered; its encryption key has 64 bytes."""

    member: Address
    role: Role
    encryption_key: bytes


@dataclass(frozen=True, slots=True)
class DatasetCreated:
    """A data owner offers a dataset."""

    ds: DatasetId
    data_owner: Address
    terms: DatasetTerms
    metadata_hash: bytes
    metadata_location: bytes


@dataclass(frozen=True, slots=True)
class InstanceCreated:
    """A cloud owner is named for one replica; it alone can open the location."""

    ci: InstanceId
    cloud_owner: Address
    sealed_location: bytes


@dataclass(frozen=True, slots=True)
class InstanceJoined:
    """The cloud owner declares that it holds the data; its bond is locked."""

    ci: InstanceId
    cloud_owner: Address
    data_hash: bytes
    nonce: bytes


@dataclass(frozen=True, slots=True)
class InstanceRefused:
    """The cloud owner declines."""

    ci: InstanceId
    cloud_owner: Address


@dataclass(frozen=True, slots=True)
class InstanceVerified:
    """The data owner found the receipt right; the instance is in the pool."""

    ci: InstanceId
    data_owner: Address


@dataclass(frozen=True, slots=True)
class InstanceRejected:
    """The data owner found the receipt wrong; the bond is free."""

    ci: InstanceId
    data_owner: Address


@dataclass(frozen=True, slots=True)
class InstanceRetiring:
    """The instance left the pool; its bond is held until no round needs it."""

    ci: InstanceId
    by: Address


@dataclass(frozen=True, slots=True)
class InstanceRetired:
    """The instance is gone and the rest of its bond is free."""

    ci: InstanceId
    by: Address
    bond: int


@dataclass(frozen=True, slots=True)
class ModelCreated:
    """A model owner registered a model and its training plan."""

    mod: ModelId
    model_owner: Address
    model_type: str
    plan_hash: bytes
    plan_location: bytes


@dataclass(frozen=True, slots=True)
class CoupleRequested:
    """A model owner asks to train a model on a dataset; the escrow is locked."""

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
    """The data owner agreed; its bond is locked."""

    tc: CoupleId
    data_owner: Address
    seed_tip: bytes


@dataclass(frozen=True, slots=True)
class CoupleDeclined:
    """The data owner declined; the escrow is free."""

    tc: CoupleId
    data_owner: Address


@dataclass(frozen=True, slots=True)
class CoupleCancelled:
    """The request was taken back or lapsed; the escrow is free."""

    tc: CoupleId
    by: Address


@dataclass(frozen=True, slots=True)
class RoundStarted:
    """The model owner opened its seed and published the weights."""

    tc: CoupleId
    model_owner: Address
    round: int
    mo_seed: bytes
    model_hash: bytes
    model_location: bytes


@dataclass(frozen=True, slots=True)
class RoundDrawn:
    """The data owner opened its seed; bit i of `drawn` is subset i."""

    tc: CoupleId
    data_owner: Address
    round: int
    do_seed: bytes
    drawn: int
    jobs: int


@dataclass(frozen=True, slots=True)
class JobReported:
    """A cloud owner trained; the model owner alone can open the location."""

    tc: CoupleId
    ci: InstanceId
    cloud_owner: Address
    round: int
    hash: bytes
    nonce: bytes
    sealed_location: bytes


@dataclass(frozen=True, slots=True)
class JobFlagged:
    """A cloud owner could not train."""

    tc: CoupleId
    ci: InstanceId
    cloud_owner: Address
    round: int
    reason: FlagReason


@dataclass(frozen=True, slots=True)
class RoundVoided:
    """More than half of the round's jobs were flagged."""

    tc: CoupleId
    by: Address
    round: int


@dataclass(frozen=True, slots=True)
class CoupleAborted:
    """The data owner withheld its seed; its bond and the escrow are the model owner's."""

    tc: CoupleId
    by: Address


@dataclass(frozen=True, slots=True)
class CoupleCompleted:
    """Training is over; the rest of the escrow and the bond are free."""

    tc: CoupleId
    by: Address
    final_model_hash: bytes
    refund: int


@dataclass(frozen=True, slots=True)
class SubsetSettled:
    """A quorum agrees on a subset's digest."""

    tc: CoupleId
    settler: Address
    round: int
    subset: int
    digest: bytes
    data_owner_share: int


@dataclass(frozen=True, slots=True)
class JobJudged:
    """The verdict on a job, and what its cloud owner was paid or lost."""

    tc: CoupleId
    ci: InstanceId
    round: int
    verdict: JobStatus
    amount: int


@dataclass(frozen=True, slots=True)
class SubsetVoided:
    """Nobody settled a subset in time, or nobody could."""

    tc: CoupleId
    by: Address
    round: int
    subset: int
    data_owner_share: int


@dataclass(frozen=True, slots=True)
class RoundClosed:
    """Every drawn subset is settled or void."""

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
