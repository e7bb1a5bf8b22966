"""Delivery: each transaction is mined once, whatever fails and whenever.

Rules: A7, A10, A12, A13.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from eth_utils.crypto import keccak

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.delivery import GWEI, Delivery, Patience
from agents.chain.outbox import KEPT, Attempt, Outbox
from agents.chain.peer import PATIENCE_SECONDS
from agents.chain.transactions import Fees, Payload, TransactionReceipt, Transactions
from agents.chain.wallet import Wallet
from agents.core.errors import BadInput, NodeUnavailable, WrongNetwork
from agents.core.ids import Address
from tests.agents.chain.conftest import Clock
from tests.agents.chain.stub_node import Pooled, StubNode

PATIENCE = Patience(timeout_seconds=60, first_pause_seconds=1, last_pause_seconds=4, stuck_blocks=3)


class Crash(BaseException):
    """The process dies here."""


class Time:
    """A clock that only sleeping moves; every pause calls `meanwhile`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.meanwhile()


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def delivery(client: MarketClient, wallet: Wallet, database: ChainDatabase, time: Time) -> Delivery:
    return make(client, wallet, database, time)


def make(
    client: MarketClient, wallet: Wallet, database: ChainDatabase, time: Time, patience: Patience = PATIENCE
) -> Delivery:
    chain = Transactions(client, wallet.address)
    return Delivery(chain, 1337, wallet, database, patience, time.clock, time.sleep)


def payload(number: int = 0, value: int = 0) -> Payload:
    return Payload(Address("0x5FbDB2315678afecb367f032d93F642f64180aa3"), bytes([number]), value, 60_000)


FEES = Fees(3 * GWEI, GWEI)


def mined(node: StubNode) -> list[bytes]:
    """What the chain's transactions say, in order."""
    return [pooled.data for block in node.blocks for pooled in block.transactions]


def offers(node: StubNode) -> list[tuple[int, int, int]]:
    """The nonce and fees of all in the pool."""
    return [(pooled.nonce, pooled.max_fee, pooled.tip) for pooled in node.pool]


# --- when all goes well ---


def test_delivers_one_after_the_other(node: StubNode, delivery: Delivery) -> None:
    first, second = delivery.deliver(payload(1), FEES), delivery.deliver(payload(2, value=10**20), FEES)
    assert mined(node) == [b"\1", b"\2"]
    assert first == TransactionReceipt(keccak(node.received[0]), 2, 50_000, 50_000 * 2 * GWEI, succeeded=True)
    assert delivery.height == second.block == node.head.number
    assert delivery.resume() == ()
    assert [(one.value, one.nonce) for one in node.head.transactions] == [(10**20, 1)]


def test_has_no_height_before_its_first_transaction(delivery: Delivery) -> None:
    assert delivery.height == 0


def test_waits_ever_longer_until_a_block_comes(node: StubNode, delivery: Delivery, time: Time) -> None:
    node.automine = False
    time.meanwhile = lambda: node.mine() if time.now > 10 else None
    delivery.deliver(payload(), FEES)
    assert time.pauses == [1, 2, 4, 4]


def test_a_mined_transaction_that_reverted_is_delivered(node: StubNode, delivery: Delivery) -> None:
    node.revert = lambda _: b""
    assert not delivery.deliver(payload(), FEES).succeeded
    assert delivery.resume() == ()


# --- crashes ---

STEPS = [
    "eth_getTransactionCount",
    "eth_getBlockByNumber",
    "eth_sendRawTransaction",
    "eth_getTransactionReceipt",
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("automine", [True, False])
def test_a_crash_at_any_request_neither_loses_nor_doubles(
    step: str,
    after: bool,
    automine: bool,
    node: StubNode,
    client: MarketClient,
    wallet: Wallet,
    tmp_path: Path,
) -> None:
    node.automine = automine
    time = Time()
    time.meanwhile = node.mine
    database = ChainDatabase(tmp_path / "chain")
    original = client.node.ask

    def dying(method: str, *params: object) -> object:
        if method != step:
            return original(method, *params)
        if after:
            original(method, *params)
        raise Crash

    client.node.ask = dying  # type: ignore[method-assign]
    with pytest.raises(Crash):
        make(client, wallet, database, time).deliver(payload(7), FEES)
    database.close()
    client.node.ask = original  # type: ignore[method-assign]

    restarted = make(client, wallet, ChainDatabase(tmp_path / "chain"), time)
    signed = step != "eth_getTransactionCount"  # the one step before it is in the outbox
    assert len(restarted.resume()) == signed
    assert mined(node) == ([b"\7"] if signed else [])
    assert restarted.resume() == ()
    restarted.deliver(payload(8), FEES)
    assert mined(node)[signed:] == [b"\x08"]


@pytest.mark.parametrize("commit", [1, 2], ids=["keep", "close"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_crash_at_any_commit_neither_loses_nor_doubles(
    commit: int,
    after: bool,
    node: StubNode,
    client: MarketClient,
    wallet: Wallet,
    tmp_path: Path,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database = ChainDatabase(tmp_path / "chain")
    delivery, original, commits = make(client, wallet, database, time), database.transaction, 0

    @contextmanager
    def dying() -> Iterator[sqlite3.Connection]:
        nonlocal commits
        commits += 1
        with original() as connection:
            yield connection
            if commits == commit and not after:
                raise Crash
        if commits == commit:
            raise Crash

    monkeypatch.setattr(database, "transaction", dying)
    with pytest.raises(Crash):
        delivery.deliver(payload(7), FEES)
    database.close()

    restarted = make(client, wallet, ChainDatabase(tmp_path / "chain"), time)
    kept = (commit, after) != (1, False)
    closed = (commit, after) == (2, True)
    assert len(restarted.resume()) == (kept and not closed)
    assert mined(node) == ([b"\7"] if kept else [])


def test_lost_requests_and_answers_are_made_up_for(node: StubNode, delivery: Delivery) -> None:
    for number, losses in enumerate((node.lost_requests, node.lost_answers)):
        losses["eth_sendRawTransaction"] = 1
        with pytest.raises(NodeUnavailable):
            delivery.deliver(payload(number), FEES)
        assert [receipt.succeeded for receipt in delivery.resume()] == [True]
    assert mined(node) == [b"\0", b"\1"]


def test_what_is_mined_already_is_not_sent_again(node: StubNode, delivery: Delivery) -> None:
    node.lost_requests["eth_getTransactionReceipt"] = 1
    with pytest.raises(NodeUnavailable):
        delivery.deliver(payload(), FEES)
    delivery.resume()
    assert len(node.received) == 1


# --- a slow chain ---


def test_gives_up_waiting_but_not_the_transaction(node: StubNode, delivery: Delivery, time: Time) -> None:
    node.automine = False
    with pytest.raises(NodeUnavailable, match=r"was not mined in time$"):
        delivery.deliver(payload(5), FEES)
    assert time.now >= 60
    node.mine()
    assert len(delivery.resume()) == 1
    assert mined(node) == [b"\5"]


def test_says_what_the_node_had_against_it(node: StubNode, delivery: Delivery) -> None:
    node.errors["eth_sendRawTransaction"] = [{"code": -32003, "message": "out of favour"}]
    with pytest.raises(NodeUnavailable, match=r"not mined in time .*out of favour"):
        delivery.deliver(payload(), FEES)


def test_a_revert_said_at_broadcast_is_read_from_the_receipt(node: StubNode, delivery: Delivery) -> None:
    reverted = {"code": 3, "message": "execution reverted"}
    node.before["eth_sendRawTransaction"] = lambda: node.errors["eth_sendRawTransaction"].append(reverted)
    node.automine = False
    with pytest.raises(NodeUnavailable, match="reverted without a reason"):
        delivery.deliver(payload(), FEES)


# --- fees ---


def test_outbids_itself_when_blocks_pass_it_by(node: StubNode, delivery: Delivery, time: Time) -> None:
    node.automine = False
    picky = 5 * GWEI

    def mine() -> None:
        held = node.pool
        node.pool = [pooled for pooled in held if pooled.max_fee >= picky]
        passed_by = [pooled for pooled in held if pooled.max_fee < picky]
        node.mine()
        node.pool += passed_by if not node.head.transactions else []

    time.meanwhile = mine
    receipt = delivery.deliver(payload(9), FEES)
    assert mined(node) == [b"\x09"]
    assert receipt.transaction == keccak(node.received[-1])
    fees = [FEES.maximum]
    while fees[-1] < picky:
        fees.append(fees[-1] * 9 // 8 + 1)
    assert len(node.received) == len(fees)
    assert node.head.transactions[0].max_fee == fees[-1]
    assert delivery.resume() == ()


def test_an_earlier_attempt_that_is_mined_counts(node: StubNode, delivery: Delivery, time: Time) -> None:
    node.automine = False

    def mine() -> None:
        node.pool, kept = [], node.pool
        if len(kept) == 2:
            node.pool = kept[:1]
        node.mine()
        node.pool = kept if not node.head.transactions else []

    time.meanwhile = mine
    receipt = delivery.deliver(payload(9), FEES)
    assert len(node.received) == 2
    assert receipt.transaction == keccak(node.received[0])
    assert mined(node) == [b"\x09"]


def test_outbids_at_once_what_no_block_can_take(node: StubNode, delivery: Delivery, time: Time) -> None:
    node.automine = False
    node.base_fee = 100 * GWEI
    time.meanwhile = node.mine
    delivery.deliver(payload(), FEES)
    assert [pooled.max_fee for pooled in node.head.transactions] == [201 * GWEI]
    assert len(node.received) == 2
    assert time.pauses == [1, 2], "without waiting to be passed by"


def test_never_offers_more_than_its_limit(
    node: StubNode, client: MarketClient, wallet: Wallet, database: ChainDatabase, time: Time
) -> None:
    patience = Patience(timeout_seconds=60, first_pause_seconds=1, fee_limit=4 * GWEI)
    delivery = make(client, wallet, database, time, patience)
    assert delivery.fees(10 * GWEI) == Fees(4 * GWEI, GWEI)
    assert delivery.fees(GWEI) == Fees(3 * GWEI, GWEI)
    node.automine, node.base_fee = False, 10 * GWEI
    time.meanwhile = node.mine
    with pytest.raises(NodeUnavailable, match="not mined in time"):
        delivery.deliver(payload(), Fees(4 * GWEI, GWEI))
    assert offers(node) == [(0, 4 * GWEI, GWEI)]


def test_a_limit_below_the_tip_limits_the_tip(
    client: MarketClient, wallet: Wallet, database: ChainDatabase, time: Time
) -> None:
    delivery = make(client, wallet, database, time, Patience(fee_limit=5))
    assert delivery.fees(GWEI) == Fees(5, 5)


def test_refuses_a_chain_without_eip_1559(
    client: MarketClient, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client.node, "ask", lambda *_: {"number": "0x1"})
    with pytest.raises(WrongNetwork, match="EIP-1559"):
        Transactions(client, wallet.address).last_block()


# --- re-orgs and nonces ---


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("forget", [True, False], ids=["forgotten", "pooled"])
def test_sends_again_what_the_chain_took_back(
    depth: int, forget: bool, node: StubNode, delivery: Delivery, time: Time
) -> None:
    for number in range(1, 5):
        delivery.deliver(payload(number), FEES)
    node.take_back(depth, forget=forget)
    time.meanwhile = node.mine
    assert len(delivery.resume()) == depth
    assert mined(node) == [b"\1", b"\2", b"\3", b"\4"]
    assert delivery.height == node.head.number


def test_fills_the_gap_that_a_strangers_transaction_left(
    node: StubNode, wallet: Wallet, delivery: Delivery, time: Time
) -> None:
    stranger = Pooled("0x1", wallet.address, 0, b"stranger", 0, "", 0, 0)
    node.mine().transactions.append(stranger)
    delivery.deliver(payload(1), FEES)
    node.take_back(2)
    time.meanwhile = node.mine
    assert len(delivery.resume()) == 2
    assert mined(node) == [b"", b"\1"]
    assert node.blocks[2].transactions[0].to == wallet.address.lower()


def test_drops_what_a_stranger_replaced(
    node: StubNode, wallet: Wallet, delivery: Delivery, time: Time
) -> None:
    node.automine = False
    stranger = Pooled("0x1", wallet.address, 0, b"stranger", 0, "", 0, 0)

    def mine() -> None:
        node.pool.clear()
        node.mine().transactions.append(stranger)
        time.meanwhile = node.mine

    time.meanwhile = mine
    with pytest.raises(NodeUnavailable, match=r"another program sends from .* used nonce 0"):
        delivery.deliver(payload(1), FEES)
    assert delivery.resume() == ()
    node.automine, time.meanwhile = True, node.mine
    delivery.deliver(payload(2), FEES)
    assert mined(node) == [b"stranger", b"\2"]


def test_says_nothing_on_a_chain_that_was_started_anew(
    node: StubNode, delivery: Delivery, clock: Clock
) -> None:
    delivery.deliver(payload(1), FEES)
    node.take_back(len(node.blocks))
    for _ in range(3):
        node.mine()
    node.received.clear()
    with pytest.raises(NodeUnavailable, match="started anew"):
        delivery.resume()
    clock.now += PATIENCE_SECONDS
    with pytest.raises(WrongNetwork, match="started anew"):
        delivery.resume()
    assert node.received == []


# --- the outbox ---


def test_an_outbox_is_of_one_wallet(database: ChainDatabase, wallet: Wallet) -> None:
    Outbox(database, wallet.address)
    with pytest.raises(BadInput, match="belongs to the wallet"):
        Outbox(database, Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"))


def test_an_outbox_gives_the_last_attempt_first(database: ChainDatabase, wallet: Wallet) -> None:
    outbox = Outbox(database, wallet.address)
    attempts = [Attempt(bytes([fee]) * 32, 0, payload(1), Fees(fee, 1), b"raw") for fee in (9, 5, 7)]
    for attempt in attempts:
        outbox.add(attempt)
    assert outbox.attempts(0) == attempts[::-1]
    assert outbox.open_nonces() == [0]


def test_an_outbox_keeps_attempts_whole_and_the_last_ones_only(
    database: ChainDatabase, wallet: Wallet
) -> None:
    outbox = Outbox(database, wallet.address)
    assert outbox.last_nonce() == -1
    attempts = [
        Attempt(bytes([nonce]) * 32, nonce, payload(1, value=10**30), Fees(10**25, 10**24), b"raw")
        for nonce in range(KEPT + 3)
    ]
    for attempt in attempts:
        outbox.add(attempt)
    assert outbox.attempts(3) == [attempts[3]]
    for attempt in attempts:
        outbox.close(attempt.nonce, block=attempt.nonce)
    assert outbox.open_nonces() == []
    assert outbox.attempts(2) == []
    assert outbox.attempts(3) == [attempts[3]]
    assert outbox.last_nonce() == KEPT + 2


def test_waits_for_a_receipt_that_the_node_shows_late(
    node: StubNode, delivery: Delivery, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A node may count a transaction before it shows its receipt: that is no stranger's."""
    looks, receipt = count(), Transactions.receipt

    def late(chain: Transactions, transaction: bytes) -> TransactionReceipt | None:
        return receipt(chain, transaction) if next(looks) >= 2 else None

    monkeypatch.setattr(Transactions, "receipt", late)
    said = delivery.deliver(payload(1), FEES)
    assert said.succeeded
    assert mined(node) == [b"\1"]
