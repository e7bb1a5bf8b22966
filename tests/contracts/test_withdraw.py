# withdraw
# ├── of more than the caller's free balance: refused
# │   ├── though the market holds others' coins
# │   └── though the caller has coins in escrows and bonds
# ├── of all, of a part, of nothing: the coins are the caller's, who may be no member
# └── by a contract
#     ├── that refuses coins: refused, nothing has changed
#     ├── that withdraws again when it receives: finds its balance lowered
#     │   ├── while it covers that: gets it
#     │   └── then: refused, and gets no more than it had
#     ├── likewise within a multicall
#     └── that deposits what it receives: has it in its balance
#
# Rules: L2, L3, L4

from __future__ import annotations

from typing import Any

import pytest

from agents.core.events import Deposited, Withdrawn
from testing.backend import TERMS
from testing.contracts.couple import request
from testing.contracts.harness import deploy
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import OPENING_BALANCE, LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with
from testing.evm import codec

pytestmark = pytest.mark.node

HOLDINGS = 10


@pytest.fixture
def receiver(market: LiveMarket) -> Any:
    """A contract with a balance of `HOLDINGS`."""
    receiver = deploy("Receiver")
    act(receiver, market, market.contract.deposit.encode_input(), HOLDINGS)
    return receiver


def act(receiver: Any, market: LiveMarket, data: str, value: int = 0) -> Any:
    return receiver.call(market.contract, data, {"from": market.stranger, "value": value})


def test_refuses_more_than_the_balance(market: LiveMarket) -> None:
    balance = OPENING_BALANCE
    with reverts_with("Ledger_InsufficientBalance", market.model_owner, balance + 1, balance):
        market.contract.withdraw(balance + 1, {"from": market.model_owner})


def test_refuses_whoever_has_nothing(market: LiveMarket) -> None:
    with reverts_with("Ledger_InsufficientBalance", market.stranger, 1, 0):
        market.contract.withdraw(1, {"from": market.stranger})


def test_refuses_amounts_past_the_width_of_a_balance(market: LiveMarket) -> None:
    for amount in (2**128, 2**128 + 1, 2**256 - 1):
        with reverts_with("Ledger_InsufficientBalance", market.model_owner, amount, OPENING_BALANCE):
            market.contract.withdraw(amount, {"from": market.model_owner})


def test_refuses_escrow(market: LiveMarket, dataset: LiveDataset) -> None:
    request(dataset, rounds=2)
    free = OPENING_BALANCE - 2 * TERMS.escrow_per_round
    with reverts_with("Ledger_InsufficientBalance", market.model_owner, free + 1, free):
        market.contract.withdraw(free + 1, {"from": market.model_owner})


def test_refuses_a_bond(market: LiveMarket, dataset: LiveDataset) -> None:
    free = OPENING_BALANCE - TERMS.instance_bond
    with reverts_with("Ledger_InsufficientBalance", market.cloud_owners[0], free + 1, free):
        market.contract.withdraw(free + 1, {"from": market.cloud_owners[0]})


@pytest.mark.parametrize("amount", [0, 1, OPENING_BALANCE])
def test_withdraws(market: LiveMarket, amount: int) -> None:
    held, had = market.contract.balance(), market.model_owner.balance()
    with moves_coins(market, {market.model_owner: -amount}):
        tx = market.contract.withdraw(amount, {"from": market.model_owner})
    assert events(tx) == [Withdrawn(market.model_owner, amount)]
    assert market.contract.balance() == held - amount
    assert market.model_owner.balance() == had + amount - tx.gas_used * tx.gas_price


def test_a_contract_withdraws(market: LiveMarket, receiver: Any) -> None:
    with moves_coins(market, {receiver: -4}):
        act(receiver, market, market.contract.withdraw.encode_input(4))
    assert receiver.balance() == 4


def test_a_receiver_that_refuses_coins_keeps_its_balance(market: LiveMarket, receiver: Any) -> None:
    receiver.refuse({"from": market.stranger})
    with moves_coins(market, {}), reverts_with("FailedCall"):
        act(receiver, market, market.contract.withdraw.encode_input(4))
    assert receiver.balance() == 0


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "in a multicall"])
def test_who_re_enters_finds_its_balance_lowered(market: LiveMarket, receiver: Any, wrapped: bool) -> None:
    withdraw = market.contract.withdraw.encode_input(4)
    if wrapped:
        withdraw = market.contract.multicall.encode_input([withdraw])
    receiver.retortWith(withdraw, 0, {"from": market.stranger})
    with moves_coins(market, {receiver: -8}):
        act(receiver, market, withdraw)
    assert receiver.balance() == 8
    assert receiver.receipts() == 2, "withdrew 4, then 4 more, and was refused the third time"
    assert not receiver.succeeded()
    refusal = codec().refusal(bytes(receiver.answer()))
    assert (refusal.error, refusal.arguments) == ("Ledger_InsufficientBalance", (receiver.address, 4, 2))


def test_who_re_enters_for_all_gets_it_once(market: LiveMarket, receiver: Any) -> None:
    withdraw = market.contract.withdraw.encode_input(HOLDINGS)
    receiver.retortWith(withdraw, 0, {"from": market.stranger})
    with moves_coins(market, {receiver: -HOLDINGS}):
        tx = act(receiver, market, withdraw)
    assert events(tx) == [Withdrawn(receiver.address, HOLDINGS)]
    assert receiver.receipts() == 1
    assert not receiver.succeeded()


def test_who_deposits_what_it_receives_has_it_again(market: LiveMarket, receiver: Any) -> None:
    receiver.retortWith(market.contract.deposit.encode_input(), 4, {"from": market.stranger})
    with moves_coins(market, {}):
        tx = act(receiver, market, market.contract.withdraw.encode_input(4))
    assert events(tx) == [Withdrawn(receiver.address, 4), Deposited(receiver.address, 4)]
    assert receiver.succeeded()
    assert receiver.balance() == 0
