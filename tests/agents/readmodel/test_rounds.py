"""What was drawn, settled and judged in which round."""

from __future__ import annotations

from agents.core.hashing import set_bits
from agents.core.ids import subset_of
from agents.demo.outcome import Cheat
from agents.readmodel.jobs import Replica, replicas_of
from agents.readmodel.projections import Projections
from agents.readmodel.rounds import RoundSummary, Standing
from testing.histories import TERMS, Story, told


def rounds(story: Story) -> tuple[RoundSummary, ...]:
    """The rounds of the story's couple."""
    return Projections.of(story.history, story.domain).rounds.of(story.tc)


def replicas(story: Story) -> tuple[Replica, ...]:
    """The replicas of the story's dataset, in the rounds of its couple."""
    return replicas_of(story.market, story.ds, story.tc)


def begun(most: int = 3, **settings: object) -> Story:
    """A market whose first round is drawn."""
    story = Story(**settings)  # type: ignore[arg-type]
    story.distribute()
    story.approve(most)
    story.start()
    story.draw()
    return story


def cells(story: Story, number: int) -> dict[int, Standing]:
    """The standing of each replica in a round."""
    return {replica.ci: replica.cells[number - 1].standing for replica in replicas(story)}


def test_marks_what_each_round_drew() -> None:
    story = told(4)
    for facts in rounds(story):
        record = story.couple.rounds[facts.round]
        assert facts.drawn == set_bits(record.drawn)
        for subset, standing in enumerate(facts.subsets):
            drawn = subset in facts.drawn
            assert standing is (Standing.SETTLED if drawn else Standing.NOT_DRAWN)


def test_tells_each_settlement() -> None:
    story = told(1)
    (facts,) = rounds(story)
    hashes = {one.transaction for one in story.history if type(one.event).__name__ == "SubsetSettled"}
    assert tuple(settled.subset for settled in facts.settlements) == facts.drawn
    for settled in facts.settlements:
        assert settled.digest == story.couple.rounds[1].digests[settled.subset]
        assert (settled.agreeing, settled.asked) == (3, 3)
        assert settled.share == TERMS.round_price // TERMS.subsets_per_round
        assert settled.settler == story.model_owner
        assert settled.transaction in hashes
    assert facts.verdicts == {"accepted": 6, "faulty": 0, "missed": 0, "flagged": 0, "void": 0}
    assert facts.jobs == 6


def test_a_faulty_replica_leaves_the_pool() -> None:
    story = told(6, cheats={(1, 2): Cheat.MAKES_MODEL_UP})
    (replica,) = (one for one in replicas(story) if story.party(one.ci).cheat)
    standings = [cell.standing for cell in replica.cells]
    fault = standings.index(Standing.FAULTY)
    assert replica.cells[fault].amount == TERMS.instance_bond
    assert set(standings[:fault]) <= {Standing.NOT_DRAWN}
    assert set(standings[fault + 1 :]) == {Standing.NOT_IN_POOL}


def test_a_rejected_replica_is_in_no_pool() -> None:
    story = told(2, cheats={(0, 2): Cheat.COPIES_DATA_RECEIPT})
    (replica,) = (one for one in replicas(story) if story.party(one.ci).cheat)
    assert {cell.standing for cell in replica.cells} == {Standing.NOT_IN_POOL}


def test_a_silent_replica_missed() -> None:
    story = told(2, cheats={(3, 3): Cheat.FALLS_SILENT})
    (replica,) = (one for one in replicas(story) if story.party(one.ci).cheat)
    drawn = [bool(record.drawn >> 3 & 1) for record in story.couple.rounds.values()]
    wanted = [Standing.MISSED if hit else Standing.NOT_DRAWN for hit in drawn]
    assert [cell.standing for cell in replica.cells] == wanted


def test_a_round_under_way_is_open() -> None:
    story = begun()
    first = story.assigned()[0].id
    story.report(only=lambda ci: ci == first)
    drawn = {job.id for job in story.assigned()}
    for ci, standing in cells(story, 1).items():
        assert standing is (Standing.OPEN if ci in drawn else Standing.NOT_DRAWN)
    (facts,) = rounds(story)
    assert {facts.subsets[subset] for subset in facts.drawn} == {Standing.OPEN}


def test_a_round_that_is_not_drawn_yet_drew_nothing() -> None:
    story = told(1)
    story = Story()
    story.distribute()
    story.approve(1)
    story.start()
    assert set(cells(story, 1).values()) == {Standing.NOT_DRAWN}


def test_flags_void_a_round() -> None:
    story = begun()
    jobs = [job.id for job in story.assigned()]
    story.report(only=lambda ci: ci == jobs[5])
    for ci in jobs[:4]:
        story.flag(ci)
    for subset in set_bits(story.couple.pending):
        story.void(subset)
    assert story.outcome().audit.ok
    found = cells(story, 1)
    assert {found[ci] for ci in jobs[:4]} == {Standing.FLAGGED}
    assert {found[ci] for ci in jobs[4:]} == {Standing.VOID}
    (facts,) = rounds(story)
    assert facts.closed
    assert (facts.verdicts["flagged"], facts.verdicts["missed"], facts.verdicts["void"]) == (4, 0, 1)
    assert {facts.subsets[subset] for subset in facts.drawn} == {Standing.VOID}


def test_a_flag_in_a_settled_subset_stays_a_flag() -> None:
    story = begun()
    flagged = story.assigned()[0].id
    story.flag(flagged)
    story.report(only=lambda ci: ci != flagged)
    for subset in set_bits(story.couple.current.drawn):
        story.settle(subset)
    assert story.outcome().audit.ok
    assert cells(story, 1)[flagged] is Standing.FLAGGED
    (facts,) = rounds(story)
    flagged_in = next(one for one in facts.settlements if one.subset == subset_of(flagged))
    assert (flagged_in.agreeing, flagged_in.asked) == (2, 3)


def test_an_unsettled_subset_is_void() -> None:
    story = begun()
    story.report()
    drawn = set_bits(story.couple.current.drawn)
    story.settle(drawn[0])
    story.void(drawn[1])
    assert story.outcome().audit.ok
    (facts,) = rounds(story)
    assert facts.subsets[drawn[0]] is Standing.SETTLED
    assert facts.subsets[drawn[1]] is Standing.VOID
    found = cells(story, 1)
    assert {found[ci] for ci in story.cis if subset_of(ci) == drawn[1]} == {Standing.VOID}
