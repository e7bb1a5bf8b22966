# deposit
# ├── of coins, by a member or by anyone: they are in the caller's free balance
# ├── once more: adds up
# ├── of nothing: changes nothing, and is said
# ├── before registering: the balance stays
# └── of more than leaves the market 2^96 - 1 wei: refused, with a registration too
#
# Coins that no call brings
# ├── sent to the market plainly, or with a call it does not know, or to one that takes none: refused
# └── forced upon the market by a contract that ends: nobody's
#
# Rules: L1, L5, L7, L11, M3

from __future__ import annotations

import pytest

from agents.core import calls
from agents.core.enums import Role
from agents.core.errors import Refused
from agents.core.events import Deposited
from agents.core.ids import Address
from testing.contracts.ledger_checks import holdings, moves_coins
from testing.contracts.logs import events
from testing.contracts.market import OPENING_BALANCE, LiveMarket
from testing.contracts.reverts import reverts
from testing.evm import Evm

pytestmark = pytest.mark.node


@pytest.mark.parametrize("who", ["stranger", "model_owner"])
def test_deposits(market: LiveMarket, who: str) -> None:
    account = getattr(market, who)
    with moves_coins(market, {account: 7}):
        tx = market.contract.deposit({"from": account, "value": 7})
    assert events(tx) == [Deposited(account, 7)]


def test_adds_up(market: LiveMarket) -> None:
    for amount in (7, 11):
        market.contract.deposit({"from": market.stranger, "value": amount})
    assert market.contract.balanceOf(market.stranger) == 18


def test_deposits_nothing(market: LiveMarket) -> None:
    with moves_coins(market, {}):
        tx = market.contract.deposit({"from": market.stranger})
    assert events(tx) == [Deposited(market.stranger, 0)]


def test_a_balance_survives_registration(market: LiveMarket) -> None:
    market.contract.deposit({"from": market.stranger, "value": 7})
    market.register(market.stranger, Role.CLOUD_OWNER)
    assert market.contract.balanceOf(market.stranger) == 7 + OPENING_BALANCE


def test_refuses_what_no_field_could_hold() -> None:
    """On an EVM whose accounts are rich enough."""
    chain, limit = Evm(), 2**96 - 1
    rich, late = Address("0x" + "11" * 20), Address("0x" + "22" * 20)
    chain.send(rich, calls.deposit(limit - 7))
    for call in (calls.deposit(8), calls.register(Role.CLOUD_OWNER, bytes(64), 8)):
        with pytest.raises(Refused) as refusal:
            chain.send(late, call)
        assert (refusal.value.error, refusal.value.arguments) == ("Ledger_Full", (limit + 1, limit))
    chain.send(late, calls.deposit(7))
    assert chain.view("balanceOf", late, hint=int) == 7
    chain.send(rich, calls.withdraw(limit - 7))
    chain.send(late, calls.deposit(8))


def test_refuses_coins_without_a_call(market: LiveMarket) -> None:
    with moves_coins(market, {}), reverts():
        market.stranger.transfer(market.contract, 7)


def test_refuses_coins_with_an_unknown_call(market: LiveMarket) -> None:
    with moves_coins(market, {}), reverts():
        market.stranger.transfer(market.contract, 7, data="0x12345678")


def test_refuses_coins_with_calls_that_take_none(market: LiveMarket) -> None:
    deposit = market.contract.deposit.encode_input()
    for call in (market.contract.withdraw.encode_input(0), market.contract.multicall.encode_input([deposit])):
        with moves_coins(market, {}), reverts():
            market.stranger.transfer(market.contract, 7, data=call)


def test_forced_coins_are_nobodys() -> None:
    market = LiveMarket.open()
    before, held = holdings(market), market.contract.balance()
    push_market_and_selfdestruct = "0x73" + market.contract.address[2:] + "ff"
    market.stranger.transfer(data=push_market_and_selfdestruct, amount=7)
    assert market.contract.balance() == held + 7
    assert holdings(market) == before
