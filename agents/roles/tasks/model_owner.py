"""A model owner's work."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.core.errors import HoldfastError
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId
from agents.roles.acts import NO_DEADLINE, Task
from agents.roles.results import (
    AgreedResult,
    DraftedPlan,
    LearntName,
    PublishedWeights,
)


@dataclass(frozen=True)
class ReportRef:
    """Where a report's result is, and what its receipt says."""

    ci: InstanceId
    cloud_owner: Address
    receipt: bytes
    nonce: bytes
    sealed_location: bytes


@dataclass(frozen=True)
class DraftPlan(Task[DraftedPlan]):
    """Read a dataset's description and write the training plan.

    Attributes:
        report_window_seconds: of the dataset's terms: jobs have to be done in it.
        version: names what decides about the plan; with other facts there is another one.
    """

    ds: DatasetId
    metadata_hash: bytes
    metadata_location: bytes
    report_window_seconds: int = field(default=NO_DEADLINE, kw_only=True)
    version: str = field(default="", kw_only=True)

    @property
    def key(self) -> str:
        """Names the result."""
        return f"plan/{self.ds:x}/{self.version}".removesuffix("/")


@dataclass(frozen=True)
class LearnName(Task[LearntName]):
    """Look up in a dataset's description how its owner calls it."""

    ds: DatasetId
    metadata_hash: bytes
    metadata_location: bytes

    @property
    def key(self) -> str:
        """Names the result."""
        return f"named/{self.ds:x}"


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
