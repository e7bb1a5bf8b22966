"""Sealing to one member.

Rules: V2.
"""

from __future__ import annotations

import ecies
import pytest
from ecies.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.errors import BadInput, BadObject
from agents.vault.keys import SecretKey
from agents.vault.sealing import MAX_CONTEXT_BYTES, SEAL_OVERHEAD_BYTES, Sealed, open_sealed, seal

KEY = SecretKey.from_seed(b"k" * 32)
DATA = b"twelve patients, three of them ill"
CONTEXT = b"holdfast/model/7/3"


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300), context=st.binary(max_size=MAX_CONTEXT_BYTES))
def test_opens_to_what_was_sealed(data: bytes, context: bytes) -> None:
    sealed = seal(KEY.public_key, data, context)
    assert len(sealed.blob) == SEAL_OVERHEAD_BYTES + len(context) + len(data)
    assert open_sealed(KEY, sealed, context) == data


def test_layout_is_the_documented_one() -> None:
    """The library alone opens it: the frame is one length byte, the context, the data."""
    layout = Config(is_ephemeral_key_compressed=True, is_hkdf_key_compressed=True, symmetric_nonce_length=12)
    plaintext = ecies.decrypt(KEY.expose(), seal(KEY.public_key, DATA, CONTEXT).blob, layout)
    assert plaintext == bytes([len(CONTEXT)]) + CONTEXT + DATA


def test_sealing_twice_gives_different_bytes() -> None:
    first, second = (seal(KEY.public_key, DATA).blob for _ in range(2))
    for part in (slice(0, 33), slice(33, 45), slice(45, 61), slice(61, None)):
        assert first[part] != second[part]


def test_does_not_show_the_data() -> None:
    sealed = seal(KEY.public_key, DATA, CONTEXT)
    assert DATA[:5] not in sealed.blob
    assert CONTEXT[:8] not in sealed.blob
    assert repr(sealed) == f"Sealed({len(sealed.blob)} bytes)"


def test_refuses_another_key(mallory: SecretKey) -> None:
    with pytest.raises(BadObject, match="does not open with this key"):
        open_sealed(mallory, seal(KEY.public_key, DATA))


@pytest.mark.parametrize("context", [b"", CONTEXT[:-1], CONTEXT + b"0", b"holdfast/model/7/4"])
def test_refuses_another_context(context: bytes) -> None:
    with pytest.raises(BadObject, match="another context"):
        open_sealed(KEY, seal(KEY.public_key, DATA, CONTEXT), context)


def test_refuses_data_that_look_like_a_context() -> None:
    """What a sealer may choose freely, the data, cannot stand in for the context."""
    with pytest.raises(BadObject, match="another context"):
        open_sealed(KEY, seal(KEY.public_key, bytes([len(CONTEXT)]) + CONTEXT + DATA), CONTEXT)


def test_refuses_a_context_that_is_too_long() -> None:
    too_long = bytes(MAX_CONTEXT_BYTES + 1)
    with pytest.raises(BadInput, match="256 bytes: give at most 255"):
        seal(KEY.public_key, DATA, too_long)
    with pytest.raises(BadInput, match="256 bytes: give at most 255"):
        open_sealed(KEY, seal(KEY.public_key, DATA), too_long)


def test_refuses_a_change_of_any_byte() -> None:
    """Ephemeral key, nonce, tag and ciphertext: nothing can be altered unseen."""
    blob = seal(KEY.public_key, DATA, CONTEXT).blob
    for at in range(len(blob)):
        for mask in (0x01, 0x80, 0xFF):
            altered = blob[:at] + bytes([blob[at] ^ mask]) + blob[at + 1 :]
            with pytest.raises(BadObject):
                open_sealed(KEY, Sealed(altered), CONTEXT)


def test_refuses_every_truncation_and_an_extension() -> None:
    blob = seal(KEY.public_key, DATA).blob
    for length in range(len(blob)):
        with pytest.raises(BadObject):
            open_sealed(KEY, Sealed(blob[:length]))
    with pytest.raises(BadObject):
        open_sealed(KEY, Sealed(blob + b"\x00"))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200))
def test_refuses_noise(blob: bytes) -> None:
    with pytest.raises(BadObject):
        open_sealed(KEY, Sealed(blob))
