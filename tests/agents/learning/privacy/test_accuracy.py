"""What noise leaves of a model, on real data: the goal for breast cancer, over ten seeds.

Rules: N14.
"""

from __future__ import annotations

from statistics import mean

from benchmarks.privacy.bench import central, noisy

SEEDS = range(10)


def test_breast_cancer_comes_within_three_hundredths_of_central_training() -> None:
    in_one_place = mean(central("breast-cancer", seed) for seed in SEEDS)
    assert mean(noisy("breast-cancer", "dealt", 4, seed) for seed in SEEDS) > in_one_place - 0.03
