"""The sender against a real anvil that mines when it is told to: what pools, blocks and re-orgs do to it.

Rules: A7, A8, A12, A80, A82, A83, A84, A85, A87.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from eth_account import Account

from agents.chain import views
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.intents import Intent, Outcome
from agents.chain.patience import Patience
from agents.chain.sender import Sender
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import Role
from agents.core.errors import StopAgent
from agents.core.events import ModelCreated
from agents.core.ids import model_id
from testing.node_market import fresh_client
from tests.end_to_end.test_chain import installed

COIN = 10**18
KEY = bytes(64)


@pytest.fixture(scope="module")
def chain() -> Iterator[MarketClient]:
    if not installed("anvil"):
        pytest.skip("anvil is not installed for this platform")
    with fresh_client("anvil") as client:
        client.node.ask("evm_setAutomine", False)
        yield client


@dataclass
class Desk:
    """A registered model owner with coins, whose clock a test moves."""

    client: MarketClient
    wallet: Wallet = field(default_factory=lambda: Wallet(Account.create()))
    database: ChainDatabase = field(default_factory=lambda: ChainDatabase(":memory:"))
    now: float = 0.0

    def __post_init__(self) -> None:
        self.client.node.ask("anvil_setBalance", self.wallet.address, hex(10 * COIN))
        self.sender = self.new_sender()

    def new_sender(self) -> Sender:
        return Sender(self.client, self.wallet, self.database, patience=Patience(), clock=lambda: self.now)

    def step(self, *wanted: Call) -> list[Outcome]:
        self.now += 1
        return [*self.sender.advance(), *self.sender.submit(map(Intent, wanted))]

    def mine(self) -> None:
        """A block; anvil shows it a moment after."""
        number = self.client.head().number
        self.client.node.ask("evm_mine")
        until(lambda: self.client.head().number > number)

    def through(self, *wanted: Call) -> None:
        """One step, a block, and the look at it."""
        self.step(*wanted)
        self.mine()
        until(lambda: bool(self.step()) or not self.sender.in_flight)

    @property
    def free(self) -> int:
        return self.client.read(views.balance_of(self.wallet.address))


@pytest.fixture
def desk(chain: MarketClient) -> Desk:
    desk = Desk(chain)
    desk.through(calls.register(Role.MODEL_OWNER, KEY))
    return desk


def until(done: Callable[[], bool]) -> None:
    """Asks again until it is so."""
    assert any(done() for _ in range(500))


def ask(desk: Desk, method: str, *params: object) -> Any:
    return desk.client.node.ask(method, *params)


def sent(desk: Desk) -> list[str]:
    """The hashes in the pool, of everybody."""
    content = ask(desk, "txpool_content")
    return [
        one["hash"]
        for part in ("pending", "queued")
        for by_nonce in content[part].values()
        for one in by_nonce.values()
    ]


def test_a_pool_that_forgets_gets_the_same_bytes_again(desk: Desk) -> None:
    desk.step(calls.deposit(7))
    (first,) = sent(desk)
    ask(desk, "anvil_dropAllTransactions")
    for _ in range(31):
        desk.step(calls.deposit(7))
    assert sent(desk) == [first]
    desk.mine()
    desk.step()
    assert desk.free == 7


def test_what_no_block_can_take_is_replaced(desk: Desk) -> None:
    desk.step(calls.deposit(7))
    (first,) = sent(desk)
    price = int(ask(desk, "eth_getTransactionByHash", first)["maxFeePerGas"], 16)
    ask(desk, "anvil_setNextBlockBaseFeePerGas", hex(2 * price))
    desk.mine()
    assert desk.free == 0
    desk.step(calls.deposit(7))
    (second,) = sent(desk)
    assert second != first
    desk.mine()
    (outcome,) = desk.step()
    assert outcome.state.value == "mined"
    assert desk.free == 7


def test_a_re_org_of_one_nonce_while_the_next_is_awaited(desk: Desk) -> None:
    snapshot = ask(desk, "evm_snapshot")
    desk.step(calls.deposit(7))
    desk.mine()
    desk.step(calls.create_mod("a model", bytes(32), b"where"))
    ask(desk, "evm_revert", snapshot)
    ask(desk, "anvil_dropAllTransactions")
    desk.mine()
    desk.step()
    desk.mine()
    desk.step()
    assert not desk.sender.in_flight
    assert desk.free == 7
    logs = desk.client.logs(0, desk.client.head().number)
    models = [logged.event.mod for logged in logs if isinstance(logged.event, ModelCreated)]
    assert model_id(desk.wallet.address, 1) in models
    assert model_id(desk.wallet.address, 2) not in models


def test_two_processes_with_one_wallet(desk: Desk) -> None:
    twin = Desk(desk.client, desk.wallet)
    desk.step(calls.deposit(7))
    ask(desk, "anvil_dropAllTransactions")
    twin.through(calls.deposit(5))
    for _ in range(13):
        desk.mine()
    desk.step()
    desk.now += 60
    for _ in range(12):
        desk.mine()
    line = f"{desk.wallet.address} is used by another process, in transaction 0x"
    with pytest.raises(StopAgent, match=line):
        desk.step()
    twin.through(calls.withdraw(5))
    assert desk.free == 0


def test_a_wallet_without_coins_waits_for_some(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    ask(desk, "anvil_setBalance", desk.wallet.address, hex(10**15))
    desk.now += 60
    for _ in range(5):
        assert desk.step(calls.deposit(COIN)) == []
    assert len(caplog.messages) == 1
    ask(desk, "anvil_setBalance", desk.wallet.address, hex(2 * COIN))
    desk.now += 60
    desk.step()
    desk.through(calls.deposit(COIN))
    assert desk.free == COIN


def test_an_estimate_that_is_too_low(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    really: Callable[..., Any] = desk.client.node.ask

    def low(method: str, *params: object) -> Any:
        answer = really(method, *params)
        return hex(int(answer, 16) * 6 // 10) if method == "eth_estimateGas" else answer

    monkeypatch.setattr(desk.client.node, "ask", low)
    failed = 0
    for _ in range(6):
        desk.step(*([] if desk.free else [calls.deposit(7)]))
        desk.mine()
        failed += sum(outcome.state.value == "reverted" for outcome in desk.step())
    assert desk.free == 7
    assert failed == 1


def test_killed_before_it_heard_of_its_block(desk: Desk) -> None:
    desk.step(calls.deposit(7))
    desk.mine()
    desk.sender = desk.new_sender()
    (outcome,) = desk.step()
    assert outcome.state.value == "mined"
    assert desk.free == 7
