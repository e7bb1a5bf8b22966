"""A cloud owner's work: open packages, train."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core.enums import FlagReason
from agents.core.errors import BadObject, BadPlan, ObjectMissing, StopAgent
from agents.core.ids import InstanceId, dataset_of, subset_of
from agents.learning.limits import DEFAULT_LIMITS, Limits
from agents.learning.plan import Plan
from agents.learning.subset import Subset
from agents.learning.train import train
from agents.learning.weights import TrainedModel, Weights
from agents.roles.acts import Fact, OpenPackage, Task, TrainModel
from agents.runtime.workbench.bench import (
    Tools,
    fetch_plan,
    package_context,
    result_context,
    weights_context,
)
from agents.vault.keys import PublicKey
from agents.vault.packages import fetch_sealed, fetch_shared, put_sealed
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId


@dataclass(frozen=True)
class CloudOwnerBench:
    """Keeps its subsets in its home and trains on them.

    Attributes:
        limits: the largest plan that it accepts.
    """

    tools: Tools
    limits: Limits = DEFAULT_LIMITS

    def perform(self, task: Task) -> Fact:
        """Does one task; see `Bench`."""
        match task:
            case OpenPackage():
                return self._open(task)
            case TrainModel():
                return self._train(task)
            case _:
                raise StopAgent(f"a cloud owner does not do {type(task).__name__}")

    # --- data ---

    def _open(self, task: OpenPackage) -> Fact:
        tools, index = self.tools, subset_of(task.ci)
        try:
            data = fetch_sealed(
                tools.store,
                Sealed(task.sealed_location),
                tools.key,
                package_context(dataset_of(task.ci), index),
            )
            subset = Subset.from_bytes(data)
        except ObjectMissing as missing:
            if tools.clock() <= task.patience_until:
                raise
            return {"problem": str(missing)}
        except BadObject as bad:
            return {"problem": str(bad)}
        if subset.index != index:
            return {"problem": f"the package holds subset {subset.index}, not {index}"}
        tools.home.write(_subset_file(task.ci), data)
        return {"digest": subset.digest().hex(), "rows": len(subset.samples)}

    def _subset(self, ci: InstanceId) -> Subset:
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

    def _train(self, task: TrainModel) -> Fact:
        try:
            owner = self._reader(task)
            plan = self._plan(task)
            weights = self._weights(task, plan)
            result = self.work(plan, weights, self._subset(task.ci))
        except _Flag as flag:
            return {"flag": int(flag.reason), "why": str(flag)}
        except BadPlan as bad:
            return {"flag": int(FlagReason.PLAN_REFUSED), "why": str(bad)}
        context = result_context(task.tc, task.round, task.ci)
        location = put_sealed(self.tools.store, result.to_bytes(), owner, context)
        return {"digest": result.digest().hex(), "sealed_location": location.blob.hex()}

    def work(self, plan: Plan, weights: Weights, subset: Subset) -> TrainedModel:
        """The training itself."""
        return train(plan, weights, subset, self.limits)

    def _reader(self, task: TrainModel) -> PublicKey:
        try:
            return PublicKey(task.model_owner_key)
        except BadObject as bad:  # nobody could open the result
            raise _Flag(FlagReason.PLAN_REFUSED, bad) from bad

    def _plan(self, task: TrainModel) -> Plan:
        try:
            return fetch_plan(self.tools.store, task.plan_location, task.plan_hash, self.limits)
        except ObjectMissing as missing:
            self._retry_or_flag(task, missing, FlagReason.PLAN_UNAVAILABLE)
            raise
        except BadObject as bad:
            raise _Flag(FlagReason.PLAN_MISMATCH, bad) from bad

    def _weights(self, task: TrainModel, plan: Plan) -> Weights:
        context = weights_context(task.tc, task.round)
        try:
            data = fetch_shared(self.tools.store, ObjectId(task.model_location), self.tools.key, context)
            weights = Weights.from_bytes(data, plan)
        except ObjectMissing as missing:
            self._retry_or_flag(task, missing, FlagReason.WEIGHTS_UNAVAILABLE)
            raise
        except BadObject as bad:
            raise _Flag(FlagReason.WEIGHTS_MISMATCH, bad) from bad
        if weights.digest() != task.model_hash:
            raise _Flag(FlagReason.WEIGHTS_MISMATCH, "the weights do not match their hash")
        return weights

    def _retry_or_flag(self, task: TrainModel, missing: ObjectMissing, reason: FlagReason) -> None:
        if self.tools.clock() > task.patience_until:
            raise _Flag(reason, missing) from missing


class _Flag(Exception):  # noqa: N818  # control flow of this bench alone: a job that is answered by a flag
    def __init__(self, reason: FlagReason, why: object) -> None:
        self.reason = reason
        super().__init__(str(why))


def _subset_file(ci: InstanceId) -> str:
    return f"subsets/{ci:x}"
