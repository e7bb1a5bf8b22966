"""The auditor: silent about a market that kept its rules, and clear about each way to break one.

Rules: A50, A52, A53.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from agents.audit.replay import audit
from agents.core import calls
from agents.core import events as e
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import JobStatus
from agents.core.events import Logged
from agents.core.ids import InstanceId, short
from agents.readmodel.statements import Statement
from testing.script import BALANCE, FORGED, Script

OTHER = b"\x77" * 32


def findings(history: Iterable[Logged]) -> list[str]:
    """What the auditor says, without the blocks."""
    return [finding.partition(": ")[2] for finding in audit(history, Script().chain.domain).findings]


def story(*rounds: tuple[str, ...], finish: bool = True, **terms: int) -> Script:
    """A couple with these rounds, each settled where a quorum agrees and closed where none does."""
    script = Script(rounds=len(rounds) + 1, **terms).bring_to(Phase.APPROVED)
    for letters in rounds:
        script.play_round(*letters)
        script.now += 1
        for subset, word in zip(script.drawn, letters, strict=True):
            if 2 * word.count("A") > len(word):
                script.settle(subset)
        if script.couple.phase is not Phase.APPROVED:
            script.close()
    if finish:
        script.send(script.mo, calls.complete_tc(script.tc, FORGED))
    return script


def tampered(
    script: Script, kind: type[Any], number: int = 0, *, seconds: int = 0, **changes: Any
) -> list[Logged]:
    """The history with the fields of the `number`-th event of a kind changed."""
    history = list(script.chain.history)
    place = [i for i, logged in enumerate(history) if isinstance(logged.event, kind)][number]
    logged = history[place]
    event: Any = logged.event
    history[place] = replace(logged, event=replace(event, **changes), timestamp=logged.timestamp + seconds)
    return history


def without(script: Script, kind: type[Any], number: int = 0) -> list[Logged]:
    """The history without the `number`-th event of a kind."""
    history = list(script.chain.history)
    del history[[i for i, logged in enumerate(history) if isinstance(logged.event, kind)][number]]
    return history


def inserted(script: Script, event: e.MarketEvent, before: type[Any], number: int = 0) -> list[Logged]:
    """The history with an event more, just before the `number`-th of a kind."""
    history = list(script.chain.history)
    place = [i for i, logged in enumerate(history) if isinstance(logged.event, before)][number]
    history.insert(place, replace(history[place], event=event))
    return history


# --- nothing to find ---


@pytest.mark.parametrize(
    "rounds",
    [
        [("AAA",)],
        [("AAF",), ("AA",)],
        [("AAM",), ("AAM",)],
        [("AAG",)],
        [("AFM",)],
        [("MMM",)],
        [("AGG",)],
        [],
    ],
)
def test_a_clean_story_gives_no_findings(rounds: list[tuple[str, ...]]) -> None:
    script = story(*rounds, instance_bond=307, round_price=997)
    assert findings(script.chain.history) == []


def test_a_clean_story_of_many_subsets_gives_no_findings() -> None:
    script = story(("AAF", "AMA"), ("AGA", "AAA"), subsets=4, subsets_per_round=2)
    script.now = script.terms.ends_at + 1
    for subset in range(4):
        for ci in script.cis(subset):
            script.send(script.stranger, calls.release_ci(ci))
    assert findings(script.chain.history) == []


def test_clean_distributions_give_no_findings() -> None:
    script = Script(replicas=5)
    script.register()
    script.offer()
    script.name()
    refusing, rejected, leaving, forgotten, verified = script.cis()
    script.send(script.cos[0], calls.refuse_ci(refusing))
    for ci in (rejected, leaving, forgotten, verified):
        script.join(ci)
    script.verify(rejected, ok=False)
    script.send(script.do, calls.retire_ci(leaving))
    script.verify(verified)
    script.now += script.terms.answer_window_seconds + 1
    script.send(script.stranger, calls.release_ci(forgotten))
    assert findings(script.chain.history) == []


@pytest.mark.parametrize("end", ["decline", "cancel", "lapse", "withhold", "expire"])
def test_clean_ends_give_no_findings(end: str) -> None:
    phase = {"lapse": Phase.LAPSED, "withhold": Phase.WITHHELD, "expire": Phase.ENDED}.get(
        end, Phase.REQUESTED
    )
    script = Script().bring_to(phase)
    who, call = {
        "decline": (script.do, calls.decline_tc),
        "cancel": (script.mo, calls.cancel_tc),
        "lapse": (script.stranger, calls.expire_request),
        "withhold": (script.stranger, calls.expire_draw),
        "expire": (script.stranger, calls.expire_tc),
    }[end]
    script.send(who, call(script.tc))
    result = audit(script.chain.history, script.chain.domain)
    assert result.ok
    assert result.market.total() == script.market.total()


# --- rounds ---


def test_finds_a_seed_that_opens_no_link() -> None:
    script = story(("AAA",))
    assert "RoundStarted opens no link of its seed chain" in findings(
        tampered(script, e.RoundStarted, mo_seed=OTHER)
    )
    assert "RoundDrawn opens no link of its seed chain" in findings(
        tampered(script, e.RoundDrawn, do_seed=OTHER)
    )


def test_finds_a_draw_that_is_not_its_seeds() -> None:
    script = story(("AAA",), subsets=2, finish=False)
    (drawn,) = script.drawn
    (first, *_) = findings(tampered(script, e.RoundDrawn, drawn=3 - (1 << drawn)))
    assert first == f"RoundDrawn draws {3 - (1 << drawn):b} where its seeds draw {1 << drawn:b}"


def test_finds_a_draw_that_leaves_replicas_out() -> None:
    script = Script().bring_to(Phase.TRAINING)
    assert findings(tampered(script, e.RoundDrawn, jobs=2)) == ["RoundDrawn asks 2 replicas of 3"]


def test_finds_a_round_out_of_its_turn() -> None:
    script = story(("AAA",), ("AAA",))
    assert "RoundStarted is of round 3, not 2" in findings(tampered(script, e.RoundStarted, 1, round=3))
    assert "RoundDrawn is of round 1, not 2" in findings(tampered(script, e.RoundDrawn, 1, round=1))


def test_finds_a_start_while_a_round_is_open() -> None:
    script = story(("AAA",), ("AAA",))
    assert findings(without(script, e.RoundClosed)) == ["RoundStarted comes in phase SETTLING"]


@pytest.mark.parametrize("kind", [e.JobReported, e.JobFlagged])
def test_finds_a_late_answer(kind: type[Any]) -> None:
    script = story(("AAG",), report_window_seconds=100, finish=False)
    late = findings(tampered(script, kind, seconds=101))
    assert f"{kind.__name__} comes in phase SETTLING" in late


def test_finds_an_answer_of_an_instance_that_was_not_drawn() -> None:
    script = story(("AAA",), subsets=2, finish=False)
    (drawn,) = script.drawn
    other = script.cis(1 - drawn)[0]
    made = next(logged.event for logged in script.chain.history if isinstance(logged.event, e.JobReported))
    history = inserted(script, replace(made, ci=other), e.JobReported, 1)
    assert f"JobReported is of {short(other)}, which was not drawn" in findings(history)


def test_finds_an_answer_of_an_instance_that_had_left() -> None:
    script = Script(rounds=1).bring_to(Phase.APPROVED)
    gone = script.cis()[0]
    script.send(script.cos[0], calls.retire_ci(gone))
    script.start()
    script.draw()
    script.report(script.cis()[1])
    made = script.chain.history[-1]
    assert isinstance(made.event, e.JobReported)
    forged = replace(made, event=replace(made.event, ci=gone, cloud_owner=script.cos[0].address))
    assert findings([*script.chain.history, forged]) == [
        f"JobReported is of {short(gone)}, which was not drawn"
    ]


def test_finds_a_second_answer() -> None:
    script = story(("AAA",), finish=False)
    made = next(logged.event for logged in script.chain.history if isinstance(logged.event, e.JobReported))
    history = inserted(script, made, e.JobReported, 1)
    assert f"JobReported answers twice for {short(made.ci)}" in findings(history)


def test_finds_an_answer_in_anothers_name() -> None:
    script = story(("AAA",))
    (first, *_) = findings(tampered(script, e.JobReported, cloud_owner=script.stranger.address))
    assert first == f"JobReported is by {script.stranger.address}, not by {script.cos[0].address}"


def test_finds_a_round_voided_by_too_few_flags() -> None:
    script = Script(rounds=2).bring_to(Phase.TRAINING)
    script.flag(script.cis()[0])
    voided = e.RoundVoided(script.tc, script.cos[0].address, 1)
    history = [*script.chain.history, replace(script.chain.history[-1], event=voided)]
    assert findings(history) == ["RoundVoided voids a round with 1 flags in 3 jobs"]


# --- settlement ---


def test_finds_a_settlement_without_a_quorum() -> None:
    script = story(("AAF",), finish=False)
    assert "SubsetSettled settles with 1 of 2 agreeing" in findings(
        tampered(script, e.SubsetSettled, digest=FORGED)
    )


def test_finds_a_settlement_below_the_quorum_that_was_asked_for() -> None:
    script = Script(rounds=1).bring_to(Phase.TRAINING)
    script.answer("AAF")
    script.settle(0)
    assert "SubsetSettled settles with 2 of 3 agreeing" in findings(
        tampered(script, e.CoupleRequested, quorum=3)
    )


def test_finds_a_settlement_before_reporting_is_closed() -> None:
    script = story(("AAM",), finish=False)
    place = next(i for i, logged in enumerate(script.chain.history) if isinstance(logged.event, e.JobJudged))
    early = [
        replace(logged, timestamp=min(logged.timestamp, script.chain.history[place - 1].timestamp))
        for logged in script.chain.history
    ]
    assert "SubsetSettled comes in phase TRAINING" in findings(early)


@pytest.mark.parametrize(
    ("letters", "place", "verdict", "finding"),
    [
        ("AAF", 1, JobStatus.FAULTY, "FAULTY, not ACCEPTED"),
        ("AAF", 0, JobStatus.MISSED, "MISSED, not FAULTY"),
        ("AAM", 0, JobStatus.FAULTY, "FAULTY, not MISSED"),
        ("AAM", 2, JobStatus.MISSED, "MISSED, not ACCEPTED"),
    ],
)
def test_finds_a_changed_verdict(letters: str, place: int, verdict: JobStatus, finding: str) -> None:
    script = story((letters,), finish=False)
    judged = [logged.event for logged in script.chain.history if isinstance(logged.event, e.JobJudged)]
    name = short(judged[place].ci)
    found = findings(tampered(script, e.JobJudged, place, verdict=verdict))
    assert f"SubsetSettled judges {name} {finding}" in found


@pytest.mark.parametrize(
    ("letters", "place", "amount", "finding"),
    [
        ("AAA", 0, 101, "SubsetSettled pays {name} 101, not 100"),
        ("AAF", 1, 100, "SubsetSettled pays {name} 100, not 200"),
        ("AAF", 0, 299, "JobJudged takes 299 from {name}, not 300"),
        ("AAM", 0, 41, "JobJudged takes 41 from {name}, not 40"),
    ],
)
def test_finds_a_changed_amount(letters: str, place: int, amount: int, finding: str) -> None:
    script = story((letters,), finish=False)
    judged = [logged.event for logged in script.chain.history if isinstance(logged.event, e.JobJudged)]
    name = short(judged[place].ci)
    assert finding.format(name=name) in findings(tampered(script, e.JobJudged, place, amount=amount))


def test_finds_a_verdict_that_was_left_out() -> None:
    script = story(("AAF",), finish=False)
    liar = short(script.cis()[2])
    assert f"SubsetSettled judges {liar} FLAGGED, not FAULTY" in findings(without(script, e.JobJudged))


def test_finds_two_verdicts_on_one_job() -> None:
    script = story(("AAA",), finish=False)
    first = next(logged.event for logged in script.chain.history if isinstance(logged.event, e.JobJudged))
    history = inserted(script, first, e.JobJudged, 1)
    assert f"JobJudged judges {short(first.ci)} twice" in findings(history)


def test_finds_a_verdict_on_who_was_not_drawn() -> None:
    script = story(("AAA",), subsets=2, finish=False)
    (drawn,) = script.drawn
    other = script.cis(1 - drawn)[0]
    verdict = e.JobJudged(script.tc, other, 1, JobStatus.MISSED, 40)
    history = inserted(script, verdict, e.SubsetSettled)
    assert findings(history) == [f"JobJudged is of {short(other)}, which was not drawn"]


def test_finds_a_changed_share() -> None:
    script = story(("AAA", "AAA"), subsets=2, subsets_per_round=2, finish=False)
    assert findings(tampered(script, e.SubsetSettled, 1, data_owner_share=501)) == [
        "SubsetSettled pays the data owner 501, not 500"
    ]


def test_finds_a_cheat_that_stays_in_the_pool() -> None:
    script = story(("AAF",), finish=False)
    liar = short(script.cis()[2])
    assert findings(without(script, e.InstanceRetiring)) == [f"SubsetSettled leaves {liar} in the pool"]


def test_finds_a_round_closed_with_subsets_to_settle() -> None:
    script = story(("AAA", "AAA"), subsets=2, subsets_per_round=2, finish=False)
    closed = e.RoundClosed(script.tc, 1)
    history = inserted(script, closed, e.SubsetSettled, 1)
    assert "RoundClosed closes a round with subsets to settle" in findings(history)


# --- void subsets ---


def test_finds_a_missed_that_had_answered() -> None:
    script = story(("AFM",), finish=False)
    answered = script.cis()[1]
    verdict = e.JobJudged(script.tc, answered, 1, JobStatus.MISSED, 40)
    assert findings(inserted(script, verdict, e.SubsetVoided)) == [
        f"SubsetVoided judges {short(answered)} MISSED, not IDLE"
    ]


def test_finds_a_silent_one_that_got_away() -> None:
    script = story(("AFM",), finish=False)
    silent = short(script.cis()[2])
    assert findings(without(script, e.JobJudged)) == [f"SubsetVoided judges {silent} IDLE, not MISSED"]


def test_finds_a_subset_voided_before_its_time() -> None:
    script = story(("AFM",), finish=False)
    settling = script.couple.rounds[1].closed_at - 1
    early = [replace(logged, timestamp=min(logged.timestamp, settling)) for logged in script.chain.history]
    assert "SubsetVoided comes in phase SETTLING" in findings(early)


@pytest.mark.parametrize("letters", ["AGGM", "AGGG"])
def test_finds_a_report_that_others_flagged_and_that_was_not_paid(letters: str) -> None:
    script = story((letters,), finish=False, replicas=4)
    assert findings(script.chain.history) == []
    reporter = short(script.cis()[0])
    finding = f"SubsetVoided judges {reporter} IDLE, not VOID"
    assert findings(without(script, e.JobJudged)) == [finding]
    assert findings(tampered(script, e.JobJudged, amount=101)) == [f"JobJudged pays {reporter} 101, not 100"]


def test_finds_a_report_that_was_not_paid_though_more_than_a_majority_had_to_agree() -> None:
    script = story(("AFM",), finish=False, quorum=3)
    assert findings(script.chain.history) == []
    reporter = short(script.cis()[0])
    assert findings(without(script, e.JobJudged)) == [f"SubsetVoided judges {reporter} IDLE, not VOID"]
    assert findings(tampered(script, e.SubsetVoided, data_owner_share=0)) == [
        "SubsetVoided pays the data owner 0, not 1100"
    ]


def test_finds_a_report_that_was_paid_without_a_verdict() -> None:
    script = story(("AFM",), finish=False)
    paid = script.cis()[1]
    verdict = e.JobJudged(script.tc, paid, 1, JobStatus.VOID, 100)
    assert findings(inserted(script, verdict, e.SubsetVoided)) == [
        f"SubsetVoided judges {short(paid)} VOID, not IDLE"
    ]


def test_finds_a_silent_one_that_was_fined_in_a_round_that_was_flagged_out() -> None:
    script = story(("GGM",), finish=False)
    silent = script.cis()[2]
    verdict = e.JobJudged(script.tc, silent, 1, JobStatus.MISSED, 40)
    assert findings(inserted(script, verdict, e.SubsetVoided)) == [
        f"SubsetVoided judges {short(silent)} MISSED, not IDLE"
    ]


# --- coins ---


def test_finds_a_changed_escrow() -> None:
    script = story(("AAA",), finish=False)
    assert findings(tampered(script, e.CoupleRequested, escrow=2_599)) == [
        "CoupleRequested locks 2599, not 2600"
    ]


def test_finds_a_changed_refund() -> None:
    script = story(("AAA",))
    assert findings(tampered(script, e.CoupleCompleted, refund=1_301)) == [
        "CoupleCompleted refunds 1301, not 1300"
    ]


def test_finds_a_changed_bond() -> None:
    script = Script(replicas=1)
    script.register()
    script.offer()
    script.name()
    script.join(script.cis()[0])
    script.send(script.cos[0], calls.retire_ci(script.cis()[0]))
    assert findings(tampered(script, e.InstanceRetired, bond=301)) == [
        "InstanceRetired frees a bond of 301, not 300"
    ]


def test_finds_coins_that_are_not_there_once() -> None:
    script = story(("AAA",))
    assert findings(tampered(script, e.Deposited, 0, amount=0)) == [
        "CoupleApproved spends coins that are not there"
    ]


# --- who and when ---


def test_finds_who_had_no_say() -> None:
    script = story(("AAA",))
    someone = script.stranger.address
    for kind, field, party in (
        (e.CoupleApproved, "data_owner", script.do),
        (e.RoundDrawn, "data_owner", script.do),
        (e.RoundStarted, "model_owner", script.mo),
        (e.InstanceVerified, "data_owner", script.do),
        (e.CoupleCompleted, "by", script.mo),
    ):
        expected = f"{kind.__name__} is by {someone}, not by {party.address}"
        forged: dict[str, Any] = {field: someone}
        assert expected in findings(tampered(script, kind, **forged))


def test_finds_a_request_for_anothers_model() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    someone = script.stranger.address
    assert f"CoupleRequested is by {someone}, not by {script.mo.address}" in findings(
        tampered(script, e.CoupleRequested, model_owner=someone)
    )


def test_finds_a_second_approval() -> None:
    script = story(("AAA",), finish=False)
    approved = next(
        logged.event for logged in script.chain.history if isinstance(logged.event, e.CoupleApproved)
    )
    assert "CoupleApproved comes in phase APPROVED" in findings(inserted(script, approved, e.RoundStarted))


def test_finds_a_late_receipt_and_a_late_word_on_it() -> None:
    script = Script(replicas=1).open()
    assert "InstanceJoined comes after its window" in findings(
        tampered(script, e.InstanceJoined, seconds=86_401)
    )
    assert findings(tampered(script, e.InstanceVerified, seconds=86_400)) == []
    assert findings(tampered(script, e.InstanceVerified, seconds=86_401)) == [
        "InstanceVerified comes after its window"
    ]


def test_finds_a_receipt_that_was_never_made() -> None:
    script = Script(replicas=1).open()
    assert "InstanceVerified comes in status FREE" in findings(without(script, e.InstanceJoined))


def test_finds_a_bond_that_was_freed_too_early() -> None:
    script = Script(replicas=1).open()
    ci = script.cis()[0]
    script.send(script.cos[0], calls.retire_ci(ci))
    script.now += script.terms.unbonding_seconds + 1
    script.send(script.cos[0], calls.release_ci(ci))
    assert findings(script.chain.history) == []
    assert findings(tampered(script, e.InstanceRetired, seconds=-1)) == ["InstanceRetired comes too early"]


def test_finds_an_event_of_what_was_never_made_and_ends_there() -> None:
    script = story(("AAA",))
    result = audit(without(script, e.CoupleRequested), script.chain.domain)
    assert not result.ok
    (finding,) = result.findings
    block = next(log.block for log in script.chain.history if isinstance(log.event, e.CoupleApproved))
    assert finding == (
        f"block {block}: CoupleApproved speaks of what no event has made; the audit ends there"
    )
    assert result.market.couples == {}


@pytest.mark.parametrize(
    "kind",
    [
        e.MemberCreated,
        e.Deposited,
        e.DatasetCreated,
        e.InstanceCreated,
        e.InstanceJoined,
        e.InstanceVerified,
        e.CoupleRequested,
        e.CoupleApproved,
        e.RoundStarted,
        e.RoundDrawn,
        e.JobReported,
        e.JobJudged,
        e.InstanceRetiring,
        e.SubsetSettled,
        e.RoundClosed,
    ],
)
def test_no_event_can_be_dropped_unnoticed(kind: type[Any]) -> None:
    script = story(("AAF",), ("AA",))
    history = without(script, kind)
    result = audit(history, script.chain.domain)
    whole = audit(script.chain.history, script.chain.domain).market
    # who registered and what was paid in no rule can tell: there the contract's own views do
    noticed = result.findings or result.market.total() != whole.total()
    assert noticed or len(result.market.members) != len(whole.members)


# --- statements ---


def statement(script: Script, who: Callable[[Script], str]) -> Statement:
    """What the auditor says of a member."""
    (found,) = (
        said
        for member, said in audit(script.chain.history, script.chain.domain).statements.items()
        if member == who(script)
    )
    return found


def test_statements_tell_what_each_cloud_owner_did() -> None:
    script = story(("AFM",), ("AAG",), replicas=3, instance_bond=300, finish=False)
    said = [statement(script, lambda s, number=n: s.cos[number].address) for n in range(3)]  # type: ignore[misc]
    assert (said[0].accepted, said[0].earned, said[0].forfeited) == (1, 100, 0)
    assert (said[1].accepted, said[1].faulty) == (1, 0)  # of the first round nothing was settled
    assert (said[2].missed, said[2].flagged, said[2].forfeited, said[2].earned) == (1, 1, 40, 0)


def test_statements_tell_who_lied_and_who_settled() -> None:
    script = Script(rounds=1).bring_to(Phase.TRAINING)
    script.answer("AAF")
    script.settle(0, by=script.cos[1])
    assert statement(script, lambda s: s.cos[2].address) == Statement(
        paid_in=BALANCE, faulty=1, forfeited=300
    )
    assert statement(script, lambda s: s.cos[1].address).settled == 1
    assert statement(script, lambda s: s.do.address).earned == 1_000


def test_statements_tell_who_refused_was_rejected_and_withheld() -> None:
    script = Script(replicas=3).open()
    script.send(script.do, calls.create_ds(script.terms, OTHER, OTHER))
    second = max(script.market.datasets)
    owners = [co.address for co in script.cos[:2]]
    script.send(script.do, calls.create_ci(second, [0, 0], owners, [OTHER, OTHER]))
    refused, rejected = script.market.datasets[second].subsets[0].places
    script.send(script.cos[0], calls.refuse_ci(refused))
    script.join(InstanceId(rejected))
    script.verify(rejected, ok=False)
    script.request()
    script.approve()
    script.start()
    script.now = script.couple.deadline + 1
    script.send(script.mo, calls.expire_draw(script.tc))
    script.send(script.mo, calls.withdraw(11))
    assert statement(script, lambda s: s.cos[0].address).refused == 1
    assert statement(script, lambda s: s.cos[1].address).rejected == 1
    assert statement(script, lambda s: s.do.address).forfeited == 500
    assert statement(script, lambda s: s.mo.address).taken_out == 11


@pytest.mark.parametrize("letters", ["AAA", "AAF", "AAM", "AAG", "AFM", "MMM"])
def test_statements_add_up(letters: str) -> None:
    script = story((letters,), instance_bond=311, round_price=997)
    result = audit(script.chain.history, script.chain.domain)
    bonds = {co.address: 0 for co in script.cos}
    for instance in script.market.instances.values():
        bonds[instance.cloud_owner] += instance.bond
    said = result.statements
    for party in (*script.cos, script.do):
        own = said[party.address]
        kept = own.paid_in - own.taken_out + own.earned - own.forfeited
        assert script.coins(party) + bonds.get(party.address, 0) == kept
    everybody = said.values()
    spent = sum(own.earned for own in everybody) - sum(own.forfeited for own in everybody)
    assert script.coins(script.mo) == said[script.mo.address].paid_in - spent
