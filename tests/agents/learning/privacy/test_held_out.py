"""Held-out rows: the squared error of any weights from their noisy moments, and how far the noise moves it.

Rules: N20.
"""

from __future__ import annotations

import numpy as np
import pytest

from agents.core.errors import BadObject
from agents.learning.data.canonical import pack, unpack
from agents.learning.data.samples import FloatArray, Samples
from agents.learning.privacy.held_out import HeldOut
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.sensitivity import MOMENT_BITS, held_out_squared
from agents.learning.privacy.unit_rows import unit_numbers, unit_rows
from tests.agents.learning.conftest import random_samples

KEY = bytes(32)


def explained(samples: Samples, weights: FloatArray) -> float:
    """As of the rows themselves."""
    z = np.hstack([unit_rows(samples.features) / 2**12, np.full((len(samples), 1), 0.5)])
    classes = samples.classes
    goal = np.eye(classes)[samples.target] if classes else unit_numbers(samples.target)[:, None] / 2**12
    error = float(((goal - z @ weights) ** 2).sum())
    return 1 - error / float(((goal - goal.mean(axis=0)) ** 2).sum())


@pytest.mark.parametrize("classes", [0, 2, 3])
def test_with_hardly_any_noise_it_is_the_share_of_the_squared_error(classes: int) -> None:
    samples, form = random_samples(80, features=4, classes=classes), MomentsForm(4, classes)
    weights = np.random.default_rng(1).normal(size=(5, classes or 1))
    held_out = HeldOut.release(form, samples, 4, KEY)
    share, moved = held_out.explained(weights)
    assert share == pytest.approx(explained(samples, weights), abs=1e-3)
    assert 0 < moved < 1e-4


@pytest.mark.parametrize("classes", [0, 3])
def test_the_noise_moves_it_as_far_as_is_said(classes: int) -> None:
    """Over 300 draws."""
    samples, form = random_samples(300, features=4, classes=classes), MomentsForm(4, classes)
    weights = np.random.default_rng(2).normal(size=(5, classes or 1))
    variance = 1 << 2 * MOMENT_BITS
    draws = [HeldOut.release(form, samples, variance, n.to_bytes(32, "big")) for n in range(300)]
    found = np.array([draw.explained(weights) for draw in draws])
    assert found[:, 0].std() == pytest.approx(found[:, 1].mean(), rel=0.15)


@pytest.mark.parametrize("classes", [0, 2])
def test_it_is_read_as_it_was_written_and_for_no_other_dataset(classes: int) -> None:
    held_out = HeldOut.release(MomentsForm(4, classes), random_samples(50, 4, classes), 8, KEY)
    again = HeldOut.from_bytes(held_out.to_bytes(), 4, classes)
    assert (again.rows, again.variance, again.form) == (50, 8, held_out.form)
    np.testing.assert_array_equal(again.numbers, held_out.numbers)
    for columns, others in ((5, classes), (4, 7)):
        with pytest.raises(BadObject, match="for another dataset"):
            HeldOut.from_bytes(held_out.to_bytes(), columns, others)


@pytest.mark.parametrize(
    ("facts", "numbers", "problem"),
    [
        ({"kind": "moments"}, None, "for another dataset"),
        ({"rows": 0}, None, "0 rows"),
        ({"rows": True}, None, "True rows"),
        ({"variance": 8}, None, "noise without a variance"),
        ({"variance": "-8"}, None, "noise without a variance"),
        ({"variance": "9" * 26}, None, "noise beyond all measure"),
        ({}, np.zeros(3, dtype=np.int64), "of another size"),
        ({}, np.zeros(20, dtype=np.int32), "of another size"),
    ],
)
def test_what_is_none_is_refused(
    facts: dict[str, int | str | bool], numbers: np.ndarray | None, problem: str
) -> None:
    held_out = HeldOut.release(MomentsForm(4, 2), random_samples(50, 4, 2), 8, KEY)
    tensors, told = unpack(held_out.to_bytes(), "it")
    spoilt = pack({"numbers": tensors["numbers"] if numbers is None else numbers}, {**told, **facts})  # type: ignore[dict-item]
    with pytest.raises(BadObject, match=problem):
        HeldOut.from_bytes(spoilt, 4, 2)
    with pytest.raises(BadObject, match="for another dataset"):
        HeldOut.from_bytes(pack({"other": tensors["numbers"]}, told), 4, 2)  # type: ignore[arg-type]


def changed_by(classes: int, one: tuple[list[float], float], other: tuple[list[float], float]) -> float:
    """The squared change of what is released, for one row in the place of another; see `sensitivity`."""

    def released(row: list[float], y: float) -> tuple[FloatArray, list[float]]:
        u = np.array(row)
        goals = np.eye(classes)[int(y)] if classes else np.array([y])
        rest = (
            [*np.outer(np.append(u, 0.5), goals).ravel()]
            if classes
            else [*(u * y), y / 4, *(u / 4), y * y / 4]
        )
        return np.outer(u, u), rest

    products, rest = zip(*(released(*each) for each in (one, other)), strict=True)
    return float(((products[0] - products[1]) ** 2).sum() + ((np.subtract(*rest)) ** 2).sum())


@pytest.mark.parametrize("classes", [0, 2])
def test_a_row_changes_it_by_no_more_than_is_paid_for(classes: int) -> None:
    rng = np.random.default_rng(3)
    bound = float(held_out_squared(classes) / (1 << MOMENT_BITS) ** 2)

    def row() -> tuple[list[float], float]:
        u = rng.normal(size=3)
        u *= rng.choice([1.0, rng.random()]) / np.linalg.norm(u)
        y = float(rng.integers(classes)) if classes else float(rng.choice([-1, 1, 0, rng.uniform(-1, 1)]))
        return u.tolist(), y

    found = max(changed_by(classes, row(), row()) for _ in range(20_000))
    assert 0.9 * bound < found <= bound
