"""What the chain shows against a member.

Rules: A60.
"""

from __future__ import annotations

from agents.core.hashing import training_receipt
from agents.core.ids import InstanceId
from agents.demo.outcome import Cheat, Names
from agents.readmodel.faults import Fault, ProvenFault
from agents.readmodel.projections import Projections
from agents.report.reasons import accusation
from testing.histories import ALL_CHEATS, TERMS, Story, told


def proven(story: Story) -> tuple[ProvenFault, ...]:
    """The faults of all members."""
    return Projections.of(story.history, story.domain).faults.proven()


def of(story: Story, place: tuple[int, int]) -> tuple[ProvenFault, ...]:
    """The faults of the cloud owner of a replica."""
    ci = next(ci for ci in story.cis if (story.party(ci).subset, ci & 0xFF) == place)
    return tuple(found for found in proven(story) if found.member == story.owner(ci))


def words(story: Story, found: ProvenFault) -> str:
    """The same in words, with everybody's name."""
    names = Names(story.parties)
    return accusation(found, lambda address: names[address].name)


def test_an_honest_history_has_no_faults() -> None:
    assert proven(told(3)) == ()


def test_shows_whose_data_receipt_was_copied() -> None:
    story = told(1, cheats={(0, 2): Cheat.COPIES_DATA_RECEIPT})
    (found,) = of(story, (0, 2))
    source = story.market.instances[story.cis[0]]
    assert found.fault is Fault.REJECTED
    assert found.event == "InstanceRejected"
    assert found.lost == 0
    assert found.round is None
    assert found.receipt is not None
    assert found.receipt.hash == source.data_hash
    assert found.receipt.nonce == source.nonce
    assert found.receipt.copied_from == source.cloud_owner
    assert found.receipt.opens is None
    assert "data receipt of cloud owner 1" in words(story, found)


class Strict(Story):
    """A market whose data owner rejects the first replica, whatever it declared."""

    def accepts(self, ci: InstanceId) -> bool:
        return ci != self.cis[0] and super().accepts(ci)


def test_a_rejected_receipt_need_not_be_a_copy() -> None:
    story = Strict()
    story.distribute()
    (found,) = proven(story)
    assert found.fault is Fault.REJECTED
    assert found.receipt is not None
    assert found.receipt.copied_from is None
    assert "does not open to the subset" in words(story, found)


def test_opens_the_receipt_of_a_made_up_model() -> None:
    story = told(6, cheats={(1, 2): Cheat.MAKES_MODEL_UP})
    (found,) = of(story, (1, 2))
    assert found.fault is Fault.FAULTY
    assert found.round is not None
    record = story.couple.rounds[found.round]
    receipt, ci = found.receipt, found.ci
    assert receipt is not None
    assert ci is not None
    assert receipt.digest == record.digests[1]
    assert receipt.recomputed == training_receipt(
        story.domain, story.tc, found.round, ci, story.owner(ci), record.digests[1], receipt.nonce
    )
    assert receipt.opens is False
    assert receipt.hash == record.reports[ci].hash != receipt.recomputed
    assert receipt.copied_from is None
    assert (found.agreeing, found.asked) == (2, 3)
    assert found.lost == TERMS.instance_bond
    assert "2 of the 3 replicas" in words(story, found)


def test_shows_whose_training_receipt_was_copied() -> None:
    story = told(6, cheats={(2, 3): Cheat.COPIES_TRAINING_RECEIPT})
    (found,) = of(story, (2, 3))
    assert found.receipt is not None
    assert found.receipt.copied_from == story.owner(story.cis[6])
    assert found.receipt.opens is False
    assert "training receipt of cloud owner 7" in words(story, found)


def test_shows_every_silence() -> None:
    story = told(6, cheats={(3, 3): Cheat.FALLS_SILENT})
    found = of(story, (3, 3))
    drawn = [number for number, record in story.couple.rounds.items() if record.drawn >> 3 & 1]
    assert [one.round for one in found] == drawn
    assert {one.fault for one in found} == {Fault.MISSED}
    assert all(one.receipt is None and one.lost == TERMS.miss_penalty for one in found)


def test_shows_silence_in_a_void_subset() -> None:
    story = Story(cheats={(s, 3): Cheat.FALLS_SILENT for s in range(4)})
    story.distribute()
    story.approve(1)
    story.start()
    story.draw()
    story.report()
    subset = story.couple.current.drawn.bit_length() - 1
    story.void(subset)
    (found,) = proven(story)
    assert found.fault is Fault.MISSED
    assert (found.subset, found.agreeing) == (subset, 0)


def test_points_to_the_transaction() -> None:
    story = told(6, cheats=ALL_CHEATS)
    events = {(one.transaction, type(one.event).__name__): one.block for one in story.history}
    for found in proven(story):
        assert events[found.transaction, found.event] == found.block


def test_shows_a_withheld_seed() -> None:
    story = Story()
    story.distribute()
    story.approve(2)
    story.start()
    story.abort()
    (found,) = proven(story)
    assert found.fault is Fault.WITHHELD
    assert found.member == story.data_owner
    assert found.lost == TERMS.couple_bond
    assert found.round == 1
