"""Keys, encrypted weights and results are read once into objects of their own types, and written back alike.

Rules: E22.
"""

from __future__ import annotations

import hashlib

import pytest

from agents.core.errors import BadPlan
from agents.learning.data.canonical import unpack
from agents.learning.family import KeyPair
from agents.learning.he.bfv.family import ExactFamily
from agents.learning.he.codec import ObjectCodec
from agents.learning.he.ring import RlweSecretKey
from testing.approximate import SMALL, small_family
from testing.market_of_ciphertexts import EncryptedCouple, couple_of, some_weights
from tests.agents.learning.conftest import random_samples
from tests.agents.learning.he.conftest import make_plan


def couple_on_bfv() -> EncryptedCouple:
    return couple_of(make_plan(), [random_samples(rows, features=2, seed=rows) for rows in (40, 50)])


def couple_on_ckks() -> EncryptedCouple:
    plan, kind = small_family("encrypted-cubic").plan, SMALL["encrypted-cubic"]
    return couple_of(plan, [random_samples(rows, features=3, seed=rows) for rows in (40, 50)], kind=kind)


@pytest.fixture(scope="module", params=["BFV", "CKKS"])
def couple(request: pytest.FixtureRequest) -> EncryptedCouple:
    return couple_on_bfv() if request.param == "BFV" else couple_on_ckks()


@pytest.fixture(scope="module")
def encrypted(couple: EncryptedCouple) -> bytes:
    return couple.family.encrypt(couple.keys, some_weights(couple.family.plan, largest=0.1))


def codec_of(couple: EncryptedCouple) -> ObjectCodec:
    codec: ObjectCodec = couple.family.codec  # type: ignore[attr-defined]  # of a composed family
    return codec


def test_what_was_read_is_written_alike(couple: EncryptedCouple, encrypted: bytes) -> None:
    codec = codec_of(couple)
    weights, result = codec.weights(encrypted), couple.results(encrypted)[1]
    assert codec.write_secret(codec.secret(couple.keys.secret)) == couple.keys.secret
    assert codec.write_weights(weights.ciphertexts) == encrypted
    assert weights.digest == hashlib.sha256(encrypted).digest()
    read = codec.result(result)
    assert codec.write_result(read) == result
    assert (read.cohort, read.member) == (couple.cohort(), 1)


def test_no_secret_is_shown(couple: EncryptedCouple) -> None:
    secret = codec_of(couple).secret(couple.keys.secret)
    assert isinstance(secret, RlweSecretKey)
    assert repr(secret) == "RlweSecretKey()"


def test_encrypted_weights_that_were_checked_are_not_read_again(
    couple: EncryptedCouple, encrypted: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    couple.family.check_published(encrypted)
    monkeypatch.setattr(ObjectCodec, "weights", None)
    couple.family.train(couple.keys.public, encrypted, couple.subsets[0], couple.cohort())


def test_published_keys_are_loaded_once_and_found_by_their_hash(couple: EncryptedCouple) -> None:
    codec, public = codec_of(couple), couple.keys.public
    keys = codec.public(public)
    assert codec.public(public) is keys
    assert codec.public(bytes(bytearray(public))) is keys
    with pytest.raises(BadPlan, match="not those that the plan names"):
        codec.public(public + b" ")
    assert codec.public(public) is keys


def test_published_keys_are_named_by_what_they_are_for(couple: EncryptedCouple) -> None:
    names = set(unpack(couple.keys.public, "the test's")[0])
    if isinstance(couple.family, ExactFamily):
        assert names == {"zero"}
    else:
        assert {"zero", "relin", "turn 1"} < names
        assert all(name.startswith("turn ") for name in names - {"zero", "relin"})


def test_a_cloud_owner_needs_no_secret_key(couple: EncryptedCouple, encrypted: bytes) -> None:
    alone = EncryptedCouple(couple.family, KeyPair(b"", couple.keys.public), couple.subsets)
    assert alone.results(encrypted) == couple.results(encrypted)
