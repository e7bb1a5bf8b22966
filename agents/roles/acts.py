"""What roles decide: transactions to send and work to do, and what they decide on.

A role is a pure function ``decide(Situation) -> list[Act]``. It asks for all that is due in this situation,
again and again until the situation changes: there are no handlers to run twice and no steps to lose, so an
agent that is killed anywhere and started again goes on where it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

from agents.core.calls import Call
from agents.core.derivation import on_market
from agents.core.enums import FlagReason
from agents.core.errors import HoldfastError, JobFailed, Retry, StoreLost
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId
from agents.core.market import Market
from agents.roles.policy import Breach
from agents.roles.results import (
    AgreedResult,
    DraftedPlan,
    Flagged,
    Forgotten,
    LookedAfter,
    OpenedPackage,
    PackedReplica,
    PlanReview,
    PublishedWeights,
    RefusedKey,
    RefusedPackage,
    SplitDataset,
    TaskResult,
    TrainingResult,
)

R = TypeVar("R", bound=TaskResult)
R_co = TypeVar("R_co", bound=TaskResult, covariant=True)


@dataclass(frozen=True)
class Identity:
    """A member's own keys.

    Attributes:
        encryption_key: public, 64 bytes, as registered.
        derive: 32 secret bytes for a purpose, always the same: seeds and nonces need no other memory. On all
            markets the same, too.
        receipt_domain: of the market it acts in, 32 bytes.
    """

    address: Address
    encryption_key: bytes
    derive: Callable[[bytes], bytes] = field(repr=False)
    receipt_domain: bytes

    def secret(self, purpose: bytes) -> bytes:
        """32 secret bytes for a purpose on this market: what is shown of them here is of no use elsewhere."""
        return self.derive(on_market(self.receipt_domain, purpose))


NO_DEADLINE = 2**63
"""Of an act that may be done at any time."""

ANY_COINS = 2**256 - 1
"""More wei than there are."""


@dataclass(frozen=True)
class Send:
    """Send this transaction. Two with the same call are equal, whatever is known of their deadline.

    Attributes:
        locks: wei that it moves out of the sender's free balance.
        deadline: in seconds: after this the market does not take it any more.
        window: for how many seconds before that it does.
    """

    call: Call
    locks: int = 0
    deadline: int = field(default=NO_DEADLINE, kw_only=True, compare=False)
    window: int = field(default=0, kw_only=True, compare=False)

    @property
    def urgent_from(self) -> int:
        """When the last quarter of its window begins: from then on it may cost more."""
        return self.deadline - self.window // 4


class LeftUndone(ABC):
    """What would be due, and is not done: whoever runs the agent is told, once for as long as it is so."""

    @property
    @abstractmethod
    def key(self) -> str:
        """Names what is told of."""

    @property
    @abstractmethod
    def words(self) -> str:
        """What is left undone, why, and what to do about it."""


@dataclass(frozen=True)
class Unaffordable(LeftUndone):
    """A transaction for which the member has not the coins that it locks.

    Attributes:
        member: whose coins they would be.
        has: wei that the member has for it, in the market and in its wallet.
    """

    send: Send
    member: Address
    has: int

    @property
    def key(self) -> str:
        """The function and the asset."""
        return f"{self.send.call.function}/{self.send.call.arguments[0]}"

    @property
    def words(self) -> str:
        """That coins would help."""
        return (
            f"{self.send.call.function} waits: it locks {self.send.locks} wei, and {self.member} has "
            f"{self.has} for it: send it coins"
        )


@dataclass(frozen=True)
class AgainstPolicy(LeftUndone):
    """What a counterparty wants, and the policy does not allow.

    Attributes:
        asset: of the market.
        breach: which line of the policy, and why.
    """

    asset: str
    breach: Breach

    @property
    def key(self) -> str:
        """The asset and the line."""
        return f"{self.asset}/{self.breach.line}"

    @property
    def words(self) -> str:
        """What the policy says."""
        return f"{self.asset} is left alone, by policy: {self.breach}"


@dataclass(frozen=True)
class Declined(LeftUndone):
    """A couple whose data owner does not want it."""

    couple: str

    @property
    def key(self) -> str:
        """The couple."""
        return f"declined/{self.couple}"

    @property
    def words(self) -> str:
        """That its data owner knows why."""
        return f"{self.couple} was declined: its data owner's log says why; ask with another plan (--number)"


@dataclass(frozen=True)
class Unnameable(LeftUndone):
    """A cloud owner that its data owner lists, and that cannot be given a replica."""

    cloud_owner: Address
    why: str

    @property
    def key(self) -> str:
        """The cloud owner."""
        return self.cloud_owner

    @property
    def words(self) -> str:
        """That another one is needed."""
        return f"{self.cloud_owner} gets no replica: {self.why}: name another cloud owner"


@dataclass(frozen=True)
class Task(ABC, Generic[R_co]):
    """Work off the chain. Its result is kept under `key`, and it is asked for until there is one.

    Attributes:
        deadline: in seconds: when the transaction that needs the result is due. What is due first is done
            first.
    """

    deadline: int = field(default=NO_DEADLINE, kw_only=True)

    @property
    @abstractmethod
    def key(self) -> str:
        """Names the result; its first part says of which kind it is."""

    @property
    def couple(self) -> CoupleId | None:
        """Whose keys and plan it works with; who did the last task of that couple has them at hand."""
        return None

    def given_up(self, error: HoldfastError, now: float) -> R_co | None:
        """What a task comes to that failed and is not tried again; None as long as it is.

        Args:
            error: of the last attempt.
            now: in seconds.
        """
        del error, now
        return None


Act = Send | Task[TaskResult] | LeftUndone


@dataclass(frozen=True)
class Situation:
    """All that a decision may depend on.

    Attributes:
        market: the mirror, up to the last event seen.
        results: of finished tasks, by `Task.key`.
        now: the time of the last block that was read whole, in seconds.
        coins: wei in the member's wallet that can be paid into the market.
    """

    market: Market
    results: Mapping[str, TaskResult]
    now: int
    coins: int = ANY_COINS

    def result(self, task: Task[R]) -> R | None:
        """What a task came to; None as long as it is not done."""
        return cast("R | None", self.results.get(task.key))  # `parse_result` reads each key as its kind


class Party(Protocol):
    """A party of the market."""

    @property
    def identity(self) -> Identity:
        """Whose decisions these are."""

    def decide(self, situation: Situation) -> list[Act]:
        """All that is due now, in the order in which it should be done."""

    def awaits(self, situation: Situation) -> str:
        """For what of others it waits, in words; empty if for nothing, or if it is not long."""


@dataclass(frozen=True)
class ReportRef:
    """Where a report's result is, and what its receipt says."""

    ci: InstanceId
    cloud_owner: Address
    receipt: bytes
    nonce: bytes
    sealed_location: bytes


# --- a data owner's work ---


@dataclass(frozen=True)
class SplitData(Task[SplitDataset]):
    """Split the table into subsets, keep them, and put the dataset's description in the object store."""

    ds: DatasetId

    @property
    def key(self) -> str:
        """Names the result."""
        return f"split/{self.ds:x}"


@dataclass(frozen=True)
class PackReplica(Task[PackedReplica | RefusedKey]):
    """Seal a subset to one of its cloud owners and put it in the object store."""

    ds: DatasetId
    subset: int
    cloud_owner: Address
    encryption_key: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """Names the result."""
        return f"replica/{self.ds:x}/{self.subset}/{self.cloud_owner}"


@dataclass(frozen=True)
class ReviewPlan(Task[PlanReview]):
    """Fetch a requested model's plan, and the keys that it names, and check them.

    Attributes:
        patience_until: in seconds; a plan that cannot be reviewed by then is a problem.
    """

    tc: CoupleId
    plan_hash: bytes
    plan_location: bytes
    patience_until: int = field(default=NO_DEADLINE, kw_only=True)

    @property
    def key(self) -> str:
        """Names the result."""
        return f"review/{self.tc:x}/{self.plan_hash.hex()}"

    @property
    def couple(self) -> CoupleId:
        """That which was requested."""
        return self.tc

    def given_up(self, error: HoldfastError, now: float) -> PlanReview | None:
        """A plan that is too much for who reviews it is too much for who trains it."""
        late = isinstance(error, JobFailed) and now > self.patience_until
        return PlanReview(problem=str(error)) if late else None


# --- a cloud owner's work ---


@dataclass(frozen=True)
class OpenPackage(Task[OpenedPackage | RefusedPackage]):
    """Fetch a data package, hold it against the dataset's description, and keep it.

    Attributes:
        patience_until: in seconds; what cannot be had by then is a problem.
        metadata_hash, metadata_location: of the dataset's description.
    """

    ci: InstanceId
    sealed_location: bytes
    patience_until: int
    metadata_hash: bytes
    metadata_location: bytes

    @property
    def key(self) -> str:
        """Names the result."""
        return package_key(self.ci)

    def given_up(self, error: HoldfastError, now: float) -> RefusedPackage | None:
        """A package that cannot be had."""
        late = now > _patience(self, self.patience_until, error)
        return RefusedPackage(problem=str(error)) if late else None


@dataclass(frozen=True)
class ForgetObjects(Task[Forgotten]):
    """Delete what this member has put in the object store for some task, or for all whose keys begin so."""

    purpose: str

    @property
    def key(self) -> str:
        """Names the result."""
        return f"done-with/{self.purpose}"


@dataclass(frozen=True)
class LookAfter(Task[LookedAfter]):
    """See whether what this member has put for some tasks is still in the store; put it again if not.

    Attributes:
        about: names the occasion.
        purposes: the keys of the tasks.
    """

    about: str
    purposes: tuple[str, ...]

    @property
    def key(self) -> str:
        """Names the result."""
        return f"looked-after/{self.about}"


@dataclass(frozen=True)
class ForgetReplica(Task[Forgotten]):
    """Delete a replica's rows: its instance is over, and they are the data owner's."""

    ci: InstanceId

    @property
    def key(self) -> str:
        """Names the result."""
        return f"forgotten/{self.ci:x}"


@dataclass(frozen=True)
class ForgetKeys(Task[Forgotten]):
    """Delete the keys of a couple that has ended: they may be hundreds of megabytes."""

    tc: CoupleId

    @property
    def key(self) -> str:
        """Names the result."""
        return f"forgotten-keys/{self.tc:x}"


def _patience(task: Task[TaskResult], until: int, error: HoldfastError) -> int:
    """Where the store lacks this member's own objects, too, half of what is left is for mending that."""
    return (until + task.deadline) // 2 if isinstance(error, StoreLost) else until


def package_key(ci: InstanceId) -> str:
    """Names an opened data package."""
    return f"package/{ci:x}"


@dataclass(frozen=True)
class TrainModel(Task[TrainingResult | Flagged]):
    """Train one job.

    Attributes:
        drawn: the word of the subsets that the round drew.
        subsets: how many the dataset has.
        patience_until: in seconds; weights, a plan or keys that cannot be had by then are flagged.
    """

    tc: CoupleId
    ci: InstanceId
    round: int
    drawn: int
    subsets: int
    plan_hash: bytes
    plan_location: bytes
    model_hash: bytes
    model_location: bytes
    model_owner_key: bytes = field(repr=False)
    patience_until: int

    @property
    def key(self) -> str:
        """Names the result."""
        return job_key(self.tc, self.round, self.ci)

    @property
    def couple(self) -> CoupleId:
        """That which is trained."""
        return self.tc

    def given_up(self, error: HoldfastError, now: float) -> Flagged | None:
        """A job that cannot be done: a flag costs nothing, silence does."""
        if now <= _patience(self, self.patience_until, error):
            return None
        lacking = isinstance(error, Retry)
        reason = FlagReason.WEIGHTS_UNAVAILABLE if lacking else FlagReason.PLAN_REFUSED
        return Flagged(flag=reason, why=str(error))


def job_key(tc: CoupleId, round_: int, ci: InstanceId) -> str:
    """Names the result of a train job."""
    return f"job/{tc:x}/{round_}/{ci:x}"


# --- a model owner's work ---


@dataclass(frozen=True)
class DraftPlan(Task[DraftedPlan]):
    """Read a dataset's description and write the training plan.

    Attributes:
        report_window_seconds: of the dataset's terms: jobs have to be done in it.
    """

    ds: DatasetId
    metadata_hash: bytes
    metadata_location: bytes
    report_window_seconds: int = field(default=NO_DEADLINE, kw_only=True)

    @property
    def key(self) -> str:
        """Names the result."""
        return f"plan/{self.ds:x}"


@dataclass(frozen=True)
class CollectResults(Task[AgreedResult]):
    """Fetch a subset's results and find the digest that most receipts open to.

    Attributes:
        quorum: how many receipts must open to the digest.
        patience_until: in seconds; what cannot be fetched by then counts as not there.
    """

    tc: CoupleId
    round: int
    subset: int
    reports: tuple[ReportRef, ...]
    quorum: int
    patience_until: int

    @property
    def key(self) -> str:
        """Names the result."""
        return f"results/{self.tc:x}/{self.round}/{self.subset}"

    @property
    def couple(self) -> CoupleId:
        """That which is trained."""
        return self.tc

    def given_up(self, error: HoldfastError, now: float) -> AgreedResult | None:
        """No result: who trained settles it."""
        del error
        return AgreedResult(digest=b"", agreeing=0) if now > self.patience_until else None


@dataclass(frozen=True)
class SettledRef:
    """The digest of a settled subset, and the reports among which its result is."""

    round: int
    subset: int
    digest: bytes
    reports: tuple[ReportRef, ...]


@dataclass(frozen=True)
class PublishWeights(Task[PublishedWeights]):
    """Make the weights with which round ``round + 1`` begins and seal them to the cloud owners.

    For round 0 these are the initial weights, else what `settled` makes of the weights of round `round`; the
    same again, as long as a sum of encrypted results is not whole.

    Attributes:
        subsets: how many the dataset has.
        drawn: the word of those that `round` drew.
        settled: what was settled for the weights of round `round`, in it or before, oldest first.
        readers: the public keys of those who may read the weights.
        patience_until: in seconds; a result that cannot be fetched by then is missing.
        salt: of the hash that ends the couple, kept beside the weights for whoever is shown them.
    """

    tc: CoupleId
    round: int
    subsets: int
    drawn: int
    settled: tuple[SettledRef, ...]
    readers: tuple[bytes, ...] = field(repr=False)
    patience_until: int
    salt: bytes = field(repr=False)

    @property
    def key(self) -> str:
        """Names the result."""
        return weights_key(self.tc, self.round)

    @property
    def couple(self) -> CoupleId:
        """That which is trained."""
        return self.tc


def weights_key(tc: CoupleId, round_: int) -> str:
    """Names the weights that a round made; those of round 0 are the initial ones."""
    return f"weights/{tc:x}/{round_}"
