"""What one subset's data alone do to the weights, whatever the kind of plan."""

from __future__ import annotations

from agents.learning.data.samples import Samples
from agents.learning.families.gradient_descent import local_steps
from agents.learning.families.registry import family_of
from agents.learning.integers.update import Update
from agents.learning.integers.weights import TrainedModel, Weights
from agents.learning.plans.encrypted import EncryptedPlan
from agents.learning.plans.plan import Plan


def local_update(plan: Plan, weights: Weights, samples: Samples) -> Update:
    """The update of one training job, all of it in the clear.

    Raises:
        BadPlan: the plan is for other data, or there are more rows than the limits allow.
    """
    if isinstance(plan, EncryptedPlan):
        return family_of(plan).in_the_clear(weights, samples)
    return Update.of(weights, [TrainedModel(local_steps(plan, weights, samples), len(samples))])
