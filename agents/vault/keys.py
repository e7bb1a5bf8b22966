"""Encryption keys of members: secp256k1 key pairs that agree on secrets (ECDH).

A member's encryption key is derived from its wallet (`SecretKey.from_seed`), so there is one secret to keep.
It never equals the wallet's key: a key that signs is not used to decrypt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from agents.core.derivation import derive
from agents.core.errors import BadInput, BadObject

PUBLIC_KEY_BYTES: Final = 64
X_BYTES: Final = 32
ENCRYPTION_PURPOSE: Final = b"holdfast/encryption-key/1"

_CURVE: Final = ec.SECP256K1()
_SEED_BYTES: Final = 32
_WIDE_BYTES: Final = 48  # 128 bits more than the order: reducing leaves a bias below 2^-128
_EVEN, _WHOLE = b"\x02", b"\x04"  # how SEC 1 marks an x whose y is even, and an x with its y


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
        _point(_WHOLE + self.encoded)

    @classmethod
    def from_x(cls, x: bytes) -> PublicKey:
        """The one of the two points with this ``x`` (32 bytes, big-endian) whose y is even.

        Raises:
            BadObject: the curve has no such points.
        """
        return cls(_encoded(_point(_EVEN + x)))

    @property
    def x(self) -> bytes:
        """32 bytes, big-endian. A point and its negative have the same one."""
        return self.encoded[:X_BYTES]

    def point(self) -> ec.EllipticCurvePublicKey:
        """The key as the library wants it."""
        return _point(_WHOLE + self.encoded)


class SecretKey:
    """A member's secret encryption key.

    It shows itself nowhere: not in repr or str, it refuses to be pickled or copied, and nothing gives its
    bytes away.
    """

    __slots__ = ("_key", "public_key")

    def __init__(self, key: ec.EllipticCurvePrivateKey) -> None:
        """Take over a key that the library made, of this curve: see `generate` and `from_seed`."""
        self._key = key
        self.public_key = PublicKey(_encoded(key.public_key()))

    @classmethod
    def generate(cls) -> SecretKey:
        """A fresh key from the operating system's randomness."""
        return cls(ec.generate_private_key(_CURVE))

    @classmethod
    def from_seed(cls, seed: bytes, purpose: bytes = ENCRYPTION_PURPOSE) -> SecretKey:
        """The key that belongs to a wallet's secret: the same seed and purpose give the same key.

        Args:
            seed: the wallet's secret, at least 32 bytes of full entropy (not a password).
            purpose: label of the use; keys of different purposes tell nothing about each other or the seed.

        Raises:
            BadInput: the seed is shorter than 32 bytes.
        """
        if len(seed) < _SEED_BYTES:
            raise BadInput(f"a seed of {len(seed)} bytes is too short: give at least {_SEED_BYTES}")
        wide = int.from_bytes(derive(seed, _WIDE_BYTES, purpose), "big")
        return cls(ec.derive_private_key(wide % (_CURVE.group_order - 1) + 1, _CURVE))

    def shared_with(self, other: PublicKey) -> bytes:
        """The 32 secret bytes that both owners can compute: the x of the product (SEC 1, 3.3.1).

        They are the same for ``other`` and for its negative, and are no key: `agents.vault.agreement` makes
        keys of them.
        """
        return self._key.exchange(ec.ECDH(), other.point())

    def __repr__(self) -> str:
        return "SecretKey(hidden)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret key is neither pickled nor copied")


def _point(marked: bytes) -> ec.EllipticCurvePublicKey:
    """A point of the curve; never the one at infinity, which is marked otherwise."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_CURVE, marked)
    except ValueError:
        raise BadObject("a public key that is not a point of secp256k1") from None


def _encoded(point: ec.EllipticCurvePublicKey) -> bytes:
    return point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)[len(_WHOLE) :]
