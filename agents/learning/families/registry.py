"""Which class trains which plan on ciphertexts. A new family is one line here."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from agents.core.errors import BadPlan
from agents.learning.families.encrypted_cubic import EncryptedCubic
from agents.learning.families.encrypted_features import FeaturesFamily
from agents.learning.families.encrypted_linear import LinearFamily
from agents.learning.families.encrypted_network import EncryptedNetwork
from agents.learning.family import EncryptedFamily
from agents.learning.plans.encrypted import (
    EncryptedCubicPlan,
    EncryptedFeaturesPlan,
    EncryptedLinearPlan,
    EncryptedLogisticPlan,
    EncryptedNetworkPlan,
    EncryptedPlan,
    EncryptedRidgePlan,
)
from agents.learning.plans.limits import DEFAULT_LIMITS, Limits

FAMILIES: dict[type[EncryptedPlan], Callable[..., EncryptedFamily]] = {
    EncryptedLinearPlan: LinearFamily,
    EncryptedRidgePlan: LinearFamily,
    EncryptedLogisticPlan: LinearFamily,
    EncryptedCubicPlan: EncryptedCubic,
    EncryptedNetworkPlan: EncryptedNetwork,
    EncryptedFeaturesPlan: FeaturesFamily,
}
KEPT = 8


@lru_cache(maxsize=KEPT)
def family_of(plan: EncryptedPlan, limits: Limits = DEFAULT_LIMITS) -> EncryptedFamily:
    """The family of a plan: the same object as long as it is among the latest, with what it has worked out.

    Raises:
        BadPlan: no family trains such plans, or its numbers could overflow, or leave too little noise budget.
    """
    family = FAMILIES.get(type(plan))
    if family is None:
        raise BadPlan(f"plan: this agent cannot train {type(plan).__name__} on ciphertexts")
    return family(plan, limits)
