"""Encryption keys of members: secp256k1 key pairs for ECIES.

A member's encryption key is derived from its wallet (`SecretKey.from_seed`), so there is one secret to keep.
It never equals the wallet's key: a key that signs is not used to decrypt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn

import ecies.keys

from agents.core.derivation import derive
from agents.core.errors import BadInput, BadObject

PUBLIC_KEY_BYTES: Final = 64
SECRET_KEY_BYTES: Final = 32
ENCRYPTION_PURPOSE: Final = b"holdfast/encryption-key/1"

_GROUP_ORDER: Final = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
_WIDE_BYTES: Final = 48  # 128 bits more than the order: reducing leaves a bias below 2^-128


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A member's public encryption key, known to be a point of the curve.

    Attributes:
        encoded: 64 bytes, x then y, big-endian, without the prefix 04: as in the registration event.

    Raises:
        BadObject: the bytes are no point of secp256k1. Keys come from other members: this is one bad member.
    """

    encoded: bytes

    def __post_init__(self) -> None:
        if len(self.encoded) != PUBLIC_KEY_BYTES:
            raise BadObject(f"a public key has {PUBLIC_KEY_BYTES} bytes; this one has {len(self.encoded)}")
        try:
            self.point()
        except ValueError:
            raise BadObject("a public key that is not a point of secp256k1") from None

    def point(self) -> ecies.keys.PublicKey:
        """The key as the ECIES library wants it."""
        return ecies.keys.PublicKey("secp256k1", self.encoded)


class SecretKey:
    """A member's secret encryption key.

    It shows itself nowhere: not in repr or str, and it refuses to be pickled or copied. `expose` is the one
    way to its bytes.
    """

    __slots__ = ("_key", "public_key")

    def __init__(self, secret: bytes) -> None:
        """Take the key from its 32 bytes, big-endian.

        Raises:
            BadInput: not 32 bytes, zero, or not below the order of the curve.
        """
        if len(secret) != SECRET_KEY_BYTES or not 0 < int.from_bytes(secret, "big") < _GROUP_ORDER:
            raise BadInput("not a secret key of secp256k1: give 32 bytes, above zero and below its order")
        self._key = ecies.keys.PrivateKey("secp256k1", secret)
        self.public_key = PublicKey(self._key.public_key.to_bytes()[1:])

    @classmethod
    def generate(cls) -> SecretKey:
        """A fresh key from the operating system's randomness."""
        return cls(ecies.keys.PrivateKey("secp256k1").secret)

    @classmethod
    def from_seed(cls, seed: bytes, purpose: bytes = ENCRYPTION_PURPOSE) -> SecretKey:
        """The key that belongs to a wallet's secret: the same seed and purpose give the same key.

        Args:
            seed: the wallet's secret, at least 32 bytes of full entropy (not a password).
            purpose: label of the use; keys of different purposes tell nothing about each other or the seed.

        Raises:
            BadInput: the seed is shorter than 32 bytes.
        """
        if len(seed) < SECRET_KEY_BYTES:
            raise BadInput(f"a seed of {len(seed)} bytes is too short: give at least {SECRET_KEY_BYTES}")
        wide = int.from_bytes(derive(seed, _WIDE_BYTES, purpose), "big")
        return cls((wide % (_GROUP_ORDER - 1) + 1).to_bytes(SECRET_KEY_BYTES, "big"))

    def expose(self) -> bytes:
        """The 32 secret bytes. For the ECIES library and for nothing that is printed, logged or stored."""
        return self._key.secret

    def shared_with(self, point: ecies.keys.PublicKey) -> bytes:
        """The 32-byte secret that the owner of the ephemeral ``point`` encapsulated for this key."""
        return point.decapsulate(self._key)

    def __repr__(self) -> str:
        return "SecretKey(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key is neither pickled nor copied")
