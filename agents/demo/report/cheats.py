"""What only the demo knows, joined to what the chain shows: who was planted to cheat, and who is honest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from agents.core.ids import Address
from agents.demo.outcome import Cheat, DemoOutcome, Participant
from agents.readmodel.faults import Fault, ProvenFault
from agents.readmodel.jobs import mismatches, replicas_of
from agents.readmodel.rounds import Standing

_PROOF: dict[str, Fault] = {
    Cheat.COPIES_DATA_RECEIPT: Fault.REJECTED,
    Cheat.MAKES_MODEL_UP: Fault.FAULTY,
    Cheat.COPIES_TRAINING_RECEIPT: Fault.FAULTY,
    Cheat.FALLS_SILENT: Fault.MISSED,
}
"""The fault that each planted cheat must be found to have; any fault will do for a cheat that is not here."""


@dataclass(frozen=True)
class PlantedCheat:
    """A planted cheat, and what the chain shows of it.

    Attributes:
        jobs: how often it was drawn, and so could cheat.
        coins_lost: in wei.
        evidence: the faults that show this very cheat; none if it was not caught.
    """

    party: Participant
    jobs: int
    coins_lost: int
    evidence: tuple[ProvenFault, ...]


def planted_cheats(outcome: DemoOutcome, faults: Iterable[ProvenFault]) -> tuple[PlantedCheat, ...]:
    """Every planted cheat, in the order of the parties.

    Args:
        outcome: what the run left.
        faults: everybody's, as the chain proves them.
    """
    proven = tuple(faults)
    return tuple(
        PlantedCheat(
            party,
            _times_drawn(outcome, party.address),
            outcome.projections.statements.of(party.address).forfeited,
            proofs(party, proven),
        )
        for party in outcome.parties
        if party.cheat
    )


def proofs(party: Participant, faults: Iterable[ProvenFault]) -> tuple[ProvenFault, ...]:
    """The faults that show the cheat which a party was planted with; none if it was not caught."""
    wanted = _PROOF.get(party.cheat)
    mine = (found for found in faults if found.member == party.address)
    return tuple(found for found in mine if wanted is None or found.fault is wanted)


def honest_slashed(outcome: DemoOutcome) -> int:
    """How many honest parties were judged Faulty or Missed, rejected, or lost a bond."""
    statements = outcome.projections.statements
    return sum(statements.of(party.address).slashed for party in outcome.parties if not party.cheat)


def honest_mismatches(outcome: DemoOutcome) -> int:
    """Over all settled subsets: honest reports whose receipt does not open to the settled digest."""
    cheats = {party.address for party in outcome.parties if party.cheat}
    reports = mismatches(outcome.market, outcome.receipt_domain)
    return sum(report.cloud_owner not in cheats for report in reports)


def _times_drawn(outcome: DemoOutcome, member: Address) -> int:
    return sum(
        cell.standing not in (Standing.NOT_DRAWN, Standing.NOT_IN_POOL)
        for replica in replicas_of(outcome.market, outcome.ds, outcome.tc)
        if replica.member == member
        for cell in replica.cells
    )
