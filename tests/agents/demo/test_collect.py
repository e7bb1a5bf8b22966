"""What is found out about the data before a demo starts, and what is read when it is over.

Rules: A17, N21.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agents.audit.live import Audited
from agents.audit.replay import audit
from agents.chain.client import BlockRef
from agents.core.errors import BadData, BadInput, BadPlan, CannotSplit
from agents.core.hashing import final_hash
from agents.core.ids import Address
from agents.core.mined import Mined
from agents.demo import collect as module
from agents.demo.collect import DividedData, collect, promised_of
from agents.demo.outcome import Cheat, DemoOutcome
from agents.demo.ranges import policy_of
from agents.demo.report import summary
from agents.demo.report.page import page
from agents.demo.run import DemoRun
from agents.demo.scenario import Scenario
from agents.learning.data.samples import PredictionTask
from agents.learning.data.skew import check_skew
from agents.learning.data.tables import load_table
from agents.learning.plans.limits import Limits
from testing.world import World

CONTRACT = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")


def table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A CSV file."""
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return str(path)


# --- before ---


def test_divides_the_data_as_the_data_owner_will() -> None:
    divided = DividedData.of(Scenario(data="wine"))
    assert sorted(np.concatenate(divided.rows)) == list(range(len(divided.prepared.train)))
    assert [len(subset) for subset in divided.subsets] == [len(rows) for rows in divided.rows]
    assert check_skew(divided.prepared.train.target, divided.rows).skewed
    again, other = DividedData.of(Scenario(data="wine")), DividedData.of(Scenario(data="wine", seed=1))
    assert all((ours == theirs).all() for ours, theirs in zip(divided.rows, again.rows, strict=True))
    assert [rows.tolist() for rows in divided.rows] != [rows.tolist() for rows in other.rows]


def test_the_work_grows_with_columns_and_with_what_the_machine_is_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(columns: int, load: float) -> int:
        monkeypatch.setattr("os.getloadavg", lambda: (load, load, load))
        header = [*(f"c{place}" for place in range(columns)), "y"]
        rows = [[*np.random.default_rng(row).normal(size=columns), "ab"[row % 2]] for row in range(60)]
        return DividedData.of(Scenario(data=table(tmp_path / "t.csv", header, rows))).work_seconds

    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert work(30, 0) == 3
    assert work(300, 0) < work(300, 14) < work(600, 14)
    with pytest.raises(
        BadPlan, match=r"a round's jobs on this machine need a report window of \d+ s, and the"
    ):
        work(600, 900)


def test_counts_each_class_in_each_subset() -> None:
    divided = DividedData.of(Scenario(data="wine"))
    assert divided.strata_names == ("class_0", "class_1", "class_2")
    for counts, subset in zip(divided.strata, divided.subsets, strict=True):
        assert counts == tuple((subset.target == label).sum() for label in range(3))
        assert 0 in counts, "a skewed subset lacks a class"
    totals = np.bincount(divided.prepared.train.target)
    assert tuple(map(sum, zip(*divided.strata, strict=True))) == tuple(totals)


def test_counts_ranges_of_a_continuous_target() -> None:
    divided = DividedData.of(Scenario(data="diabetes", subsets=5))
    assert divided.strata_names == tuple(f"range {number} of 5" for number in range(1, 6))
    assert [sum(counts) for counts in divided.strata] == [len(rows) for rows in divided.rows]
    totals = [sum(of_range) for of_range in zip(*divided.strata, strict=True)]
    assert max(totals) - min(totals) <= len(divided.prepared.train) // 20, "quantiles"
    for counts in divided.strata:
        assert 0 in counts, "a skewed subset lacks a range"
        assert all(2 * count <= total for count, total in zip(counts, totals, strict=True))


def test_counts_the_ranges_that_ties_leave(tmp_path: Path) -> None:
    rows = [(row % 7, 0.5 if row % 2 else row / 100) for row in range(400)]
    divided = DividedData.of(Scenario(data=table(tmp_path / "ties.csv", ["x", "y"], rows)))
    ranges = len(divided.strata[0])
    assert 2 <= ranges < 5
    assert divided.strata_names[-1] == f"range {ranges} of {ranges}"
    assert all(map(sum, zip(*divided.strata, strict=True)))


@pytest.mark.parametrize(
    ("flags", "error", "complaint"),
    [
        ({"data": "no-such.csv"}, BadData, "no file no-such.csv, nor built-in data of that name: give a CSV"),
        ({"data": "wine", "target": "colour"}, BadData, "built-in data wine have their own target"),
        (
            {"data": "wine", "model": "linear", "level": "dataset"},
            BadPlan,
            "a model owner who breaks the rules can have single rows of this plan's sums, which only level",
        ),
        (
            {"data": "wine", "model": "encrypted-ridge", "level": "private"},
            BadPlan,
            "the plan asks for exact results: at level private",
        ),
        ({"data": "wine", "model": "moments", "level": "none"}, BadPlan, "the plan's sums come with noise"),
        ({"data": "wine", "model": "forest"}, BadPlan, "no model 'forest': choose one of linear, ridge"),
        ({"data": "diabetes", "model": "logistic"}, BadPlan, "logistic regression needs classes"),
        ({"data": "wine", "subsets": 64, "replicas": 1}, CannotSplit, "64 subsets are too many for 114 rows"),
    ],
)
def test_refuses_what_cannot_be_played_in_one_line(
    flags: dict[str, Any], error: type[BadInput], complaint: str
) -> None:
    with pytest.raises(error) as refused:
        DividedData.of(Scenario(**flags))
    assert str(refused.value).startswith(complaint)
    assert str(refused.value).isprintable()


def test_divides_by_place_and_seed_alone_at_level_private(tmp_path: Path) -> None:
    divided = DividedData.of(Scenario(data="wine", level="private"))
    assert np.concatenate(divided.rows).tolist() == list(range(142))
    assert [len(rows) for rows in divided.rows] == [36, 36, 35, 35]
    assert len(divided.prepared.validation) == 0
    ranges = tmp_path / "ranges.json"
    ranges.write_text('{"columns": {"alcohol": [0, 20]}}')
    with pytest.raises(BadInput, match="wine: no range for column 'malic_acid'"):
        DividedData.of(Scenario(data="wine", level="private", privacy=ranges))


def test_refuses_a_column_that_is_not_there(tmp_path: Path) -> None:
    data = table(tmp_path / "t.csv", ["x", "y"], [(row, row % 2) for row in range(100)])
    with pytest.raises(BadData, match=r"^t.csv: no column 'z'; its columns are x, y$"):
        DividedData.of(Scenario(data=data, target="z"))


def test_refuses_more_columns_than_a_cloud_owner_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_LIMITS", Limits(features=12))
    with pytest.raises(BadPlan, match="features is 13; this agent accepts at most 12"):
        DividedData.of(Scenario(data="wine"))


# --- after ---


def test_a_run_at_level_private_says_what_was_promised_and_what_it_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, rounds=2, privacy=policy_of(load_table("wine"), epsilon=4))
    world.play()
    outcome, *_ = collected(world, Scenario(data="wine", level="private"), tmp_path, monkeypatch)
    promised, scores, work = outcome.promised, outcome.scores, outcome.work
    assert work is not None
    assert (outcome.model, work.scheme, work.sums, work.summed) == ("moments", "", "dataset", {2: 4})
    assert scores.updates == (2,)
    assert scores.market[0] == scores.initial < scores.market[1]
    assert scores.market[1] < scores.centralised, "which has no noise"
    assert "Trained without sending weights" in page(outcome, summary(outcome))
    assert promised is not None
    assert (promised.level, promised.epsilon, promised.delta_digits) == ("private", 4, 5)
    assert promised.epsilon_spent == pytest.approx(4, abs=1e-3)
    assert promised.epsilon_left == 0
    assert (promised.exposed_rows, promised.exposed_score) == (0, None)
    assert promised.private_score is not None
    assert 0.6 < promised.private_score <= 1
    assert promised.ranges_from_rows


def test_a_table_that_is_too_small_for_noise_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    World(tmp_path).settle_down()
    lie_as_in_a_world(tmp_path, monkeypatch)
    wine = load_table("wine")
    few = replace(wine, features=wine.features[::3], target=wine.target[::3])
    demo = DemoRun(Scenario(data="wine"), tmp_path, "http://node", tmp_path / "x.json")
    promised = promised_of(demo, few)
    assert (promised.private_epsilon, promised.private_score) == (None, None)
    assert promised.private_refused.startswith(
        "48 rows of 13 columns: at epsilon 4 the noise would be larger"
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, rounds=2)
    world.play()
    return world


def lie_as_in_a_world(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A member's one dataset or model is in its home itself."""
    monkeypatch.setattr(DemoRun, "home", lambda _, member: folder / member.name)
    monkeypatch.setattr(DemoRun, "dataset_folder", folder / Scenario().data_owner.name)
    monkeypatch.setattr(DemoRun, "model_folder", folder / Scenario().model_owner.name)


Collected = tuple[DemoOutcome, Mined, list[tuple[int, int]]]


def collected(world: World, scenario: Scenario, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collected:
    """What is read of a run, the one transaction of it, and which blocks were asked for."""
    history, tc = tuple(world.chain.history), world.couple.id
    mined = Mined(bytes(32), 4, world.data_owner.address, ("createDS",), 21_000, succeeded=True)
    audited = Audited(
        BlockRef(99, bytes(32), world.chain.now),
        history,
        audit(history, world.chain.domain),
        ("a difference",),
        world.market.total(),
    )
    deployment = SimpleNamespace(block=3, chain_id=31_337, market=CONTRACT)
    asked: list[tuple[int, int]] = []

    def transactions(_client: object, first: int, last: int) -> list[Mined]:
        asked.append((first, last))
        return [mined]

    monkeypatch.setattr(DemoRun, "connect", lambda _: SimpleNamespace(deployment=deployment))
    monkeypatch.setattr(DemoRun, "tc", tc)
    lie_as_in_a_world(tmp_path, monkeypatch)
    monkeypatch.setattr(module, "audit_deployment", lambda _: audited)
    monkeypatch.setattr(module, "transactions", transactions)
    demo, divided = DemoRun(scenario, tmp_path, "http://node", tmp_path / "x.json"), DividedData.of(scenario)
    return collect(demo, divided, 1_700_000_000, 12.5), mined, asked


def test_reads_a_run_from_the_chain_and_the_model_owners_home(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = Scenario(data="wine", rounds=2)
    outcome, mined, asked = collected(world, scenario, tmp_path, monkeypatch)
    history, tc = tuple(world.chain.history), world.couple.id
    divided = DividedData.of(scenario)

    assert asked == [(4, 99)], "all blocks after the market's own"
    assert (outcome.dataset_name, outcome.model, outcome.network) == ("wine", "logistic", "ganache")
    assert (outcome.chain_id, outcome.contract) == (31_337, CONTRACT)
    assert outcome.settings == {
        "data": "wine",
        "subsets": "4",
        "replicas": "3",
        "rounds": "2",
        "balance": "data",
        "seed": "0",
        "network": "ganache",
        "secrecy": "dataset",
    }
    assert (outcome.ds, outcome.tc) == (world.couple.ds, tc)
    assert (outcome.history, outcome.transactions) == (history, (mined,))
    assert (outcome.differences, outcome.contract_balance) == (("a difference",), world.market.total())
    assert (outcome.started_at, outcome.seconds) == (1_700_000_000, 12.5)
    assert outcome.subset_rows == tuple(map(sum, divided.strata))
    assert outcome.receipt_domain == world.chain.domain
    scores = outcome.scores
    assert scores.metric == "accuracy"
    assert len(scores.market) == world.couple.round == 2
    assert scores.initial < scores.market[-1] <= 1
    assert scores.centralised > 0.8
    assert scores.best_single_subset < scores.centralised, "no subset has every class"
    assert scores.outside[0] == "scikit-learn LogisticRegression"
    promised = outcome.promised
    assert promised is not None
    assert (promised.level, promised.exposed_rows, promised.epsilon) == ("none", 28, None)
    assert promised.exposed_score is not None
    assert 0.8 < promised.exposed_score <= 1
    assert promised.private_epsilon == 4
    assert promised.private_score is not None
    assert 0.6 < promised.private_score < promised.all_rows_score, "what level private would give"
    assert promised.standing[0].startswith("level none: ")
    cheats = [party.cheat for party in outcome.parties if party.cheat]
    assert cheats == list(Cheat)
    assert len(outcome.parties) == 14
    assert summary(outcome)["rounds"] == 2
    ends = final_hash(world.chain.domain, tc, outcome.final_salt, outcome.final_weights)
    assert world.couple.final_model_hash == ends, "who has the weights and the salt can check the hash"


def test_what_the_target_is_may_be_said_and_what_was_done_to_the_data_is_told(tmp_path: Path) -> None:
    rows = [(i * 7 % 13, 10**9 if i == 12 else i % 5, i % 12 + i // 100) for i in range(150)]
    data = table(tmp_path / "visits.csv", ["dose", "age", "visits"], rows)
    with pytest.raises(BadData, match=r"class '12' of target 'visits' has 4 rows"):
        DividedData.of(Scenario(data=data))
    divided = DividedData.of(Scenario(data=data, task=PredictionTask.REGRESSION, seed=1))
    assert divided.prepared.train.classes == 0
    assert divided.notes == (
        "target: column 'visits'",
        "column 'age': 1 cell far from all others (as 1000000000) cut, and left out of mean and deviation",
    )
    merged = DividedData.of(Scenario(data=data, merge_rare=10))
    assert "(rare)" in merged.table.class_names
    assert len(merged.table.class_names) == 12
