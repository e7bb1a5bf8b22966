"""Columns that a model must not see: they number the rows, name people, or say the target in other words."""

from __future__ import annotations

import re

import numpy as np

from agents.learning.data.samples import FloatArray, Int64Array

_ID_NAME = re.compile(r"(^|[ _.-])(id|ids|index|uuid|guid|key|no|nr|rownames?)$|^id[ _.-]", re.IGNORECASE)
_ID_CAMEL = re.compile(r"[a-z](ID|Id|UUID)$")
_INDEX_NAME = re.compile(r"(unnamed: ?\d+|x|\.\.\.1|level_0|row[ _.]?(names?|number|id)?)$", re.IGNORECASE)
_TIME_NAME = re.compile(
    r"(^|[ _.-])(years?|yr|jahr|année|an|ano|año|anno|date|month|week|day|time)([ _.-]|$)", re.I
)
_YEARS = (1500, 2200)
_FEW = 20
_MANY = 0.1
_EXACT = 1e-9
_FINER = 50
_ENOUGH = 5
_DIFFERENT = 30
"""A target of fewer different values may be in one order with a column of its own right."""


def numbers_rows(
    name: str,
    values: FloatArray,
    distinct: FloatArray,
    *,
    unnamed: bool,
    first: bool,
    grouped: bool = False,
) -> str | None:
    """Why a column of numbers is an index or an identifier; None if it is none.

    Whole numbers, each once, are one if the column is called so or not at all, or if they count the rows and
    are not years. Whole numbers that come several times are one if the column is called so and there are
    many: people with several rows each.

    Args:
        name: of the column.
        values: (n,) float64, NaN where missing.
        distinct: the different ones in order.
        unnamed: whether the header has no name for it.
        first: whether no column stands before it.
        grouped: see `identifier`.
    """
    if not (distinct == np.rint(distinct)).all():
        return None
    if distinct.size < values.size:
        return identifier(name, distinct.size, int((~np.isnan(values)).sum()), grouped=grouped)
    if _is_id(name):
        return "it numbers the rows"
    if first and (unnamed or _INDEX_NAME.match(name)):
        return "an index: different whole numbers without a name of their own"
    counts = bool((np.diff(distinct) == 1).all())
    years = _YEARS[0] <= distinct[0] and distinct[-1] <= _YEARS[1]
    return "it numbers the rows" if counts and not years and not _TIME_NAME.search(name) else None


def identifier(name: str, distinct: int, rows: int, *, grouped: bool = False) -> str | None:
    """Why a column is called and looks like an identifier of people with several rows each; None if not.

    Args:
        name: of the column.
        distinct: different values that it has.
        rows: that have one.
        grouped: whether rows of one person stay together, by another column.
    """
    if not _is_id(name) or distinct <= max(_FEW, _MANY * rows):
        return None
    if distinct == rows:
        return "it numbers the rows"
    told = f"an identifier, with {rows / distinct:.3g} rows each on average"
    if grouped:
        return told
    return (
        f"{told}; rows of one are dealt to all parts, so scores are of those that were seen in training, "
        "too: name it as the group to keep them together"
    )


def names_classes(codes: Int64Array, distinct: int, target: FloatArray, classes: int) -> str | None:
    """Why a column is the target in other words; None if it is not.

    Args:
        codes: (n,) which of its different values a row has; negative where missing.
        distinct: how many there are.
        target: (n,) float64, the numbers of the classes.
        classes: how many there are; 0 for a regression.
    """
    if distinct != classes:
        return None
    known = codes >= 0
    pairs = np.unique(codes[known] * classes + target[known].astype(np.int64))
    return (
        "it gives the target away: each of its values stands for one class" if pairs.size == classes else None
    )


def tells_classes(codes: Int64Array, distinct: int, target: FloatArray, classes: int) -> str | None:
    """Why a column is the target in finer words ("died of sepsis", "died at home"); None if it is not.

    That each of several values goes with one class alone happens to a feature, too, where values are rare:
    so each must have enough rows, and a class at least two of them.

    Args:
        codes: (n,) which of its different values a row has; negative where missing.
        distinct: how many there are.
        target: (n,) float64, the numbers of the classes.
        classes: how many there are; 0 for a regression.
    """
    known = codes >= 0
    if not classes or not classes < distinct <= _FINER or int(known.sum()) < _ENOUGH * distinct:
        return None
    pairs, counts = np.unique(codes[known] * classes + target[known].astype(np.int64), return_counts=True)
    if pairs.size != distinct or counts.min() < _ENOUGH:
        return None
    return "it gives the target away: each of its values goes with one class alone"


def is_target(values: FloatArray, target: FloatArray) -> str | None:
    """Why a column is the number that is to be learnt; None if it is not.

    Args:
        values: (n,) float64, NaN where missing.
        target: (n,) float64.
    """
    known = ~np.isnan(values)
    if values[known].std() == 0 or target[known].std() == 0:
        return None
    together = np.corrcoef(values[known], target[known])[0, 1]
    if 1 - together**2 < _EXACT:
        return "it gives the target away: it is the target in another unit"
    return (
        "it gives the target away: it is the target on another scale"
        if _in_one_order(values[known], target[known])
        else None
    )


def _in_one_order(values: FloatArray, target: FloatArray) -> bool:
    """Whether many different values rise, or fall, with the target and are equal just where it is."""
    _, first = np.unique(values, return_inverse=True)
    _, second = np.unique(target, return_inverse=True)
    if second.max() + 1 < _DIFFERENT or first.max() != second.max():
        return False
    return bool((first == second).all() or (first == second.max() - second).all())


def _is_id(name: str) -> bool:
    return _ID_NAME.search(name) is not None or _ID_CAMEL.search(name) is not None
