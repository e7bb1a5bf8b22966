"""How the model was trained and what it took, read from the members' own homes when the run is over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from agents.core.ids import CoupleId
from agents.demo.outcome import Work
from agents.learning.data.samples import Samples
from agents.learning.evaluate import score
from agents.learning.families.registry import family_of
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.portfolio.known import JOURNAL_FILE
from agents.roles.results import PublishedWeights, TaskResult, TrainingResult
from agents.roles.tasks.model_owner import weights_key
from agents.storage.journal import read_results
from agents.workers.states import state_file

_MOST_READINGS = 200


def work_of(
    plan: Plan,
    tc: CoupleId,
    rounds: int,
    model_owner: Path,
    model: Path,
    cloud_owners: Sequence[Path],
    test: Samples,
) -> Work:
    """Sizes, times and sums.

    Args:
        plan: of the model.
        tc: the couple.
        rounds: how many there were.
        model_owner: its home.
        model: the folder of the model in it.
        cloud_owners: their homes, those of cheats included.
        test: rows that nobody has seen.
    """
    jobs = [job for home in cloud_owners for job in _jobs(read_results(home / JOURNAL_FILE), tc)]
    made = read_results(model_owner / JOURNAL_FILE)
    weights = {round_: made.get(weights_key(tc, round_)) for round_ in range(1, rounds + 1)}
    given = (model / state_file(tc, max(rounds - 1, 0), "published")).read_bytes()
    family = family_of(plan)
    return Work(
        scheme=family.ciphertext.scheme,
        degree=family.ciphertext.degree,
        modulus_bits=family.ciphertext.modulus_bits,
        sums=family.sums,
        summed={
            round_: new.summed
            for round_, new in weights.items()
            if isinstance(new, PublishedWeights) and new.summed
        },
        keys_bytes=_middle(job.keys for job in jobs),
        weights_bytes=_middle(job.weights for job in jobs),
        result_bytes=_middle(job.result for job in jobs),
        jobs=len(jobs),
        step_seconds=median(job.seconds for job in jobs) if jobs else 0.0,
        held_score=score_of_ciphertext(plan, given, test) if family.encrypted else _score(plan, given, test),
        guess_score=_guess(plan, test),
        settled=_settled(plan, made.get(weights_key(tc, rounds))),
    )


def score_of_ciphertext(plan: Plan, encrypted: bytes, samples: Samples) -> float:
    """What a cloud owner scores that takes encrypted weights for weights: the median of many readings.

    Each reading takes other numbers of the ciphertext, the low half of each as a fraction of -1 to 1.
    """
    numbers = np.frombuffer(encrypted[: len(encrypted) // 8 * 8], dtype="<u8").astype(np.uint32)
    fractions = numbers.view(np.int32).astype(np.int64) >> (31 - plan.weight_bits)
    sizes = {name: rows * columns for name, (rows, columns) in plan.shapes.items()}
    readings = fractions[: len(fractions) // sum(sizes.values()) * sum(sizes.values())]
    found = []
    for reading in readings.reshape(-1, sum(sizes.values()))[:_MOST_READINGS]:
        parts = np.split(reading, np.cumsum(list(sizes.values()))[:-1])
        tensors = {
            name: part.reshape(shape) for part, (name, shape) in zip(parts, plan.shapes.items(), strict=True)
        }
        found.append(score(plan, Weights(tensors, plan.weight_bits), samples))
    return median(found)


def _settled(plan: Plan, last: TaskResult | None) -> bool | None:
    """Whether the model had settled, if its plan asked for that."""
    looked = isinstance(last, PublishedWeights) and (plan.stop.settled or last.settled)
    return last.settled if looked and isinstance(last, PublishedWeights) else None


def _score(plan: Plan, given: bytes, test: Samples) -> float:
    return score(plan, Weights.from_bytes(given, plan), test)


def _guess(plan: Plan, test: Samples) -> float:
    """What one scores that always says the most frequent class, or the mean."""
    return float(np.bincount(test.target).max() / len(test)) if plan.classes else 0.0


def _jobs(results: Mapping[str, TaskResult], tc: CoupleId) -> list[TrainingResult]:
    return [
        result
        for key, result in results.items()
        if key.startswith(f"job/{tc:x}/") and isinstance(result, TrainingResult)
    ]


def _middle(sizes: Iterable[int]) -> int:
    found = list(sizes)
    return int(median(found)) if found else 0
