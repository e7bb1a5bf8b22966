"""The chapter of tests/vectors.json on what two subsets agree on for masks.

As tools/make_vectors.py, which writes it, this shares no code with the agents: the curve is RFC 7748's
ladder on plain integers, HKDF is HMAC.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from itertools import combinations

from tools.vault_vectors import Vector, hexadecimal, made

FIELD = 2**255 - 19
FACTOR = 121_665
BASE = (9).to_bytes(32, "little")
SUBSETS = 3
SUMS = ("a sum", "another sum")


def x25519(secret: bytes, point: bytes) -> bytes:
    """The product of a point and a secret number (RFC 7748, 5)."""
    number = int.from_bytes(secret, "little") & ~7 & (2**255 - 1) | 2**254
    x1 = int.from_bytes(point, "little") % 2**255
    (x2, z2), (x3, z3), swapped = (1, 0), (x1, 1), 0
    for place in reversed(range(255)):
        bit = number >> place & 1
        if swapped ^ bit:
            (x2, z2), (x3, z3) = (x3, z3), (x2, z2)
        swapped = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a, b * b, d * a, c * b
        difference = aa - bb
        x3, z3 = (da + cb) ** 2 % FIELD, x1 * (da - cb) ** 2 % FIELD
        x2, z2 = aa * bb % FIELD, difference * (aa + FACTOR * difference) % FIELD
    if swapped:
        x2, z2 = x3, z3
    return (x2 * pow(z2, FIELD - 2, FIELD) % FIELD).to_bytes(32, "little")


def hkdf(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    """RFC 5869 with SHA-256: 32 bytes."""
    return hmac.digest(hmac.digest(salt, secret, "sha256"), purpose + b"\x01", "sha256")


def mask_seeds() -> Iterator[Vector]:
    """Of each two of three subsets, for two sums."""
    privates = [made(f"private half {place}") for place in range(SUBSETS)]
    publics = [x25519(private, BASE) for private in privates]
    for label in SUMS:
        for one, other in combinations(range(SUBSETS), 2):
            shared = x25519(privates[one], publics[other])
            places = one.to_bytes(2, "little") + other.to_bytes(2, "little")
            purpose = b"holdfast/mask/1" + publics[one] + publics[other] + places
            yield {
                "privates": list(map(hexadecimal, privates)),
                "publics": list(map(hexadecimal, publics)),
                "subsets": [one, other],
                "label": hexadecimal(made(label)),
                "seed": hexadecimal(hkdf(shared, made(label), purpose)),
            }
