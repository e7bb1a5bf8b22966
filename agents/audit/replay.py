"""The auditor: anyone who wants to know whether the market kept its rules, from its events alone.

`audit` replays the events, derives anew whatever a rule derives (draws, receipts, verdicts, payments) and
lists where an event says otherwise (`agents.audit.rules`). `agents.audit.live` then compares the rebuilt
market with the contract's own views. What the events tell of members and money is the read model's.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from agents.audit.rules import broken_after, broken_before, is_solvent
from agents.core.events import Logged
from agents.core.fit import can_follow
from agents.core.ids import Address
from agents.core.market import Market
from agents.readmodel.projections import Projections
from agents.readmodel.statements import Statement


@dataclass
class Audit:
    """What came out.

    Attributes:
        projections: of the events, up to one that makes no sense.
        findings: where an event breaks a rule; none if the market kept them all.
    """

    projections: Projections
    findings: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def market(self) -> Market:
        """Rebuilt from the events."""
        return self.projections.market

    @property
    def statements(self) -> dict[Address, Statement]:
        """By member."""
        return self.projections.statements.all()

    def find(self, logged: Logged, finding: str) -> None:
        """Notes that an event breaks a rule."""
        self.findings.append(f"block {logged.block}: {type(logged.event).__name__} {finding}")


def audit(history: Iterable[Logged], receipt_domain: bytes) -> Audit:
    """Replays `history`, the market's events from its first block, in order.

    It ends at an event that makes no sense after those before it: what follows would make none either.

    Args:
        history: the events.
        receipt_domain: what every receipt of the market begins with, 32 bytes.
    """
    result = Audit(Projections(Market(), receipt_domain))
    for logged in history:
        _find_broken_before(result, logged)
        if not can_follow(result.market, logged.event):
            result.find(logged, "speaks of what no event has made; the audit ends there")
            break
        _replay(result, logged, receipt_domain)
    return result


def _find_broken_before(result: Audit, logged: Logged) -> None:
    with suppress(LookupError, ValueError):  # it speaks of what is not there
        for finding in broken_before(result.market, logged):
            result.find(logged, finding)


def _replay(result: Audit, logged: Logged, domain: bytes) -> None:
    market = result.market
    was_solvent = is_solvent(market)
    market.apply(logged)
    for finding in broken_after(market, logged.event, domain):
        result.find(logged, finding)
    if was_solvent and not is_solvent(market):
        result.find(logged, "spends coins that are not there")
    result.projections.apply(logged)
