"""Cloud owners that cheat, each in one of the paper's ways (II-D): for the demo and the adversarial tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from agents.core.assets import Couple, Instance
from agents.core.calls import join_ci, update_tj
from agents.core.ids import InstanceId, dataset_of, subset_of
from agents.learning.data.samples import FEATURE_BITS, Samples
from agents.learning.data.subset import Subset
from agents.roles.acts import Act, Send, Situation
from agents.roles.cloud_owner import CloudOwner
from agents.workers.cloud_owner import CloudOwnerWorker


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
class LazyWorker(CloudOwnerWorker):
    """Keeps no data: makes its rows up, so that its result has the right form and is of nothing."""

    def subset(self, ci: InstanceId) -> Subset:
        """Made-up rows in the place of the subset's own."""
        held = super().subset(ci)
        samples = held.samples
        rng = np.random.default_rng(int.from_bytes(held.secret[:8], "big"))
        features = rng.integers(-_MADE_UP, _MADE_UP, samples.features.shape, dtype=np.int32)
        return replace(held, samples=Samples(features, rng.permutation(samples.target), samples.classes))


_MADE_UP = 2**FEATURE_BITS
"""Made-up features are up to a standard deviation."""
