"""Which class trains which plan on ciphertexts. A new family is one line here."""

from __future__ import annotations

from agents.core.errors import BadPlan
from agents.learning.encrypted.family import EncryptedFamily
from agents.learning.encrypted_plan import EncryptedPlan
from agents.learning.limits import DEFAULT_LIMITS, Limits

FAMILIES: dict[type[EncryptedPlan], type[EncryptedFamily]] = {}


def family_of(plan: EncryptedPlan, limits: Limits = DEFAULT_LIMITS) -> EncryptedFamily:
    """The family of a plan.

    Raises:
        BadPlan: no family trains such plans, or its numbers could overflow, or leave too little noise budget.
    """
    family = FAMILIES.get(type(plan))
    if family is None:
        raise BadPlan(f"plan: this agent cannot train {type(plan).__name__} on ciphertexts")
    return family(plan, limits)
