"""Sealing to many members.

Rules: V2, V3, V4, V5.
"""

from __future__ import annotations

import pytest
from Crypto.Cipher import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.derivation import derive
from agents.core.errors import BadInput, BadObject
from agents.vault import envelope
from agents.vault.agreement import sender_secrets
from agents.vault.cipher import encrypt
from agents.vault.envelope import MAX_READERS, Envelope, open_envelope, seal_to_many
from agents.vault.keys import PublicKey, SecretKey

READERS = [SecretKey.from_seed(bytes([index]) * 32) for index in range(5)]
KEYS = [reader.public_key for reader in READERS]
OF_AN_EARLIER_VERSION = (
    "4846453103c7ebd66d21d84565620f0ac7ae422623073b85db326eb7445dae751a07e2fb9514d8956fab5291275ab5cbfd3c10bb"
    "eaf82f0c1a94317a5b6c198dccd563672b0001f2151599eda354911d2fd6f63cdeafa997932353343e19bdbb38d358b349cf3e6d"
    "154c24f1575cb3268d1ce44139fc3021d834553986cb9aeb41113559b0c626bbe6a48c6cf705360f5780d6bd315adbc3ed8ec355"
    "5438ad244ade388935ee170484210bdb0d9075784d08675aba2cdf3c099b79faf70e86c4b418dd55"
)
DATA = b"weights of the third round"
CONTEXT = b"holdfast/weights/7/3"


@settings(max_examples=40, deadline=None)
@given(count=st.integers(1, 5), data=st.binary(max_size=300), context=st.binary(max_size=300))
def test_opens_for_every_reader(count: int, data: bytes, context: bytes) -> None:
    sealed = seal_to_many(KEYS[:count], data, context)
    assert len(sealed.blob) == 98 + 76 * count + len(data)
    assert [open_envelope(reader, sealed, context) for reader in READERS[:count]] == [data] * count


def test_layout_is_the_documented_one() -> None:
    """A reader written from the module's table alone, with another cipher, opens the envelope."""
    blob = seal_to_many(KEYS[:3], DATA, CONTEXT).blob
    shared = READERS[1].shared_with(PublicKey.from_x(blob[4:36]))
    secrets = derive(shared, 48, b"holdfast/envelope/2/slot" + blob[4:36] + KEYS[1].encoded)
    (slot,) = (slot for slot in slots(blob) if slot[:16] == secrets[:16])
    content_key = AES.new(secrets[16:], AES.MODE_GCM, slot[16:28]).decrypt_and_verify(slot[44:], slot[28:44])
    data_key = derive(content_key, 32, b"holdfast/envelope/2/data")
    cipher = AES.new(data_key, AES.MODE_GCM, blob[298:310]).update(blob[:298])
    assert cipher.decrypt_and_verify(blob[326:], blob[310:326]) == DATA
    assert blob[36:68] == derive(content_key, 32, b"holdfast/envelope/2/commitment" + CONTEXT)
    assert (blob[:4], blob[68:70]) == (b"HFE2", b"\x00\x03")


def test_refuses_what_an_earlier_version_sealed() -> None:
    blob = bytes.fromhex(OF_AN_EARLIER_VERSION)
    with pytest.raises(BadObject, match=r"^an envelope of 196 bytes is of an earlier version$"):
        open_envelope(READERS[0], Envelope(blob))


def test_refuses_everybody_else(mallory: SecretKey) -> None:
    with pytest.raises(BadObject, match="not for this key"):
        open_envelope(mallory, seal_to_many(KEYS, DATA))


def test_a_key_given_twice_counts_once() -> None:
    assert len(seal_to_many([*KEYS, *KEYS], DATA).blob) == len(seal_to_many(KEYS, DATA).blob)


def test_refuses_an_envelope_for_nobody() -> None:
    with pytest.raises(BadInput, match="0 readers: give 1 to 4096"):
        seal_to_many([], DATA)


def test_refuses_too_many_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "MAX_READERS", 4)
    with pytest.raises(BadInput, match="5 readers: give 1 to 4"):
        seal_to_many(KEYS, DATA)


@pytest.mark.parametrize("count", [0, 1, 3, MAX_READERS + 1, 0xFFFF])
def test_refuses_a_wrong_number_of_readers(count: int) -> None:
    blob = seal_to_many(KEYS[:2], DATA).blob
    with pytest.raises(BadObject):
        open_envelope(READERS[0], Envelope(blob[:68] + count.to_bytes(2, "big") + blob[70:]))


@pytest.mark.parametrize("context", [b"", CONTEXT[:-1], CONTEXT + b"0", b"holdfast/weights/7/4"])
def test_refuses_another_context(context: bytes) -> None:
    with pytest.raises(BadObject, match="another context"):
        open_envelope(READERS[0], seal_to_many(KEYS, DATA, CONTEXT), context)


def test_refuses_a_change_of_any_byte_for_every_reader() -> None:
    """The other reader's slot included: an envelope is one thing, whoever opens it."""
    blob = seal_to_many(KEYS[:2], DATA, CONTEXT).blob
    for at in range(len(blob)):
        altered = Envelope(blob[:at] + bytes([blob[at] ^ 0x01]) + blob[at + 1 :])
        for reader in READERS[:2]:
            with pytest.raises(BadObject):
                open_envelope(reader, altered, CONTEXT)


def test_refuses_every_truncation_and_an_extension() -> None:
    blob = seal_to_many(KEYS[:2], DATA).blob
    for length in range(len(blob)):
        with pytest.raises(BadObject):
            open_envelope(READERS[0], Envelope(blob[:length]))
    with pytest.raises(BadObject):
        open_envelope(READERS[0], Envelope(blob + b"\x00"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=400))
def test_refuses_noise(tail: bytes) -> None:
    for blob in (tail, b"HFE2" + tail):
        with pytest.raises(BadObject):
            open_envelope(READERS[0], Envelope(blob))


def test_refuses_a_slot_with_a_content_key_of_its_own() -> None:
    """A cheating sender would show one reader other data under the same ciphertext."""
    content_key, other_key = b"c" * 32, b"o" * 32
    sender = SecretKey.generate()
    slots = [envelope._slot(sender, KEYS[0], content_key), envelope._slot(sender, KEYS[1], other_key)]
    commitment = envelope._commitment(content_key, b"")
    header = b"".join([b"HFE2", sender.public_key.x, commitment, b"\x00\x02", *sorted(slots)])
    sealed = Envelope(header + encrypt(envelope._data_key(content_key), DATA, header))
    assert open_envelope(READERS[0], sealed) == DATA
    with pytest.raises(BadObject, match="commits to another content key"):
        open_envelope(READERS[1], sealed)


def test_refuses_a_content_key_of_another_length() -> None:
    sender = SecretKey.generate()
    secrets = sender_secrets(sender, KEYS[0], 48, b"holdfast/envelope/2/slot")
    slot = secrets[:16] + encrypt(secrets[16:], b"k" * 32)
    header = b"HFE2" + sender.public_key.x + bytes(32) + b"\x00\x01" + slot[:-1]
    with pytest.raises(BadObject):
        open_envelope(READERS[0], Envelope(header + bytes(60)))


def test_shows_neither_readers_nor_data_nor_order() -> None:
    sealed, again = seal_to_many(KEYS, DATA, CONTEXT), seal_to_many(KEYS[::-1], DATA, CONTEXT)
    for blob in (sealed.blob, again.blob):
        assert DATA[:5] not in blob
        assert CONTEXT[:8] not in blob
        assert not any(key.encoded[at : at + 8] in blob for key in KEYS for at in range(0, 64, 8))
        assert slots(blob) == sorted(slots(blob))
    assert not {slot[:16] for slot in slots(sealed.blob)} & {slot[:16] for slot in slots(again.blob)}
    assert repr(sealed) == f"Envelope({len(sealed.blob)} bytes)"


def test_reading_takes_one_multiplication_however_many_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[PublicKey] = []
    shared_with = SecretKey.shared_with

    def counted(key: SecretKey, other: PublicKey) -> bytes:
        calls.append(key.public_key)
        return shared_with(key, other)

    sealed = seal_to_many(KEYS, DATA)
    monkeypatch.setattr(SecretKey, "shared_with", counted)
    assert open_envelope(READERS[4], sealed) == DATA
    assert calls == [KEYS[4]]


def slots(blob: bytes) -> list[bytes]:
    end = 70 + 76 * int.from_bytes(blob[68:70], "big")
    return [blob[at : at + 76] for at in range(70, end, 76)]
