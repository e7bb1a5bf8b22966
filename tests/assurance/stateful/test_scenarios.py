"""The market beside its model in scenarios of what is rare; see `assurance.stateful.differential`."""

from __future__ import annotations

import pytest

from agents.core import calls
from agents.core.enums import Role
from agents.core.errors import Refused
from assurance.coverage import scenarios as known
from assurance.stateful import scenarios as rare
from assurance.stateful.differential import DifferentialEvm
from assurance.stateful.round_invariants import BrokenError
from testing.script import identity

ALICE = identity("alice")


@pytest.mark.parametrize("scenario", [*known.SCENARIOS, *rare.SCENARIOS], ids=lambda one: one.__name__)
def test_answers_as_its_model(scenario: known.Scenario) -> None:
    market = DifferentialEvm()
    scenario(market)
    market.compare()


# --- it notices ---


def test_notices_an_event_that_differs() -> None:
    market = DifferentialEvm()
    market.model.send(ALICE.address, calls.register(Role.CLOUD_OWNER, ALICE.encryption_key))
    with pytest.raises(BrokenError, match="createCO"):
        market.send(ALICE.address, calls.register(Role.CLOUD_OWNER, ALICE.encryption_key))


def test_notices_a_refusal_that_differs() -> None:
    market = DifferentialEvm()
    with pytest.raises(Refused):
        market.send(ALICE.address, calls.withdraw(5))
    market.model.send(ALICE.address, calls.deposit(4))
    with pytest.raises(BrokenError, match="Ledger_InsufficientBalance"):
        market.send(ALICE.address, calls.withdraw(5))


def test_notices_a_view_that_differs() -> None:
    market = DifferentialEvm()
    market.send(ALICE.address, calls.deposit(4))
    market.model.send(ALICE.address, calls.deposit(4))
    with pytest.raises(BrokenError, match="balanceOf"):
        market.compare()
