"""A key pair for each subset, from which any two subsets agree on a secret without having met.

The data owner derives the private halves, which travel in the sealed packages; the public halves stand in the
dataset's description. Who has one of two private halves can work the pair's secret out (X25519, RFC 7748),
and nobody else can. A seed for masks is HKDF-SHA256 of that secret; its salt names the sum, so each sum has
masks of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from agents.core.derivation import derive
from agents.core.errors import BadPlan

KEY_BYTES = 32
SEED_BYTES = 32

_PRIME = 2**255 - 19
_MIDDLE = 486_662
"""The curve is y^2 = x^3 + 486662 x^2 + x modulo the prime; a public key is an x."""

_ANY_PRIVATE = bytes([1]) * KEY_BYTES
"""With a key of low order every private half agrees on zero, this one too."""


@dataclass(frozen=True)
class MaskKeys:
    """What the replicas of one subset have to make masks of.

    Attributes:
        private: this subset's half, 32 bytes.
        public: of all subsets of the dataset, in their order.
    """

    private: bytes = field(repr=False)
    public: tuple[bytes, ...]


def public_half(private: bytes) -> bytes:
    """The public half of 32 secret bytes."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def keys_of(privates: Sequence[bytes]) -> tuple[MaskKeys, ...]:
    """What each subset gets, of the private halves of all, 32 secret bytes each."""
    public = tuple(map(public_half, privates))
    return tuple(MaskKeys(private, public) for private in privates)


def pair_seed(keys: MaskKeys, own: int, partner: int, label: bytes) -> bytes:
    """32 secret bytes that two subsets have in common, for one sum.

    Args:
        keys: of the one.
        own: its place.
        partner: the other's.
        label: names the sum.

    Raises:
        BadPlan: the other's key is of low order: whatever is agreed on with it is known to everybody.
    """
    try:
        shared = X25519PrivateKey.from_private_bytes(keys.private).exchange(_public(keys.public[partner]))
    except ValueError as error:
        raise BadPlan(f"the mask key of subset {partner} is of low order: it hides nothing") from error
    first, second = sorted((own, partner))
    places = first.to_bytes(2, "little") + second.to_bytes(2, "little")
    ends = keys.public[first] + keys.public[second]
    return derive(shared, SEED_BYTES, b"holdfast/mask/1" + ends + places, salt=label)


def check_public(keys: Sequence[bytes]) -> None:
    """Checks the public halves of a dataset, as somebody else made them.

    Raises:
        ValueError: one is no point of the curve in its one form, of low order, or there twice.
    """
    for place, key in enumerate(keys):
        if len(key) != KEY_BYTES:
            raise ValueError(f"the mask key of subset {place} has {len(key)} bytes, not {KEY_BYTES}")
        if not _is_of_the_curve(int.from_bytes(key, "little")):
            raise ValueError(f"the mask key of subset {place} is no point of the curve")
        if _is_of_low_order(key):
            raise ValueError(f"the mask key of subset {place} is of low order, and hides nothing")
    if len(set(keys)) != len(keys):
        raise ValueError("two subsets have the same mask key")


def _is_of_the_curve(x: int) -> bool:
    """Whether there is a y for this x: if not, it is of the curve's twist, where no honest key is."""
    square = (x * x * x + _MIDDLE * x * x + x) % _PRIME
    return x < _PRIME and pow(square, (_PRIME - 1) // 2, _PRIME) in (0, 1)


def _is_of_low_order(key: bytes) -> bool:
    try:
        X25519PrivateKey.from_private_bytes(_ANY_PRIVATE).exchange(_public(key))
    except ValueError:
        return True
    return False


def _public(key: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(key)
