"""The key: signing, deriving, the keystore, and that it shows itself nowhere.

Rules: A14, A15, A17.
"""

from __future__ import annotations

import copy
import json
import pickle
import stat
from pathlib import Path

import pytest
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF
from eth_account import Account

from agents.chain.wallet import Wallet
from agents.core.errors import BadInput
from testing.full_disk import full_disk

KEY = bytes(range(1, 33))


def test_has_the_address_of_its_key() -> None:
    # the first account of the well-known test mnemonic
    key = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
    assert Wallet.from_key(key).address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


@pytest.mark.parametrize("key", [b"", bytes(32), b"\xff" * 32, b"\1" * 31, b"\1" * 33])
def test_refuses_what_is_no_key(key: bytes) -> None:
    with pytest.raises(BadInput, match="not a private key") as caught:
        Wallet.from_key(key)
    assert caught.value.__cause__ is None


def test_signs_as_its_account() -> None:
    wallet = Wallet.from_key(KEY)
    fields = {
        "chainId": 1,
        "nonce": 0,
        "to": wallet.address,
        "value": 1,
        "gas": 21_000,
        "data": b"",
        "type": 2,
    }
    raw = wallet.sign({**fields, "maxFeePerGas": 2, "maxPriorityFeePerGas": 1})
    assert Account.recover_transaction(raw) == wallet.address


def test_derives_by_hkdf_for_one_purpose() -> None:
    wallet = Wallet.from_key(KEY)
    assert wallet.derive(b"seed") == HKDF(KEY, 32, b"", SHA256, context=b"seed")
    assert wallet.derive(b"seed") != wallet.derive(b"nonce")
    assert len(wallet.derive(b"seed", 48)) == 48
    assert KEY not in wallet.derive(b"seed", 200)


def test_hides_its_key() -> None:
    wallet = Wallet.from_key(KEY)
    assert repr(wallet) == str(wallet) == f"Wallet({wallet.address})"
    assert not hasattr(wallet, "__dict__")
    for escape in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="neither pickled nor copied"):
            escape(wallet)


@pytest.mark.parametrize("light", [True, False])
def test_opens_what_it_made(light: bool, tmp_path: Path) -> None:
    path = tmp_path / "keys" / "wallet.json"
    made = Wallet.create(path, "correct", light=light)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert json.loads(path.read_text())["crypto"]["kdf"] == ("pbkdf2" if light else "scrypt")
    opened = Wallet.load(path, "correct")
    assert opened.address == made.address
    assert opened.derive(b"x") == made.derive(b"x")


def test_never_overwrites_a_wallet(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    Wallet.create(path, "password", light=True)
    before = path.read_bytes()
    with pytest.raises(BadInput, match="there is a wallet at"):
        Wallet.create(path, "password", light=True)
    assert path.read_bytes() == before


def test_says_that_it_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be written"):
        Wallet.create(tmp_path / "file" / "wallet.json", "password", light=True)


def test_a_full_disk_leaves_no_part_of_a_wallet(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    with full_disk(tmp_path), pytest.raises(BadInput) as refused:
        Wallet.create(path, "password", light=True)
    assert str(refused.value) == f"the wallet {path} cannot be written: No space left on device"
    assert list(tmp_path.iterdir()) == []


def test_says_that_the_password_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    Wallet.create(path, "correct", light=True)
    with pytest.raises(BadInput, match="the password does not open the wallet") as caught:
        Wallet.load(path, "wrong")
    assert "wrong" not in str(caught.value)


def test_says_that_there_is_no_wallet(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"no wallet at .*missing\.json"):
        Wallet.load(tmp_path / "missing.json", "password")


@pytest.mark.parametrize(
    "text", ["", "not JSON", "[]", "7", "{}", '{"version": 3}', '{"version": 9, "crypto": {}}', "\xff"]
)
def test_refuses_another_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "wallet.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BadInput, match="is not a keystore"):
        Wallet.load(path, "password")


def test_a_wallet_has_a_password(tmp_path: Path) -> None:
    """All keys and seeds derive from it: without one it was made all the same, and opened to anybody."""
    with pytest.raises(BadInput, match="a wallet needs a password"):
        Wallet.create(tmp_path / "wallet.json", "")
    assert not (tmp_path / "wallet.json").exists()


def test_a_file_of_brackets_is_no_keystore(tmp_path: Path) -> None:
    file = tmp_path / "wallet.json"
    file.write_text("[" * 100_000)
    with pytest.raises(BadInput, match="is not a keystore"):
        Wallet.load(file, "x")
