"""Scores of models from moments with noise, and of the same rows in one place without any."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from agents.learning.evaluate import score
from agents.learning.plans.noise import Mode
from agents.learning.privacy.discrete_gaussian import discrete_gaussians
from agents.learning.privacy.offer import divided
from agents.learning.privacy.rule_of_thumb import noise_ratio
from benchmarks.privacy.tables import table as table_named
from testing.privacy import offered, subsets_of, trained

SUBSETS = 4


@dataclass(frozen=True)
class Cost:
    """What noise costs on one table.

    Attributes:
        rows: for training. `central`: scikit-learn's score of each seed.
        noisy: scores of each seed, by who adds the noise and epsilon, as ``dealt 4``.
        ratio: noise over what is to be learnt at epsilon 4, by the rule of thumb.
    """

    table: str
    rows: int
    columns: int
    ratio: float
    central: list[float]
    noisy: dict[str, list[float]]


def measure(table: str, settings: Sequence[tuple[Mode, int]], seeds: Sequence[int]) -> Cost:
    """Each setting on each seed's division, with that seed's draw of the noise."""
    loaded = table_named(table)
    rows, columns = divided(len(loaded.target), 0)[0].size, loaded.features.shape[1]
    return Cost(
        table,
        rows,
        columns,
        noise_ratio(rows, columns, 4),
        [central(table, seed) for seed in seeds],
        {
            f"{mode} {epsilon}": [noisy(table, mode, epsilon, seed) for seed in seeds]
            for mode, epsilon in settings
        },
    )


def noisy(table: str, mode: Mode, epsilon: int, seed: int) -> float:
    """Accuracy or R2 on the test rows: ranges, summary, noise, masks, sum and model, as agents do it."""
    colluding = 1 if mode == "shared" else 0
    made, plan = offered(table_named(table), SUBSETS, seed, epsilon=epsilon, noise=mode, colluding=colluding)
    return score(plan, trained(plan, subsets_of(made)).weights, made.prepared.test)


def central(table: str, seed: int) -> float:
    """scikit-learn's logistic regression or ridge on the same rows, standardised by their own figures."""
    loaded = table_named(table)
    train, test = divided(len(loaded.target), seed)
    model = LogisticRegression(max_iter=10_000) if loaded.class_names else Ridge()
    pipeline = make_pipeline(StandardScaler(), model)
    pipeline.fit(loaded.features[train], loaded.target[train])
    return float(pipeline.score(loaded.features[test], loaded.target[test]))


def microseconds_of_a_draw(count: int = 20_000) -> float:
    """What one number of the noise takes, at the variance of a real one."""
    began = time.perf_counter()
    discrete_gaussians(bytes(32), b"a benchmark", [2 * 10**15] * count)
    return 1e6 * (time.perf_counter() - began) / count
