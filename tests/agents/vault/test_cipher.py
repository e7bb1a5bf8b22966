"""AES-256-GCM as sealed things are laid out.

Rules: V2.
"""

from __future__ import annotations

import pytest
from Crypto.Cipher import AES
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.vault.cipher import CIPHER_OVERHEAD_BYTES, KEY_BYTES, decrypt, encrypt

KEY, DATA, ASSOCIATED = b"k" * KEY_BYTES, b"weights", b"of round 3"


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300), associated=st.binary(max_size=300))
def test_another_library_decrypts_it(data: bytes, associated: bytes) -> None:
    encrypted = encrypt(KEY, data, associated)
    cipher = AES.new(KEY, AES.MODE_GCM, encrypted[:12]).update(associated)
    assert cipher.decrypt_and_verify(encrypted[28:], encrypted[12:28]) == data
    assert decrypt(KEY, encrypted, associated) == data


def test_another_library_encrypts_it() -> None:
    cipher = AES.new(KEY, AES.MODE_GCM, b"n" * 12).update(ASSOCIATED)
    ciphertext, tag = cipher.encrypt_and_digest(DATA)
    assert decrypt(KEY, b"n" * 12 + tag + ciphertext, ASSOCIATED) == DATA


def test_takes_a_fresh_nonce_each_time() -> None:
    assert len({encrypt(KEY, DATA)[:12] for _ in range(20)}) == 20


def test_gives_nothing_if_anything_was_changed() -> None:
    encrypted = encrypt(KEY, DATA, ASSOCIATED)
    for at in range(len(encrypted)):
        altered = encrypted[:at] + bytes([encrypted[at] ^ 1]) + encrypted[at + 1 :]
        assert decrypt(KEY, altered, ASSOCIATED) is None
    assert decrypt(b"l" * KEY_BYTES, encrypted, ASSOCIATED) is None
    assert decrypt(KEY, encrypted, ASSOCIATED + b"0") is None


@pytest.mark.parametrize("length", range(CIPHER_OVERHEAD_BYTES + 2))
def test_gives_nothing_of_what_is_cut_short(length: int) -> None:
    assert decrypt(KEY, encrypt(KEY, DATA)[:length]) is None
