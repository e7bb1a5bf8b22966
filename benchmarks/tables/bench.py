"""One table by default settings: the market's model, its family in one place, and two of scikit-learn's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from agents.learning import evaluate
from agents.learning.data.prepare import Prepared, partition, strata_of
from agents.learning.data.samples import FEATURE_BITS, FloatArray, PredictionTask, Samples
from agents.learning.data.split import split
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import default_plan, family_of
from agents.learning.simulate import simulate_to_end
from benchmarks.tables.catalogue import Entry

SUBSETS, DRAWN = 4, 2
"""As the demo's: half of the subsets a round."""

WITHIN = 0.03


@dataclass(frozen=True)
class Division:
    """One division of a table, by its seed.

    Attributes:
        market: accuracy or R2 of the market's model; `single`: of the same family in one place; `peer`,
            `trees`: of scikit-learn's model of the same family, and of its gradient boosting.
        rounds: that the market trained; `settled`: whether more would have brought nothing.
        says_only: whether the market's model says one class to everybody.
        commonest: of always saying the commonest class, or the mean.
    """

    market: float
    single: float
    peer: float
    trees: float
    commonest: float
    rounds: int
    settled: bool
    says_only: bool


@dataclass(frozen=True)
class Measured:
    """A table.

    Attributes:
        rows, columns: of the table as it is learnt; `classes` is 0 for a regression.
        peer: what scikit-learn's model is called.
    """

    name: str
    target: str
    package: str
    medical: bool
    rows: int
    columns: int
    classes: int
    family: str
    peer: str
    divisions: tuple[Division, ...]

    def mean(self, what: str) -> float:
        """Of a score over all divisions."""
        return mean(float(getattr(division, what)) for division in self.divisions)

    @property
    def within(self) -> bool:
        """Whether the market is at most WITHIN below scikit-learn's model of the same family."""
        return self.mean("market") >= self.mean("peer") - WITHIN

    @property
    def settled(self) -> bool:
        """Whether the model had settled in every division."""
        return all(division.settled for division in self.divisions)

    @property
    def says_only(self) -> bool:
        """Whether it says one class to everybody in most divisions."""
        return self.mean("says_only") > 0.5


def measure(entry: Entry, file: Path, seeds: Sequence[int], model: str | None = None) -> Measured:
    """A table, divided by each seed.

    Raises:
        BadData, CannotSplit: it cannot be learnt so.
    """
    task = PredictionTask.REGRESSION if entry.regression else None
    table = load_table(file, entry.target, task)
    prepared = [partition(table, seed) for seed in seeds]
    form = prepared[0].train
    plan = default_plan(table.task, form.classes, form.features.shape[1], model, None, rows=len(form))
    peer = type(family_of(plan).peer()).__name__
    return Measured(
        name=entry.name,
        target=entry.target,
        package=entry.package,
        medical=entry.medical,
        rows=len(table.target),
        columns=form.features.shape[1],
        classes=form.classes,
        family=family_of(plan).name(),
        peer=peer,
        divisions=tuple(
            _division(table, one, seed, model) for one, seed in zip(prepared, seeds, strict=True)
        ),
    )


def _division(table: Table, prepared: Prepared, seed: int, model: str | None) -> Division:
    train, test = prepared.train, prepared.test
    plan = default_plan(
        table.task, train.classes, train.features.shape[1], model, None, seed, rows=len(train)
    )
    subsets = [train.take(rows) for rows in split(strata_of(train.target, table.task), SUBSETS, seed)]
    training = simulate_to_end(plan, subsets, DRAWN, seed, prepared.validation)
    weights = training.state.weights
    return Division(
        market=evaluate.score(plan, weights, test),
        single=evaluate.centralised(plan, train, test).score,
        peer=evaluate.outside(plan, train, test).score,
        trees=_trees(train, test),
        commonest=_commonest(train, test),
        rounds=training.rounds,
        settled=training.settled,
        says_only=evaluate.says_one_class(plan, weights, test),
    )


def _trees(train: Samples, test: Samples) -> float:
    """scikit-learn's gradient boosting as it comes."""
    kind = HistGradientBoostingClassifier if train.classes else HistGradientBoostingRegressor
    return float(kind(random_state=0).fit(*_of(train)).score(*_of(test)))


def _of(samples: Samples) -> tuple[FloatArray, npt.NDArray[np.generic]]:
    return samples.features / 2.0**FEATURE_BITS, samples.target


def _commonest(train: Samples, test: Samples) -> float:
    if not train.classes:
        return 0.0
    return float((test.target == np.bincount(train.target).argmax()).mean())
