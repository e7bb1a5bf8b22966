"""A plan's family at work in one line, for tests that look at a model's weights."""

from __future__ import annotations

from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.families.gradient_descent import PlainFamily
from agents.learning.families.registry import family_of
from agents.learning.family import EncryptedFamily
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.weights import TrainedModel, Weights
from agents.learning.plans.base import Plan
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits


def initial_weights(plan: Plan) -> Weights:
    """The weights before the first round."""
    return family_of(plan).initial_weights()


def initial_state(plan: Plan) -> ServerState:
    """The model owner's state before the first round."""
    return family_of(plan).initial_state()


def plain_family(plan: Plan, limits: Limits = DEFAULT_LIMITS) -> PlainFamily:
    """The family of a plan in plain text."""
    family = family_of(plan, limits)
    assert isinstance(family, PlainFamily)
    return family


def encrypted_family(plan: Plan) -> EncryptedFamily:
    """The family of a plan of encrypted training."""
    family = family_of(plan)
    assert isinstance(family, EncryptedFamily)
    return family


def local_steps(plan: Plan, weights: Weights, samples: Samples) -> Weights:
    """The weights after a job in plain text."""
    return plain_family(plan).local_steps(weights, samples)


def train(plan: Plan, weights: Weights, subset: Subset, limits: Limits = DEFAULT_LIMITS) -> TrainedModel:
    """The result of a job in plain text."""
    return plain_family(plan, limits).trained(weights, subset.samples)
