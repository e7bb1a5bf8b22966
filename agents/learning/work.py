"""How long a training job takes, about: deadlines follow the work, and no plan is begun that cannot end.

The figures are of one core of the machine that docs/benchmarks-encrypted.md names, alone; whoever sets a
deadline takes several times as much (`window_of`).
"""

from __future__ import annotations

from math import ceil

from agents.core.errors import BadPlan
from agents.learning.plans.base import DescentPlan, Plan
from agents.learning.plans.encrypted import ApproximatePlan, ExactPlan

MARGIN = 4
"""A machine that is so many times slower, or as busy, still meets a window."""

_START = 0.02
_LEAST_SECONDS = 2
"""Beside the work: to read a draw, fetch and put objects, and have a report mined."""


def job_seconds(plan: Plan, rows: int) -> float:
    """Seconds that a cloud owner's first job takes.

    Args:
        plan: of any family.
        rows: of its subset.
    """
    if isinstance(plan, ExactPlan):
        return _exact_seconds(plan, rows)
    if isinstance(plan, ApproximatePlan):
        return _approximate_seconds(plan)
    if isinstance(plan, DescentPlan):
        return _START + plan.local_steps * _step_seconds(plan, plan.rows_at_once(rows))
    width = plan.features + 1
    return _START + rows * width * width * 1e-9


def _exact_seconds(plan: ExactPlan, rows: int) -> float:
    """Most of it for the map of the rows and its plaintexts, each of which has as many numbers as the map."""
    hidden = getattr(plan, "hidden", 0)
    width = (hidden or plan.features) + 1
    projected = rows * plan.features * hidden * 2e-9
    numbers = width * width * (3e-6 + 1.4e-6 * plan.outputs + 3e-10 * rows)
    return _START + projected + numbers * (2.5 if hidden else 1.0)


def _approximate_seconds(plan: ApproximatePlan) -> float:
    """Keys are read, and for each diagonal of rows and features a plaintext is made."""
    hidden = getattr(plan, "hidden", 0)
    columns = hidden or plan.outputs
    numbers = _power_of_two(plan.features + 2) * _power_of_two(columns) * plan.rows
    return (2 if hidden else 1) * (1 + 0.025 * numbers / (plan.encryption.degree // 2))


def _power_of_two(least: int) -> int:
    return 1 << (least - 1).bit_length()


def _step_seconds(plan: DescentPlan, rows: int) -> float:
    return rows * (plan.features + 1) * (5e-9 + 1e-9 * max(getattr(plan, "hidden", 0), plan.outputs))


def window_of(seconds: float, at_once: int = 1) -> int:
    """Seconds of a report window that jobs meet.

    Args:
        seconds: that one takes, about.
        at_once: jobs that share a core.
    """
    return _LEAST_SECONDS + ceil(MARGIN * at_once * seconds)


def check_window(plan: Plan, rows: int, window_seconds: int) -> None:
    """Checks that jobs can be done in time.

    Raises:
        BadPlan: they cannot, and which window they need.
    """
    seconds = job_seconds(plan, rows)
    needed = window_of(seconds)
    if needed > window_seconds:
        raise BadPlan(
            f"a job of this plan takes about {seconds:.2g} s for {rows} rows of {plan.features} features, "
            f"and the report window is {window_seconds} s: a window of {needed} s is needed"
        )


def check_rows(plan: Plan, largest: int, rows: int) -> None:
    """Checks that a plan has room for each subset.

    Args:
        plan: of any family.
        largest: rows of the largest subset.
        rows: of all subsets together.

    Raises:
        BadPlan: it has not, and what would do.
    """
    room = getattr(plan, "rows", largest)
    if room < largest:
        raise BadPlan(
            f"the plan has room for {room} rows, the largest subset has {largest}: take about "
            f"{ceil(1.25 * rows / room)} subsets, or another family "
            f"(encrypted-{'logistic' if plan.classes else 'ridge'}, encrypted-features)"
        )
