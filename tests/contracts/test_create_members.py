# createDO, createCO, createMO
# ├── when the caller has a role, this one or another: refused
# ├── when the key has not 64 bytes: refused
# └── else the caller has the role
#     ├── with coins: they are its balance
#     └── without: it has none
#
# Rules: M1, M2, M3, M4

from __future__ import annotations

from typing import Any

import pytest

from agents.core.enums import Role
from agents.core.events import Deposited, MemberCreated
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LiveMarket
from testing.contracts.reverts import reverts_with

KEY = bytes(range(64))
CREATE = {Role.DATA_OWNER: "createDO", Role.CLOUD_OWNER: "createCO", Role.MODEL_OWNER: "createMO"}

each_role = pytest.mark.parametrize("role", CREATE, ids=lambda role: CREATE[role])


def create(market: LiveMarket, role: Role, key: bytes = KEY, value: int = 0) -> Any:
    return getattr(market.contract, CREATE[role])(key, {"from": market.stranger, "value": value})


@each_role
def test_registers_with_coins(market: LiveMarket, role: Role) -> None:
    with moves_coins(market, {market.stranger: 7}):
        tx = create(market, role, value=7)
    assert events(tx) == [MemberCreated(market.stranger, role, KEY), Deposited(market.stranger, 7)]
    assert market.contract.roleOf(market.stranger) == role


@each_role
def test_registers_without_coins(market: LiveMarket, role: Role) -> None:
    with moves_coins(market, {}):
        tx = create(market, role)
    assert events(tx) == [MemberCreated(market.stranger, role, KEY)]
    assert market.contract.roleOf(market.stranger) == role


@each_role
@pytest.mark.parametrize("other", CREATE, ids=lambda role: CREATE[role])
def test_a_member_keeps_its_role(market: LiveMarket, role: Role, other: Role) -> None:
    create(market, role)
    with moves_coins(market, {}), reverts_with("Members_AlreadyRegistered", market.stranger, role):
        create(market, other, value=7)
    assert market.contract.roleOf(market.stranger) == role


@each_role
@pytest.mark.parametrize("length", [0, 33, 63, 65])
def test_refuses_a_key_of_another_length(market: LiveMarket, role: Role, length: int) -> None:
    with moves_coins(market, {}), reverts_with("Members_BadEncryptionKey", length):
        create(market, role, key=bytes(length), value=7)
    assert market.contract.roleOf(market.stranger) == Role.NONE


def test_who_never_registered_has_no_role(market: LiveMarket) -> None:
    assert market.contract.roleOf(market.stranger) == Role.NONE
