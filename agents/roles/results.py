"""What finished tasks come to: a model each, and the JSON that keeps it.

The JSON has the fields' names and order, and bytes as hexadecimal digits. Journals that were written before
there were models hold the same.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from agents.core.enums import FlagReason
from agents.core.errors import BadObject
from agents.core.events import DatasetTerms
from agents.core.jsonable import Json


class TaskResult(BaseModel):
    """What a finished task came to."""

    model_config = ConfigDict(
        frozen=True,
        strict=True,
        extra="forbid",
        protected_namespaces=(),
        ser_json_bytes="hex",
        val_json_bytes="hex",
    )

    @property
    def refusal(self) -> str:
        """Why the task's subject was refused; empty if it was not."""
        return ""

    def to_json(self) -> Json:
        """What `parse_result` reads."""
        fields: dict[str, Json] = self.model_dump(mode="json")
        return fields


# --- of whoever has several things ---


class BoundEntry(TaskResult):
    """Which of a wallet's datasets or models a name is, for good.

    Attributes:
        name: as its owner has it.
        facts: what of it cannot change any more, as JSON.
        ds: the dataset that a model is trained on, in hexadecimal.
    """

    name: str
    facts: str
    ds: str = ""


class LearntName(TaskResult):
    """How the owner of a dataset calls it; empty if it has no name, or none that can be read."""

    name: str


# --- a data owner's ---


class SplitDataset(TaskResult):
    """A dataset that is split, and whose description is in the object store.

    Attributes:
        digests: of the subsets, in order.
    """

    terms: DatasetTerms
    metadata_hash: bytes
    metadata_location: bytes
    digests: tuple[bytes, ...]


class PackedReplica(TaskResult):
    """Where a subset is that is sealed to its cloud owner."""

    sealed_location: bytes


class RefusedKey(TaskResult):
    """A cloud owner's key that nobody can seal to, and why."""

    problem: str

    @property
    def refusal(self) -> str:
        """The problem."""
        return self.problem


class PlanReview(TaskResult):
    """What a data owner has against a plan; empty if nothing."""

    problem: str

    @property
    def refusal(self) -> str:
        """The problem."""
        return self.problem


# --- a cloud owner's ---


class OpenedPackage(TaskResult):
    """A subset that is kept: its digest, and how many rows it has."""

    digest: bytes
    rows: int


class RefusedPackage(TaskResult):
    """A package that is of no use, and why."""

    problem: str

    @property
    def refusal(self) -> str:
        """The problem."""
        return self.problem


class TrainingResult(TaskResult):
    """A job that is done.

    Attributes:
        digest: of the result.
        sealed_location: of the result in the store, sealed to the model owner.
        seconds: of the training.
        keys, weights, result: bytes that it was made of, and of the result.
    """

    digest: bytes
    sealed_location: bytes
    seconds: float
    keys: int
    weights: int
    result: int


class Forgotten(TaskResult):
    """What is deleted."""


class LookedAfter(TaskResult):
    """What is still in the store, or there again.

    Attributes:
        again: how many objects were put again. `lost`: how many are gone for good.
    """

    again: int
    lost: int


class Flagged(TaskResult):
    """A job that cannot be done, and why."""

    flag: FlagReason
    why: str

    @property
    def refusal(self) -> str:
        """Why."""
        return self.why


# --- a model owner's ---


class DraftedPlan(TaskResult):
    """A published training plan.

    Attributes:
        sums: over what the sums are that the model owner will see; empty if it will see single results.
    """

    model_type: str
    hash: bytes
    location: bytes
    rounds: int
    sums: Literal["dataset", "round", ""]


class AgreedResult(TaskResult):
    """The digest to which so many receipts open; empty if no result that enough open to could be fetched."""

    digest: bytes
    agreeing: int


class PublishedWeights(TaskResult):
    """The weights with which a round begins.

    Attributes:
        hash: of what the cloud owners are given.
        location: of that in the store; empty if nobody is left to read it.
        model: digest of the weights in plain.
        score: of the weights on the model owner's samples.
        stop: whether training is over. `settled`: whether more of it would bring nothing.
        summed: how many subsets' results made new weights; 0 if none did.
        missing: subsets that were settled in the last round but whose result could not be fetched.
    """

    hash: bytes
    location: bytes
    model: bytes
    score: float
    stop: bool
    settled: bool = False
    summed: int
    missing: tuple[int, ...]


_MODELS: dict[str, tuple[type[TaskResult], ...]] = {
    "dataset": (BoundEntry,),
    "model": (BoundEntry,),
    "named": (LearntName,),
    "split": (SplitDataset,),
    "replica": (RefusedKey, PackedReplica),
    "review": (PlanReview,),
    "package": (RefusedPackage, OpenedPackage),
    "done-with": (Forgotten,),
    "forgotten": (Forgotten,),
    "forgotten-keys": (Forgotten,),
    "looked-after": (LookedAfter,),
    "job": (Flagged, TrainingResult),
    "plan": (DraftedPlan,),
    "results": (AgreedResult,),
    "weights": (PublishedWeights,),
}
"""By the first part of `Task.key`; the usual result is the last."""


def parse_result(key: str, data: str) -> TaskResult:
    """The result of a task, from its JSON.

    Args:
        key: of the task.
        data: what `TaskResult.to_json` gave.

    Raises:
        BadObject: no task has such a key, or that is not its result.
    """
    reason = "no task is named so"
    for model in _MODELS.get(key.partition("/")[0], ()):
        try:
            return model.model_validate_json(data)
        except ValidationError as error:
            reason = _first_of(error)
    raise BadObject(f"{key} is damaged or of another program ({reason})")


def _first_of(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return ": ".join((*map(str, first["loc"]), first["msg"]))
