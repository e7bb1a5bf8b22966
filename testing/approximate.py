"""Plans of approximate families, and families in a small ring: fast, right, with no room to hide noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

from agents.learning.families import encrypted_cubic, encrypted_network
from agents.learning.families.encrypted_cubic import EncryptedCubic, EncryptedCubicPlan
from agents.learning.families.encrypted_network import EncryptedNetwork, EncryptedNetworkPlan
from agents.learning.he.ckks.family import ApproximateFamily
from agents.learning.he.ckks.headroom import Headroom
from agents.learning.plans.base import Stop
from agents.learning.plans.encrypted import Encryption

ENCRYPTION = {
    "encrypted-cubic": Encryption(degree=16384, primes=(60, 60, 60, 53, 48, 60), scale_bits=53),
    "encrypted-network": Encryption(degree=16384, primes=(60, 60, 30, 58, 58, 58, 48, 60), scale_bits=58),
}
SMALL_ENCRYPTION = {
    "encrypted-cubic": Encryption(degree=8192, primes=(40, 30, 30, 30, 30, 40), scale_bits=30),
    "encrypted-network": Encryption(degree=8192, primes=(32, 22, 22, 27, 27, 27, 27, 34), scale_bits=27),
}
FAMILIES = tuple(ENCRYPTION)


def approximate_plan(family: str = "encrypted-cubic", **changes: Any) -> Any:
    """A plan of three features and two classes, with any field changed."""
    classes = changes.get("classes", 2)
    fields: dict[str, Any] = {
        "features": 3,
        "classes": classes,
        "rows": 64,
        "local_steps": 1,
        "rounds": 4,
        "stop": Stop(metric="accuracy" if classes else "r2"),
        "encryption": ENCRYPTION[family],
    }
    if family == "encrypted-cubic":
        own = {"step": Fraction(1, 17), "clip": 4, "l2": Fraction(1, 10)}
        return EncryptedCubicPlan(**(fields | own | changes))
    own = {"step": Fraction(1, 5), "clip": 2, "hidden": 3, "seed": 1}
    return EncryptedNetworkPlan(**(fields | own | changes))


class NoHeadroom(Headroom):
    """Of a small ring: there is none to check."""

    def check(self, noise_size: float, largest: float, ciphertexts: int, members: int) -> None:
        pass


def small_cubic(plan: EncryptedCubicPlan) -> EncryptedCubic:
    """In a ring of degree 8192."""
    return EncryptedCubic(plan, levels=replace(encrypted_cubic.LEVELS, gradient_bits=14), headroom=NoHeadroom)


def small_network(plan: EncryptedNetworkPlan) -> EncryptedNetwork:
    """In a ring of degree 8192."""
    return EncryptedNetwork(
        plan, levels=replace(encrypted_network.LEVELS, gradient_bits=30), headroom=NoHeadroom
    )


SMALL: dict[str, Callable[[Any], ApproximateFamily]] = {
    "encrypted-cubic": small_cubic,
    "encrypted-network": small_network,
}


def small_family(name: str, **changes: Any) -> ApproximateFamily:
    """A family in the small ring."""
    return SMALL[name](approximate_plan(name, encryption=SMALL_ENCRYPTION[name], **changes))
