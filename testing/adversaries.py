"""More members that cheat, for the adversarial stories; those of the demo are in `agents.demo.cheats`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np

from agents.core.calls import verify_ci
from agents.core.ids import Address
from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.integers.weights import TrainedModel, Weights
from agents.roles.acts import Act, Send, Situation
from agents.roles.data_owner import DataOwner
from agents.roles.results import (
    Flagged,
    OpenedPackage,
    PackedReplica,
    PublishedWeights,
    RefusedKey,
    RefusedPackage,
    TrainingResult,
)
from agents.roles.tasks.cloud_owner import OpenPackage, TrainModel
from agents.roles.tasks.data_owner import PackReplica
from agents.roles.tasks.model_owner import PublishWeights
from agents.vault.keys import PublicKey
from agents.vault.packages import put_sealed
from agents.workers.base import package_context, result_context
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.data_owner import DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker


def altered(subset: Subset) -> Subset:
    """The same subset with the rows in another order."""
    samples = subset.samples
    rows = Samples(samples.features[::-1].copy(), samples.target[::-1].copy(), samples.classes)
    return replace(subset, samples=rows)


@dataclass(frozen=True)
class CollusiveDataOwner(DataOwner):
    """Vouches for whatever receipt comes."""

    def decide(self, situation: Situation) -> list[Act]:
        return [self._vouching(act) for act in super().decide(situation)]

    def _vouching(self, act: Act) -> Act:
        if not (isinstance(act, Send) and act.call.function == "verifyCI"):
            return act
        cis = cast("list[Any]", act.call.arguments[0])
        return Send(verify_ci(cis, [True] * len(cis)))


NOBODY = Address("0x" + 40 * "0")


@dataclass(frozen=True)
class UnequalWorker(DataOwnerWorker):
    """Hands one cloud owner other rows than its siblings."""

    victim: Address = NOBODY

    def _pack(self, task: PackReplica) -> PackedReplica | RefusedKey:
        if task.cloud_owner != self.victim:
            return super()._pack(task)
        own = Subset.from_bytes(self.tools.home.read(f"split/{task.ds:x}/{task.subset}") or b"")
        other = replace(own, samples=Samples(*_rows(task.subset), 3))
        context, key = package_context(task.ds, task.subset), PublicKey(task.encryption_key)
        return PackedReplica(
            sealed_location=put_sealed(self.tools.store, other.to_bytes(), key, context).blob
        )


def _rows(index: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(index)
    return rng.integers(-100, 100, (20, 13), dtype=np.int32), rng.integers(0, 3, 20, dtype=np.int32)


@dataclass(frozen=True)
class OtherDataWorker(CloudOwnerWorker):
    """Holds other data than it was given."""

    def _open(self, task: OpenPackage) -> OpenedPackage | RefusedPackage:
        super()._open(task)
        other = altered(self.subset(task.ci))
        self.tools.home.write(f"subsets/{task.ci:x}", other.to_bytes())
        return OpenedPackage(digest=other.digest(), rows=len(other.samples))


@dataclass(frozen=True)
class OtherUploadWorker(CloudOwnerWorker):
    """Trains and hashes as it should, but uploads another model."""

    def _train(self, task: TrainModel) -> TrainingResult | Flagged:
        result = super()._train(task)
        model = self.work_for(task)
        context = result_context(task.tc, task.round, task.ci)
        owner = PublicKey(task.model_owner_key)
        location = put_sealed(self.tools.store, model.to_bytes(), owner, context)
        return result.model_copy(update={"sealed_location": location.blob})

    def work_for(self, task: TrainModel) -> TrainedModel:
        """The round's own weights, untrained."""
        weights = Weights.from_bytes(self._weights(task), self._plan(task))
        return TrainedModel(weights, len(self.subset(task.ci).samples))


@dataclass(frozen=True)
class UnfetchableWeightsWorker(ModelOwnerWorker):
    """Publishes weights that nobody can fetch."""

    def _publish(self, task: PublishWeights) -> PublishedWeights:
        return super()._publish(task).model_copy(update={"location": bytes(32)})
