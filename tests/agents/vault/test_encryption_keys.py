"""Encryption keys: where they come from, how they are encoded, and that the secret shows nowhere.

Rules: V1, V11, V12.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import logging
import pickle
import traceback

import pytest
from coincurve import PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.errors import BadInput, BadObject
from agents.vault import sealing
from agents.vault.keys import ENCRYPTION_PURPOSE, PublicKey, SecretKey
from agents.vault.sealing import Sealed, open_sealed

ORDER = 2**256 - 432420386565659656852420866394968145599
SECRET = bytes(range(1, 33))


def hkdf_sha256(secret: bytes, length: int, info: bytes) -> bytes:
    """RFC 5869 with the standard library alone."""
    pseudorandom = hmac.digest(bytes(32), secret, "sha256")
    output = block = b""
    while len(output) < length:
        block = hmac.digest(pseudorandom, block + info + bytes([len(output) // 32 + 1]), "sha256")
        output += block
    return output[:length]


def test_public_key_is_x_then_y_without_prefix() -> None:
    assert SecretKey(SECRET).public_key.encoded == PrivateKey(SECRET).public_key.format(compressed=False)[1:]


def test_generated_keys_differ() -> None:
    assert SecretKey.generate().public_key != SecretKey.generate().public_key


def test_seed_gives_the_key_of_rfc_5869() -> None:
    wide = int.from_bytes(hkdf_sha256(SECRET, 48, ENCRYPTION_PURPOSE), "big")
    assert SecretKey.from_seed(SECRET).expose() == (wide % (ORDER - 1) + 1).to_bytes(32, "big")


def test_seed_key_never_changes() -> None:
    """Members could not open what was sealed to them if a release derived other keys."""
    encoded = SecretKey.from_seed(SECRET).public_key.encoded
    assert (
        hashlib.sha256(encoded).hexdigest()
        == "e369584d00538a812bd44af228f2155896ba5036aac75c927c2389b49766af68"
    )


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=64))
def test_seed_key_is_valid_and_not_the_seed(seed: bytes) -> None:
    key = SecretKey.from_seed(seed)
    assert key.expose() == SecretKey.from_seed(seed).expose() != seed
    assert 0 < int.from_bytes(key.expose(), "big") < ORDER


def test_purposes_and_seeds_give_different_keys() -> None:
    keys = [
        SecretKey.from_seed(SECRET),
        SecretKey.from_seed(SECRET, b"other"),
        SecretKey.from_seed(SECRET[::-1]),
    ]
    assert len({key.public_key for key in keys}) == 3


def test_refuses_a_short_seed() -> None:
    with pytest.raises(BadInput, match="31 bytes is too short"):
        SecretKey.from_seed(SECRET[:31])


@pytest.mark.parametrize(
    "secret",
    [b"", SECRET[:31], SECRET + b"x", bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32],
    ids=["empty", "short", "long", "zero", "order", "above-order"],
)
def test_refuses_what_is_no_secret_key(secret: bytes) -> None:
    with pytest.raises(BadInput, match="not a secret key") as refused:
        SecretKey(secret)
    assert secret.hex() == "" or secret.hex() not in str(refused.value)


def test_takes_the_largest_secret_key() -> None:
    assert SecretKey((ORDER - 1).to_bytes(32, "big")).expose() == (ORDER - 1).to_bytes(32, "big")


@pytest.mark.parametrize("length", [0, 33, 63, 65])
def test_refuses_a_public_key_of_another_length(length: int) -> None:
    with pytest.raises(BadObject, match=f"this one has {length}"):
        PublicKey(bytes(length))


@pytest.mark.parametrize(
    "encoded", [bytes(64), b"\xff" * 64, bytes(63) + b"\x01"], ids=["zero", "above-field", "off-curve"]
)
def test_refuses_a_public_key_off_the_curve(encoded: bytes) -> None:
    with pytest.raises(BadObject, match="not a point"):
        PublicKey(encoded)


def test_public_keys_compare_by_value() -> None:
    assert len({SecretKey(SECRET).public_key, SecretKey(SECRET).public_key}) == 1


def test_secret_shows_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    key = SecretKey(SECRET)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("holdfast").debug("key %s %r %s", key, key, {"key": [key]})
    for text in (caplog.text, f"{key} {key!r} {[key]}"):
        assert "SecretKey(hidden)" in text
        assert_hides(SECRET, text)
    assert not hasattr(key, "__dict__")


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy])
def test_secret_key_is_neither_pickled_nor_copied(leak: object) -> None:
    assert callable(leak)
    with pytest.raises(TypeError, match="neither pickled nor copied"):
        leak(SecretKey(SECRET))


def test_secret_shows_in_no_traceback_with_locals() -> None:
    with pytest.raises(BadObject) as refused:
        open_sealed(SecretKey(SECRET), Sealed(b"\x02" * 100))
    error = refused.value
    assert error.__context__ is None
    assert error.__cause__ is None
    report = traceback.TracebackException.from_exception(error, capture_locals=True)
    own = [frame for frame in report.stack if frame.filename == sealing.__file__]
    assert [frame.name for frame in own] == ["open_sealed"]
    for frame in own:
        assert_hides(SECRET, f"{frame.locals}")
    assert_hides(SECRET, str(error))


def assert_hides(secret: bytes, text: str) -> None:
    for form in (secret.hex(), repr(secret)[2:-1], str(int.from_bytes(secret, "big"))):
        assert form not in text
