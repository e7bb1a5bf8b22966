"""What each member is told about its coins.

Rules: A62.
"""

from __future__ import annotations

from dataclasses import replace

from agents.core import calls
from agents.core import events as e
from agents.core.hashing import set_bits
from agents.core.ids import subset_of
from agents.demo.outcome import Cheat
from agents.demo.report.members import MemberSummary, members_of
from agents.report.words import coins
from testing.histories import TERMS, Story, address, told


def of(story: Story) -> dict[str, MemberSummary]:
    """The members by name."""
    outcome = story.outcome()
    found = members_of(outcome, outcome.projections.faults.proven())
    return {member.name: member for member in found}


def begun() -> Story:
    story = Story()
    story.distribute()
    story.approve(3)
    return story


def test_tells_why_a_cloud_owner_was_paid() -> None:
    story = told(2)
    for ci in story.cis:
        member = of(story)[story.party(ci).name]
        numbers = [n for n, record in story.couple.rounds.items() if record.drawn >> subset_of(ci) & 1]
        assert member.role == "cloud owner"
        assert member.verdicts["accepted"] == len(numbers)
        assert member.earned == len(numbers) * TERMS.job_price
        assert member.why == (f"0.001 for accepted jobs in round {numbers[0]}",)
        assert member.subsets == (subset_of(ci),)


def test_tells_a_part_of_a_forfeited_bond_apart() -> None:
    story = told(6, cheats={(1, 2): Cheat.MAKES_MODEL_UP})
    cheat, honest = of(story)["cloud owner 5"], of(story)["cloud owner 4"]
    assert cheat.lost == TERMS.instance_bond
    assert cheat.why[0].startswith("lost 0.01: training receipt faulty in round ")
    assert honest.why[0].startswith("0.003 for accepted jobs in rounds ")
    assert honest.why[1] == "0.0045 of the bonds that faulty replicas forfeited"


def test_tells_that_a_rejected_member_lost_no_coins() -> None:
    member = of(told(1, cheats={(0, 2): Cheat.COPIES_DATA_RECEIPT}))["cloud owner 2"]
    assert member.lost == 0
    assert member.why == ("lost its place, no coins: data receipt rejected",)


def test_tells_what_silence_cost() -> None:
    story = told(2, cheats={(3, 3): Cheat.FALLS_SILENT})
    (number,) = (n for n, record in story.couple.rounds.items() if record.drawn >> 3 & 1)
    member = of(story)["cloud owner 12"]
    assert member.why == (f"lost 0.0025: no answer when drawn in round {number}",)
    assert member.verdicts == {"accepted": 0, "faulty": 0, "missed": 1, "flagged": 0, "void": 0}


def test_tells_what_a_job_that_others_flagged_was_paid() -> None:
    story = begun()
    story.start()
    story.draw()
    paid, *flagging = [job.id for job in story.assigned()]
    story.report(only=lambda ci: ci == paid)
    for ci in flagging[:4]:
        story.flag(ci)
    for subset in set_bits(story.couple.pending):
        story.void(subset)
    assert story.outcome().audit.ok
    found = of(story)
    (member,) = (one for one in found.values() if one.verdicts["void"])
    price = TERMS.round_price // TERMS.subsets_per_round + 3 * TERMS.job_price
    assert (member.earned, found["model owner"].spent) == (TERMS.job_price, price)
    assert member.why == (f"{coins(TERMS.job_price)} for jobs that others flagged, in round 1",)
    assert story.outcome().projections.balance_sheet(story.balance).accounts_add_up


def test_tells_what_the_owners_of_data_and_model_got_and_spent() -> None:
    story = told(6, cheats={(1, 2): Cheat.MAKES_MODEL_UP})
    data_owner, model_owner = of(story)["data owner"], of(story)["model owner"]
    assert data_owner.earned == 6 * TERMS.round_price
    assert data_owner.why == ("0.06 for its data in 12 settled subsets",)
    assert model_owner.compensated == TERMS.instance_bond
    assert model_owner.why[0].startswith("spent ")
    assert model_owner.why[1] == "0.01 that others forfeited came to its escrow or balance"


def test_a_withheld_seed_moves_the_bond() -> None:
    story = begun()
    story.start()
    story.abort()
    found = of(story)
    assert found["data owner"].lost == TERMS.couple_bond
    assert found["data owner"].why == ("lost 0.1: seed withheld in round 1",)
    assert found["model owner"].compensated == TERMS.couple_bond
    assert story.outcome().projections.balance_sheet(story.balance).conserved


def test_nothing_is_told_of_those_to_whom_nothing_happened() -> None:
    story = begun()
    assert of(story)["data owner"].why == of(story)["model owner"].why == ()


def test_tells_of_members_that_hold_no_replica() -> None:
    story = begun()
    outcome = story.outcome()
    spare = replace(outcome.parties[1], name="spare", address=address("spare"))
    outcome.market.members[spare.address] = replace(outcome.market.members[outcome.parties[1].address])
    outcome = replace(outcome, parties=(*outcome.parties, spare))
    found = members_of(outcome, ())
    assert found[-1].why == ("was named for no replica",)


def test_tells_of_members_that_refused() -> None:
    story = Story()
    story.distribute()
    ci = story.cis[0]
    history = [one for one in story.history if getattr(one.event, "ci", None) != ci]
    created = next(
        one for one in story.history if one.event == e.InstanceCreated(ci, story.owner(ci), bytes(96))
    )
    refused = replace(created, event=e.InstanceRefused(ci, story.owner(ci)))
    place = story.history.index(created)
    retold = Story()
    for one in [*history[:place], created, refused, *history[place:]]:
        retold.chain.note(one)
    assert of(retold)["cloud owner 1"].why == ("refused its replica",)


def test_a_stranger_with_coins_is_told_too() -> None:
    story = begun()
    stranger = address("a stranger")
    story.send(stranger, calls.deposit(5))
    member = list(of(story).values())[-1]
    assert member.address == stranger
    assert member.role == "no member"
    assert member.paid_in == member.free == 5
    assert member.name.startswith(stranger[:6])
