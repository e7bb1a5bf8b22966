"""Delivery: each transaction is mined once, whatever fails and whenever.

The sections are the rows of the table in docs/adr/0015.

Rules: A7, A10, A12, A13, A81, A82, A83, A84, A85, A86, A87.
"""

from __future__ import annotations

import json
import logging
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.fees import Fees
from agents.chain.node import Node
from agents.chain.outbox import KEPT, Attempt, Outbox, Sending
from agents.chain.patience import Patience
from agents.chain.peer import PATIENCE_SECONDS
from agents.chain.strangers import WELL_BEFORE
from agents.chain.transactions import SEARCHED_BLOCKS, Payload, TransactionReceipt
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.errors import BadInput, NodeUnavailable, StopAgent, WrongNetwork
from agents.core.events import Deposited
from agents.core.ids import Address
from testing.events_as_logs import as_log
from tests.agents.chain.conftest import Clock
from tests.agents.chain.desk import Desk, done, retire
from tests.agents.chain.stub_node import GWEI, Pooled, StubNode

KINDS = json.loads(Path(__file__).with_name("node_errors.json").read_text())
NODES = ["geth", "anvil", "ganache", "kaia"]


@pytest.fixture
def slow(node: StubNode) -> StubNode:
    """A node that mines when it is told to."""
    node.automine = False
    return node


def stranger(wallet: Wallet, nonce: int = 0) -> Pooled:
    """A transaction that another process made with our wallet."""
    return Pooled("0x" + "5a" * 32, wallet.address, nonce, b"\xff", 0, "", 0, 0)


# --- when all goes well ---


def test_delivers_one_after_the_other(node: StubNode, desk: Desk) -> None:
    first, second = desk.send(retire(1)), desk.send(calls.deposit(10**20))
    assert first[0].receipt == TransactionReceipt(
        keccak(node.received[0]),
        2,
        bytes.fromhex(node.blocks[2].hash[2:]),
        50_000,
        50_000 * 2 * GWEI,
        succeeded=True,
    )
    assert second[0].receipt is not None
    assert desk.sender.height == second[0].receipt.block == node.head.number
    assert [(one.value, one.nonce) for one in node.head.transactions] == [(10**20, 1)]


def test_has_no_height_before_its_first_transaction(desk: Desk) -> None:
    assert desk.sender.height == 0


def test_asks_for_nothing_once_it_is_final(node: StubNode, desk: Desk) -> None:
    desk.send(retire(1))
    for _ in range(KEPT):
        node.mine()
    desk.step()
    asked = len(node.asked)
    desk.steps(30)
    assert {method for method, _ in node.asked[asked:]} <= {"eth_getBalance"}


# --- not in a block ---


def test_the_same_bytes_are_sent_again_every_half_minute(slow: StubNode, desk: Desk) -> None:
    desk.steps(100, retire(1), mine=False)
    assert len(slow.received) == 4
    assert len(set(slow.received)) == 1
    slow.mine()
    desk.step()
    assert desk.mined == [[1]]


def test_what_pools_forgot_is_sent_again_unchanged(slow: StubNode, desk: Desk) -> None:
    desk.step(retire(1))
    slow.pool.clear()
    desk.steps(15)
    assert desk.mined == [[1]]
    assert len(set(slow.received)) == 1
    assert len(slow.received) > 1


def test_outbids_itself_when_blocks_with_room_pass_it_by(slow: StubNode, desk: Desk) -> None:
    picky = 5 * GWEI
    for _ in range(60):
        desk.step(*([] if desk.mined else [retire(9)]))
        held, slow.pool = slow.pool, [pooled for pooled in slow.pool if pooled.max_fee >= picky]
        slow.mine()
        slow.pool = [] if slow.head.transactions else held
    fees = [3 * GWEI]
    while fees[-1] < picky:
        fees.append(fees[-1] * 9 // 8 + 1)
    assert desk.mined == [[9]]
    assert len(slow.received) == len(fees)
    assert [one.max_fee for block in slow.blocks for one in block.transactions] == [fees[-1]]
    assert not desk.sender.in_flight


def test_does_not_outbid_itself_while_blocks_are_full(slow: StubNode, desk: Desk) -> None:
    slow.filled = slow.gas_limit
    desk.step(retire(1))
    for _ in range(20):
        held, slow.pool = slow.pool, []
        slow.mine()
        slow.pool = held
        desk.step(retire(1))
    assert len(slow.received) == 1


def test_an_earlier_attempt_that_is_mined_counts(slow: StubNode, desk: Desk) -> None:
    for _ in range(12):
        desk.step(retire(9))
        held, slow.pool = slow.pool, []
        slow.mine()
        slow.pool = held
    assert len(slow.received) > 1
    slow.pool = slow.pool[:1]
    slow.mine()
    (outcome,) = desk.step()
    assert outcome.receipt is not None
    assert outcome.receipt.transaction == keccak(slow.received[0])
    assert desk.mined == [[9]]


@pytest.mark.parametrize("kind", ["geth", "anvil"])
def test_outbids_at_once_what_no_block_can_take(slow: StubNode, desk: Desk, kind: str) -> None:
    slow.says = KINDS[kind]
    desk.step(retire(1))
    slow.base_fee = 100 * GWEI
    slow.mine()
    desk.step()
    slow.mine()
    desk.step()
    assert [pooled.max_fee for pooled in slow.head.transactions] == [201 * GWEI]
    assert len(slow.received) == 2


def test_a_pool_that_takes_no_replacement_is_waited_for(slow: StubNode, desk: Desk) -> None:
    """Kaia says: there is another tx which has the same nonce in the tx pool."""
    slow.says, slow.replaces = KINDS["kaia"], False
    for _ in range(60):
        desk.step(retire(1))
        held, slow.pool = slow.pool, []
        slow.mine()
        slow.pool = held
    assert len({*slow.received}) == 2, "one replacement was tried"
    slow.mine()
    assert done(desk.step()) == [("retireCI", "mined")]
    assert desk.mined == [[1]]


def test_never_offers_more_than_its_limit(
    slow: StubNode, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.step(retire(1))
    slow.base_fee = 600 * GWEI
    desk.steps(20)
    assert desk.offers == [(0, 3 * GWEI, GWEI)]
    assert caplog.messages == ["gas costs more than the limit of 500000000000 wei a unit: retireCI/1 waits"]
    assert len(slow.received) == 1
    slow.base_fee = GWEI
    slow.mine()
    desk.step()
    assert desk.mined == [[1]]


# --- answers to a broadcast ---


@pytest.mark.parametrize("kind", NODES)
def test_what_a_node_knows_already_is_sent(slow: StubNode, desk: Desk, kind: str) -> None:
    slow.says = KINDS[kind]
    slow.lost_answers["eth_sendRawTransaction"] = 1
    desk.step(retire(1))
    desk.step()
    assert desk.state == {"retireCI/1": "sent"}
    slow.mine()
    assert done(desk.step()) == [("retireCI", "mined")]
    assert desk.mined == [[1]]
    assert len(slow.received) == 2


@pytest.mark.parametrize("kind", NODES)
def test_a_nonce_that_is_too_low_may_be_our_own(slow: StubNode, desk: Desk, kind: str) -> None:
    slow.says = KINDS[kind]
    slow.lost_answers["eth_sendRawTransaction"] = 1
    desk.step(retire(1))
    slow.mine()
    slow.lag = slow.receipt_lag = 1
    desk.step()
    slow.lag = slow.receipt_lag = 0
    assert done(desk.step()) == [("retireCI", "mined")]
    assert desk.mined == [[1]]


@pytest.mark.parametrize("said", ["out of favour", "execution reverted"])
def test_whatever_a_node_says_is_not_believed(slow: StubNode, desk: Desk, said: str) -> None:
    slow.errors["eth_sendRawTransaction"] = [{"code": 3, "message": said}]
    desk.step(retire(1))
    assert desk.state == {"retireCI/1": "sent"}
    desk.steps(40)
    assert desk.mined == [[1]]


def test_a_request_that_was_lost_is_made_again_at_once(node: StubNode, desk: Desk) -> None:
    node.lost_requests["eth_sendRawTransaction"] = 1
    desk.step(retire(1))
    assert desk.state == {"retireCI/1": "signed"}
    desk.step(retire(1))
    assert desk.mined == [[1]]


@pytest.mark.parametrize("method", ["eth_getBalance", "eth_sendRawTransaction"])
def test_what_was_delivered_is_told_though_the_node_then_fails(
    slow: StubNode, desk: Desk, method: str
) -> None:
    """It is told once: whoever does not hear of it does not make sure of its events."""
    desk.step(retire(1))
    slow.mine()
    slow.lost_requests[method] = 9
    assert done(desk.advance()) == [("retireCI", "mined")]


@pytest.mark.parametrize("kind", NODES)
def test_insufficient_funds_waits_and_is_told_and_nothing_ends(
    slow: StubNode, desk: Desk, wallet: Wallet, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    slow.says = KINDS[kind]
    slow.before["eth_sendRawTransaction"] = lambda: slow.balances.update({wallet.address: 5})
    for _ in range(150):
        desk.step(calls.deposit(7))
    (line,) = caplog.messages
    assert "waits for coins: the node refused eth_sendRawTransaction: " in line
    assert len(slow.received) == 3, "the balance is looked at every minute"
    assert len(set(slow.received)) == 1
    slow.balances[wallet.address] = 10**20
    for _ in range(61):
        desk.step(calls.deposit(7))
    slow.mine()
    desk.step()
    assert [pooled.value for pooled in slow.head.transactions] == [7]


# --- receipt late ---


def test_a_late_receipt_is_waited_for_and_counts_as_done(slow: StubNode, desk: Desk) -> None:
    """A node counts a transaction before it shows its receipt: nothing is deposited twice."""
    desk.step(calls.deposit(7))
    slow.mine()
    slow.receipt_lag = len(slow.blocks)
    for _ in range(50):
        assert desk.step(calls.deposit(7)) == []
    slow.receipt_lag = 0
    assert done(desk.step()) == [("deposit", "mined")]
    assert [one.value for block in slow.blocks for one in block.transactions] == [7]


def test_others_go_on_while_a_receipt_is_late(slow: StubNode, desk: Desk) -> None:
    desk.step(calls.deposit(7))
    slow.mine()
    slow.receipt_lag = len(slow.blocks) - 2
    assert done(desk.step(calls.deposit(7), retire(1))) == [("retireCI", "sent")]
    slow.mine()
    slow.receipt_lag = 0
    assert done(desk.step()) == [("deposit", "mined"), ("retireCI", "mined")]


def test_a_receipt_that_never_comes_is_made_up_from_the_transaction(slow: StubNode, desk: Desk) -> None:
    slow.altered["eth_getTransactionReceipt"] = lambda _: None
    desk.step(retire(1))
    desk.steps(59)
    assert desk.sender.in_flight
    desk.steps(10)
    (outcome,) = desk.told[1:]
    assert outcome.state.value == "mined"
    assert outcome.receipt is not None
    assert outcome.receipt.fee_is_estimated
    assert outcome.receipt.fee == 62_500 * 2 * GWEI
    assert desk.sender.height == outcome.receipt.block == 2


@dataclass
class Blind:
    """A server that has no receipts, before a node that has."""

    node: StubNode

    def make_request(self, method: str, params: Any) -> dict[str, Any]:
        answer = self.node.make_request(method, params)
        return {**answer, "result": None} if method == "eth_getTransactionReceipt" else answer


def test_a_late_receipt_is_asked_of_another_url(
    slow: StubNode, desk: Desk, deployment: Deployment, codec: Codec
) -> None:
    urls = [Endpoint(one, codec.refusal, name) for one, name in ((Blind(slow), "blind"), (slow, "seeing"))]
    desk.client = MarketClient(deployment, Node(urls, desk.clock), codec)
    desk.restart()
    desk.step(retire(1))
    desk.steps(70)
    (outcome,) = desk.told[1:]
    assert outcome.receipt is not None
    assert not outcome.receipt.fee_is_estimated


@pytest.mark.parametrize("lost", ["blockNumber", "blockHash", "status", "gasUsed", "transactionHash"])
def test_half_a_receipt_is_none(slow: StubNode, desk: Desk, lost: str) -> None:
    slow.altered["eth_getTransactionReceipt"] = lambda receipt: receipt and {**receipt, lost: None}
    desk.step(retire(1))
    slow.mine()
    assert desk.step() == []
    slow.altered.clear()
    assert done(desk.step()) == [("retireCI", "mined")]


@pytest.mark.parametrize("known", [True, False])
def test_a_receipt_without_its_price_is_priced_by_the_transaction(
    slow: StubNode, desk: Desk, known: bool
) -> None:
    def without(receipt: dict[str, object] | None) -> dict[str, object] | None:
        return receipt and {name: value for name, value in receipt.items() if name != "effectiveGasPrice"}

    slow.altered["eth_getTransactionReceipt"] = without
    if not known:
        slow.lacking.add("eth_getTransactionByHash")
    desk.step(retire(1))
    slow.mine()
    (outcome,) = desk.step()
    assert outcome.receipt is not None
    assert outcome.receipt.fee_is_estimated
    assert outcome.receipt.fee == 50_000 * (2 if known else 3) * GWEI


# --- re-org ---


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("forget", [True, False], ids=["forgotten", "pooled"])
def test_sends_again_what_the_chain_took_back(depth: int, forget: bool, node: StubNode, desk: Desk) -> None:
    for number in range(1, 5):
        desk.send(retire(number))
    signed = set(node.received)
    node.automine = False
    node.take_back(depth, forget=forget)
    desk.steps(3)
    assert desk.mined == [[1], [2], [3], [4]]
    assert set(node.received) == signed
    assert not desk.sender.in_flight
    assert desk.sender.height <= node.head.number
    assert len(desk.told) == 8, "what is told is told once"


def test_a_re_org_of_nonce_0_while_nonce_1_is_awaited(slow: StubNode, desk: Desk) -> None:
    desk.step(retire(0))
    slow.mine()
    desk.step(retire(1))
    slow.take_back(1)
    slow.pool.clear()
    slow.mine()
    desk.step()
    assert [nonce for nonce, *_ in desk.offers] == [0, 1], "in one look, the lowest first"
    slow.mine()
    desk.step()
    assert desk.mined == [[0], [1]]
    assert not desk.sender.in_flight


def test_a_receipt_has_the_events_of_the_market(
    slow: StubNode, desk: Desk, abi: list[dict[str, Any]]
) -> None:
    desk.step(retire(1))
    slow.mine(as_log(abi, Deposited(desk.wallet.address, 5)), as_log(abi, Deposited(desk.wallet.address, 6)))
    (outcome,) = desk.step()
    assert outcome.receipt is not None
    assert [(one.hash.hex(), one.index) for one in outcome.receipt.events] == [
        (slow.head.hash[2:], 0),
        (slow.head.hash[2:], 1),
    ]


@pytest.mark.parametrize(
    "logs",
    [None, "none", [{"address": "0x1"}], [{"logIndex": "0x0", "blockNumber": "0x1", "blockHash": "0x"}]],
)
def test_a_receipt_without_sound_logs_is_one_all_the_same(slow: StubNode, desk: Desk, logs: object) -> None:
    slow.altered["eth_getTransactionReceipt"] = lambda told: told and {**told, "logs": logs}
    desk.step(retire(1))
    slow.mine()
    (outcome,) = desk.step()
    assert outcome.receipt is not None
    assert outcome.receipt.events == ()


def test_what_came_into_another_block_is_known_to_be_there(slow: StubNode, desk: Desk) -> None:
    desk.step(retire(1))
    slow.mine()
    desk.step()
    slow.take_back(1, forget=False)
    slow.pool, held = [], slow.pool
    slow.mine()
    slow.pool = held
    slow.mine()
    desk.step()
    assert desk.sender.height == slow.head.number == 3
    assert len(slow.received) == 1


def test_a_late_node_is_no_re_org(slow: StubNode, desk: Desk) -> None:
    desk.step(retire(1))
    slow.mine()
    desk.step()
    desk.told.clear()
    blocks = list(slow.blocks)
    for _ in range(5):
        slow.blocks.pop()
        desk.step(retire(2))
        slow.blocks[:] = blocks
        desk.step()
    assert desk.told == []
    assert len(set(slow.received)) == 1
    assert done(desk.step(retire(2))) == [("retireCI", "sent")]


def test_fills_the_gap_that_a_strangers_transaction_left(slow: StubNode, desk: Desk, wallet: Wallet) -> None:
    slow.mine().transactions.append(stranger(wallet))
    desk.step(retire(1))
    slow.mine()
    desk.step()
    slow.take_back(2)
    desk.steps(8)
    assert desk.mined == [[], [1]]
    filler = next(one for block in slow.blocks for one in block.transactions)
    assert (filler.to, filler.value) == (wallet.address.lower(), 0)


def test_says_nothing_on_a_chain_that_was_started_anew(node: StubNode, desk: Desk, clock: Clock) -> None:
    desk.send(retire(1))
    node.take_back(len(node.blocks))
    for _ in range(3):
        node.mine()
    node.received.clear()
    with pytest.raises(NodeUnavailable, match="started anew"):
        desk.step(retire(2))
    clock.now += PATIENCE_SECONDS
    with pytest.raises(WrongNetwork, match="started anew"):
        desk.step(retire(2))
    assert node.received == []


# --- two processes ---


def other(desk: Desk) -> Desk:
    """The same wallet, from another home."""
    return Desk(desk.node, desk.client, desk.wallet, desk.clock, ChainDatabase(":memory:"))


def test_who_sees_a_foreign_nonce_stops_and_the_other_goes_on(slow: StubNode, desk: Desk) -> None:
    twin = other(desk)
    desk.step(retire(1))
    slow.pool.clear()
    twin.step(retire(2))
    slow.mine()
    assert done(twin.step()) == [("retireCI", "mined")]
    with pytest.raises(StopAgent) as stopped:
        desk.steps(70)
    hash_ = keccak(slow.received[-1]).hex()
    line = f"{desk.wallet.address} is used by another process, in transaction 0x{hash_}: stop one"
    assert str(stopped.value) == line
    assert done(twin.step(retire(3))) == [("retireCI", "sent")]
    desk.restart()
    desk.steps(3)
    assert desk.mined == [[2], [3]], "what was not ours is not sent again"


def test_a_foreign_nonce_is_seen_before_anything_is_signed(node: StubNode, desk: Desk) -> None:
    desk.send(retire(1))
    other(desk).send(retire(2))
    received = len(node.received)
    with pytest.raises(StopAgent, match=f"0x{keccak(node.received[-1]).hex()}: stop one$"):
        desk.step(retire(3))
    assert len(node.received) == received


def test_a_nonce_that_one_answer_alone_shows_used_stops_nobody(
    node: StubNode, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.send(retire(1))
    node.altered["eth_getTransactionCount"] = lambda _: "0x7"
    for _ in range(20):
        assert desk.step(retire(2)) == []
    node.altered.clear()
    assert done(desk.step(retire(2))) == [("retireCI", "sent")]


def test_a_foreign_transaction_that_cannot_be_found_is_not_believed_until_it_is(
    slow: StubNode, desk: Desk, wallet: Wallet, caplog: pytest.LogCaptureFixture
) -> None:
    """A server of another chain has counts of its own: by them an agent ended whose wallet nobody used."""
    desk.step(retire(1))
    slow.pool.clear()
    slow.mine().transactions.append(stranger(wallet))
    slow.lacking.add("eth_getTransactionByHash")
    slow.altered["eth_getBlockByNumber"] = lambda block: block and {**block, "transactions": []}
    slow.lacking.clear()
    received = len(slow.received)
    desk.steps(70)
    assert len(slow.received) == received, "nothing is signed meanwhile"
    told = [message for message in caplog.messages if "and shows none: it is waited for" in message]
    assert told
    assert all(f"transaction 0 of {wallet.address}" in message for message in told)
    slow.altered.clear()
    with pytest.raises(StopAgent, match="is used by another process, in transaction 0x"):
        desk.steps(70)


def miscounted(node: StubNode, wallet: Wallet, blocks: int) -> None:
    """The wallet was used before in another home, so many blocks ago; and who counts first finds nothing."""
    node.mine().transactions.append(stranger(wallet))
    for _ in range(blocks):
        node.mine()
    answers = iter(["0x0", "0x0"])
    node.altered["eth_getTransactionCount"] = lambda count: next(answers, count)


def test_a_count_that_was_too_low_from_the_start_is_found_out(
    slow: StubNode, desk: Desk, wallet: Wallet, caplog: pytest.LogCaptureFixture
) -> None:
    """One server of another chain answered twice: what was signed by its count could never be mined."""
    miscounted(slow, wallet, WELL_BEFORE)
    assert done(desk.step(retire(1))) == [("retireCI", "sent")]
    slow.mine()
    assert done(desk.step(retire(1))) == [("retireCI", "sent")]
    assert caplog.messages == [
        f"transaction 0 of {wallet.address} was made before we chose that number: the node miscounted; "
        "counting anew"
    ]
    slow.mine()
    assert done(desk.step()) == [("retireCI", "mined")]
    assert desk.mined[-1] == [1]
    assert not desk.sender.in_flight


def test_a_count_that_was_too_low_is_found_out_before_anything_is_signed(
    slow: StubNode, desk: Desk, wallet: Wallet
) -> None:
    miscounted(slow, wallet, WELL_BEFORE)
    assert done(desk.step(calls.withdraw(-1))) == [("withdraw", "refused")]
    assert done(desk.step(retire(1))) == [("retireCI", "sent")]
    slow.mine()
    assert desk.mined[-1] == [1]


def test_a_nonce_that_was_used_just_before_may_be_anybodys(
    slow: StubNode, desk: Desk, wallet: Wallet
) -> None:
    """A server may be some blocks ahead of the chain: what it showed there could be ours."""
    miscounted(slow, wallet, WELL_BEFORE - 1)
    desk.step(retire(1))
    slow.mine()
    with pytest.raises(StopAgent, match="is used by another process, in transaction 0x5a5a"):
        desk.steps(70)


def test_a_node_without_old_counts_is_asked_in_vain(
    slow: StubNode, desk: Desk, wallet: Wallet, caplog: pytest.LogCaptureFixture
) -> None:
    miscounted(slow, wallet, SEARCHED_BLOCKS + 1)
    slow.without_old_counts = True
    desk.step(retire(1))
    desk.steps(70)
    assert any("and shows none: it is waited for" in message for message in caplog.messages)
    assert desk.sender.in_flight


def test_what_was_sent_by_hand_while_nobody_ran_is_told(
    node: StubNode, desk: Desk, wallet: Wallet, caplog: pytest.LogCaptureFixture
) -> None:
    desk.send(retire(1))
    node.mine().transactions.append(stranger(wallet, 1))
    desk.restart()
    desk.send(retire(2))
    assert caplog.messages == [
        f"1 transactions of {wallet.address} were sent by another program while this one was away"
    ]
    assert desk.mined == [[1], [0xFF], [2]]


def test_a_chain_that_makes_no_blocks_shows_a_foreign_nonce_too(
    slow: StubNode, desk: Desk, wallet: Wallet
) -> None:
    desk.step(retire(1))
    slow.pool.clear()
    slow.mine().transactions.append(stranger(wallet))
    desk.steps(600, mine=False)
    with pytest.raises(StopAgent, match="0x5a5a"):
        desk.steps(2, mine=False)


# --- fees ---


def test_the_tip_is_what_was_paid_lately(slow: StubNode, desk: Desk) -> None:
    for tip in (2, 9, 4):
        slow.mine().transactions.append(Pooled(f"0x{tip}", "0xA", 0, b"", 0, "", 0, tip * GWEI))
    slow.mine()
    desk.step(retire(1))
    assert desk.offers == [(0, 6 * GWEI, 4 * GWEI)]


@pytest.mark.parametrize(
    ("lacking", "tip"),
    [
        ((), GWEI),
        (("eth_feeHistory",), GWEI),
        (("eth_maxPriorityFeePerGas",), GWEI + 5),
        (("eth_feeHistory", "eth_maxPriorityFeePerGas"), GWEI + 5),
        (("eth_feeHistory", "eth_maxPriorityFeePerGas", "eth_gasPrice"), GWEI),
    ],
    ids=["all", "no history", "Besu", "neither", "nothing"],
)
def test_a_node_without_some_of_the_methods_gets_transactions_all_the_same(
    lacking: tuple[str, ...], tip: int, slow: StubNode, desk: Desk
) -> None:
    slow.lacking |= set(lacking)
    slow.altered["eth_gasPrice"] = lambda price: hex(int(price, 16) + 5)
    desk.step(retire(1))
    assert desk.offers == [(0, 2 * GWEI + tip, tip)]


@pytest.mark.parametrize(
    "answer",
    [None, {}, {"reward": None, "gasUsedRatio": [1]}, {"reward": [[]], "gasUsedRatio": [0.5]}, "0x1"],
)
def test_a_fee_history_that_is_none_is_not_believed(slow: StubNode, desk: Desk, answer: object) -> None:
    slow.altered["eth_feeHistory"] = lambda _: answer
    desk.step(retire(1))
    assert desk.offers == [(0, 3 * GWEI, GWEI)]


def test_kaias_fees_fall_out_of_the_same_rule(slow: StubNode, desk: Desk) -> None:
    slow.base_fee = 25 * GWEI
    slow.altered["eth_maxPriorityFeePerGas"] = lambda _: "0x0"
    desk.step(retire(1))
    assert desk.offers == [(0, 50 * GWEI, 0)]


def test_one_block_without_a_base_fee_is_waited_for(slow: StubNode, desk: Desk) -> None:
    slow.altered["eth_getBlockByNumber"] = without_base_fee
    for _ in range(2):
        with pytest.raises(NodeUnavailable, match="does not say its base fee"):
            desk.step(retire(1))
    slow.altered.clear()
    desk.step(retire(1))
    assert [raw[0] for raw in slow.received] == [2]


def test_a_chain_without_base_fees_gets_legacy_transactions(slow: StubNode, desk: Desk) -> None:
    slow.altered["eth_getBlockByNumber"] = without_base_fee
    for _ in range(2):
        with pytest.raises(NodeUnavailable):
            desk.step(retire(1))
    desk.step(retire(1))
    assert slow.received[0][0] >= 0xC0
    price = 2 * GWEI * 5 // 4
    assert desk.offers == [(0, price, price)]
    for _ in range(6):
        held, slow.pool = slow.pool, []
        slow.mine()
        slow.pool = held
        desk.step()
    assert desk.offers[1:] == [(0, price * 9 // 8 + 1, price * 9 // 8 + 1)]
    desk.restart()
    slow.mine()
    desk.step()
    assert desk.mined == [[1]]


def without_base_fee(block: dict[str, object] | None) -> dict[str, object] | None:
    return block and {name: value for name, value in block.items() if name != "baseFeePerGas"}


# --- gas limit ---


def gas_limits(node: StubNode) -> list[int]:
    return [one.gas for block in node.blocks for one in block.transactions]


def test_an_estimate_that_is_too_low_is_paid_for_three_times_at_most(
    node: StubNode, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    node.takes = lambda _: 10**6
    for _ in range(200):
        desk.step(retire(1))
    assert gas_limits(node) == [62_500, 93_750, 125_000]
    assert [line for line in caplog.messages if "rests" in line] == [
        "retireCI failed 3 times in a row, each at its cost: it rests for an hour"
    ]
    node.mine(seconds=3601)
    node.takes = lambda _: 150_000
    desk.send(retire(1))
    desk.send(retire(2))
    assert gas_limits(node)[3:] == [187_500, 495_000], "what was used, and what was raised, is kept"


def test_a_raised_limit_that_is_enough_ends_it(node: StubNode, desk: Desk) -> None:
    node.takes = lambda _: 90_000
    for _ in range(5):
        desk.step(retire(1))
    assert gas_limits(node)[:2] == [62_500, 93_750]
    assert [one.hash in block.failed for block in node.blocks for one in block.transactions][:2] == [
        True,
        False,
    ]


def test_what_was_learnt_of_gas_survives_a_restart(node: StubNode, desk: Desk) -> None:
    node.takes = lambda _: 10**6
    for _ in range(20):
        desk.restart()
        desk.step(retire(1))
    assert len(gas_limits(node)) == 3


def test_a_function_is_allowed_what_it_used_before(node: StubNode, desk: Desk) -> None:
    node.gas = 200_000
    desk.send(retire(1))
    node.gas = 50_000
    desk.send(retire(2))
    desk.send(calls.deposit(1))
    assert gas_limits(node) == [250_000, 220_000, 62_500]


def test_a_raised_limit_is_at_most_half_a_block(node: StubNode, desk: Desk) -> None:
    node.gas, node.takes = 10_000_000, lambda _: 10**9
    desk.steps(10, retire(1))
    assert gas_limits(node) == [12_500_000, 15_000_000, 15_000_000]


def test_what_reverts_again_and_again_is_paid_for_three_times_at_most(
    node: StubNode, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    """The estimate says yes, and the block no: another's transaction is always before it."""
    for _ in range(100):
        node.before["eth_sendRawTransaction"] = lambda: setattr(node, "revert", lambda _: b"")
        desk.step(retire(1), retire(2))
        node.revert = lambda _: None
    assert desk.mined == [[1, 2], [1], [1], [1], [2], [2], [2]]
    assert len([line for line in caplog.messages if "rests for an hour" in line]) == 2


# --- the outbox ---


def test_an_outbox_is_of_one_wallet(database: ChainDatabase, wallet: Wallet) -> None:
    Outbox(database, wallet.address)
    with pytest.raises(BadInput, match="belongs to the wallet"):
        Outbox(database, Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))


def attempt(nonce: int, fee: int, value: int = 0) -> Attempt:
    payload = Payload(Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"), b"\1", value, 60_000)
    return Attempt(bytes([fee % 256, nonce]) * 16, nonce, payload, Fees(fee, 1), b"raw")


def sending(nonce: int, *keys: str) -> Sending:
    return Sending(nonce, keys, 7.0, math.inf)


def test_an_outbox_gives_the_last_attempt_first(database: ChainDatabase, wallet: Wallet) -> None:
    outbox = Outbox(database, wallet.address)
    attempts = [attempt(0, fee) for fee in (9, 5, 7)]
    outbox.begin(sending(0, "one", "two"), attempts[0])
    outbox.add(attempts[1])
    outbox.add(attempts[2])
    assert outbox.attempts(0) == attempts[::-1]
    assert outbox.open() == [sending(0, "one", "two")]


def test_an_outbox_keeps_attempts_whole_and_the_last_ones_only(
    database: ChainDatabase, wallet: Wallet
) -> None:
    outbox = Outbox(database, wallet.address)
    assert outbox.next_nonce() == 0
    attempts = [attempt(nonce, 10**25, 10**30) for nonce in range(KEPT + 3)]
    for one in attempts:
        outbox.begin(sending(one.nonce), one)
    assert outbox.attempts(3) == [attempts[3]]
    for one in attempts:
        outbox.close(one.nonce, TransactionReceipt(one.hash, one.nonce, bytes(32), 1, 1, succeeded=True))
    assert outbox.open() == []
    assert outbox.attempts(2) == []
    assert outbox.attempts(3) == [attempts[3]]
    assert outbox.next_nonce() == KEPT + 3
    assert [one.nonce for one in outbox.mined(head=KEPT + 2)] == [*range(KEPT + 2, 2, -1)]


def test_patience_is_a_setting(slow: StubNode, desk: Desk) -> None:
    desk.patience = Patience(resend_seconds=2)
    desk.restart()
    desk.step(retire(1))
    desk.steps(4, mine=False)
    assert len(slow.received) == 3


def test_says_what_the_node_had_against_it(
    slow: StubNode, desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    slow.errors["eth_sendRawTransaction"] = [{"code": -32003, "message": "out of favour"}]
    desk.step(retire(1))
    assert [line for line in caplog.messages if "out of favour" in line]


def test_a_tip_beyond_all_measure_is_not_paid(slow: StubNode, desk: Desk) -> None:
    """A node that says what is usual may know who makes the blocks: it had 0.02 coins paid for a call."""
    for _ in range(3):
        slow.mine().transactions.append(Pooled("0x1", "0xA", 0, b"", 0, "", 0, 480 * GWEI))
    desk.step(retire(1))
    assert [offer[2] for offer in desk.offers] == [50 * GWEI]
