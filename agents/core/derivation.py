"""Secrets from a secret: one key to keep, and as many as there are purposes."""

from __future__ import annotations

from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def derive(secret: bytes, length: int, purpose: bytes, salt: bytes = b"") -> bytes:
    """HKDF-SHA256 (RFC 5869): ``length`` bytes that are good for ``purpose`` alone.

    Args:
        secret: that all is derived from.
        length: how many bytes.
        purpose: what they are for.
        salt: public, of the occasion; another one gives other bytes.
    """
    return HKDF(SHA256(), length, salt or None, purpose).derive(secret)


def on_market(domain: bytes, purpose: bytes) -> bytes:
    """The purpose on one market alone: of the same wallet, other markets and chains have other secrets.

    Args:
        domain: of the market's receipts, which names its chain and its address.
        purpose: what the secret is for.
    """
    return b"%b@%b" % (purpose, domain.hex().encode())


def digest_of(*parts: bytes) -> bytes:
    """SHA-256 of a list: each part goes in with its length, so that no two lists are the same bytes."""
    return sha256(b"".join(len(part).to_bytes(8, "little") + part for part in parts)).digest()
