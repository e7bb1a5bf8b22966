"""A scripted life on the market itself, run by the EVM in this process.

script = EvmScript(Evm(), replicas=3)
script.bring_to(CouplePhase.TRAINING)
"""

from __future__ import annotations

from agents.core.calls import Call
from agents.core.enums import CouplePhase
from agents.core.events import MarketEvent
from agents.core.ids import Address
from testing.backend import Backend
from testing.evm import Evm
from testing.script import Script

OPEN = range(CouplePhase.APPROVED, CouplePhase.OVERDUE + 1)


class EvmMarket(Backend):
    """A market on an EVM."""

    def __init__(self, evm: Evm) -> None:
        super().__init__(evm.now)
        self.evm = evm

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        self.evm.now = self.now
        events = self.evm.send(sender, call)
        self.sender, self.height = sender, self.evm.height
        for event in events:
            self.emit(event)
        return events


class EvmScript(Script):
    """A script on an EVM's market, whose members have as much as any test wants."""

    def __init__(self, evm: Evm, replicas: int = 3, rounds: int = 2, quorum: int = 0, **terms: int) -> None:
        super().__init__(replicas, rounds, quorum, 10**9, **terms)
        self.evm, self.chain = evm, EvmMarket(evm)

    def wealth(self) -> dict[str, int]:
        """What each party has in the market, free or locked, in wei: do, mo, co0, co1, ..."""
        has = {"do": self.coins(self.do), "mo": self.coins(self.mo)}
        for number, co in enumerate(self.cos):
            bonds = sum(instance.bond for instance in self.market.instances_at(co.address))
            has[f"co{number}"] = self.coins(co) + bonds
        for couple in self.market.couples.values():
            has["mo"] += couple.escrow
            has["do"] += self.terms.couple_bond if couple.phase in OPEN else 0
        return has
