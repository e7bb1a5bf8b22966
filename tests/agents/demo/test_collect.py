"""What is found out about the data before a demo starts, and what is read when it is over.

Rules: A17.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from agents.audit.live import Audited
from agents.audit.replay import audit
from agents.chain.client import BlockRef
from agents.core.errors import BadData, BadInput, BadPlan, CannotSplit
from agents.core.ids import Address
from agents.core.mined import Mined
from agents.demo import collect as module
from agents.demo.collect import DividedData, collect
from agents.demo.outcome import Cheat
from agents.demo.report import summary
from agents.demo.run import DemoRun
from agents.demo.scenario import Scenario
from agents.learning.data.samples import PredictionTask
from agents.learning.data.skew import check_skew
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
            {"data": "wine", "model": "moments"},
            BadPlan,
            "moments is for datasets that are offered with noise",
        ),
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


def test_refuses_a_column_that_is_not_there(tmp_path: Path) -> None:
    data = table(tmp_path / "t.csv", ["x", "y"], [(row, row % 2) for row in range(100)])
    with pytest.raises(BadData, match=r"^t.csv: no column 'z'; its columns are x, y$"):
        DividedData.of(Scenario(data=data, target="z"))


def test_refuses_more_columns_than_a_cloud_owner_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEFAULT_LIMITS", Limits(features=12))
    with pytest.raises(BadPlan, match="features is 13; this agent accepts at most 12"):
        DividedData.of(Scenario(data="wine"))


# --- after ---


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path, rounds=2)
    world.play()
    return world


def test_reads_a_run_from_the_chain_and_the_model_owners_home(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
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
    monkeypatch.setattr(DemoRun, "home", lambda _, member: tmp_path / member.name)
    monkeypatch.setattr(module, "audit_deployment", lambda _: audited)
    monkeypatch.setattr(module, "transactions", transactions)
    scenario = Scenario(data="wine", rounds=2)
    demo, divided = DemoRun(scenario, tmp_path, "http://node", tmp_path / "x.json"), DividedData.of(scenario)
    outcome = collect(demo, divided, 1_700_000_000, 12.5)

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
    cheats = [party.cheat for party in outcome.parties if party.cheat]
    assert cheats == list(Cheat)
    assert len(outcome.parties) == 14
    assert summary(outcome)["rounds"] == 2


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
