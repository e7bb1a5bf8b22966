"""The built-in data sets.

Rules: P10.
"""

from __future__ import annotations

import pytest

from agents.core.errors import BadData
from agents.learning.data.samples import PredictionTask
from agents.learning.data.tables import BUILT_IN, load_table

FORMS = {
    "breast-cancer": (569, 30, 2),
    "digits": (1797, 64, 10),
    "diabetes": (442, 10, 0),
    "wine": (178, 13, 3),
}


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_data_are_the_real_ones(name: str) -> None:
    table = load_table(name)
    rows, columns, classes = FORMS[name]
    assert table.features.shape == (rows, columns)
    assert len(table.feature_names) == columns
    assert len(table.class_names) == classes
    assert table.task is (PredictionTask.CLASSIFICATION if classes else PredictionTask.REGRESSION)
    assert table.notes == ()


def test_built_in_data_refuse_a_target_column() -> None:
    with pytest.raises(
        BadData, match=r"^built-in data wine have their own target: leave the target column out$"
    ):
        load_table("wine", "alcohol")
