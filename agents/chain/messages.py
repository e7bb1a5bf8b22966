"""Signatures under what is no transaction: EIP-191, by the key of an account."""

from __future__ import annotations

from typing import Final

from eth_account import Account
from eth_account.messages import encode_defunct
from eth_keys.datatypes import PrivateKey
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError

from agents.core.errors import BadInput
from agents.core.ids import Address

SIGNATURE_BYTES: Final = 65


def sign_message(key: PrivateKey, message: bytes) -> bytes:
    """The signature of a message by a key: 65 bytes, r, s and 27 or 28."""
    return bytes(Account.sign_message(encode_defunct(message), key).signature)


def signer_of(message: bytes, signature: bytes) -> Address:
    """Whose signature it is under a message.

    Raises:
        BadInput: it is nobody's.
    """
    try:
        if len(signature) != SIGNATURE_BYTES:
            raise ValueError
        return Address(Account.recover_message(encode_defunct(message), signature=signature))
    except (ValueError, BadSignature, ValidationError):
        raise BadInput("a signature that is none: 65 bytes in hexadecimal are needed") from None
