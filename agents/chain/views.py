"""The market's views as messages: what an auditor asks, for `MarketClient.read` to ask.

One constructor a view, named as in the interface; amounts in wei, times in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from agents.core.enums import CouplePhase, InstanceStatus, JobStatus, Role
from agents.core.events import DatasetTerms
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class View(Generic[T]):
    """A question: `function` by its ABI name, its arguments, and the type of its answer."""

    function: str
    arguments: tuple[object, ...]
    hint: object


@dataclass(frozen=True, slots=True)
class Pool:
    """How often a dataset's pool has changed, and how many subsets have an instance in it."""

    version: int
    covered: int


@dataclass(frozen=True, slots=True)
class CloudInstance:
    """A cloud instance as the contract has it; all zero if there is none."""

    cloud_owner: Address
    status: InstanceStatus
    since: int
    verified_at: int
    left_at: int
    bond: int


@dataclass(frozen=True, slots=True)
class TrainCouple:
    """A train couple as the contract has it; all zero if there is none. `phase` is as of the block's time."""

    ds: DatasetId
    mod: ModelId
    phase: CouplePhase
    round: int
    max_rounds: int
    rem: int
    flags_left: int
    quorum: int
    pool_version: int
    deadline: int
    window_ends_at: int
    escrow: int
    mo_tip: bytes
    do_tip: bytes
    drawn_this_epoch: int
    pending: int


@dataclass(frozen=True, slots=True)
class TrainJob:
    """A train job as the contract has it; all zero if it was never answered. `commitment` has 27 bytes."""

    commitment: bytes
    round: int
    status: JobStatus


def balance_of(account: Address) -> View[int]:
    """The free balance of an account."""
    return View("balanceOf", (account,), int)


def role_of(member: Address) -> View[Role]:
    """The role of an address."""
    return View("roleOf", (member,), Role)


def dataset_terms(ds: DatasetId) -> View[DatasetTerms]:
    """The terms of a dataset; all zero if there is none."""
    return View("datasetTerms", (ds,), DatasetTerms)


def dataset_pool(ds: DatasetId) -> View[Pool]:
    """The pool of a dataset."""
    return View("datasetPool", (ds,), Pool)


def instances_of(ds: DatasetId, subset: int) -> View[tuple[InstanceId, ...]]:
    """The instances that hold a place in a subset, in the order in which a settlement walks them."""
    return View("instancesOf", (ds, subset), tuple[InstanceId, ...])


def cloud_instance(ci: InstanceId) -> View[CloudInstance]:
    """One cloud instance."""
    return View("cloudInstance", (ci,), CloudInstance)


def train_couple(tc: CoupleId) -> View[TrainCouple]:
    """One train couple."""
    return View("trainCouple", (tc,), TrainCouple)


def train_job(tc: CoupleId, ci: InstanceId) -> View[TrainJob]:
    """One train job."""
    return View("trainJob", (tc, ci), TrainJob)


def phase_of(tc: CoupleId) -> View[CouplePhase]:
    """Where a train couple stands."""
    return View("phaseOf", (tc,), CouplePhase)


def receipt_domain() -> View[bytes]:
    """What every receipt of this market begins with, 32 bytes."""
    return View("receiptDomain", (), bytes)
