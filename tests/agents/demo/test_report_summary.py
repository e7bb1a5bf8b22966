"""The report's figures, each derived from a told history.

Rules: A60, A61, E17, P63, P64.
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from agents.audit.replay import audit
from agents.core.enums import JobStatus
from agents.core.events import JobJudged
from agents.core.ids import InstanceId, short, subset_of
from agents.core.mined import Mined
from agents.demo.outcome import Cheat, DemoOutcome, Scores, Work
from agents.demo.report import summary
from agents.learning.evaluate import Alternative
from agents.learning.judgement import Forecast, judge, reliability
from testing.histories import ALL_CHEATS, ETHER, SCORES, STRATA, TERMS, Story, told


def facts(outcome: DemoOutcome) -> Any:
    """The summary as a program reads it."""
    return json.loads(json.dumps(summary(outcome), allow_nan=False))


@pytest.fixture(scope="module")
def cheated() -> Any:
    return facts(told(cheats=ALL_CHEATS).outcome())


def never_drawn(rounds: int) -> InstanceId:
    """The last replica of a subset that the first rounds do not draw."""
    story = told(rounds)
    drawn = 0
    for record in story.couple.rounds.values():
        drawn |= record.drawn
    return next(ci for ci in reversed(story.cis) if not drawn >> subset_of(ci) & 1)


def test_counts_the_closed_rounds(cheated: Any) -> None:
    assert cheated["rounds"] == 6
    assert [one["round"] for one in cheated["by_round"]] == [1, 2, 3, 4, 5, 6]


def test_a_round_that_is_not_closed_does_not_count() -> None:
    story = told(1)
    open_ = Story()
    open_.distribute()
    open_.approve(2)
    open_.round()
    open_.start()
    open_.draw()
    assert facts(story.outcome())["rounds"] == 1
    found = facts(open_.outcome())
    assert found["rounds"] == 1
    assert [one["closed"] for one in found["by_round"]] == [True, False]


def test_tells_each_score(cheated: Any) -> None:
    accuracy = cheated["accuracy"]
    assert accuracy["metric"] == "accuracy"
    assert accuracy["market"] == SCORES.market[-1] == accuracy["by_round"][-1]
    assert accuracy["by_round"] == list(SCORES.market)
    assert accuracy["centralised"] == SCORES.centralised
    assert accuracy["best_single_subset"] == SCORES.best_single_subset
    assert accuracy["outside"] == {"name": SCORES.outside[0], "value": SCORES.outside[1]}


def test_without_a_round_the_market_is_the_initial_weights() -> None:
    story = Story()
    story.distribute()
    story.approve(1)
    story.complete()
    found = facts(story.outcome())
    assert found["rounds"] == 0
    assert found["by_round"] == []
    assert found["accuracy"]["market"] == SCORES.initial
    assert found["accuracy"]["by_round"] == []


def test_without_a_couple_there_are_no_rounds() -> None:
    story = Story()
    story.distribute()
    found = facts(story.outcome())
    assert found["rounds"] == 0
    assert found["market"]["phase"] == "none"
    assert all(replica["cells"] == [] for replica in found["replicas"]["verdicts"])


def test_without_anything_on_the_chain_there_is_still_a_report() -> None:
    found = facts(Story().outcome())
    assert found["market"]["terms"] is None
    assert found["ledger"]["conserved"]
    assert found["transactions"] == 0
    assert found["gas"] == {"total": 0, "by_transaction": {}, "by_role": {}}


def test_tells_the_training_and_where_the_model_moved() -> None:
    work = Work("BFV", 8192, 218, "dataset", {2: 4}, 10, 20, 30, 5, 0.25, 0.5, 0.6)
    scores = replace(SCORES, market=(0.4, 0.9, 0.9), updates=(2,))
    found = facts(told(3).outcome(work=work, scores=scores))
    assert found["training"] == {**vars(work), "summed": {"2": 4}}
    assert found["accuracy"]["updates"] == [2]
    assert facts(told(3).outcome())["accuracy"]["updates"] == [1, 2, 3]
    assert facts(told(3).outcome())["training"] is None


def test_tells_a_regression_with_negative_scores() -> None:
    scores = Scores("R2", -0.4, (-0.12, 0.31), 0.48, -2.5, ("scikit-learn Ridge", math.nan))
    accuracy = facts(told(2).outcome(scores=scores))["accuracy"]
    assert accuracy["metric"] == "R2"
    assert accuracy["by_round"] == [-0.12, 0.31]
    assert accuracy["best_single_subset"] == -2.5
    assert accuracy["outside"]["value"] is None


def test_tells_other_measures_and_what_to_beware_of() -> None:
    chances = np.tile([0.9, 0.1], (20, 1))
    one = judge("the market", Forecast(np.zeros(20, np.int64), chances), np.arange(20) % 2)
    bins = tuple(reliability(chances, np.arange(20) % 2, bins=1))
    better = Alternative("encrypted-features", 0.9, 0.5)
    scores = replace(SCORES, judged=(one,), reliability=bins, settled=False, better=better)
    accuracy = facts(told(2).outcome(scores=scores, strata=STRATA, strata_names=("sick", "well")))["accuracy"]
    assert accuracy["settled"] is False
    assert accuracy["one_class_to_everybody"] == "sick"
    assert accuracy["judged"][0]["measures"]["balanced accuracy"]["value"] == 0.5
    assert accuracy["better_family"] == {"family": "encrypted-features", "score": 0.9, "own": 0.5}
    assert accuracy["reliability"] == [{"expected": pytest.approx(0.1), "observed": 0.5, "rows": 20}]
    plain = facts(told(2).outcome())["accuracy"]
    assert plain["settled"] is plain["better_family"] is plain["one_class_to_everybody"] is None


# --- cheats ---


def test_finds_all_four_cheats(cheated: Any) -> None:
    assert cheated["cheats"]["planted"] == 4
    assert cheated["cheats"]["caught"] == 4
    assert cheated["honest_slashed"] == 0
    events = {
        one["cheat"]: {found["event"] for found in one["evidence"]} for one in cheated["cheats"]["detail"]
    }
    assert events == {
        Cheat.COPIES_DATA_RECEIPT: {"InstanceRejected"},
        Cheat.MAKES_MODEL_UP: {"JobJudged"},
        Cheat.COPIES_TRAINING_RECEIPT: {"JobJudged"},
        Cheat.FALLS_SILENT: {"JobJudged"},
    }


def test_an_honest_market_has_no_fault() -> None:
    found = facts(told(4).outcome())
    assert found["cheats"] == {"planted": 0, "caught": 0, "detail": []}
    assert found["faults"] == []
    assert found["honest_slashed"] == 0
    assert found["audit"]["ok"]


def test_a_cheat_that_was_never_drawn_is_not_caught() -> None:
    ci = never_drawn(rounds=1)
    place = subset_of(ci), 3
    found = facts(told(1, cheats={place: Cheat.COPIES_TRAINING_RECEIPT}).outcome())
    assert found["cheats"]["planted"] == 1
    assert found["cheats"]["caught"] == 0
    assert found["cheats"]["detail"][0] | {"address": ""} == {
        "name": f"cloud owner {Story().cis.index(ci) + 1}",
        "address": "",
        "cheat": Cheat.COPIES_TRAINING_RECEIPT,
        "caught": False,
        "jobs": 0,
        "coins_lost": 0,
        "evidence": [],
    }


def test_the_label_alone_proves_nothing() -> None:
    outcome = told(6).outcome()
    labelled = tuple(
        replace(party, cheat=Cheat.FALLS_SILENT) if party.subset == 0 else party for party in outcome.parties
    )
    found = facts(replace(outcome, parties=labelled))
    assert found["cheats"]["planted"] == 3
    assert found["cheats"]["caught"] == 0


def test_another_fault_is_no_proof_of_a_cheat() -> None:
    outcome = told(6, cheats={(1, 3): Cheat.FALLS_SILENT}).outcome()
    labelled = tuple(
        replace(party, cheat=Cheat.MAKES_MODEL_UP) if party.cheat else party for party in outcome.parties
    )
    found = facts(replace(outcome, parties=labelled))
    assert found["cheats"]["caught"] == 0
    assert found["faults"]


def test_any_fault_proves_a_cheat_that_has_no_proof_of_its_own() -> None:
    outcome = told(6, cheats={(1, 3): Cheat.FALLS_SILENT}).outcome()
    labelled = tuple(
        replace(party, cheat="sleeps at work") if party.cheat else party for party in outcome.parties
    )
    assert facts(replace(outcome, parties=labelled))["cheats"]["caught"] == 1


def test_an_honest_member_that_was_silent_counts_as_slashed() -> None:
    outcome = told(6, cheats={(1, 3): Cheat.FALLS_SILENT}).outcome()
    unlabelled = tuple(replace(party, cheat="") for party in outcome.parties)
    found = facts(replace(outcome, parties=unlabelled))
    assert found["honest_slashed"] == 1
    assert found["cheats"]["planted"] == 0


def test_an_honest_member_that_was_rejected_counts_as_slashed() -> None:
    outcome = told(1, cheats={(0, 2): Cheat.COPIES_DATA_RECEIPT}).outcome()
    unlabelled = tuple(replace(party, cheat="") for party in outcome.parties)
    assert facts(replace(outcome, parties=unlabelled))["honest_slashed"] == 1


def test_a_data_owner_that_lost_its_bond_counts_as_slashed() -> None:
    story = Story()
    story.distribute()
    story.approve(3)
    story.round()
    story.start()
    story.abort()
    found = facts(story.outcome())
    assert found["honest_slashed"] == 1
    assert found["market"]["phase"] == "aborted"
    assert found["faults"][0]["fault"] == "seed withheld"
    assert found["faults"][0]["lost"] == TERMS.couple_bond
    assert found["faults"][0]["round"] == 2


# --- replicas ---


def test_honest_replicas_are_alike(cheated: Any) -> None:
    assert cheated["replicas"]["hash_mismatches_among_honest"] == 0


def test_counts_honest_replicas_that_differ() -> None:
    outcome = told(6, cheats={(1, 2): Cheat.MAKES_MODEL_UP}).outcome()
    unlabelled = tuple(replace(party, cheat="") for party in outcome.parties)
    assert facts(replace(outcome, parties=unlabelled))["replicas"]["hash_mismatches_among_honest"] == 1


def test_a_report_of_an_unsettled_subset_is_compared_with_nothing() -> None:
    story = Story()
    story.distribute()
    story.approve(1)
    story.start()
    story.draw()
    story.report()
    assert facts(story.outcome())["replicas"]["hash_mismatches_among_honest"] == 0


# --- the audit ---


def test_the_audit_agrees(cheated: Any) -> None:
    assert cheated["audit"]["ok"]
    assert cheated["audit"]["findings"] == cheated["audit"]["differences"] == []
    assert cheated["audit"]["events"]["RoundDrawn"] == 6


def test_a_difference_with_the_contract_spoils_the_audit() -> None:
    found = facts(told(1).outcome(differences=("balance of 0xabc: 3, not 4",)))
    assert not found["audit"]["ok"]
    assert found["audit"]["findings"] == []
    assert found["audit"]["differences"] == ["balance of 0xabc: 3, not 4"]


def test_a_finding_spoils_the_audit() -> None:
    story = told(1)
    wrong = [
        replace(one, event=replace(one.event, verdict=JobStatus.FAULTY))
        if isinstance(one.event, JobJudged) and one.event.ci == story.assigned()[0].id
        else one
        for one in story.history
    ]
    found = facts(story.outcome(history=tuple(wrong), audit=audit(wrong, story.domain)))
    assert not found["audit"]["ok"]
    assert any(short(story.assigned()[0].id) in finding for finding in found["audit"]["findings"])


# --- gas and transactions ---


def mined(functions: str, gas: int, succeeded: bool = True) -> Mined:
    return Mined(bytes(32), 1, Story().data_owner, tuple(functions.split()), gas, succeeded)


def test_sums_gas_by_transaction() -> None:
    sent = (
        mined("updateTJ", 10),
        mined("updateTJ", 15),
        mined("createDS createCI", 100),
        mined("joinCI joinCI joinCI refuseCI", 60),
        mined("settleRound", 5, succeeded=False),
    )
    found = facts(told(1).outcome(transactions=sent))
    assert found["transactions"] == 5
    assert found["transactions_reverted"] == 1
    assert found["gas"]["total"] == 190
    assert found["gas"]["by_transaction"] == {
        "multicall(createDS, createCI)": {"count": 1, "min": 100, "mean": 100, "max": 100, "total": 100},
        "multicall(joinCI x3, refuseCI)": {"count": 1, "min": 60, "mean": 60, "max": 60, "total": 60},
        "updateTJ": {"count": 2, "min": 10, "mean": 12, "max": 15, "total": 25},
        "settleRound, reverted": {"count": 1, "min": 5, "mean": 5, "max": 5, "total": 5},
    }
    assert next(iter(found["gas"]["by_transaction"])) == "multicall(createDS, createCI)"
    assert found["gas"]["by_role"]["data owner"]["total"] == 190


def test_all_gas_is_somebodys(cheated: Any) -> None:
    gas = cheated["gas"]
    assert sum(use["total"] for use in gas["by_transaction"].values()) == gas["total"]
    assert sum(use["total"] for use in gas["by_role"].values()) == gas["total"]
    assert sum(use["count"] for use in gas["by_transaction"].values()) == cheated["transactions"]
    assert set(gas["by_role"]) == {"data owner", "cloud owner", "model owner"}


def test_gas_of_a_stranger_is_no_members() -> None:
    sent = (replace(mined("closeRound", 7), sender=Story().party(InstanceId(Story().cis[0])).address),)
    assert list(facts(Story().outcome(transactions=sent))["gas"]["by_role"]) == ["no member"]


# --- data, run ---


def test_tells_what_the_run_was(cheated: Any) -> None:
    assert cheated["dataset"] == "breast_cancer"
    assert cheated["model"] == "logistic"
    assert cheated["network"] == "ganache"
    assert cheated["settings"]["seed"] == "0"
    assert cheated["seconds"] == 74.2
    assert cheated["market"]["terms"]["job_price"] == ETHER // 1000
    assert cheated["subsets"]["rows"] == [80, 133, 80, 133]


def test_tells_how_skewed_the_split_is() -> None:
    found = facts(told(1).outcome(strata=STRATA, strata_names=("malignant", "benign")))["subsets"]
    assert found["largest_share_of_a_class"] == 0.5
    assert found["holding_every_class"] == 0
    found = facts(told(1).outcome(strata=((1, 2), (3, 0)), strata_names=("a", "b")))["subsets"]
    assert found["largest_share_of_a_class"] == 1.0
    assert found["holding_every_class"] == 1
