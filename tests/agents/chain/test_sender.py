"""From calls to transactions.

Rules: A11, A17.
"""

from __future__ import annotations

from typing import Any

import pytest
from eth_abi.abi import decode, encode
from eth_account.typed_transactions.typed_transaction import TypedTransaction
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from agents.chain.answers import NodeRefused
from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.delivery import GWEI, Patience
from agents.chain.sender import Sender
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.calls import Call
from agents.core.errors import NodeUnavailable, StopAgent
from tests.agents.chain.stub_node import StubNode

MULTICALL = keccak(text="multicall(bytes[])")[:4]
NO_BALANCE = keccak(text="Ledger_InsufficientBalance(address,uint256,uint256)")[:4] + encode(
    ["address", "uint256", "uint256"], ["0x" + "11" * 20, 2, 1]
)


def withdraw(number: int) -> Call:
    return calls.withdraw(number)


@pytest.fixture
def sender(client: MarketClient, wallet: Wallet, database: ChainDatabase) -> Sender:
    return Sender(client, wallet, database, Patience(first_pause_seconds=0), sleep=lambda _: None)


@pytest.fixture
def transactions(node: StubNode, codec: Codec) -> Any:
    """What is mined, each transaction as the list of the calls in it, by their last byte."""

    def shown() -> list[list[int]]:
        return [_numbers(pooled.data) for block in node.blocks for pooled in block.transactions]

    return shown


def _numbers(data: bytes) -> list[int]:
    if data[:4] != MULTICALL:
        return [data[-1]]
    (parts,) = decode(["bytes[]"], data[4:])
    return [part[-1] for part in parts]


def faulty(*bad: int) -> Any:
    """Reverts what holds one of these calls."""
    return lambda data: NO_BALANCE if set(_numbers(data)) & set(bad) else None


def test_sends_one_call_as_it_is(node: StubNode, sender: Sender, codec: Codec) -> None:
    sent = sender.send([withdraw(3)])
    assert [pooled.data for pooled in node.head.transactions] == [codec.call(withdraw(3))]
    assert [pooled.max_fee for pooled in node.head.transactions] == [3 * GWEI]
    (outcome,) = sent.outcomes
    assert (outcome.call, outcome.refusal) == (withdraw(3), None)
    assert sent.receipts == (outcome.receipt,)
    assert sender.height == node.head.number


def test_sends_nothing_for_nothing(node: StubNode, sender: Sender) -> None:
    assert sender.send([]).outcomes == ()
    assert node.received == []


def test_bundles_calls_in_order(sender: Sender, transactions: Any) -> None:
    sent = sender.send([withdraw(number) for number in (3, 1, 2)])
    assert transactions() == [[3, 1, 2]]
    assert [outcome.call for outcome in sent.outcomes] == [withdraw(3), withdraw(1), withdraw(2)]
    assert len(sent.receipts) == 1


def test_calls_with_coins_go_alone(node: StubNode, sender: Sender) -> None:
    sender.send([withdraw(1), withdraw(2), calls.deposit(7), calls.deposit(8), withdraw(3)])
    sent = [
        (pooled.value, pooled.data[:4] == MULTICALL) for block in node.blocks for pooled in block.transactions
    ]
    assert sent == [(0, True), (7, False), (8, False), (0, False)]


def test_a_doomed_call_costs_nothing(node: StubNode, sender: Sender) -> None:
    node.revert = faulty(2)
    (outcome,) = sender.send([withdraw(2)]).outcomes
    assert outcome.receipt is None
    assert outcome.refusal is not None
    assert outcome.refusal.error == "Ledger_InsufficientBalance"
    assert outcome.refusal.arguments == ("0x" + "11" * 20, 2, 1)
    assert node.received == []


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        ((1,), [[2], [3, 4]]),
        ((4,), [[1, 2], [3]]),
        ((2, 3), [[1], [4]]),
        ((1, 2, 3, 4), []),
    ],
)
def test_finds_the_calls_at_fault_in_a_bundle(
    bad: tuple[int, ...], expected: list[list[int]], node: StubNode, sender: Sender, transactions: Any
) -> None:
    node.revert = faulty(*bad)
    sent = sender.send([withdraw(number) for number in (1, 2, 3, 4)])
    assert transactions() == expected
    assert [outcome.refusal is not None for outcome in sent.outcomes] == [n in bad for n in (1, 2, 3, 4)]
    assert [outcome.receipt is None for outcome in sent.outcomes] == [n in bad for n in (1, 2, 3, 4)]
    assert len(sent.receipts) == len(expected)


def test_says_why_a_mined_transaction_reverted(node: StubNode, sender: Sender) -> None:
    node.before["eth_sendRawTransaction"] = lambda: setattr(node, "revert", faulty(2))
    (outcome,) = sender.send([withdraw(2)]).outcomes
    assert outcome.receipt is not None
    assert not outcome.receipt.succeeded
    assert outcome.refusal is not None
    assert outcome.refusal.error == "Ledger_InsufficientBalance"
    replay = [params for method, params in node.asked if method == "eth_call"][-1]
    assert replay[1] == hex(outcome.receipt.block)


def test_does_not_invent_a_reason(node: StubNode, sender: Sender) -> None:
    def revert_once(data: bytes) -> bytes | None:
        return b"" if node.asked[-1][0] == "eth_getTransactionReceipt" else None

    node.revert = revert_once
    (outcome,) = sender.send([withdraw(2)]).outcomes
    assert outcome.refusal is not None
    assert str(outcome.refusal) == "reverted without a reason"
    node.errors["eth_call"] = [{"code": -32003, "message": "out of gas"}]
    (outcome,) = sender.send([withdraw(2)]).outcomes
    assert outcome.refusal is not None
    assert str(outcome.refusal) == "reverted without a reason"


def test_a_bundle_that_reverted_in_its_block_is_tried_in_halves(
    node: StubNode, sender: Sender, transactions: Any
) -> None:
    node.before["eth_sendRawTransaction"] = lambda: setattr(node, "revert", faulty(2))
    sent = sender.send([withdraw(1), withdraw(2)])
    assert transactions() == [[1, 2], [1]]
    first, second = sent.outcomes
    assert first.refusal is None
    assert first.receipt is not None
    assert first.receipt.succeeded
    assert second.receipt is None
    assert second.refusal is not None


def test_a_bundle_too_large_for_a_block_is_sent_in_parts(
    node: StubNode, sender: Sender, transactions: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def measure(request: dict[str, str]) -> str:
        return hex(20_000_000 * len(_numbers(bytes.fromhex(request["data"][2:]))))

    monkeypatch.setattr(node, "_eth_estimateGas", measure)
    sender.send([withdraw(1), withdraw(2)])
    assert transactions() == [[1], [2]]


def test_a_bundle_that_the_node_will_not_estimate_is_sent_in_parts(
    node: StubNode, sender: Sender, transactions: Any
) -> None:
    node.errors["eth_estimateGas"] = [{"code": -32003, "message": "gas required exceeds allowance"}]
    sender.send([withdraw(1), withdraw(2)])
    assert transactions() == [[1], [2]]


def test_a_single_call_too_large_for_a_block_is_told(node: StubNode, sender: Sender) -> None:
    node.gas = 40_000_000
    with pytest.raises(NodeRefused, match="40000000 gas does not fit in a block of 30000000"):
        sender.send([withdraw(1)])


def test_allows_a_margin_of_gas_within_a_block(node: StubNode, client: MarketClient, sender: Sender) -> None:
    sender.send([withdraw(1)])
    node.gas = 29_000_000
    sender.send([withdraw(2)])
    assert [gas_of(raw) for raw in node.received] == [62_500, 30_000_000]


def gas_of(raw: bytes) -> int:
    return int(TypedTransaction.from_bytes(HexBytes(raw)).as_dict()["gas"])


@pytest.mark.parametrize("balance", [0, 6, 62_500 * 3 * GWEI + 6])
def test_stops_when_the_wallet_cannot_pay(
    balance: int, node: StubNode, sender: Sender, wallet: Wallet
) -> None:
    node.balances[wallet.address] = balance
    with pytest.raises(StopAgent, match=f"the wallet {wallet.address} has {balance} wei and needs"):
        sender.send([calls.deposit(7)])
    assert node.received == []
    node.balances[wallet.address] = 62_500 * 3 * GWEI + 7
    assert sender.send([calls.deposit(7)]).receipts[0].succeeded


def test_finishes_what_is_under_way_before_it_believes_new_calls(
    node: StubNode, sender: Sender, transactions: Any
) -> None:
    node.lost_answers["eth_sendRawTransaction"] = 1
    with pytest.raises(NodeUnavailable):
        sender.send([calls.deposit(7)])
    sent = sender.send([calls.deposit(7)])
    assert sent.outcomes == ()
    assert sent.receipts == sent.resumed
    assert len(sent.resumed) == 1
    assert len(transactions()) == 1, "the deposit is not doubled"
    assert len(sender.send([calls.deposit(7)]).outcomes) == 1
    assert sender.resume() == ()


def test_a_failure_inside_a_list_leaves_the_rest_to_the_next_decision(
    node: StubNode, sender: Sender, transactions: Any
) -> None:
    node.before["eth_sendRawTransaction"] = lambda: node.lost_requests.update(eth_getBalance=1)
    with pytest.raises(NodeUnavailable):
        sender.send([calls.deposit(1), calls.deposit(2)])
    assert len(transactions()) == 1
    assert sender.resume() == (), "what was mined is known to be"
