"""Tables offered with noise, and what a model owner sees of them: its only view, whatever it sends."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from agents.learning.data.samples import FloatArray, Int64Array, Samples
from agents.learning.data.tables import Table, load_table
from agents.learning.families.moments import MOMENTS, MomentsPlan
from agents.learning.families.registry import default_plan, family_of
from agents.learning.family import NO_KEYS
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.offer import Offer, divided, offer, scaled, standardised
from agents.learning.privacy.policy import Guarantee, PrivacyPolicy
from agents.learning.privacy.summary import Summary
from assurance.attack.attack import Stage
from assurance.attack.levels import SUBSETS, noise_for
from testing.privacy import results_of, subsets_of


@dataclass(frozen=True, eq=False)
class Release:
    """What comes of a table that is offered.

    Attributes:
        made: with the secrets of its data owner.
        plan: that its agent accepts.
        moments: (size,) int64 the noisy sum that a model owner sees.
        rows: as they were trained on.
    """

    made: Offer
    plan: MomentsPlan
    moments: Int64Array
    rows: Samples

    @property
    def form(self) -> MomentsForm:
        """Of the moments."""
        return MomentsForm(self.plan.features, self.plan.classes)

    @property
    def exact(self) -> Int64Array:
        """The sum without noise."""
        return self.form.of(self.rows)

    @property
    def deviations(self) -> FloatArray:
        """Of the noise of each number."""
        variance = self.plan.noise.of_sum(SUBSETS)
        found: FloatArray = np.sqrt(np.array(self.form.variances(variance), dtype=np.float64))
        return found


def released(stage: Stage, table: Table, policy: PrivacyPolicy, owner: str = "a data owner") -> Release:
    """The release of a table by a data owner with a secret of its own."""

    def derive(purpose: bytes) -> bytes:
        return stage.secret(f"{owner} {purpose!r}")

    made = offer(table, policy, SUBSETS, stage.seed, derive)
    train = made.prepared.train
    plan = default_plan(table.task, train.classes, train.features.shape[1], "moments")
    named = plan.with_noise(made.guarantee.noise)
    assert isinstance(named, MomentsPlan)
    family = family_of(named)
    update = family.update(family.initial_weights(), NO_KEYS, results_of(named, subsets_of(made)))
    return Release(made, named, update.change[MOMENTS], train)


def neighbours(stage: Stage, *, opposite: bool = False) -> tuple[Table, Table, PrivacyPolicy]:
    """Two tables that differ in one training row, as far as ranges allow, and the policy of both.

    The row is at either end of each column's range, and of another class. The two are at right angles, which
    moments tell apart best, or opposite, which sums of columns do.
    """
    table = load_table(stage.table)
    asked = noise_for(table)
    low, high = asked.ranges(table)
    row = int(divided(len(table.target), stage.seed)[0][0])
    made = []
    for turn in (0, 1):
        features, target = table.features.copy(), table.target.copy()
        turned = (np.arange(low.size) < low.size // (1 if opposite else 2)) & bool(turn)
        features[row] = np.where((np.arange(low.size) % 2 == 1) ^ turned, low, high)
        target[row] = turn
        made.append(replace(table, features=features, target=target))
    return made[0], made[1], asked


def as_published(table: Table, guarantee: Guarantee, seed: int) -> Samples:
    """A table's training rows, scaled as a description says: what somebody makes who has a guess of it."""
    columns = scaled(table.features, np.array(guarantee.low), np.array(guarantee.high))
    features = standardised(columns, Summary(guarantee.centre, guarantee.scale))
    train, _ = divided(len(table.target), seed)
    classes = len(table.class_names)
    return Samples(features[train], table.target[train].astype(np.int32), classes)
