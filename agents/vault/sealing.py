"""Sealing to one member: a key from secp256k1, AES-256-GCM under it.

A sealed object, byte by byte::

    offset  length
    0       1       "S"
    1       32      x of the ephemeral public key, big-endian
    33      12      AES-GCM nonce
    45      16      AES-GCM tag
    61      1       length c of the context, 0..255   } encrypted
    62      c       context                           } and
    62+c    ...     data                              } authenticated

The AES key is what sender and reader agree on (`agents.vault.agreement`) under the label below. Every byte of
a sealed location is paid for on chain. The context stands inside: as associated data of AES-GCM it would not
be fixed, for a sender could look for one ciphertext that opens under two contexts.

A seal keeps a secret and shows tampering. It does not show who sealed: anybody can seal to a public key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agents.core.errors import BadInput, BadObject
from agents.vault.agreement import reader_secrets, sender_secrets
from agents.vault.cipher import CIPHER_OVERHEAD_BYTES, KEY_BYTES, decrypt, encrypt
from agents.vault.keys import X_BYTES, PublicKey, SecretKey

_MAGIC: Final = b"S"
_EARLIER: Final = (b"\x02", b"\x03")
_KEY: Final = b"holdfast/sealed/2/key"
_HEAD_BYTES: Final = len(_MAGIC) + X_BYTES

MAX_CONTEXT_BYTES: Final = 255
SEAL_OVERHEAD_BYTES: Final = _HEAD_BYTES + CIPHER_OVERHEAD_BYTES + 1  # without a context


@dataclass(frozen=True, slots=True, repr=False)
class Sealed:
    """Bytes that only one member can open. A type of its own, so that it is never taken for plaintext.

    Attributes:
        blob: the sealed bytes, as they are stored or logged. Not checked until opened.
    """

    blob: bytes

    def __repr__(self) -> str:
        return f"Sealed({len(self.blob)} bytes)"


def seal(public_key: PublicKey, data: bytes, context: bytes = b"") -> Sealed:
    """Seal ``data`` so that only the owner of ``public_key`` reads it, and only under the same ``context``.

    Args:
        public_key: the reader's key.
        data: any bytes, none included.
        context: what the data are for, at most 255 bytes; public knowledge such as ``b"holdfast/model/7/3"``.

    Raises:
        BadInput: the context is too long.
    """
    framed = _frame(context) + data
    ephemeral = SecretKey.generate()
    key = sender_secrets(ephemeral, public_key, KEY_BYTES, _KEY)
    return Sealed(b"".join([_MAGIC, ephemeral.public_key.x, encrypt(key, framed)]))


def open_sealed(secret_key: SecretKey, sealed: Sealed, context: bytes = b"") -> bytes:
    """The data of a sealed object.

    Raises:
        BadObject: sealed to another key, by an earlier version, altered, cut short, or under another context.
        BadInput: the context is too long.
    """
    frame = _frame(context)
    if sealed.blob.startswith(_EARLIER):
        raise BadObject(f"a sealed object of {len(sealed.blob)} bytes is of an earlier version, or altered")
    plaintext = _decrypt(secret_key, sealed.blob)
    if plaintext is None:
        raise BadObject(f"a sealed object of {len(sealed.blob)} bytes does not open with this key")
    if not plaintext.startswith(frame):
        raise BadObject("a sealed object was sealed under another context")
    return plaintext[len(frame) :]


def _frame(context: bytes) -> bytes:
    if len(context) > MAX_CONTEXT_BYTES:
        raise BadInput(f"a context of {len(context)} bytes: give at most {MAX_CONTEXT_BYTES}")
    return bytes([len(context)]) + context


def _decrypt(secret_key: SecretKey, blob: bytes) -> bytes | None:
    if not blob.startswith(_MAGIC):
        return None
    try:
        key = reader_secrets(secret_key, blob[len(_MAGIC) : _HEAD_BYTES], KEY_BYTES, _KEY)
    except BadObject:  # no point of the curve
        return None
    return decrypt(key, blob[_HEAD_BYTES:])
