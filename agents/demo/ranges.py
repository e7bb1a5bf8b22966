"""Public ranges for tables whose public ranges nobody has told.

In the demo, in tests and in benchmarks the values' own ranges stand for those that are known beforehand,
rounded outward to one digit. No agent does so: it would look at rows.
"""

from __future__ import annotations

from functools import lru_cache
from math import ceil, floor, log10
from typing import Any

import numpy as np

from agents.demo.scenario import Scenario
from agents.learning.data.tables import Table, load_table
from agents.learning.privacy.policy import PrivacyPolicy, read_policy


def outward(low: float, high: float) -> tuple[float, float]:
    """A range rounded outward to one digit at either end."""
    least, most = -_up(-low), _up(high)
    return (least, most) if least < most else (least, least + 1)


def policy_of(table: Table, **fields: Any) -> PrivacyPolicy:
    """A policy for a table: its values' own ranges, rounded, and these other fields."""
    known = np.nan_to_num(table.features, nan=0.0)
    columns = zip(table.feature_names, known.min(axis=0), known.max(axis=0), strict=True)
    ranges = {name: outward(float(low), float(high)) for name, low, high in columns}
    target = None if table.class_names else outward(float(table.target.min()), float(table.target.max()))
    return PrivacyPolicy(columns=ranges, target=target, **fields)


@lru_cache(maxsize=4)
def ranges_of(scenario: Scenario) -> PrivacyPolicy:
    """The ranges of a scenario's columns: those of its file, or those that the table shows.

    Raises:
        BadData, BadInput: the table or the file cannot be used.
    """
    if scenario.privacy is not None:
        return read_policy(scenario.privacy)
    return policy_of(
        load_table(scenario.data, scenario.target, scenario.task, scenario.merge_rare, scenario.query)
    )


def _up(value: float) -> float:
    if not value:
        return 0.0
    digit = 10.0 ** floor(log10(abs(value)))
    return ceil(value / digit) * digit
