"""Cloud owners that cheat, each in one of the paper's ways (II-D): for the demo and the adversarial tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from agents.core.assets import Couple, Instance
from agents.core.calls import join_ci, update_tj
from agents.core.ids import dataset_of, subset_of
from agents.learning.plan import Plan
from agents.learning.subset import Subset
from agents.learning.weights import TrainedModel, Weights
from agents.roles.acts import Act, Send, Situation
from agents.roles.cloud_owner import CloudOwner
from agents.runtime.workbench.cloud_owner import CloudOwnerBench


@dataclass(frozen=True)
class DataReceiptCopier(CloudOwner):
    """Never opens its package: declares the hash and nonce of a sibling that did."""

    def _receive(self, situation: Situation, instance: Instance) -> Iterator[Act]:
        market, ds = situation.market, dataset_of(instance.id)
        places = market.datasets[ds].subsets[subset_of(instance.id)].places
        for sibling in (market.instances[ci] for ci in places):
            if sibling.id != instance.id and sibling.data_hash:
                yield Send(
                    join_ci(instance.id, sibling.data_hash, sibling.nonce),
                    market.datasets[ds].terms.instance_bond,
                )
                return


@dataclass(frozen=True)
class TrainingReceiptCopier(CloudOwner):
    """Never trains: reports the hash, nonce and location of a sibling that did."""

    def _answer(self, situation: Situation, couple: Couple, instance: Instance) -> Iterator[Act]:
        for report in situation.market.reports_of(couple, subset_of(instance.id)):
            if report.ci != instance.id:
                copied = update_tj(
                    couple.id, instance.id, couple.round, report.hash, report.nonce, report.sealed_location
                )
                yield Send(copied)
                return


@dataclass(frozen=True)
class SilentCloudOwner(CloudOwner):
    """Holds its data and its bond, and never answers when it is drawn."""

    def _answer(self, situation: Situation, couple: Couple, instance: Instance) -> Iterator[Act]:
        del situation, couple, instance
        yield from ()


@dataclass(frozen=True)
class LazyBench(CloudOwnerBench):
    """Makes a model up: the round's weights with a little noise, so that it looks trained."""

    def work(self, plan: Plan, weights: Weights, subset: Subset) -> TrainedModel:
        """A made-up result, sealed and reported as if it were trained."""
        rng = np.random.default_rng(int.from_bytes(subset.secret[:8], "big"))
        limit = 2**plan.weight_bits // 16
        noisy = {
            name: matrix + rng.integers(-limit, limit, matrix.shape, dtype=np.int64)
            for name, matrix in weights.tensors.items()
        }
        return TrainedModel(Weights(noisy, weights.bits), len(subset.samples))
