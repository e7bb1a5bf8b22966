"""Our key: it signs, and every other secret of the agent is derived from it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_hex_address, to_checksum_address

from agents.chain.signing import signing_key
from agents.core.derivation import derive
from agents.core.errors import BadInput, StorageFailed
from agents.core.ids import Address
from agents.storage.files import create

KEY_BYTES: Final = 32
LIGHT_ITERATIONS: Final = 1_000


class Signer(Protocol):
    """Who signs a member's transactions: the wallet's file, or a program that keeps the key elsewhere."""

    @property
    def address(self) -> Address:
        """Of the account."""

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """The signed bytes of a transaction, given with the fields of JSON-RPC, as they are broadcast."""


class Wallet:
    """An account of the chain.

    It shows its key nowhere: not in repr or str, and it refuses to be pickled or copied.

    Attributes:
        address: of the account.
    """

    __slots__ = ("_key", "address")

    def __init__(self, account: LocalAccount) -> None:
        self._key = signing_key(bytes(account.key))
        self.address = Address(account.address)

    @classmethod
    def from_key(cls, key: bytes) -> Wallet:
        """The wallet of a private key, 32 bytes, big-endian.

        Raises:
            BadInput: the bytes are no key of secp256k1.
        """
        try:
            return cls(Account.from_key(signing_key(key)))
        except ValueError:
            # not chained: the library's message may quote the key
            raise BadInput(
                f"not a private key: give {KEY_BYTES} bytes, above zero and below the order of secp256k1"
            ) from None

    @classmethod
    def create(cls, path: Path, password: str, *, light: bool = False) -> Wallet:
        """Makes a new wallet and writes it as an encrypted keystore: Web3 Secret Storage 3, mode 0600.

        Args:
            path: of the new file.
            password: opens it again.
            light: hash the password with 1,000 rounds of PBKDF2 instead of scrypt: quick to open, and quick
                to guess. For wallets that hold no value.

        Raises:
            BadInput: the password is empty, or the file is there already, or cannot be written.
        """
        if not password:
            raise BadInput(
                "a wallet needs a password: name a file of it (--password-file), or set HOLDFAST_PASSWORD"
            )
        key = secrets.token_bytes(KEY_BYTES)
        wallet = cls.from_key(key)
        if light:
            keystore = Account.encrypt(key, password, "pbkdf2", LIGHT_ITERATIONS)
        else:
            keystore = Account.encrypt(key, password, "scrypt")
        _write_new(path, json.dumps(keystore))
        return wallet

    @classmethod
    def load(cls, path: Path, password: str) -> Wallet:
        """Opens a keystore.

        Raises:
            BadInput: the file is missing or no keystore, or the password is another.
        """
        keystore = _keystore(path)
        try:
            return cls.from_key(bytes(Account.decrypt(keystore, password)))
        except (KeyError, TypeError, AttributeError, NotImplementedError):
            raise BadInput(f"{path} is not a keystore: name the wallet's file") from None
        except ValueError:
            raise BadInput(f"the password does not open the wallet {path}: try again") from None

    @staticmethod
    def address_in(path: Path) -> Address:
        """Whose a keystore is, by its own word: no password is needed.

        Raises:
            BadInput: the file is missing or does not say.
        """
        told = _keystore(path).get("address")
        if not isinstance(told, str) or not is_hex_address(told):
            raise BadInput(f"{path} does not say whose it is: name a wallet that `holdfast wallet` made")
        return Address(to_checksum_address(told))

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """See `Signer`."""
        return bytes(Account.sign_transaction(dict(transaction), self._key).raw_transaction)

    def derive(self, purpose: bytes, length: int = 32) -> bytes:
        """``length`` secret bytes that are good for ``purpose`` alone, and always the same."""
        return derive(self._key.to_bytes(), length, purpose)

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a wallet is neither pickled nor copied")


def _keystore(path: Path) -> dict[str, Any]:
    """What a keystore's file holds."""
    try:
        keystore = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(
            f"no wallet at {path} ({error.strerror}): make one with `holdfast wallet`, or name its home"
        ) from error
    except (ValueError, RecursionError):
        keystore = None
    if not isinstance(keystore, dict):
        raise BadInput(f"{path} is not a keystore: name the wallet's file")
    return keystore


def _write_new(path: Path, text: str) -> None:
    """Writes a file that is not there yet, whole: it must not be lost, nor take the place of another."""
    try:
        written = create(path, text.encode())
    except StorageFailed as failure:
        raise BadInput(f"the wallet {path} cannot be written: {failure.reason}") from failure
    if not written:
        raise BadInput(f"there is a wallet at {path} already: open it, or name another file")
