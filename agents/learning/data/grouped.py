"""A table's parts where rows of one person stay together: training, validation and test by person."""

from __future__ import annotations

import numpy as np

from agents.core.errors import BadData
from agents.learning.data.groups import Groups
from agents.learning.data.packing import spare_of_halves
from agents.learning.data.samples import Int64Array

TEST_SHARE, VALIDATION_SHARE = 0.20, 0.15
LEAST = 4
"""Persons of each class: one for the test, one for validation, two for training."""


def rows_of_groups(
    name: str, strata: Int64Array, groups: Groups, rng: np.random.Generator
) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Row numbers of training, validation and test, every person's in one of them.

    A person counts for the class that most of its rows have. As far as can be, the training rows of a class
    can be halved by persons, for data of two classes are split so.

    Args:
        name: of the table, for messages.
        strata: (n,) class or range of each row.
        groups: whose it is.
        rng: decides who goes where.

    Raises:
        BadData: a class of too few persons.
    """
    _, codes = np.unique(groups.codes, return_inverse=True)
    sizes, usual = np.bincount(codes), _strata_of_persons(name, codes.astype(np.int64), strata)
    part = np.zeros(sizes.size, dtype=np.int64)  # of each person: training
    for label in np.unique(usual):
        people = rng.permutation(np.flatnonzero(usual == label))
        rows = int(sizes[people].sum())
        ends = np.cumsum(sizes[people])
        tested = min(people.size - 3, 1 + int(np.searchsorted(ends, round(TEST_SHARE * rows))))
        validated = 1 + int(np.searchsorted(ends, round((TEST_SHARE + VALIDATION_SHARE) * rows)))
        validated = min(people.size - 2, max(tested + 1, validated))
        part[people[:tested]], part[people[tested:validated]] = 2, 1
        trained = people[validated:]
        part[trained[spare_of_halves(sizes[trained])]] = 1
    train, validation, test = (
        rng.permutation(np.flatnonzero(part[codes] == which)).astype(np.int64) for which in range(3)
    )
    return train, validation, test


def _strata_of_persons(name: str, codes: Int64Array, strata: Int64Array) -> Int64Array:
    """(persons,) by which they are divided: where few have most of their rows in a class, they join others.

    Raises:
        BadData: a class of too few persons.
    """
    classes = int(strata.max()) + 1
    having = np.bincount(np.unique(codes * classes + strata) % classes, minlength=classes)
    few = having[np.unique(strata)].min()
    if few < LEAST:
        raise BadData(
            f"{name}: a class or range of the target is that of {few} groups, at least {LEAST} are needed: "
            "group by another column, or choose another target"
        )
    usual = usual_strata(codes, strata)
    counts = np.bincount(usual, minlength=classes)
    joined: Int64Array = np.where(counts[usual] < LEAST, counts.argmax(), usual)
    return joined


def usual_strata(codes: Int64Array, strata: Int64Array) -> Int64Array:
    """(persons,) the class that most rows of each person have.

    Args:
        codes: (n,) whose row it is, 0, 1, ...
        strata: (n,) its class.
    """
    classes = int(strata.max()) + 1
    pairs, counts = np.unique(codes * classes + strata, return_counts=True)
    whose, which = pairs // classes, pairs % classes
    order = np.lexsort((which, -counts, whose))
    _, first = np.unique(whose[order], return_index=True)
    usual: Int64Array = which[order][first].astype(np.int64)
    return usual
