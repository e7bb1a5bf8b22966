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

import coincurve
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core.errors import BadInput, BadObject
from agents.vault import keys, sealing
from agents.vault.keys import ENCRYPTION_PURPOSE, PublicKey, SecretKey
from agents.vault.sealing import Sealed, open_sealed

ORDER = 2**256 - 432420386565659656852420866394968145599
SECRET = bytes(range(1, 33))
FIELD = 2**256 - 2**32 - 977
X_OF_1 = bytes(31) + b"\x01"
Y_OF_1 = bytes.fromhex("4218f20ae6c646b363db68605822fb14264ca8d2587fdd6fbc750d587e76a7ee")  # of x = 1
ON_TWIST = bytes(31) + b"\x05"  # 5 ** 3 + 7 is no square


def key_of(secret: bytes | int) -> SecretKey:
    number = secret if isinstance(secret, int) else int.from_bytes(secret, "big")
    return SecretKey(ec.derive_private_key(number, ec.SECP256K1()))


def hkdf_sha256(secret: bytes, length: int, info: bytes) -> bytes:
    """RFC 5869 with the standard library alone."""
    pseudorandom = hmac.digest(bytes(32), secret, "sha256")
    output = block = b""
    while len(output) < length:
        block = hmac.digest(pseudorandom, block + info + bytes([len(output) // 32 + 1]), "sha256")
        output += block
    return output[:length]


def test_public_key_is_x_then_y_without_prefix() -> None:
    """As another library writes it."""
    theirs = coincurve.PrivateKey(SECRET).public_key.format(compressed=False)
    assert key_of(SECRET).public_key.encoded == theirs[1:]
    assert key_of(SECRET).public_key.x == theirs[1:33]


def test_generated_keys_differ() -> None:
    assert SecretKey.generate().public_key != SecretKey.generate().public_key


def test_seed_gives_the_key_of_rfc_5869() -> None:
    wide = int.from_bytes(hkdf_sha256(SECRET, 48, ENCRYPTION_PURPOSE), "big")
    assert SecretKey.from_seed(SECRET).public_key == key_of(wide % (ORDER - 1) + 1).public_key


def test_seed_key_never_changes() -> None:
    """Members could not open what was sealed to them if a release derived other keys."""
    encoded = SecretKey.from_seed(SECRET).public_key.encoded
    assert (
        hashlib.sha256(encoded).hexdigest()
        == "e369584d00538a812bd44af228f2155896ba5036aac75c927c2389b49766af68"
    )


@settings(max_examples=30, deadline=None)
@given(st.binary(min_size=32, max_size=64))
def test_seed_key_is_the_same_each_time_and_not_the_seed(seed: bytes) -> None:
    public = SecretKey.from_seed(seed).public_key
    assert public == SecretKey.from_seed(seed).public_key
    as_key = int.from_bytes(seed, "big") % ORDER
    assert not as_key or public != key_of(as_key).public_key


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


def test_refuses_a_key_of_another_curve() -> None:
    for curve in (ec.SECP256R1(), ec.SECP384R1()):
        with pytest.raises(BadObject):
            SecretKey(ec.generate_private_key(curve))


def test_seeds_reach_both_ends_of_the_range(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever 48 bytes a seed gives, there is a key: its number is never 0 and never the order."""
    for wide, number in ((0, 1), (ORDER - 2, ORDER - 1), (ORDER - 1, 1)):
        monkeypatch.setattr(keys, "derive", lambda *_, wide=wide: wide.to_bytes(48, "big"))
        assert SecretKey.from_seed(SECRET).public_key == key_of(number).public_key


@pytest.mark.parametrize("length", [0, 33, 63, 65])
def test_refuses_a_public_key_of_another_length(length: int) -> None:
    with pytest.raises(BadObject, match=f"this one has {length}"):
        PublicKey(bytes(length))


@pytest.mark.parametrize(
    "encoded",
    [
        bytes(64),
        b"\xff" * 64,
        bytes(63) + b"\x01",
        ON_TWIST + bytes(32),
        (FIELD + 1).to_bytes(32, "big") + Y_OF_1,
    ],
    ids=["zero", "above-field", "off-curve", "no-such-x", "not-reduced"],
)
def test_refuses_a_public_key_off_the_curve(encoded: bytes) -> None:
    with pytest.raises(BadObject, match="not a point"):
        PublicKey(encoded)


@pytest.mark.parametrize(
    "x", [b"", bytes(31), bytes(32), bytes(33), ON_TWIST, b"\xff" * 32, (FIELD + 1).to_bytes(32, "big")]
)
def test_refuses_an_x_of_no_point(x: bytes) -> None:
    with pytest.raises(BadObject, match="not a point"):
        PublicKey.from_x(x)


def test_finds_the_even_one_of_the_points_with_an_x() -> None:
    assert PublicKey.from_x(X_OF_1).encoded == X_OF_1 + Y_OF_1
    found = [PublicKey.from_x(key_of(number).public_key.x) for number in range(1, 9)]
    assert all(point.encoded[-1] % 2 == 0 for point in found)
    assert {point == key_of(number).public_key for number, point in enumerate(found, 1)} == {True, False}


def test_both_owners_share_the_same_secret() -> None:
    one, other = key_of(SECRET), key_of(SECRET[::-1])
    assert one.shared_with(other.public_key) == other.shared_with(one.public_key)
    product = coincurve.PublicKey(b"\x04" + other.public_key.encoded).multiply(SECRET).format()
    assert one.shared_with(other.public_key) == product[1:]


def test_public_keys_compare_by_value() -> None:
    assert len({key_of(SECRET).public_key, key_of(SECRET).public_key}) == 1


def test_secret_shows_in_no_text(caplog: pytest.LogCaptureFixture) -> None:
    key = key_of(SECRET)
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
        leak(key_of(SECRET))


@pytest.mark.parametrize("x", [bytes(32), X_OF_1], ids=["no point", "a point"])
def test_secret_shows_in_no_traceback_with_locals(x: bytes) -> None:
    with pytest.raises(BadObject) as refused:
        open_sealed(key_of(SECRET), Sealed(b"S" + x + bytes(67)))
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
