"""A cloud owner's work: open packages, train."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core.enums import FlagReason
from agents.core.errors import BadInput, BadObject, BadPlan, StopAgent, StoreFault
from agents.core.ids import CoupleId, InstanceId, dataset_of, subset_of
from agents.learning.data.canonical import digest
from agents.learning.data.subset import Subset
from agents.learning.families.registry import family_of
from agents.learning.family import Family
from agents.learning.plans.base import Plan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits
from agents.roles.acts import Task
from agents.roles.results import (
    Flagged,
    Forgotten,
    OpenedPackage,
    RefusedPackage,
    TaskResult,
    TrainingResult,
)
from agents.roles.tasks.cloud_owner import ForgetKeys, ForgetReplica, OpenPackage, TrainModel
from agents.roles.tasks.objects import ForgetObjects, LookAfter
from agents.vault.keys import PublicKey
from agents.vault.packages import fetch_sealed, fetch_shared, put_sealed
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId
from agents.workers.base import (
    Tools,
    cohort_of,
    fetch_description,
    fetch_plan,
    forget_objects,
    keys_id,
    look_after,
    package_context,
    result_context,
    weights_context,
)


@dataclass(frozen=True)
class CloudOwnerWorker:
    """Keeps its subsets in its home and trains on them.

    Attributes:
        limits: the largest plan that it accepts.
        max_package_mb, max_keys_mb, max_weights_mb: MiB of the largest objects that it fetches.
    """

    tools: Tools
    limits: Limits = DEFAULT_LIMITS
    max_package_mb: int = 64
    max_keys_mb: int = 256
    max_weights_mb: int = 64

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """Does one task; see `Worker`."""
        match task:
            case OpenPackage():
                return self._open(task)
            case TrainModel():
                return self._train(task)
            case ForgetReplica():
                return self._forgotten(_subset_file(task.ci))
            case ForgetKeys():
                return self._forgotten(_keys_file(task.tc))
            case LookAfter():
                return look_after(self.tools, task)
            case ForgetObjects():
                return forget_objects(self.tools, task)
            case _:
                raise StopAgent(f"a cloud owner does not do {type(task).__name__}")

    def _forgotten(self, file: str) -> Forgotten:
        self.tools.home.remove(file)
        return Forgotten()

    # --- data ---

    def _open(self, task: OpenPackage) -> OpenedPackage | RefusedPackage:
        tools, index = self.tools, subset_of(task.ci)
        store = tools.store_of(task.ci)
        try:
            data = fetch_sealed(
                store,
                Sealed(task.sealed_location),
                tools.key,
                package_context(dataset_of(task.ci), index),
                self.max_package_mb << 20,
            )
            subset = Subset.from_bytes(data)
            form = fetch_description(store, task.metadata_location, task.metadata_hash)
        except StoreFault as fault:
            if tools.clock() <= task.patience_until:
                raise
            return RefusedPackage(problem=tools.doubt(task.ci, fault))
        except BadObject as bad:
            return RefusedPackage(problem=str(bad))
        if subset.index != index:
            return RefusedPackage(problem=f"the package holds subset {subset.index}, not {index}")
        rows, features = subset.samples.features.shape
        if rows > self.limits.rows or features > self.limits.features:
            return RefusedPackage(
                problem=f"the subset has {rows} rows of {features} features; this agent trains on at most "
                f"{self.limits.rows} of {self.limits.features}"
            )
        if subset.keys is None or subset.keys.public != form.public_keys:
            return RefusedPackage(problem="the package has other mask keys than the dataset's description")
        tools.home.write(_subset_file(task.ci), data)
        return OpenedPackage(digest=subset.digest(), rows=len(subset.samples))

    def subset(self, ci: InstanceId) -> Subset:
        """The rows that it trains on."""
        data = self.tools.home.read(_subset_file(ci))
        if data is None:
            raise StopAgent(f"{self.tools.home.path(_subset_file(ci))} is gone: restore it from a backup")
        try:
            return Subset.from_bytes(data)
        except BadObject as bad:
            raise StopAgent(
                f"{self.tools.home.path(_subset_file(ci))}: {bad}: restore it from a backup"
            ) from bad

    # --- training ---

    def _train(self, task: TrainModel) -> TrainingResult | Flagged:
        try:
            owner = self._reader(task)
            work = self._work(task, self._plan(task))
            location = self._handed_over(task, work.result, owner)
        except _Flag as flag:
            return Flagged(flag=flag.reason, why=str(flag))
        except BadPlan as bad:
            return Flagged(flag=FlagReason.PLAN_REFUSED, why=str(bad))
        return TrainingResult(
            digest=digest(work.result),
            sealed_location=location.blob,
            seconds=work.seconds,
            keys=work.keys,
            weights=work.weights,
            result=len(work.result),
        )

    def _handed_over(self, task: TrainModel, result: bytes, owner: PublicKey) -> Sealed:
        try:
            context = result_context(task.tc, task.round, task.ci)
            return put_sealed(self.tools.own.under(task.key), result, owner, context)
        except BadInput as bad:  # the plan makes results that are larger than the store takes
            raise _Flag(FlagReason.PLAN_REFUSED, bad) from bad

    def _work(self, task: TrainModel, plan: Plan) -> _Work:
        family, subset = family_of(plan, self.limits), self.subset(task.ci)
        keys, published = self._keys(task, family), self._weights(task)
        sum_ = (task.tc, task.round, task.model_hash, task.drawn, task.subsets)
        cohort = cohort_of(family, self.tools.domain, *sum_)
        begun = self.tools.stopwatch()
        try:
            family.check_published(published)
            result = family.train(keys, published, subset, cohort)
        except BadObject as bad:
            raise _Flag(FlagReason.WEIGHTS_MISMATCH, bad) from bad
        return _Work(result, self.tools.stopwatch() - begun, len(published), len(keys))

    def _reader(self, task: TrainModel) -> PublicKey:
        try:
            return PublicKey(task.model_owner_key)
        except BadObject as bad:  # nobody could open the result
            raise _Flag(FlagReason.PLAN_REFUSED, bad) from bad

    def _plan(self, task: TrainModel) -> Plan:
        try:
            return fetch_plan(self.tools.store_of(task.tc), task.plan_location, task.plan_hash, self.limits)
        except StoreFault as fault:
            self._flag_when_patience_ends(task, fault, FlagReason.PLAN_UNAVAILABLE)
            raise
        except BadObject as bad:
            raise _Flag(FlagReason.PLAN_MISMATCH, bad) from bad

    def _keys(self, task: TrainModel, family: Family) -> bytes:
        """The model owner's public keys: fetched once, kept until the couple ends. None in plain text."""
        if not family.encrypted:
            return b""
        where = keys_id(family.plan)
        kept = self.tools.home.read(_keys_file(task.tc))
        if kept is not None and digest(kept) == where.digest:
            return kept
        try:
            file = self.tools.home.path(_keys_file(task.tc))
            self.tools.store_of(task.tc).fetch(where, file, self.max_keys_mb << 20)
        except StoreFault as fault:
            self._flag_when_patience_ends(task, fault, FlagReason.PLAN_UNAVAILABLE)
            raise
        return file.read_bytes()

    def _weights(self, task: TrainModel) -> bytes:
        context, most = weights_context(task.tc, task.round), self.max_weights_mb << 20
        store = self.tools.store_of(task.tc)
        try:
            data = fetch_shared(store, ObjectId(task.model_location), self.tools.key, context, most)
        except StoreFault as fault:
            self._flag_when_patience_ends(task, fault, FlagReason.WEIGHTS_UNAVAILABLE)
            raise
        except BadObject as bad:
            raise _Flag(FlagReason.WEIGHTS_MISMATCH, bad) from bad
        if digest(data) != task.model_hash:
            raise _Flag(FlagReason.WEIGHTS_MISMATCH, "the weights do not match their hash")
        return data

    def _flag_when_patience_ends(self, task: TrainModel, fault: StoreFault, reason: FlagReason) -> None:
        """Until then the store may still deliver; after it, what it did not deliver is unavailable."""
        if self.tools.clock() > task.patience_until:
            raise _Flag(reason, self.tools.doubt(task.tc, fault)) from fault


@dataclass(frozen=True)
class _Work:
    """A result, the seconds that it took, and the bytes that it was made of."""

    result: bytes
    seconds: float
    weights: int
    keys: int


class _Flag(Exception):  # noqa: N818  # control flow of this worker alone: a job that is answered by a flag
    def __init__(self, reason: FlagReason, why: object) -> None:
        self.reason = reason
        super().__init__(str(why))


def _subset_file(ci: InstanceId) -> str:
    return f"subsets/{ci:x}"


def _keys_file(tc: CoupleId) -> str:
    return f"keys/{tc:x}"
