"""Scenes for attacks on the market itself, in this process: any stage of a life, and who has what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from agents.core.calls import Call
from agents.core.errors import Refused
from agents.core.ids import InstanceId
from testing.backend import MARKET
from testing.evm import Evm
from testing.evm_script import EvmScript


class AttackFixture(EvmScript):
    """One dataset, one couple, all parties at hand; amounts as in `fake_market.TERMS`."""

    def __init__(self, replicas: int = 3, rounds: int = 2, quorum: int = 0, **terms: int) -> None:
        super().__init__(Evm(), replicas, rounds, quorum, **terms)

    @contextmanager
    def changes(self, **expected: int) -> Iterator[None]:
        """What is done here changes what parties have by so many wei, and nobody else's wealth."""
        before, held = self.wealth(), self.evm.balance(MARKET)
        yield
        after = self.wealth()
        assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == expected
        assert self.evm.balance(MARKET) == held, "coins came or went"

    def ci(self, number: int, subset: int = 0) -> InstanceId:
        """The instance of the numbered cloud owner for a subset."""
        named = self.market.instances_at(self.cos[number].address)
        return next(i.id for i in named if i.id >> 16 & 0xFFFF == subset and i.id >> 32 == self.ds >> 32)

    def attempt(self, sender: str, call: Call) -> None:
        """A call by a party: do, mo, stranger, or co0, co1, ..."""
        who = self.cos[int(sender[2:])] if sender.startswith("co") else getattr(self, sender)
        self.send(who, call)


@contextmanager
def refused(error: str) -> Iterator[None]:
    """The market refuses what is done here, with this error."""
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.error == error, caught.value
