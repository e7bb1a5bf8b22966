"""What coalitions with fewer than half of each subset's replicas can win, and what they cannot.

Rules: S4, S6, S7, S8, S9, S10, S16, S22, S23, S24, S25, A28, A31, A34.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

import pytest

from agents.roles.acts import Send
from agents.roles.cloud_owner import CloudOwner
from agents.roles.policy import DataOwnerPolicy
from agents.roles.results import OpenedPackage, TaskResult
from agents.roles.tasks.cloud_owner import package_key
from assurance.economics.__main__ import main
from assurance.economics.coalitions import stage
from assurance.economics.coalitions.answers import LATE, Rule, flagged_out, outcome
from assurance.economics.coalitions.members import Coalition, Means, coalitions, partitions, unpaid
from assurance.economics.coalitions.search import Aim, Finding, RoundPlay, search, searched
from assurance.economics.coalitions.stage import DisagreementError, Stage, play_out, worked_out
from assurance.economics.setting import Setting
from assurance.mutation.solc import MARKET, Solc
from testing.compiler import ROOT
from testing.policies import HOLDS

DEFAULT = Setting()
WAGE, PRICE = DEFAULT.terms.job_price, DEFAULT.terms.round_price
BOND, COST = DEFAULT.terms.instance_bond, DEFAULT.training_cost
SIZES = (3, 4, 5, 6, 7)

SETTLEMENT = "contracts/market/Settlement.sol"
PAYS = "flaggedOut || _paysReports(tally, couple.quorum)"
PAID = {
    Rule.UNABLE: "flaggedOut || (_isFlagged(tally) && _able(tally) < _needed(tally, couple.quorum))",
    Rule.FLAGGED: "flaggedOut || _isFlagged(tally)",
}
"""What stood there while the market had its former rules, and what they asked, below."""
ASKED = """
    function _isFlagged(SubsetTally memory tally) private pure returns (bool) {
        for (uint256 i = 0; i < tally.count; ++i) if (tally.verdicts[i] == JobStatus.Flagged) return true;
        return false;
    }

    function _able(SubsetTally memory tally) private pure returns (uint256 able) {
        for (uint256 i = 0; i < tally.count; ++i) if (tally.verdicts[i] != JobStatus.Flagged) ++able;
    }
}
"""


def shaped(replicas: int, subsets: int = 1, quorum: int = 0) -> Setting:
    return DEFAULT.but(replicas=replicas, subsets=subsets, subsets_per_round=subsets, rounds=1, quorum=quorum)


def most(replicas: int) -> int:
    """Of a subset's replicas, fewer than half."""
    return (replicas - 1) // 2


def found(
    replicas: int, data: bool, model: bool, clouds: int, means: Means, rule: Rule = Rule.OWED
) -> Finding:
    return search(shaped(replicas), Coalition(data, model, clouds), means, rule)


def blindly(replicas: int, model: bool, clouds: int) -> Finding:
    """Different data, among cloud owners that train on them."""
    return search(shaped(replicas), Coalition(True, model, clouds), Means.DATA, blind=True)


# --- the search ---


def test_it_looks_at_every_coalition_with_fewer_than_half_of_a_subset() -> None:
    kinds = [(one.kind, one.clouds) for one in coalitions(5)]
    assert len(kinds) == len(set(kinds)) == 2 * 2 * 3 - 1
    assert max(clouds for _, clouds in kinds) == 2
    assert {kind for kind, _ in kinds} == {"DO", "MO", "CO", "DO+MO", "DO+CO", "MO+CO", "DO+MO+CO"}


def test_there_are_five_ways_to_part_four() -> None:
    assert list(partitions(4)) == [(4,), (3, 1), (2, 2), (2, 1, 1), (1, 1, 1, 1)]


@pytest.mark.parametrize("rule", Rule)
def test_it_finds_what_looking_at_every_combination_finds(rule: Rule) -> None:
    setting = shaped(3, subsets=2)
    for coalition in coalitions(3):
        for means in coalition.means():
            best = search(setting, coalition, means, rule).best
            played = list(every_round(setting, coalition, means, rule))
            for aim in Aim:
                assert getattr(best[aim], aim) == max(getattr(play, aim) for play in played), coalition


def every_round(setting: Setting, coalition: Coalition, means: Means, rule: Rule) -> Iterator[RoundPlay]:
    """All pairs of answers, one by one."""
    for quorum in coalition.quorums(means, 3):
        asked = setting.but(quorum=quorum)
        for words in product(coalition.words(means, 3), repeat=2):
            out = flagged_out(words)
            if LATE in "".join(words) and not out:
                continue
            results = [outcome(asked, word, out=out, rule=rule) for word in words]
            pairs = list(zip(words, results, strict=True))
            purse = sum(coalition.purse(asked, *pair) for pair in pairs)
            yield RoundPlay(
                gain=purse - 2 * coalition.honest_purse(asked),
                free=sum(unpaid(asked, *pair) for pair in pairs),
                loss=max(coalition.loss(asked, *pair) for pair in pairs),
                quorum=quorum,
                words=words,
            )


@pytest.mark.parametrize(("replicas", "quorum"), [(3, 0), (3, 3), (4, 0), (4, 4), (5, 0)])
def test_every_answer_of_a_subset_comes_to_what_was_worked_out(replicas: int, quorum: int) -> None:
    words = {
        word
        for coalition in coalitions(replicas)
        for means in {*coalition.means(), *([Means.DATA] if coalition.data else [])}
        for blind in (False, True)
        for word in coalition.words(means, replicas, blind=blind)
        if LATE not in word or flagged_out((word,))
    }
    assert len(words) >= {3: 29, 4: 45, 5: 150}[replicas]
    for word in sorted(words):
        play_out(shaped(replicas, quorum=quorum), (word,))


def test_subsets_of_a_round_that_is_flagged_out_come_to_what_was_worked_out() -> None:
    for words in (("LUu", "LUu"), ("UUu", "AUf"), ("LAu", "UUu", "UUu"), ("UUUuu", "LLUff")):
        assert flagged_out(words)
        play_out(DEFAULT, words)


def test_a_round_that_is_not_drawn_is_not_played() -> None:
    play_out(DEFAULT, ())


def test_it_tells_if_the_market_does_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "worked_out", lambda *_: {"do": 1})
    with pytest.raises(DisagreementError, match="instead of"):
        play_out(DEFAULT, ("AAA",))


def test_it_tells_if_a_report_is_not_too_late() -> None:
    with pytest.raises(DisagreementError, match="was taken"):
        Stage(shaped(3), ("LAU",)).play()


def test_an_mo_to_which_results_are_worth_nothing_starts_no_round() -> None:
    best = search(shaped(3).but(result_value=0), Coalition(False, True, 0), Means.PLAIN).best[Aim.GAIN]
    assert (best.words, best.gain) == ((), PRICE + 3 * WAGE)


def test_a_do_that_does_not_draw_loses_its_bond() -> None:
    setting = shaped(3).but(couple_bond=0, round_price=0, training_cost=2 * WAGE)
    for bond, draws in ((0, False), (2 * WAGE, True)):
        best = search(setting.but(couple_bond=bond), Coalition(True, False, 1), Means.PLAIN).best
        assert bool(best[Aim.GAIN].words) is draws


# --- what holds ---


@cache
def by_plain_means() -> list[Finding]:
    return [finding for finding in searched(DEFAULT) if finding.means is Means.PLAIN]


def test_by_plain_means_nobody_works_unpaid_and_no_honest_member_loses() -> None:
    best = [play for finding in by_plain_means() for play in finding.best.values()]
    assert len(best) > 200
    assert not any(play.free or play.loss for play in best)


def test_by_plain_means_a_coalition_saves_the_pay_of_those_that_it_does_not_let_work() -> None:
    """And trainings, where one of it can report what another got: nothing that anybody else is due."""
    for finding in by_plain_means():
        coalition, n, clouds = finding.coalition, finding.replicas, finding.coalition.clouds
        idle = (n - clouds - 1 if coalition.data else most(n)) if coalition.model else 0
        trainings = clouds if coalition.model else max(clouds - 1, 0)
        due = finding.drawn * (idle * WAGE + trainings * COST)
        assert finding.best[Aim.GAIN].gain == due, finding


@pytest.mark.parametrize("replicas", SIZES)
def test_a_larger_quorum_gains_a_model_owner_no_more_than_plain_means_and_no_unpaid_work(
    replicas: int,
) -> None:
    for data, clouds in product((False, True), range(most(replicas) + 1)):
        asked = found(replicas, data, True, clouds, Means.QUORUM).best
        plain = found(replicas, data, True, clouds, Means.PLAIN).best
        assert asked[Aim.GAIN].gain <= plain[Aim.GAIN].gain
        assert not any(play.free or play.loss for play in asked.values())


def test_nor_where_places_are_not_filled() -> None:
    """A strict majority of five places, which every DO's agent grants, is all of three replicas."""
    assert max(5 // 2 + 1, DataOwnerPolicy().max_quorum) == 3
    changes = Stage(shaped(3, quorum=3), ("AAf",), places=5).play()
    assert changes == {"do": PRICE, "mo": -PRICE - 3 * WAGE, "co0": WAGE, "co1": WAGE, "co2": WAGE}


# --- the thefts that there were ---


@cache
def market_with(rule: Rule) -> bytes:
    source = (ROOT / SETTLEMENT).read_text()
    assert source.count(PAYS) == 1
    faulty = source.replace(PAYS, PAID[rule]).rstrip().removesuffix("}") + ASKED
    with Solc() as solc:
        return solc.bytecode(MARKET, {SETTLEMENT: faulty})


@pytest.mark.parametrize("replicas", SIZES)
def test_it_finds_the_theft_that_the_first_rule_allowed(replicas: int) -> None:
    for data in (False, True):
        theft = found(replicas, data, True, most(replicas), Means.PLAIN, Rule.UNABLE).best[Aim.FREE]
        assert theft.free == theft.results > 0
        assert theft.paid == 0
        played = Stage(shaped(replicas), theft.words, code=market_with(Rule.UNABLE)).play()
        assert played == worked_out(shaped(replicas), theft.words, Rule.UNABLE)
        assert played == dict.fromkeys(played, 0), "all results for nothing"
        now = Stage(shaped(replicas), theft.words).play()
        assert now["mo"] == -PRICE - replicas * WAGE


def test_that_theft_was_a_subsets_worth_of_results_but_for_the_unread() -> None:
    theft = found(3, False, True, 1, Means.PLAIN, Rule.UNABLE).best[Aim.FREE]
    assert theft.words == ("AUf",)


@pytest.mark.parametrize("replicas", SIZES)
def test_it_finds_the_theft_that_a_larger_quorum_was(replicas: int) -> None:
    """One liar had all results for nothing, until who asks for more than a majority had to pay for it."""
    for data in (False, True):
        best = found(replicas, data, True, 1, Means.QUORUM, Rule.FLAGGED).best
        theft = best[Aim.FREE]
        assert (theft.quorum, theft.free, theft.paid) == (replicas, replicas - 1, 0)
        assert data or best[Aim.GAIN].gain == PRICE + (replicas - 1) * WAGE + COST
        asked = shaped(replicas, quorum=replicas)
        played = Stage(asked, theft.words, code=market_with(Rule.FLAGGED)).play()
        assert played == worked_out(asked, theft.words, Rule.FLAGGED)
        assert played == dict.fromkeys(played, 0), "all results for nothing"
        now = Stage(asked, theft.words).play()
        assert now["mo"] == -PRICE - replicas * WAGE
        assert all(now[f"co{number}"] == WAGE for number in range(replicas))


@pytest.mark.parametrize("replicas", SIZES)
def test_it_finds_what_different_data_took_from_who_trained_on_them(replicas: int) -> None:
    """Bonds and pay of those that the coalition did not agree with; or all results for nothing."""
    clouds, quorum = most(replicas), replicas // 2 + 1
    best = blindly(replicas, True, clouds).best
    assert best[Aim.LOSS].loss == BOND + WAGE
    assert blindly(replicas, True, 0).best[Aim.FREE].free == replicas
    victims = replicas - quorum
    spoils = victims * (BOND - WAGE) // quorum * clouds + victims * WAGE
    assert best[Aim.GAIN].gain == spoils + victims * WAGE + clouds * COST
    for play in best.values():
        play_out(shaped(replicas), play.words)


def test_our_own_agent_flags_what_it_could_not_leave_in_time() -> None:
    play = Stage(shaped(3), ("AAB",))
    play.open_all()
    play.start()
    play.draw()
    victim = play.assigned(0)[2]
    held: dict[str, TaskResult] = {package_key(victim): OpenedPackage(digest=play.data_of(victim), rows=1)}
    acts = play.decide(CloudOwner(play.owner(victim), HOLDS), held)
    assert [act.call.function for act in acts if isinstance(act, Send)] == ["flagTJ", "retireCI"]
    assert len(acts) == 2


# --- what does not hold, and its price ---


@pytest.mark.parametrize("replicas", SIZES)
def test_an_honest_mo_that_asks_for_more_than_a_majority_pays_for_what_a_liar_voids(replicas: int) -> None:
    """The price of the rule: the liar keeps its bond, and is paid."""
    for data in (False, True):
        clouds = most(replicas)
        best = found(replicas, data, False, clouds, Means.QUORUM).best
        assert best[Aim.LOSS].loss == PRICE + replicas * WAGE
        assert best[Aim.GAIN].gain == clouds * COST
        assert best[Aim.FREE].free == 0


@pytest.mark.parametrize(("drawn", "replicas"), [*product((1, 2, 3), (3, 5)), (1, 4), (2, 7)])
def test_with_its_flags_in_front_a_coalition_has_fewer_than_half_of_the_results_for_nothing(
    drawn: int, replicas: int
) -> None:
    for data in (False, True):
        setting = shaped(replicas, drawn)
        best = search(setting, Coalition(data, True, 1), Means.FLAGS).best[Aim.FREE]
        assert best.free == (drawn * replicas - 1) // 2


@pytest.mark.parametrize("replicas", SIZES)
def test_a_do_that_hands_out_different_data_has_an_mo_pay_for_no_verdict(replicas: int) -> None:
    """Where nobody can leave before the round is started: all that are honest flag, its own have lied."""
    clouds, price = most(replicas), PRICE + replicas * WAGE
    best = found(replicas, True, False, clouds, Means.DATA).best
    assert best[Aim.FREE].free == 0
    assert best[Aim.LOSS].loss == price
    idle = replicas - clouds
    assert best[Aim.GAIN].gain == idle * WAGE + clouds * COST
    assert best[Aim.GAIN].words == ("U" * idle + "f" * clouds,)
    alone = found(replicas, True, False, 0, Means.DATA).best
    assert not any(play.free or play.loss or play.gain for play in alone.values())


def test_a_majority_is_out_of_the_bound() -> None:
    changes = worked_out(shaped(3), ("Aff",))
    assert changes["co0"] == -BOND
    play_out(shaped(3), ("Aff",))


# --- the program ---


def test_it_tells_coalitions_and_writes_their_rows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--rounds", "1", "--coalitions-up-to", "4", "--folder", str(tmp_path)]
    main(arguments)
    told = capsys.readouterr().out
    assert "gain, n=4" in told
    assert "different data" in told
    report = json.loads((tmp_path / "coalitions.json").read_text())
    assert report["confirmed_on_the_market"] > 50
    rows = report["rows"]
    assert len(rows) == 2 * 3 * sum(len(list(one.means())) for one in coalitions(3))
    harm = next(
        row
        for row in rows
        if (row["coalition"], row["means"], row["replicas"], row["subsets"]) == ("CO", "larger quorum", 3, 1)
    )
    assert harm["best"]["loss"] == {
        "quorum": 3,
        "answers": ["AAf"],
        "gain": COST,
        "honest_results": 2,
        "honest_paid": 2 * WAGE,
        "free_results": 0,
        "worst_loss": PRICE + 3 * WAGE,
    }


@pytest.mark.parametrize("given", ["2", "8"])
def test_it_searches_three_to_seven_replicas(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--coalitions-up-to", given])
    assert capsys.readouterr().err == f"coalitions-up-to is {given}: choose 3 to 7\n"
