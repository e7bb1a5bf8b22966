"""Sealing to one member.

Rules: V2.
"""

from __future__ import annotations

import pytest
from Crypto.Cipher import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.derivation import derive
from agents.core.errors import BadInput, BadObject
from agents.vault.keys import PublicKey, SecretKey
from agents.vault.sealing import MAX_CONTEXT_BYTES, SEAL_OVERHEAD_BYTES, Sealed, open_sealed, seal

KEY = SecretKey.from_seed(b"k" * 32)
OF_AN_EARLIER_VERSION = (
    "02d35b0baa3f0d0803823583759524e7e4c566781f364d0ea05ae9db8c83aa52bb"
    "a25a3054a658d292cc0821fe29aa3db05d8a3e5228e85a1176d3567755ebab47e69e522b8668385acb3d371b373de534d1be"
)
DATA = b"twelve patients, three of them ill"
CONTEXT = b"holdfast/model/7/3"


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300), context=st.binary(max_size=MAX_CONTEXT_BYTES))
def test_opens_to_what_was_sealed(data: bytes, context: bytes) -> None:
    sealed = seal(KEY.public_key, data, context)
    assert len(sealed.blob) == SEAL_OVERHEAD_BYTES + len(context) + len(data)
    assert open_sealed(KEY, sealed, context) == data


def test_layout_is_the_documented_one() -> None:
    """A reader written from the module's table alone, with another cipher, opens it."""
    blob = seal(KEY.public_key, DATA, CONTEXT).blob
    shared = KEY.shared_with(PublicKey.from_x(blob[1:33]))
    key = derive(shared, 32, b"holdfast/sealed/2/key" + blob[1:33] + KEY.public_key.encoded)
    plaintext = AES.new(key, AES.MODE_GCM, blob[33:45]).decrypt_and_verify(blob[61:], blob[45:61])
    assert plaintext == bytes([len(CONTEXT)]) + CONTEXT + DATA
    assert blob[:1] == b"S"


def test_refuses_what_an_earlier_version_sealed() -> None:
    """It said 02 or 03 where this one says S."""
    sealed = Sealed(bytes.fromhex(OF_AN_EARLIER_VERSION))
    with pytest.raises(
        BadObject, match=r"^a sealed object of 83 bytes is of an earlier version, or altered$"
    ):
        open_sealed(KEY, sealed)


@pytest.mark.parametrize("prefix", [b"\x03", b"\x02"])
def test_an_earlier_version_wrote_two_prefixes(prefix: bytes) -> None:
    with pytest.raises(BadObject, match="earlier version"):
        open_sealed(KEY, Sealed(prefix + seal(KEY.public_key, DATA).blob[1:]))


def test_sealing_twice_gives_different_bytes() -> None:
    first, second = (seal(KEY.public_key, DATA).blob for _ in range(2))
    for part in (slice(1, 33), slice(33, 45), slice(45, 61), slice(61, None)):
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


def test_refuses_the_key_with_the_same_x() -> None:
    """A member that registers the negative of another's key finds the same secret, and another key."""
    x, y = KEY.public_key.x, int.from_bytes(KEY.public_key.encoded[32:], "big")
    negative = PublicKey(x + (2**256 - 2**32 - 977 - y).to_bytes(32, "big"))
    with pytest.raises(BadObject, match="does not open with this key"):
        open_sealed(KEY, seal(negative, DATA))


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
def test_refuses_noise(tail: bytes) -> None:
    for blob in (tail, b"S" + tail):
        with pytest.raises(BadObject):
            open_sealed(KEY, Sealed(blob))
