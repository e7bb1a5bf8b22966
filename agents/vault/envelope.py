"""Sealing to many members: the data once, under a content key that each reader finds for itself.

An envelope, byte by byte (integers big-endian)::

    offset    length
    0         4       "HFE2"
    4         32      x of the ephemeral public key
    36        32      commitment to the content key and the context
    68        2       number of readers r, 1..4096
    70        76 r    one slot a reader, ascending by tag:
                        16  tag
                        60  content key under the reader's slot key: nonce 12, AES-GCM tag 16, key 32
    70+76r    12      AES-GCM nonce
    82+76r    16      AES-GCM tag
    98+76r    ...     data under the data key, as long as the data

A reader's tag and slot key are what it agrees on with the sender (`agents.vault.agreement`). The commitment
and the data key come from the content key by HKDF-SHA256, the commitment from the context, too; all under the
labels below. So a reader needs one multiplication on the curve however many readers there are, and the tags
tell nobody else whom the envelope is for, though all members' public keys are known. Everything before the
nonce is associated data of the data.

The commitment makes an envelope one message: AES-GCM alone would let a malicious sender write a ciphertext
that opens to different data for different readers (Dodis et al., "Fast message franking", CRYPTO 2018), or
under different contexts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

from agents.core.derivation import derive
from agents.core.errors import BadInput, BadObject
from agents.vault.agreement import reader_secrets, sender_secrets
from agents.vault.cipher import CIPHER_OVERHEAD_BYTES, KEY_BYTES, decrypt, encrypt
from agents.vault.keys import X_BYTES, PublicKey, SecretKey

MAX_READERS: Final = 4096  # 256 subsets of 16 replicas

_MAGIC: Final = b"HFE2"
_EARLIER: Final = b"HFE1"
_COMMITMENT: Final = b"holdfast/envelope/2/commitment"
_DATA_KEY: Final = b"holdfast/envelope/2/data"
_SLOT: Final = b"holdfast/envelope/2/slot"

_COUNT_BYTES: Final = 2
_TAG_BYTES: Final = 16
_SLOT_BYTES: Final = _TAG_BYTES + CIPHER_OVERHEAD_BYTES + KEY_BYTES
_X_END: Final = len(_MAGIC) + X_BYTES
_COUNT_AT: Final = _X_END + KEY_BYTES
_SLOTS_AT: Final = _COUNT_AT + _COUNT_BYTES


@dataclass(frozen=True, slots=True, repr=False)
class Envelope:
    """Bytes that several members can open. A type of its own, so that it is never taken for plaintext.

    Attributes:
        blob: the envelope's bytes, as they are stored. Not checked until opened.
    """

    blob: bytes

    def __repr__(self) -> str:
        return f"Envelope({len(self.blob)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class _Layout:
    """The parts of an envelope whose lengths fit; nothing else is checked yet."""

    header: bytes
    ephemeral_x: bytes
    commitment: bytes
    slots: tuple[bytes, ...]
    encrypted: bytes


def seal_to_many(public_keys: Iterable[PublicKey], data: bytes, context: bytes = b"") -> Envelope:
    """Seal ``data`` so that every owner of one of ``public_keys`` reads it, under the same ``context`` only.

    A key given twice counts once; the order of the keys does not show.

    Args:
        public_keys: the readers' keys, 1 to 4096 different ones.
        data: any bytes, none included.
        context: what the data are for, of any length; public knowledge such as ``b"holdfast/weights/7/3"``.

    Raises:
        BadInput: no reader, or more than 4096.
    """
    readers = set(public_keys)
    if not 1 <= len(readers) <= MAX_READERS:
        raise BadInput(f"an envelope for {len(readers)} readers: give 1 to {MAX_READERS} public keys")
    content_key = os.urandom(KEY_BYTES)
    ephemeral = SecretKey.generate()
    header = b"".join(
        [
            _MAGIC,
            ephemeral.public_key.x,
            _commitment(content_key, context),
            len(readers).to_bytes(_COUNT_BYTES, "big"),
            *sorted(_slot(ephemeral, reader, content_key) for reader in readers),
        ]
    )
    return Envelope(header + encrypt(_data_key(content_key), data, header))


def open_envelope(secret_key: SecretKey, envelope: Envelope, context: bytes = b"") -> bytes:
    """The data of an envelope.

    Raises:
        BadObject: not an envelope of this version, not for this key, altered in any byte, or sealed under
            another context.
    """
    layout = _parse(envelope.blob)
    content_key = _find_content_key(secret_key, layout)
    if content_key is None:
        raise BadObject("an envelope is not for this key")
    if not compare_digest(_commitment(content_key, context), layout.commitment):
        raise BadObject("an envelope commits to another content key or another context")
    data = decrypt(_data_key(content_key), layout.encrypted, layout.header)
    if data is None:
        raise BadObject("an envelope was altered")
    return data


def _commitment(content_key: bytes, context: bytes) -> bytes:
    return derive(content_key, KEY_BYTES, _COMMITMENT + context)


def _data_key(content_key: bytes) -> bytes:
    return derive(content_key, KEY_BYTES, _DATA_KEY)


def _slot(ephemeral: SecretKey, reader: PublicKey, content_key: bytes) -> bytes:
    secrets = sender_secrets(ephemeral, reader, _TAG_BYTES + KEY_BYTES, _SLOT)
    return secrets[:_TAG_BYTES] + encrypt(secrets[_TAG_BYTES:], content_key)


def _parse(blob: bytes) -> _Layout:
    if blob.startswith(_EARLIER):
        raise BadObject(f"an envelope of {len(blob)} bytes is of an earlier version")
    readers = int.from_bytes(blob[_COUNT_AT:_SLOTS_AT], "big")
    slots_end = _SLOTS_AT + _SLOT_BYTES * readers
    least = slots_end + CIPHER_OVERHEAD_BYTES
    if not blob.startswith(_MAGIC) or not 1 <= readers <= MAX_READERS or len(blob) < least:
        raise BadObject(f"{len(blob)} bytes that are not an envelope")
    return _Layout(
        header=blob[:slots_end],
        ephemeral_x=blob[len(_MAGIC) : _X_END],
        commitment=blob[_X_END:_COUNT_AT],
        slots=tuple(blob[at : at + _SLOT_BYTES] for at in range(_SLOTS_AT, slots_end, _SLOT_BYTES)),
        encrypted=blob[slots_end:],
    )


def _find_content_key(secret_key: SecretKey, layout: _Layout) -> bytes | None:
    try:
        secrets = reader_secrets(secret_key, layout.ephemeral_x, _TAG_BYTES + KEY_BYTES, _SLOT)
    except BadObject:  # no point of the curve
        return None
    tag, slot_key = secrets[:_TAG_BYTES], secrets[_TAG_BYTES:]
    mine = next((slot for slot in layout.slots if slot.startswith(tag)), None)
    return None if mine is None else decrypt(slot_key, mine[_TAG_BYTES:])
