"""Thirty-two secret bytes in a file, encrypted with a password: Web3 Secret Storage 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from eth_account import Account

from agents.core.errors import BadInput, StorageFailed
from agents.storage.files import create, write

SECRET_BYTES: Final = 32
LIGHT_ITERATIONS: Final = 1_000


def sealed(secret: bytes, password: str, *, light: bool = False, of_account: bool = True) -> bytes:
    """The text of a keystore.

    Args:
        secret: 32 bytes, as a private key has them.
        password: opens it again.
        light: hash the password with 1,000 rounds of PBKDF2 instead of scrypt: quick to open, and quick to
            guess. For what holds no value.
        of_account: the secret signs for an account, whose address may be said.

    Raises:
        BadInput: the password is empty.
    """
    if not password:
        raise BadInput(
            "a wallet needs a password: name a file of it (--password-file), or set HOLDFAST_PASSWORD"
        )
    how = ("pbkdf2", LIGHT_ITERATIONS) if light else ("scrypt",)
    keystore = dict(Account.encrypt(secret, password, *how))
    if not of_account:
        del keystore["address"]  # or somebody sends coins there
    return json.dumps(keystore).encode()


def opened(path: Path, password: str) -> bytes:
    """The secret in a keystore.

    Raises:
        BadInput: the file is missing or no keystore, or the password is another.
    """
    try:
        return bytes(Account.decrypt(read_keystore(path), password))
    except (KeyError, TypeError, AttributeError, NotImplementedError):
        raise BadInput(f"{path} is not a keystore: name the wallet's file") from None
    except ValueError:
        raise BadInput(f"the password does not open the wallet {path}: try again") from None


def read_keystore(path: Path) -> dict[str, Any]:
    """What a keystore's file holds.

    Raises:
        BadInput: the file is missing or no keystore.
    """
    try:
        keystore = json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(
            f"no wallet at {path} ({error.strerror}): make one with `holdfast wallet new`, or name its home"
        ) from error
    except (ValueError, RecursionError):
        keystore = None
    if not isinstance(keystore, dict):
        raise BadInput(f"{path} is not a keystore: name the wallet's file")
    return keystore


def write_new(path: Path, keystore: bytes) -> None:
    """Writes a keystore that is not there yet, whole: it must not be lost, nor take the place of another.

    Raises:
        BadInput: the file is there already, or cannot be written.
    """
    try:
        written = create(path, keystore)
    except StorageFailed as failure:
        raise BadInput(f"the wallet {path} cannot be written: {failure.reason}") from failure
    if not written:
        raise BadInput(f"there is a wallet at {path} already: open it, or name another file")


def change_password(path: Path, old: str, new: str) -> None:
    """Gives a keystore another password; a crash leaves the old file or the new one.

    Raises:
        BadInput: the old password is another, or the new one is empty.
        StorageFailed: it cannot be written.
    """
    secret = opened(path, old)
    write(path, sealed(secret, new, of_account="address" in read_keystore(path)))
