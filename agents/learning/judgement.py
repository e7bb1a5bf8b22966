"""How good a model is, in several measures, each with an interval: what accuracy alone does not tell.

An interval holds 95 of 100 resamples of the judged rows (the bootstrap; Efron 1979), from a fixed seed. A
resample is a count for each row, so that measures are sums over rows, and many resamples are one product.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from agents.learning.data.samples import FloatArray, Int64Array

RESAMPLES = 400
_MOST_COUNTS = 2**24
"""Of rows times resamples: long tables need few."""

_LEAST_CHANCE = 1e-12
_EDGES = (0.025, 0.975)
_SEED = 2011

CLASS_MEASURES = ("accuracy", "balanced accuracy", "AUC", "log loss")
VALUE_MEASURES = ("R2", "MAE", "RMSE")


@dataclass(frozen=True)
class Measure:
    """A measure, and the interval from `low` to `high` that holds 95 of 100 resamples."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Forecast:
    """What a model says of n rows.

    Attributes:
        said: (n,) class numbers or values.
        chances: (n, classes) probabilities of the classes; None for a regression.
    """

    said: Int64Array | FloatArray
    chances: FloatArray | None = None

    @classmethod
    def of_scores(cls, scores: FloatArray, classes: int) -> Forecast:
        """Of (n, classes) scores, whose softmax are the chances, or (n, 1) values."""
        if not classes:
            return cls(scores[:, 0])
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
        return cls(scores.argmax(axis=1), powers / powers.sum(axis=1, keepdims=True))


@dataclass(frozen=True)
class Judgement:
    """A model as it is judged.

    Attributes:
        label: how reports name it.
        measures: by name, in the order of `CLASS_MEASURES` or `VALUE_MEASURES`.
        says_only: the one class that it says of all rows, though they are of several; None if it says more.
    """

    label: str
    measures: Mapping[str, Measure]
    says_only: int | None = None


@dataclass(frozen=True)
class Bin:
    """Rows for which a model is about equally sure.

    Attributes:
        expected: the mean probability that it gave.
        observed: the share of which it came true.
        rows: how many.
    """

    expected: float
    observed: float
    rows: int


def judge(label: str, forecast: Forecast, truth: npt.NDArray[np.generic]) -> Judgement:
    """All measures of a forecast.

    Args:
        label: how reports name it.
        forecast: of n rows; at least one.
        truth: (n,) class numbers, or values of a regression.
    """
    counts = _resamples(len(truth))
    if forecast.chances is None:
        found = _of_values(np.asarray(forecast.said, dtype=np.float64), truth.astype(np.float64), counts)
        return Judgement(label, _with_intervals(found))
    classes = truth.astype(np.int64)
    found = _of_classes(forecast.said, forecast.chances, classes, counts)
    said = np.unique(forecast.said)
    only = int(said[0]) if said.size == 1 and np.unique(classes).size > 1 else None
    return Judgement(label, _with_intervals(found), only)


def reliability(chances: FloatArray, truth: npt.NDArray[np.generic], bins: int = 10) -> list[Bin]:
    """How often it comes true what a model is so sure of, from the least sure rows to the surest.

    Of two classes the second is looked at; of more, for each row the one that is said.

    Args:
        chances: (n, classes).
        truth: (n,) class numbers.
        bins: of about equally many rows each.
    """
    if chances.shape[1] == 2:
        sure, came = chances[:, 1], truth == 1
    else:
        sure, came = chances.max(axis=1), truth == chances.argmax(axis=1)
    order = np.argsort(sure, kind="stable")
    return [
        Bin(float(sure[rows].mean()), float(came[rows].mean()), rows.size)
        for rows in np.array_split(order, min(bins, order.size))
        if rows.size
    ]


def _resamples(rows: int) -> FloatArray:
    """(1 + resamples, rows) how often each row counts: once, then as often as it was drawn."""
    many = max(1, min(RESAMPLES, _MOST_COUNTS // rows))
    drawn = np.random.default_rng(_SEED).integers(0, rows, (many, rows))
    counts = np.ones((1 + many, rows))
    for index, draw in enumerate(drawn, start=1):
        counts[index] = np.bincount(draw, minlength=rows)
    return counts


def _with_intervals(found: Mapping[str, FloatArray]) -> dict[str, Measure]:
    """Of each measure the value on all rows, which is the first, and the interval of the resamples."""
    return {name: Measure(float(values[0]), *_edges(values[1:])) for name, values in found.items()}


def _edges(values: FloatArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not known.size:
        return nan, nan
    low, high = np.quantile(known, _EDGES)
    return float(low), float(high)


# --- measures, each of (resamples, n) counts ---


def _of_values(said: FloatArray, truth: FloatArray, counts: FloatArray) -> dict[str, FloatArray]:
    total, errors = counts.sum(axis=1), truth - said
    squares = counts @ errors**2
    spread = counts @ truth**2 - (counts @ truth) ** 2 / total
    with np.errstate(divide="ignore", invalid="ignore"):
        explained = np.where(spread > 0, 1 - squares / spread, 0.0)
    return {"R2": explained, "MAE": counts @ np.abs(errors) / total, "RMSE": np.sqrt(squares / total)}


def _of_classes(
    said: npt.NDArray[np.generic], chances: FloatArray, truth: Int64Array, counts: FloatArray
) -> dict[str, FloatArray]:
    total, right = counts.sum(axis=1), (said == truth).astype(np.float64)
    present = [label for label in range(chances.shape[1]) if (truth == label).any()]
    recalls = np.stack([_share(counts, right, truth == label) for label in present])
    ranked = [1] if chances.shape[1] == 2 else present
    areas = np.stack([_area(counts, chances[:, label], truth == label) for label in ranked])
    own = np.clip(chances[np.arange(len(truth)), truth], _LEAST_CHANCE, None)
    return {
        "accuracy": counts @ right / total,
        "balanced accuracy": _mean_of_known(recalls),
        "AUC": _mean_of_known(areas),
        "log loss": counts @ -np.log(own) / total,
    }


def _share(counts: FloatArray, right: FloatArray, among: npt.NDArray[np.bool_]) -> FloatArray:
    """(resamples,) the share of right ones among some rows; not a number where a resample has none."""
    with np.errstate(invalid="ignore"):
        shares: FloatArray = counts[:, among] @ right[among] / counts[:, among].sum(axis=1)
    return shares


def _area(counts: FloatArray, sure: FloatArray, positive: npt.NDArray[np.bool_]) -> FloatArray:
    """(resamples,) areas under the ROC curve: how often a positive row is above a negative one."""
    order = np.argsort(sure, kind="stable")
    starts = np.flatnonzero(np.diff(sure[order], prepend=-np.inf))  # equal heights count as halves
    ordered = counts[:, order]
    high = np.add.reduceat(ordered * positive[order], starts, axis=1)
    low = np.add.reduceat(ordered * ~positive[order], starts, axis=1)
    below = np.cumsum(low, axis=1) - low / 2
    with np.errstate(invalid="ignore"):
        areas: FloatArray = (high * below).sum(axis=1) / (high.sum(axis=1) * low.sum(axis=1))
    return areas


def _mean_of_known(rows: FloatArray) -> FloatArray:
    """(resamples,) means over those of (k, resamples) that are numbers."""
    known = np.isfinite(rows)
    with np.errstate(invalid="ignore"):
        means: FloatArray = np.where(known, rows, 0.0).sum(axis=0) / known.sum(axis=0)
    return means
