# createMod
# ├── when the caller is not an MO: refused
# └── else the model exists, under the MO's next serial
#
# Rules: M4, T1

from __future__ import annotations

from agents.core.enums import Role
from agents.core.events import ModelCreated
from agents.core.ids import model_id
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LOCATION, LiveMarket
from testing.contracts.reverts import reverts_with

PLAN = b"\x01" * 32


def test_refuses_who_is_no_model_owner(market: LiveMarket) -> None:
    for caller, role in ((market.data_owner, Role.DATA_OWNER), (market.stranger, Role.NONE)):
        with reverts_with("Members_WrongRole", caller, role, Role.MODEL_OWNER):
            market.contract.createMod("linear", PLAN, LOCATION, {"from": caller})


def test_creates_models_one_after_another(market: LiveMarket) -> None:
    owner = market.model_owner
    for serial in (2, 3):  # the first came with the market
        with moves_coins(market, {}):
            tx = market.contract.createMod("logistic", PLAN, LOCATION, {"from": owner})
        assert tx.return_value == model_id(owner.address, serial)
        expected = ModelCreated(model_id(owner.address, serial), owner, "logistic", PLAN, LOCATION)
        assert events(tx) == [expected]
