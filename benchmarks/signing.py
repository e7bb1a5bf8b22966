"""Keys and signed transactions by the ten thousand.

`eth_account` does the same and checks more, at six times the price; a test compares the bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

import rlp
from coincurve import PrivateKey
from eth_hash.auto import keccak
from eth_utils.address import to_checksum_address

from agents.core.ids import Address


@dataclass(frozen=True, slots=True)
class RawTransaction:
    """A signed transaction, ready to be sent, and its hash; both ``0x`` and hex digits."""

    raw: str
    hash: str


class Signer:
    """An account of one chain that signs transactions of the kind before EIP-1559, which every node takes.

    Attributes:
        address: of the account.
    """

    def __init__(self, secret: bytes, chain_id: int, gas_price: int) -> None:
        self._key = PrivateKey(secret)
        self._chain_id = chain_id
        self._gas_price = gas_price
        self.address = address_of(secret)

    def sign(self, nonce: int, to: Address | None, value: int, data: bytes, gas: int) -> RawTransaction:
        """Signs a transaction (EIP-155); one to nobody creates a contract."""
        receiver = b"" if to is None else bytes.fromhex(to[2:])
        body = [nonce, self._gas_price, gas, receiver, value, data]
        digest = keccak(rlp.encode([*body, self._chain_id, 0, 0]))
        signature = self._key.sign_recoverable(digest, hasher=None)
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
        raw = rlp.encode([*body, 35 + 2 * self._chain_id + signature[64], r, s])
        return RawTransaction("0x" + raw.hex(), "0x" + keccak(raw).hex())


def address_of(secret: bytes) -> Address:
    """The account of a private key."""
    public = PrivateKey(secret).public_key.format(compressed=False)
    return Address(to_checksum_address(keccak(public[1:])[12:]))
