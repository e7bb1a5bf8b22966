"""What a sender and a reader agree on, though the reader sends nothing: secrets out of a key made for once.

The sender makes an ephemeral key pair, and writes the x of its public key beside what it seals. ECDH gives a
point and its negative the same secret, so x says all that counts, and no second way of writing the same key
is there to alter it by. HKDF-SHA256 makes secrets of the shared one, of the purpose, the ephemeral x and the
reader's whole public key, as in the key encapsulation of HPKE (RFC 9180, 4.1).
"""

from __future__ import annotations

from agents.core.derivation import derive
from agents.vault.keys import PublicKey, SecretKey


def sender_secrets(ephemeral: SecretKey, reader: PublicKey, length: int, purpose: bytes) -> bytes:
    """What the owner of an ephemeral key shares with a reader.

    Args:
        ephemeral: a fresh key, for one object.
        reader: the public key of whom the object is for.
        length: how many bytes.
        purpose: label of the use; of no two uses is one the beginning of the other.
    """
    return derive(ephemeral.shared_with(reader), length, purpose + ephemeral.public_key.x + reader.encoded)


def reader_secrets(reader: SecretKey, ephemeral_x: bytes, length: int, purpose: bytes) -> bytes:
    """The same, as the reader finds it.

    Raises:
        BadObject: ``ephemeral_x`` is of no point of the curve.
    """
    shared = reader.shared_with(PublicKey.from_x(ephemeral_x))
    return derive(shared, length, purpose + ephemeral_x + reader.public_key.encoded)
