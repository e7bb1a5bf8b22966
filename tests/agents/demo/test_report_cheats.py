"""Who was planted to cheat, and what the chain shows of it.

Rules: A60.
"""

from __future__ import annotations

from agents.demo.outcome import Cheat
from agents.demo.report.cheats import proofs
from agents.readmodel.faults import Fault
from testing.histories import ALL_CHEATS, told


def test_a_proof_is_of_the_cheat_that_was_planted() -> None:
    story = told(6, cheats=ALL_CHEATS)
    faults = story.outcome().projections.faults.proven()
    shown = {party.cheat: {found.fault for found in proofs(party, faults)} for party in story.parties}
    assert shown == {
        "": set(),
        Cheat.COPIES_DATA_RECEIPT: {Fault.REJECTED},
        Cheat.MAKES_MODEL_UP: {Fault.FAULTY},
        Cheat.COPIES_TRAINING_RECEIPT: {Fault.FAULTY},
        Cheat.FALLS_SILENT: {Fault.MISSED},
    }
