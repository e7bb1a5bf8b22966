"""The market in memory does what the real client, stream and sender do."""

from __future__ import annotations

from agents.chain.fake import FakeMarket
from agents.chain.intents import Intent
from agents.core import calls
from agents.core.errors import Refused
from agents.core.events import Deposited
from agents.core.ids import Address

ALICE = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")


def test_delivers_events_once_and_replays_them() -> None:
    market = FakeMarket(timestamp=100)
    block = market.mine(Deposited(ALICE, 1), Deposited(ALICE, 2), seconds=5)
    assert (block.number, block.timestamp, market.head()) == (1, 105, block)
    assert list(market.replay()) == []
    batch = market.poll()
    assert [logged.event for logged in batch.events] == [Deposited(ALICE, 1), Deposited(ALICE, 2)]
    assert [(logged.block, logged.index, logged.timestamp) for logged in batch.events] == [
        (1, 0, 105),
        (1, 1, 105),
    ]
    assert (batch.upto, batch.behind, batch.rolled_back) == (block, 0, False)
    assert market.poll().events == ()
    assert tuple(market.replay()) == batch.events


def test_takes_back_blocks() -> None:
    market = FakeMarket()
    market.mine(Deposited(ALICE, 1))
    market.mine(Deposited(ALICE, 2))
    market.poll()
    market.take_back(1)
    assert market.poll().rolled_back
    assert [logged.event for logged in market.replay()] == [Deposited(ALICE, 1)]
    assert not market.poll().rolled_back
    market.mine()
    market.take_back(1)
    assert not market.poll().rolled_back, "nothing that was delivered is gone"


def test_records_calls_and_refuses_as_told() -> None:
    market = FakeMarket()
    market.refusals["withdraw"] = Refused("Ledger_InsufficientBalance", (ALICE, 5, 0))
    sent = market.submit([Intent(calls.deposit(3)), Intent(calls.withdraw(5))])
    assert market.sent == [calls.deposit(3), calls.withdraw(5)]
    assert [outcome.refusal for outcome in sent] == [None, market.refusals["withdraw"]]
    (mined,) = market.advance()
    assert mined.receipt is not None
    assert mined.receipt.succeeded
    assert market.advance() == ()
    assert market.height == 0
