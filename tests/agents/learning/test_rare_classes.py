"""A table of which one row in twenty is sick: accuracy alone would never tell that nobody is found.

Rules: P61, P63.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadPlan
from agents.learning.data.prepare import partition, strata_of
from agents.learning.data.samples import PredictionTask
from agents.learning.data.split import split
from agents.learning.data.tables import load_table
from agents.learning.evaluate import forecast
from agents.learning.families.registry import Balance, default_plan
from agents.learning.judgement import Judgement, judge
from agents.learning.simulate import simulate_to_end


@pytest.fixture
def file(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    rows = []
    for number in range(600):
        sick = number % 20 == 0
        age, pressure = rng.normal(55 + 8 * sick, 12), rng.normal(130 + 25 * sick, 15)
        rows.append(f"{age:.0f},{pressure:.1f},{'sick' if sick else 'well'}")
    path = tmp_path / "patients.csv"
    path.write_text("age,pressure,state\n" + "\n".join(rows) + "\n")
    return path


def judged(file: Path, balance: Balance) -> Judgement:
    data = partition(load_table(file, "state"), 0)
    train = data.train
    parts = [train.take(rows) for rows in split(strata_of(train.target, train.task), 4, 0)]
    plan = default_plan(train.task, 2, 2, rounds=None, rows=len(train), balance=balance)
    weights = simulate_to_end(plan, parts, 2, 0, data.validation).state.weights
    return judge("the market", forecast(plan, weights, data.test), data.test.target)


def test_the_scores_rank_well_whoever_is_said_to_be_sick(file: Path) -> None:
    found = judged(file, "data")
    assert found.measures["accuracy"].value > 0.9
    assert found.measures["AUC"].value > 0.85


def test_balanced_the_sick_are_found(file: Path) -> None:
    usual, even = judged(file, "data"), judged(file, "even")
    assert even.says_only is None
    assert even.measures["balanced accuracy"].value > usual.measures["balanced accuracy"].value + 0.1
    assert even.measures["balanced accuracy"].value > 0.75


@pytest.mark.parametrize(("classes", "model"), [(0, None), (2, "logistic"), (2, "encrypted-cubic")])
def test_only_classes_of_exact_families_can_be_balanced(classes: int, model: str | None) -> None:
    task = PredictionTask.CLASSIFICATION if classes else PredictionTask.REGRESSION
    with pytest.raises(BadPlan, match="balance even is for classes and exact encrypted families"):
        default_plan(task, classes, 3, model, balance="even")
