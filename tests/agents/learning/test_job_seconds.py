"""What jobs take, and which windows and how much room that asks for.

Rules: P44, P45.
"""

from __future__ import annotations

import pytest

from agents.core.errors import BadPlan
from agents.learning.data.samples import PredictionTask
from agents.learning.families.registry import FAMILIES, default_plan
from agents.learning.plans.base import Plan
from agents.learning.work import check_rows, check_window, job_seconds, window_of

CLASSES = PredictionTask.CLASSIFICATION


def plan(family: str, features: int = 30) -> Plan:
    task = PredictionTask.REGRESSION if family == "encrypted-ridge" else CLASSES
    return default_plan(task, 2, features, family)


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "encrypted-network"])
def test_work_grows_with_columns(family: str) -> None:
    assert job_seconds(plan(family, 200), 200) > job_seconds(plan(family, 10), 200) > 0


@pytest.mark.parametrize("family", ["linear", "logistic", "network", "moments", "encrypted-logistic"])
def test_work_grows_with_rows(family: str) -> None:
    assert job_seconds(plan(family), 100_000) > job_seconds(plan(family), 100)


def test_a_window_is_several_times_the_work() -> None:
    assert window_of(1.0) == 6
    assert window_of(1.0, 3) == 14
    assert window_of(0.001) == 3


def test_a_window_that_jobs_cannot_meet_is_refused_with_the_one_that_they_can() -> None:
    wide = plan("encrypted-logistic", 751)
    needed = window_of(job_seconds(wide, 100))
    check_window(wide, 100, needed)
    with pytest.raises(
        BadPlan,
        match=rf"for 100 rows of 751 features, and the report window is {needed - 1} s: a "
        rf"window of {needed} s is needed$",
    ):
        check_window(wide, 100, needed - 1)


def test_a_plan_without_room_for_a_subset_says_what_would_do() -> None:
    cubic = plan("encrypted-cubic")
    check_rows(cubic, 256, 900)
    with pytest.raises(BadPlan) as refused:
        check_rows(cubic, 1596, 5000)
    assert str(refused.value) == (
        "the plan has room for 256 rows, the largest subset has 1596: take about 25 subsets, or another "
        "family (encrypted-logistic, encrypted-features)"
    )
    check_rows(plan("encrypted-logistic"), 10**6, 10**7)
