"""All projections of one market, folded together."""

from __future__ import annotations

from collections.abc import Iterable

from agents.core.events import Logged
from agents.core.market import Market
from agents.readmodel.accounts import BalanceSheet, balance_sheet
from agents.readmodel.faults import Faults
from agents.readmodel.ledger import Ledger
from agents.readmodel.rounds import Rounds
from agents.readmodel.statements import Statements


class Projections:
    """What a market's events tell, kept up to date event by event.

    Whoever follows a chain gives it each block's events as they come; when the chain takes blocks back, it
    begins anew with the events that stay (`agents.chain.history.EventStream.replay`).

    Args:
        market: the mirror, which takes each event just before.
        domain: what every receipt of the market begins with, 32 bytes.
    """

    def __init__(self, market: Market, domain: bytes) -> None:
        self.market = market
        self.ledger = Ledger(market)
        self.statements = Statements(market, self.ledger)
        self.rounds = Rounds(market)
        self.faults = Faults(market, domain)

    @classmethod
    def of(cls, history: Iterable[Logged], domain: bytes) -> Projections:
        """Those of a history, from the market's first event, with a mirror of their own."""
        made = cls(Market(), domain)
        for logged in history:
            made.market.apply(logged)
            made.apply(logged)
        return made

    def apply(self, logged: Logged) -> None:
        """Takes an event, just applied to the mirror; events come in the chain's order, each once."""
        self.ledger.apply(logged)
        self.statements.apply(logged)
        self.rounds.apply(logged)
        self.faults.apply(logged)

    def balance_sheet(self, contract: int) -> BalanceSheet:
        """The coins of the whole market beside those that the contract holds; all in wei."""
        return balance_sheet(self.market, self.ledger, contract)
