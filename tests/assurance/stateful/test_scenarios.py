"""The market and its model in scenarios that go straight to what is rare; see `assurance.stateful.duel`."""

from __future__ import annotations

import pytest

from agents.core import calls
from agents.core.enums import Role
from agents.core.errors import Refused
from assurance.coverage import scenarios as known
from assurance.stateful import scenarios as rare
from assurance.stateful.court import BrokenError
from assurance.stateful.duel import Duel
from testing.evm import bytecode
from testing.script import identity

ALICE = identity("alice")


@pytest.mark.parametrize("scenario", [*known.SCENARIOS, *rare.SCENARIOS], ids=lambda one: one.__name__)
def test_answers_as_its_model(scenario: known.Scenario) -> None:
    duel = Duel(bytecode())
    scenario(duel)
    duel.compare()


# --- it notices ---


def test_notices_an_event_that_differs() -> None:
    duel = Duel(bytecode())
    duel.model.send(ALICE.address, calls.register(Role.CLOUD_OWNER, ALICE.encryption_key))
    with pytest.raises(BrokenError, match="createCO"):
        duel.send(ALICE.address, calls.register(Role.CLOUD_OWNER, ALICE.encryption_key))


def test_notices_a_refusal_that_differs() -> None:
    duel = Duel(bytecode())
    with pytest.raises(Refused):
        duel.send(ALICE.address, calls.withdraw(5))
    duel.model.send(ALICE.address, calls.deposit(4))
    with pytest.raises(BrokenError, match="Ledger_InsufficientBalance"):
        duel.send(ALICE.address, calls.withdraw(5))


def test_notices_a_view_that_differs() -> None:
    duel = Duel(bytecode())
    duel.send(ALICE.address, calls.deposit(4))
    duel.model.send(ALICE.address, calls.deposit(4))
    with pytest.raises(BrokenError, match="balanceOf"):
        duel.compare()
