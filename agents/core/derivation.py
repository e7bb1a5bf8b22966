"""Secrets from a secret: one key to keep, and as many as there are purposes."""

from __future__ import annotations

from typing import cast

from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF


def derive(secret: bytes, length: int, purpose: bytes) -> bytes:
    """HKDF-SHA256 (RFC 5869) without salt: ``length`` bytes that are good for ``purpose`` alone."""
    return cast(bytes, HKDF(secret, length, b"", SHA256, context=purpose))
