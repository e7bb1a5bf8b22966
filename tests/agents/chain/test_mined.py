"""The market's transactions as the chain has them, failed ones too."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_abi.abi import encode

from agents.chain.client import MarketClient
from agents.chain.mined import transactions
from agents.core import calls
from agents.core.ids import Address, CoupleId
from agents.core.mined import Mined
from tests.agents.chain.conftest import MARKET
from tests.agents.chain.stub_node import StubNode

ALICE = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
TC = CoupleId(5)


@dataclass
class ToldNode(StubNode):
    """A node whose blocks hold the transactions that a test tells, by block number."""

    told: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    failed: set[str] = field(default_factory=set)

    def _eth_getBlockByNumber(self, tag: str, full: bool) -> dict[str, Any] | None:
        shown = super()._eth_getBlockByNumber(tag, full)
        if shown is None or not full:
            return shown
        return shown | {"transactions": self.told.get(int(shown["number"], 16), [])}

    def _eth_getTransactionReceipt(self, hash_: str) -> dict[str, Any] | None:
        return {"gasUsed": hex(21_000 + int(hash_, 16)), "status": "0x0" if hash_ in self.failed else "0x1"}

    def tell(self, data: bytes, to: str | None = MARKET) -> bytes:
        """Mines a block with one transaction; returns its hash."""
        number = self.mine().number
        hash_ = number.to_bytes(32, "big")
        told = {"hash": "0x" + hash_.hex(), "blockNumber": hex(number), "from": ALICE.lower(), "to": to}
        self.told[number] = [{**told, "input": "0x" + data.hex()}]
        return hash_


@pytest.fixture
def node() -> ToldNode:
    return ToldNode(MARKET)


def bundle(client: MarketClient, *parts: bytes) -> bytes:
    """A multicall's data."""
    return client.codec.request("multicall", [parts])


def functions(client: MarketClient, node: ToldNode, data: bytes) -> tuple[str, ...]:
    """What a transaction with these data is said to have called."""
    node.tell(data)
    (mined,) = transactions(client, 2, 2)
    return mined.functions


def test_tells_who_called_what_for_how_much_gas(client: MarketClient, node: ToldNode) -> None:
    first = node.tell(client.codec.call(calls.withdraw(5)))
    second = node.tell(client.codec.call(calls.deposit(7)))
    node.failed.add("0x" + second.hex())
    assert list(transactions(client, 2, 3)) == [
        Mined(first, 2, ALICE, ("withdraw",), 21_002, succeeded=True),
        Mined(second, 3, ALICE, ("deposit",), 21_003, succeeded=False),
    ]


def test_reads_the_blocks_that_it_is_told_and_no_others(client: MarketClient, node: ToldNode) -> None:
    hashes = [node.tell(client.codec.call(calls.withdraw(1))) for _ in range(4)]
    assert [mined.hash for mined in transactions(client, 3, 4)] == hashes[1:3]
    assert list(transactions(client, 5, 4)) == []


def test_leaves_out_what_is_not_sent_to_the_market(client: MarketClient, node: ToldNode) -> None:
    node.tell(b"\x60\x80", to=None)  # creates a contract: this is how the market itself came to be
    node.tell(client.codec.call(calls.withdraw(1)), to=ALICE)
    ours = node.tell(client.codec.call(calls.withdraw(1)), to=MARKET.lower())
    assert [mined.hash for mined in transactions(client, 0, 4)] == [ours]


def test_unpacks_bundles_in_order_and_bundles_in_bundles(client: MarketClient, node: ToldNode) -> None:
    withdraw, expire = client.codec.call(calls.withdraw(1)), client.codec.call(calls.expire_draw(TC))
    data = bundle(client, withdraw, bundle(client, expire, bundle(client, withdraw)), withdraw)
    assert functions(client, node, data) == ("withdraw", "expireDraw", "withdraw", "withdraw")


def test_a_bundle_may_be_empty(client: MarketClient, node: ToldNode) -> None:
    assert functions(client, node, bundle(client)) == ()


@pytest.mark.parametrize(
    ("data", "name"), [(b"", "0x"), (b"\x12\x34", "0x1234"), (b"\xde\xad\xbe\xef rest", "0xdeadbeef")]
)
def test_calls_what_the_abi_lacks_by_its_selector(
    client: MarketClient, node: ToldNode, data: bytes, name: str
) -> None:
    assert functions(client, node, data) == (name,)
    node.take_back(1)
    assert functions(client, node, bundle(client, data, client.codec.call(calls.withdraw(1)))) == (
        name,
        "withdraw",
    )


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\xff" * 31,
        b"\xff" * 64,
        (32).to_bytes(32, "big") + b"\xff" * 32,
        encode(["uint256[]"], [[2**255, 1]]),
    ],
)
def test_a_damaged_bundle_is_told_as_what_it_claims_to_be(
    client: MarketClient, node: ToldNode, rest: bytes
) -> None:
    assert functions(client, node, bundle(client)[:4] + rest) == ("multicall",)
