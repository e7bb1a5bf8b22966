"""A data owner's work."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.core.errors import HoldfastError, JobFailed
from agents.core.ids import Address, CoupleId, DatasetId
from agents.roles.acts import NO_DEADLINE, Task
from agents.roles.results import (
    PackedReplica,
    PlanReview,
    RefusedKey,
    SplitDataset,
)


@dataclass(frozen=True)
class SplitData(Task[SplitDataset]):
    """Split the table into subsets, keep them, and put the dataset's description in the object store.

    Attributes:
        version: names what decides about the split; with other facts there is another one.
    """

    ds: DatasetId
    version: str = ""

    @property
    def key(self) -> str:
        """Names the result."""
        return f"split/{self.ds:x}/{self.version}".removesuffix("/")


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
