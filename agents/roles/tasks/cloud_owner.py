"""A cloud owner's work."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.core.enums import FlagReason
from agents.core.errors import HoldfastError, Retry
from agents.core.ids import CoupleId, InstanceId
from agents.roles.acts import Task
from agents.roles.results import (
    Flagged,
    Forgotten,
    OpenedPackage,
    RefusedPackage,
    TrainingResult,
)
from agents.roles.tasks.objects import patience_of


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
        late = now > patience_of(self, self.patience_until, error)
        return RefusedPackage(problem=str(error)) if late else None


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
        if now <= patience_of(self, self.patience_until, error):
            return None
        lacking = isinstance(error, Retry)
        reason = FlagReason.WEIGHTS_UNAVAILABLE if lacking else FlagReason.PLAN_REFUSED
        return Flagged(flag=reason, why=str(error))


def job_key(tc: CoupleId, round_: int, ci: InstanceId) -> str:
    """Names the result of a train job."""
    return f"job/{tc:x}/{round_}/{ci:x}"
