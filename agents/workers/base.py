"""What every worker has, and what they share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agents.core.derivation import digest_of
from agents.core.errors import BadObject, BadPlan, StoreFault, StoreLost
from agents.core.hashing import set_bits
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, owner_bytes
from agents.learning.data.canonical import digest
from agents.learning.data.description import Description, parse_description
from agents.learning.families.registry import parse_plan
from agents.learning.family import Cohort, Family
from agents.learning.plans.base import Plan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from agents.roles.acts import Task
from agents.roles.results import Forgotten, LookedAfter, TaskResult
from agents.roles.tasks.objects import ForgetObjects, LookAfter
from agents.storage.files import Home
from agents.vault.keys import SecretKey
from agents.vault.own_objects import OwnObjects
from agents.vault.store import ObjectId, ObjectStore

log = logging.getLogger(__name__)

_DESCRIPTION_BYTES = 2**20


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
        domain: of the market's receipts, 32 bytes: names the chain and the market.
        author: the member's address, 20 bytes, under which it puts objects.
        copies: whether it keeps the bytes of its objects, to put again what the store has lost.
        member_home: of the member, where `home` is a folder for one dataset or model in it.
        stopwatch: seconds to the fraction, from any beginning.
    """

    home: Home
    store: ObjectStore
    key: SecretKey
    clock: Callable[[], int]
    domain: bytes
    author: bytes = bytes(20)
    copies: bool = False
    member_home: Home | None = None
    stopwatch: Callable[[], float] = time.perf_counter

    @property
    def own(self) -> OwnObjects:
        """What this member has put in the store."""
        return OwnObjects(self.member_home or self.home, self.store, self.author, self.copies)

    def store_of(self, asset: int) -> ObjectStore:
        """The store, to read what the owner of an asset has put for it."""
        return self.store.by(owner_bytes(asset))

    def store_of_member(self, member: Address) -> ObjectStore:
        """The store, to read what a member has put."""
        return self.store.by(bytes.fromhex(member.removeprefix("0x")))

    def doubt(self, asset: int, fault: StoreFault) -> str:
        """What to say of an object of an asset's owner that cannot be had.

        Raises:
            StoreLost: nothing, for the store does not give what this member put either.
        """
        if isinstance(fault, StoreLost):
            raise fault
        try:
            self.own.check_canary()
        except StoreLost:
            raise
        except StoreFault:
            return str(fault)
        return f"{fault}{self.own.told_of(owner_bytes(asset))}"


def forget_objects(tools: Tools, task: ForgetObjects) -> Forgotten:
    """Deletes what this member has put in the store for a task.

    Raises:
        StoreUnavailable: not all of it is deleted.
    """
    tools.own.forget(task.purpose)
    return Forgotten()


def look_after(tools: Tools, task: LookAfter) -> LookedAfter:
    """Puts again what the store has lost of what this member put.

    Raises:
        StoreUnavailable: it cannot be told, or the store does not take it.
    """
    again = lost = 0
    for stored in tools.own.all():
        if any(map(stored.is_for, task.purposes)) and not tools.store.holds(stored.id):
            mended = tools.own.restore(stored)
            log.warning("the store has lost object %s: %s", stored.id, "put again" if mended else "GONE")
            again += mended
            lost += not mended
    return LookedAfter(again=again, lost=lost)


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


def fetch_description(store: ObjectStore, location: bytes, metadata_hash: bytes) -> Description:
    """The description of a dataset.

    Raises:
        StoreFault: the store did not deliver it.
        BadObject: it is not what the chain's hash says, or none.
    """
    data = store.get(ObjectId(location), _DESCRIPTION_BYTES)
    if digest(data) != metadata_hash:
        raise BadObject("the dataset's description does not match its hash: choose another dataset")
    return parse_description(data)


def keys_id(plan: Plan) -> ObjectId:
    """Where the keys are that a plan of encrypted training names.

    Raises:
        BadPlan: it names none.
    """
    if not plan.keys_named:
        raise BadPlan("plan: encryption.keys is empty: nobody can train on encrypted weights without keys")
    return ObjectId(bytes.fromhex(plan.keys_named))


def cohort_of(
    family: Family, domain: bytes, tc: CoupleId, round_: int, model_hash: bytes, drawn: int, subsets: int
) -> Cohort:
    """Whose results add up with those of a round.

    All subsets', for as long as the published weights are the same; or those that this round drew. The label
    is of this market, chain, couple, plan and weights alone.

    Args:
        family: of the couple's plan.
        domain: of the market's receipts.
        tc: the couple.
        round_: its round.
        model_hash: of the published weights.
        drawn: the word of the subsets that the round drew.
        subsets: of the dataset, how many.
    """
    sum_ = (b"%x" % tc, family.plan.digest(), model_hash, b"" if family.carries_on else b"%d" % round_)
    label = digest_of(b"holdfast sum", domain, *sum_)
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
