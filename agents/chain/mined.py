"""Reads the market's transactions from the chain, as `agents.core.mined.Mined`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.abi import function_abi_to_4byte_selector
from eth_utils.address import to_checksum_address

from agents.chain.answers import from_hex
from agents.chain.client import MarketClient
from agents.core.ids import Address
from agents.core.mined import Mined

_SELECTOR = 4


def transactions(client: MarketClient, first: int, last: int) -> Iterator[Mined]:
    """All transactions to the market in these blocks, both included, failed ones too.

    Raises:
        NodeUnavailable: the node did not answer.
    """
    names = selectors(client.deployment.abi)
    for number in range(first, last + 1):
        block = client.node.ask("eth_getBlockByNumber", hex(number), True)
        for transaction in block["transactions"]:
            to = transaction["to"]
            if to and Address(to_checksum_address(to)) == client.deployment.market:
                yield _mined(client, transaction, names)


def _mined(client: MarketClient, transaction: dict[str, Any], names: Mapping[bytes, str]) -> Mined:
    receipt = client.node.ask("eth_getTransactionReceipt", transaction["hash"])
    return Mined(
        from_hex(transaction["hash"]),
        int(transaction["blockNumber"], 16),
        Address(to_checksum_address(transaction["from"])),
        called_functions(from_hex(transaction["input"]), names),
        int(receipt["gasUsed"], 16),
        int(receipt["status"], 16) == 1,
    )


def called_functions(data: bytes, names: Mapping[bytes, str]) -> tuple[str, ...]:
    """The functions that a transaction's data call, those inside a `multicall` one by one.

    Args:
        data: of the transaction.
        names: see `selectors`. What is not there is called by its selector.
    """
    selector = data[:_SELECTOR]
    name = names.get(selector, "0x" + selector.hex())
    if name != "multicall":
        return (name,)
    try:
        (parts,) = decode(["bytes[]"], data[_SELECTOR:])
    except (DecodingError, OverflowError):  # anyone may send what the contract only reverts at
        return (name,)
    return tuple(called for part in parts for called in called_functions(part, names))


def selectors(abi: Iterable[Mapping[str, Any]]) -> dict[bytes, str]:
    """The names of an interface's functions, by what a call's data begin with."""
    functions = [entry for entry in abi if entry["type"] == "function"]
    return {bytes(function_abi_to_4byte_selector(entry)): str(entry["name"]) for entry in functions}  # type: ignore[arg-type]
