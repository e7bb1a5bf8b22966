"""Whether two tables are of the same people: the three rules, on real tables and on made ones.

Rules: N17.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from agents.learning.data.tables import Table, load_table
from agents.learning.privacy.people import (
    DIGESTS_A_ROW,
    Prints,
    _by_cells,
    difference,
    prints_of,
    same_people,
)

KEY = bytes(range(32))


def prints(table: Table, persons: tuple[str, ...] | None = None) -> Prints:
    return prints_of(table, KEY, persons)


def rows(table: Table, which: slice | np.ndarray) -> Table:
    """The table of some of its rows."""
    return replace(table, features=table.features[which], target=table.target[which])


def columns(table: Table, which: np.ndarray) -> Table:
    """The table of some of its columns."""
    names = tuple(np.array(table.feature_names)[which])
    return replace(table, features=table.features[:, which], feature_names=names)


@pytest.mark.parametrize("name", ["breast-cancer", "wine", "diabetes"])
def test_the_same_rows_are_recognised_in_another_order_and_without_a_third_of_the_columns(name: str) -> None:
    table, rng = load_table(name), np.random.default_rng(0)
    kept = rng.permutation(table.features.shape[1])[: -(-2 * table.features.shape[1] // 3)]
    other = rows(columns(table, kept), rng.permutation(len(table.target)))
    assert same_people(prints(other), prints(table))
    assert same_people(prints(table), prints(other))


@pytest.mark.parametrize("name", ["breast-cancer", "wine", "diabetes"])
def test_other_rows_of_the_same_columns_are_other_people(name: str) -> None:
    table = load_table(name)
    assert not same_people(prints(rows(table, slice(0, None, 2))), prints(rows(table, slice(1, None, 2))))


def test_a_few_of_the_rows_are_enough_in_either_direction() -> None:
    table = load_table("breast-cancer")
    small, large = rows(table, slice(0, 40)), rows(table, slice(10, None))
    assert same_people(prints(small), prints(large))
    assert same_people(prints(large), prints(small))


@pytest.mark.parametrize("decimals", [1, 2, 3])
def test_what_is_alike_by_chance_is_nobody_seen_again(decimals: int) -> None:
    """Some rows share three cells with a row of others, and more in more rows: that is nobody seen again."""
    rng = np.random.default_rng(0)

    def drawn(count: int) -> Table:
        features = np.round(rng.normal(size=(count, 8)), decimals)
        names = tuple(map(str, range(8)))
        return replace(
            load_table("wine"), features=features, target=np.zeros(count, dtype=np.int64), feature_names=names
        )

    short, long = drawn(200), drawn(800)
    assert decimals == 3 or _by_cells(prints(short).rows, prints(long).rows) > 0.01
    renamed = replace(long, feature_names=tuple("abcdefgh"))
    assert not same_people(prints(short), prints(renamed))
    assert not same_people(prints(renamed), prints(short))
    assert same_people(prints(rows(renamed, slice(0, 60))), prints(long))


def test_of_a_table_with_few_different_cells_the_columns_decide() -> None:
    """Digits: pairs of cells are in many rows each."""
    digits = load_table("digits")
    one, other = rows(digits, slice(0, 800)), rows(digits, slice(800, None))
    assert same_people(prints(one), prints(other))
    named = replace(other, feature_names=tuple(f"x{name}" for name in other.feature_names))
    assert not same_people(prints(one), prints(named))


def test_a_column_that_tells_people_apart_goes_before_their_cells() -> None:
    wine = load_table("wine")
    assert not same_people(prints(wine, ("ann", "bob")), prints(wine, ("carl",)))
    assert same_people(prints(wine, ("ann", "bob")), prints(load_table("digits"), ("bob", "dora", "bob")))
    assert same_people(prints(wine, ("ann",)), prints(wine)), "only one has it: the cells decide"


def test_missing_cells_and_cells_that_are_alike_tell_nothing() -> None:
    wine = load_table("wine")
    empty = replace(wine, features=np.full_like(wine.features, np.nan), target=np.zeros(178, dtype=np.int64))
    assert not prints(empty).rows[:, 1:].any()
    alike = replace(wine, features=np.ones_like(wine.features), target=np.ones(178, dtype=np.int64))
    assert (np.count_nonzero(prints(alike).rows[:, 1:], axis=1) == 1).all(), "a row has a pair once"
    nothing = rows(wine, slice(0, 0))
    assert not same_people(prints(nothing), prints(load_table("digits")))


def test_long_tables_are_looked_at_part_by_part(monkeypatch: pytest.MonkeyPatch) -> None:
    wine, cancer = load_table("wine"), load_table("breast-cancer")
    whole = prints(cancer).rows
    monkeypatch.setattr("agents.learning.privacy.people._AT_ONCE", 50)
    np.testing.assert_array_equal(prints(cancer).rows, whole)
    last = columns(rows(cancer, slice(300, None)), np.arange(5, 30))
    assert same_people(prints(last), prints(cancer))
    assert same_people(prints(cancer), prints(last))
    assert not same_people(prints(wine), prints(cancer))


def test_prints_are_keyed_and_of_one_size() -> None:
    wine = load_table("wine")
    found = prints(wine)
    assert found.rows.shape == (178, DIGESTS_A_ROW) == (178, 29)
    other = prints_of(wine, bytes(32))
    assert found.columns != other.columns
    assert not np.isin(found.rows[found.rows != 0], other.rows).any()
    assert "array" not in repr(found)


def test_in_how_many_rows_two_tables_differ() -> None:
    wine = load_table("wine")
    cell = wine.features.copy()
    cell[5, 3] += 1
    assert difference(prints(wine), prints(rows(wine, slice(None, None, -1)))) == 0
    assert difference(prints(wine), prints(rows(wine, slice(0, 177)))) == 1
    assert difference(prints(wine), prints(replace(wine, features=cell))) == 2
    twice = rows(wine, np.append(np.arange(178), 0))
    assert difference(prints(wine), prints(twice)) == 1
