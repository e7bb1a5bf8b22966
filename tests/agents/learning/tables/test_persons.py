"""The column that tells people apart: read to recognise them, left out of what is learnt.

Rules: N17.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.core.errors import BadData
from agents.learning.data.persons import persons_of, without
from agents.learning.data.tables import load_table


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    file = tmp_path / "visits.csv"
    file.write_text(
        "name,age,dose\n" + "\n".join(f"p{row % 4},{row},{row * 3 % 2}" for row in range(40)) + "\n,1,1\n"
    )
    return file


def test_its_values_are_read_as_they_are(visits: Path) -> None:
    found = persons_of(visits, "name")
    assert len(found) == 40
    assert set(found) == {"p0", "p1", "p2", "p3"}


def test_nothing_is_learnt_from_it(visits: Path) -> None:
    table = load_table(visits)
    assert any(name.startswith("name") for name in table.feature_names)
    left = without(table, "name")
    assert left.feature_names == ("age",)
    assert left.features.shape == (len(table.target), 1)
    with pytest.raises(BadData, match="nothing but the column 'age' is left to learn from"):
        without(left, "age")


def test_a_column_that_is_not_there_is_one_line(visits: Path) -> None:
    with pytest.raises(
        BadData, match="no column 'id' that tells people apart; the columns are name, age, dose"
    ):
        persons_of(visits, "id")
    with pytest.raises(BadData, match="built-in data wine have no column"):
        persons_of("wine", "id")
