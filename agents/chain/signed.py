"""Whether signed bytes are the transaction that was to be signed, by whom it was to be signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import rlp
from eth_account import Account
from eth_keys.constants import SECPK1_N
from eth_keys.exceptions import BadSignature
from eth_utils.exceptions import ValidationError
from rlp.exceptions import RLPException

from agents.core.ids import Address

_FEE_MARKET: Final = (
    "chainId",
    "nonce",
    "maxPriorityFeePerGas",
    "maxFeePerGas",
    "gas",
    "to",
    "value",
    "data",
)
_LEGACY: Final = ("nonce", "gasPrice", "gas", "to", "value", "data")
_TYPE: Final = b"\x02"
_SIGNATURE: Final = 3
"""The fields of a signature are the last ones: v, r, s."""
_OF_CHAIN: Final = (35, 36)
"""What EIP-155 adds to twice the chain's id."""


def require_signed(raw: bytes, asked: Mapping[str, Any], signer: Address) -> None:
    """Makes sure that a transaction was signed as it was asked for.

    Args:
        raw: as it would be broadcast.
        asked: the fields of JSON-RPC, with numbers and bytes.
        signer: whose signature it has to be.

    Raises:
        ValueError: what is not so.
    """
    legacy = "gasPrice" in asked
    names = _LEGACY if legacy else _FEE_MARKET
    if not legacy and raw[:1] != _TYPE:
        raise ValueError("it is of another type")
    fields = _fields(raw if legacy else raw[1:], len(names) + _SIGNATURE + (not legacy))
    for name, found in zip(names, fields, strict=False):
        if found != _encoded(name, asked[name]):
            raise ValueError(f"{name} differs")
    v, _, s = fields[-_SIGNATURE:]
    if legacy and int.from_bytes(v, "big") not in [2 * asked["chainId"] + one for one in _OF_CHAIN]:
        raise ValueError("chainId differs")
    if not legacy and fields[len(names)] != []:
        raise ValueError("it has an access list")
    if not isinstance(s, bytes) or int.from_bytes(s, "big") > SECPK1_N // 2:
        raise ValueError("its signature is one that nodes refuse")
    if _recovered(raw) != signer:
        raise ValueError(f"it is not signed by {signer}")


def _fields(body: bytes, count: int) -> list[Any]:
    try:
        fields = rlp.decode(body)
    except RLPException:
        fields = None
    if not isinstance(fields, list) or len(fields) != count:
        raise ValueError("it is no transaction")
    return fields


def _encoded(name: str, value: Any) -> bytes:
    if name == "to":
        return bytes.fromhex(value.removeprefix("0x"))
    if isinstance(value, bytes):
        return value
    return int(value).to_bytes((int(value).bit_length() + 7) // 8, "big")


def _recovered(raw: bytes) -> str | None:
    try:
        return str(Account.recover_transaction(raw))
    except (ValueError, TypeError, BadSignature, ValidationError):
        return None
