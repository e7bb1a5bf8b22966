"""Sealing to many members: the data once, under a content key that each reader finds for itself.

An envelope, byte by byte (integers big-endian)::

    offset    length
    0         4       "HFE1"
    4         33      ephemeral public key, compressed
    37        32      commitment to the content key
    69        2       number of readers r, 1..4096
    71        76 r    one slot a reader, ascending by tag:
                        16  tag
                        60  content key under the reader's slot key: nonce 12, AES-GCM tag 16, key 32
    71+76r    12      AES-GCM nonce
    83+76r    16      AES-GCM tag
    99+76r    ...     data under the data key, as long as the data

A reader's tag and slot key come from the secret that it shares with the ephemeral key (by eciespy), the
commitment and the data key from the content key; all by HKDF-SHA256 under the labels below. So a reader
needs one multiplication on the curve however many readers there are, and the tags tell nobody else whom the
envelope is for, though all members' public keys are known. Everything before the nonce, then the context, is
associated data of the data.

The commitment makes an envelope one message: AES-GCM alone would let a malicious sender write a ciphertext
that opens to different data for different readers (Dodis et al., "Fast message franking", CRYPTO 2018).
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Final

import ecies.keys
from Crypto.Cipher import AES
from ecies.utils import sym_decrypt, sym_encrypt

from agents.core.derivation import derive
from agents.core.errors import BadInput, BadObject
from agents.vault.keys import PublicKey, SecretKey

MAX_READERS: Final = 4096  # 256 subsets of 16 replicas

_MAGIC: Final = b"HFE1"
_COMMITMENT: Final = b"holdfast/envelope/1/commitment"
_DATA_KEY: Final = b"holdfast/envelope/1/data"
_SLOT: Final = b"holdfast/envelope/1/slot"

_KEY_BYTES: Final = 32
_POINT_BYTES: Final = 33
_COUNT_BYTES: Final = 2
_NONCE_BYTES: Final = 12
_MAC_BYTES: Final = 16
_TAG_BYTES: Final = 16
_SLOT_BYTES: Final = _TAG_BYTES + _NONCE_BYTES + _MAC_BYTES + _KEY_BYTES
_SLOTS_AT: Final = len(_MAGIC) + _POINT_BYTES + _KEY_BYTES + _COUNT_BYTES


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
    point: bytes
    commitment: bytes
    slots: tuple[bytes, ...]
    nonce: bytes
    mac: bytes
    ciphertext: bytes


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
    content_key = os.urandom(_KEY_BYTES)
    ephemeral = ecies.keys.PrivateKey("secp256k1")
    header = b"".join(
        [
            _MAGIC,
            ephemeral.public_key.to_bytes(compressed=True),
            derive(content_key, _KEY_BYTES, _COMMITMENT),
            len(readers).to_bytes(_COUNT_BYTES, "big"),
            *sorted(_slot(ephemeral, reader, content_key) for reader in readers),
        ]
    )
    return Envelope(header + _encrypt(content_key, data, header + context))


def open_envelope(secret_key: SecretKey, envelope: Envelope, context: bytes = b"") -> bytes:
    """The data of an envelope.

    Raises:
        BadObject: not an envelope, not for this key, altered in any byte, or sealed under another context.
    """
    layout = _parse(envelope.blob)
    content_key = _find_content_key(secret_key, layout)
    if content_key is None:
        raise BadObject("an envelope is not for this key")
    if not compare_digest(derive(content_key, _KEY_BYTES, _COMMITMENT), layout.commitment):
        raise BadObject("an envelope's content key is not the one it commits to")
    data = _decrypt(content_key, layout, context)
    if data is None:
        raise BadObject("an envelope was altered, or sealed under another context")
    return data


def _slot(ephemeral: ecies.keys.PrivateKey, reader: PublicKey, content_key: bytes) -> bytes:
    tag, slot_key = _slot_secrets(ephemeral.encapsulate(reader.point()))
    return tag + sym_encrypt(slot_key, content_key, nonce_length=_NONCE_BYTES)


def _slot_secrets(shared: bytes) -> tuple[bytes, bytes]:
    secrets = derive(shared, _TAG_BYTES + _KEY_BYTES, _SLOT)
    return secrets[:_TAG_BYTES], secrets[_TAG_BYTES:]


def _parse(blob: bytes) -> _Layout:
    readers = int.from_bytes(blob[_SLOTS_AT - _COUNT_BYTES : _SLOTS_AT], "big")
    slots_end = _SLOTS_AT + _SLOT_BYTES * readers
    data_at = slots_end + _NONCE_BYTES + _MAC_BYTES
    if not blob.startswith(_MAGIC) or not 1 <= readers <= MAX_READERS or len(blob) < data_at:
        raise BadObject(f"{len(blob)} bytes that are not an envelope")
    point_end = len(_MAGIC) + _POINT_BYTES
    return _Layout(
        header=blob[:slots_end],
        point=blob[len(_MAGIC) : point_end],
        commitment=blob[point_end : point_end + _KEY_BYTES],
        slots=tuple(blob[at : at + _SLOT_BYTES] for at in range(_SLOTS_AT, slots_end, _SLOT_BYTES)),
        nonce=blob[slots_end : slots_end + _NONCE_BYTES],
        mac=blob[slots_end + _NONCE_BYTES : data_at],
        ciphertext=blob[data_at:],
    )


def _find_content_key(secret_key: SecretKey, layout: _Layout) -> bytes | None:
    try:
        shared = secret_key.shared_with(ecies.keys.PublicKey("secp256k1", layout.point))
        tag, slot_key = _slot_secrets(shared)
        mine = next((slot for slot in layout.slots if slot.startswith(tag)), None)
        return None if mine is None else sym_decrypt(slot_key, mine[_TAG_BYTES:], nonce_length=_NONCE_BYTES)
    except ValueError:  # no point of the curve, or an altered slot
        return None


def _encrypt(content_key: bytes, data: bytes, associated: bytes) -> bytes:
    cipher = AES.new(derive(content_key, _KEY_BYTES, _DATA_KEY), AES.MODE_GCM, os.urandom(_NONCE_BYTES))
    ciphertext, mac = cipher.update(associated).encrypt_and_digest(data)
    return bytes(cipher.nonce) + mac + ciphertext


def _decrypt(content_key: bytes, layout: _Layout, context: bytes) -> bytes | None:
    cipher = AES.new(derive(content_key, _KEY_BYTES, _DATA_KEY), AES.MODE_GCM, layout.nonce)
    try:
        return cipher.update(layout.header + context).decrypt_and_verify(layout.ciphertext, layout.mac)
    except ValueError:
        return None
