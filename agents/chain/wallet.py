"""Our key: it signs, and every other secret of the agent is derived from it.

Where the key that signs lies with another program (`agents.chain.remote_signer`), those other secrets come
from 32 random bytes of our own.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_utils.address import is_hex_address, to_checksum_address

from agents.chain.keystore import opened, read_keystore, sealed, write_new
from agents.chain.messages import sign_message
from agents.chain.signing import signing_key
from agents.core.derivation import derive
from agents.core.errors import BadInput
from agents.core.ids import Address

KEY_BYTES: Final = 32
TRIAL: Final = b"holdfast: does this signer answer?"
"""What is signed to see whether somebody signs."""


class Signer(Protocol):
    """Who signs a member's transactions: the wallet's file, or a program that keeps the key elsewhere."""

    @property
    def address(self) -> Address:
        """Of the account."""

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """The signed bytes of a transaction, given with the fields of JSON-RPC, as they are broadcast."""

    def sign_message(self, message: bytes) -> bytes:
        """A signature by EIP-191 under what is no transaction: 65 bytes."""


class Keys(Signer, Protocol):
    """All that is secret of a member: who signs, and what other secrets come from."""

    def derive(self, purpose: bytes, length: int = 32) -> bytes:
        """``length`` secret bytes that are good for ``purpose`` alone, and always the same."""


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
        """Makes a new wallet and writes it as an encrypted keystore, mode 0600.

        Args:
            path: of the new file.
            password: opens it again.
            light: see `agents.chain.keystore.sealed`.

        Raises:
            BadInput: the password is empty, or the file is there already, or cannot be written.
        """
        return cls.keep(secrets.token_bytes(KEY_BYTES), path, password, light=light)

    @classmethod
    def keep(cls, key: bytes, path: Path, password: str, *, light: bool = False) -> Wallet:
        """Writes a private key that is there already; otherwise as `create`."""
        wallet = cls.from_key(key)
        write_new(path, sealed(key, password, light=light))
        return wallet

    @classmethod
    def load(cls, path: Path, password: str) -> Wallet:
        """Opens a keystore.

        Raises:
            BadInput: the file is missing or no keystore, or the password is another.
        """
        return cls.from_key(opened(path, password))

    @staticmethod
    def address_in(path: Path) -> Address:
        """Whose a keystore is, by its own word: no password is needed.

        Raises:
            BadInput: the file is missing or does not say.
        """
        told = read_keystore(path).get("address")
        if not isinstance(told, str) or not is_hex_address(told):
            raise BadInput(f"{path} does not say whose it is: name a wallet that `holdfast wallet new` made")
        return Address(to_checksum_address(told))

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """See `Signer`."""
        return bytes(Account.sign_transaction(dict(transaction), self._key).raw_transaction)

    def sign_message(self, message: bytes) -> bytes:
        """See `Signer`."""
        return sign_message(self._key, message)

    def derive(self, purpose: bytes, length: int = 32) -> bytes:
        """See `Keys`."""
        return derive(self._key.to_bytes(), length, purpose)

    def __repr__(self) -> str:
        return f"Wallet({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a wallet is neither pickled nor copied")


class RemoteWallet:
    """A wallet whose account another program signs for.

    Args:
        signer: that program.
        secret: 32 random bytes, of which seeds, nonces and the encryption key are made. To be backed up.
    """

    __slots__ = ("_secret", "_signer", "address")

    def __init__(self, signer: Signer, secret: bytes) -> None:
        self._signer = signer
        self._secret = secret
        self.address = signer.address

    @classmethod
    def create(cls, signer: Signer, path: Path, password: str, *, light: bool = False) -> RemoteWallet:
        """Makes the secrets that go with a signer, and writes them as a keystore without an address.

        Raises:
            BadInput: the password is empty, or the file is there already, or cannot be written.
        """
        secret = secrets.token_bytes(KEY_BYTES)
        write_new(path, sealed(secret, password, light=light, of_account=False))
        return cls(signer, secret)

    @classmethod
    def load(cls, signer: Signer, path: Path, password: str) -> RemoteWallet:
        """Opens the secrets that go with a signer.

        Raises:
            BadInput: the file is missing or no keystore, or the password is another.
        """
        return cls(signer, opened(path, password))

    def sign(self, transaction: Mapping[str, Any]) -> bytes:
        """See `Signer`."""
        return self._signer.sign(transaction)

    def sign_message(self, message: bytes) -> bytes:
        """See `Signer`."""
        return self._signer.sign_message(message)

    def derive(self, purpose: bytes, length: int = 32) -> bytes:
        """See `Keys`."""
        return derive(self._secret, length, purpose)

    def __repr__(self) -> str:
        return f"RemoteWallet({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a wallet is neither pickled nor copied")
