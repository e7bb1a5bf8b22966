"""A wallet's signatures: those that everybody else makes with the key, by OpenSSL."""

from __future__ import annotations

import pytest
from eth_account import Account
from eth_keys.backends.coincurve import CoinCurveECCBackend
from eth_keys.backends.native.main import NativeECCBackend
from eth_keys.datatypes import PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.chain.signing import signing_key
from agents.chain.wallet import Wallet

ORDER = 0xFFFFFFFF_FFFFFFFF_FFFFFFFF_FFFFFFFE_BAAEDCE6_AF48A03B_BFD25E8C_D0364141
NUMBERS = st.integers(1, ORDER - 1)
HASHES = st.binary(min_size=32, max_size=32)
FIELDS = {"chainId": 1, "nonce": 0, "value": 1, "gas": 21_000, "data": b"", "type": 2}
FEES = {"maxFeePerGas": 2, "maxPriorityFeePerGas": 1}


@settings(max_examples=30, deadline=None)
@given(NUMBERS, HASHES)
@example(1, bytes(32))
@example(ORDER - 1, b"\xff" * 32)
def test_signs_as_both_other_backends(number: int, digest: bytes) -> None:
    key = number.to_bytes(32, "big")
    ours = signing_key(key)
    for backend in (CoinCurveECCBackend(), NativeECCBackend()):
        theirs = PrivateKey(key, backend=backend)
        assert ours.sign_msg_hash(digest).to_bytes() == theirs.sign_msg_hash(digest).to_bytes()
        assert ours.public_key.to_bytes() == theirs.public_key.to_bytes()


def test_a_signature_tells_its_signer_by_either_parity() -> None:
    key = signing_key(b"\1" * 32)
    signatures = [(digest, key.sign_msg_hash(digest)) for digest in (bytes([n]) * 32 for n in range(12))]
    assert {signature.v for _, signature in signatures} == {0, 1}
    for digest, signature in signatures:
        assert signature.recover_public_key_from_msg_hash(digest) == key.public_key
        assert 2 * signature.s < ORDER


@pytest.mark.parametrize(
    "key", [b"", b"\1" * 31, b"\1" * 33, bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32]
)
def test_refuses_what_is_no_key(key: bytes) -> None:
    with pytest.raises(ValueError):
        signing_key(key)


@pytest.mark.parametrize("make", [Wallet.from_key, lambda key: Wallet(Account.from_key(key))])
def test_a_wallet_signs_with_no_other_backend(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    assert callable(make)
    wallet = make(b"\1" * 32)
    for backend in (CoinCurveECCBackend, NativeECCBackend):
        monkeypatch.setattr(backend, "ecdsa_sign", lambda *_: pytest.fail("another backend signs"))
    raw = wallet.sign({**FIELDS, **FEES, "to": wallet.address})
    assert Account.recover_transaction(raw) == wallet.address
