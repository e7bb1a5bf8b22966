"""Commands, which wait: each call once, and one line if it cannot be.

Rules: A7, A17.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agents.chain.intents import Outcome
from agents.chain.waiting import TIMEOUT_SECONDS, send_and_wait
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.calls import Call
from agents.core.errors import NodeUnavailable, StopAgent
from tests.agents.chain.desk import Desk, done, faulty, retire
from tests.agents.chain.stub_node import StubNode


def wait(desk: Desk, *wanted: Call, mines: bool = False) -> Sequence[Outcome]:
    """Runs a command, whose pauses move the clock, and the chain if the test says so."""

    def sleep(seconds: float) -> None:
        desk.clock.now += seconds
        if mines:
            desk.node.mine()

    return send_and_wait(desk.sender, wanted, desk.clock, sleep)


def test_waits_for_each_call(node: StubNode, desk: Desk) -> None:
    node.automine = False
    outcomes = wait(desk, calls.deposit(7), retire(1), retire(2), mines=True)
    assert done(outcomes) == [("deposit", "mined"), ("retireCI", "mined"), ("retireCI", "mined")]
    assert desk.mined == [[0xB0], [1, 2]]


def test_tells_what_is_refused(node: StubNode, desk: Desk) -> None:
    node.revert = faulty(2)
    outcomes = wait(desk, retire(2), retire(3))
    assert done(outcomes) == [("retireCI", "refused"), ("retireCI", "mined")]
    assert desk.mined == [[3]]


def test_what_is_under_way_is_not_sent_again(node: StubNode, desk: Desk) -> None:
    node.automine = False
    with pytest.raises(NodeUnavailable, match="not mined in time: it stays in the outbox"):
        wait(desk, calls.withdraw(5))
    assert desk.clock.now >= 1_000 + TIMEOUT_SECONDS
    desk.restart()
    wait(desk, calls.withdraw(5), mines=True)
    assert desk.mined == [[5]]


def test_a_wallet_that_cannot_pay_ends_the_command(node: StubNode, desk: Desk, wallet: Wallet) -> None:
    node.balances[wallet.address] = 5
    with pytest.raises(StopAgent, match=f"the wallet {wallet.address} has 5 wei and needs .*: send it coins"):
        wait(desk, retire(1))
    assert node.received == []
