"""What every worker has, and what they share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agents.core.errors import BadObject, BadPlan
from agents.core.hashing import set_bits
from agents.core.ids import CoupleId, DatasetId, InstanceId
from agents.learning.data.canonical import digest
from agents.learning.families.registry import parse_plan
from agents.learning.family import Cohort, Family
from agents.learning.plans.base import Plan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from agents.roles.acts import Task
from agents.roles.results import TaskResult
from agents.storage.files import Home
from agents.vault.keys import SecretKey
from agents.vault.store import ObjectId, ObjectStore


class Worker(Protocol):
    """Does a role's work."""

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """Does one task.

        Raises:
            Retry: the store or another party did not deliver; the same task may succeed later.
            SkipJob: what another party delivered is of no use.
            BadInput: the user's input cannot be used.
            StopAgent: what the agent itself keeps is gone or damaged.
        """


@dataclass(frozen=True)
class Tools:
    """What any worker works with.

    Attributes:
        key: to open what is sealed to this member.
        clock: the chain's time, in seconds.
        stopwatch: seconds to the fraction, from any beginning.
    """

    home: Home
    store: ObjectStore
    key: SecretKey
    clock: Callable[[], int]
    stopwatch: Callable[[], float] = time.perf_counter


def fetch_plan(
    store: ObjectStore, location: bytes, plan_hash: bytes, limits: Limits = DEFAULT_LIMITS
) -> Plan:
    """The plan of a model.

    Raises:
        StoreFault: the store did not deliver it.
        BadObject: the location is no object id, or the plan is not what the chain's hash says.
        BadPlan: it is outside the schema or the limits.
    """
    data = store.get(ObjectId(location), limits.plan_bytes)
    if digest(data) != plan_hash:
        raise BadObject("the plan does not match its hash")
    plan = parse_plan(data, limits)
    if plan.canonical_bytes() != data:
        raise BadPlan("the plan is not in its canonical form")
    return plan


def keys_id(plan: Plan) -> ObjectId:
    """Where the keys are that a plan of encrypted training names.

    Raises:
        BadPlan: it names none.
    """
    if not plan.keys_named:
        raise BadPlan("plan: encryption.keys is empty: nobody can train on encrypted weights without keys")
    return ObjectId(bytes.fromhex(plan.keys_named))


def cohort_of(
    family: Family, tc: CoupleId, round_: int, model_hash: bytes, drawn: int, subsets: int
) -> Cohort:
    """Whose results add up with those of a round.

    All subsets', for as long as the encrypted weights are the same; or those that this round drew.
    """
    label = b"holdfast/sum/%x/%b" % (tc, model_hash)
    if not family.carries_on:
        label += b"/%d" % round_
    return Cohort(label, family.members(set_bits(drawn), subsets))


def package_context(ds: DatasetId, subset: int) -> bytes:
    """What a sealed data package is bound to."""
    return b"holdfast/package/%x/%d" % (ds, subset)


def weights_context(tc: CoupleId, round_: int) -> bytes:
    """What the sealed weights that open `round_` are bound to."""
    return b"holdfast/weights/%x/%d" % (tc, round_)


def result_context(tc: CoupleId, round_: int, ci: InstanceId) -> bytes:
    """What a sealed result is bound to."""
    return b"holdfast/result/%x/%d/%x" % (tc, round_, ci)
