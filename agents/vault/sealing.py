"""Sealing to one member: ECIES on secp256k1 with AES-256-GCM (eciespy).

A sealed object, byte by byte::

    offset  length
    0       33      ephemeral public key, compressed
    33      12      AES-GCM nonce
    45      16      AES-GCM tag
    61      1       length c of the context, 0..255   } encrypted
    62      c       context                           } and
    62+c    ...     data                              } authenticated

The first three rows are eciespy's own layout with a compressed key and a 12-byte nonce, the shortest it
offers: every byte of a sealed location is paid for on chain. eciespy takes no associated data, so the context
stands inside.

A seal keeps a secret and shows tampering. It does not show who sealed: anybody can seal to a public key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import ecies
from ecies.config import Config

from agents.core.errors import BadInput, BadObject
from agents.vault.keys import PublicKey, SecretKey

MAX_CONTEXT_BYTES: Final = 255
SEAL_OVERHEAD_BYTES: Final = 33 + 12 + 16 + 1  # without a context

_ECIES: Final = Config(
    is_ephemeral_key_compressed=True, is_hkdf_key_compressed=True, symmetric_nonce_length=12
)


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
    return Sealed(ecies.encrypt(public_key.encoded, _frame(context) + data, _ECIES))


def open_sealed(secret_key: SecretKey, sealed: Sealed, context: bytes = b"") -> bytes:
    """The data of a sealed object.

    Raises:
        BadObject: sealed to another key, altered, cut short, or sealed under another context.
        BadInput: the context is too long.
    """
    frame = _frame(context)
    plaintext = _decrypt(secret_key, sealed)
    # Raised out here: an exception chained to the library's would hold frames that hold the secret.
    if plaintext is None:
        raise BadObject(f"a sealed object of {len(sealed.blob)} bytes does not open with this key")
    if not plaintext.startswith(frame):
        raise BadObject("a sealed object was sealed under another context")
    return plaintext[len(frame) :]


def _frame(context: bytes) -> bytes:
    if len(context) > MAX_CONTEXT_BYTES:
        raise BadInput(f"a context of {len(context)} bytes: give at most {MAX_CONTEXT_BYTES}")
    return bytes([len(context)]) + context


def _decrypt(secret_key: SecretKey, sealed: Sealed) -> bytes | None:
    try:
        return ecies.decrypt(secret_key.expose(), sealed.blob, _ECIES)
    except ValueError:  # what the curve and the cipher raise, whatever is wrong
        return None
