"""Plans that converge on skewed subsets, for those who do not want to choose."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, sqrt

from agents.core.errors import BadPlan
from agents.learning.plan import LinearPlan, LogisticPlan, NetworkPlan, Plan, RidgePlan, Server, Stop
from agents.learning.samples import Task

FAMILIES = ("linear", "ridge", "logistic", "network")


def default_plan(
    task: Task, n_classes: int, d: int, model: str | None = None, rounds: int = 8, seed: int = 0
) -> Plan:
    """A plan for data of this form.

    Args:
        task: classification or regression.
        n_classes: number of classes; ignored for a regression.
        d: number of features.
        model: a family; by default logistic for a classification, ridge for a regression.
        rounds: the most rounds.
        seed: of a network's initial weights.

    Raises:
        BadPlan: no such family, or logistic regression of a number.
    """
    family = model or ("logistic" if task is Task.CLASSIFICATION else "ridge")
    if family not in FAMILIES:
        raise BadPlan(f"no model {family!r}: choose one of {', '.join(FAMILIES)}")
    if family == "logistic" and task is Task.REGRESSION:
        raise BadPlan(
            "logistic regression needs classes, and this target is a number: choose linear, ridge or network"
        )
    return PLAN_MAKERS[family](n_classes if task is Task.CLASSIFICATION else 0, d, rounds, seed)


def _logistic(classes: int, d: int, rounds: int, seed: int) -> Plan:
    clip = 8
    return LogisticPlan(
        features=d,
        classes=classes,
        local_steps=20,
        step=Fraction(1, clip**2 + 1),
        clip=clip,
        rounds=rounds,
        server=Server(strategy="fedavgm", step=Fraction(2), momentum=Fraction(1, 2)),
        stop=Stop(metric="accuracy"),
    )


PLAN_MAKERS = {"logistic": _logistic}
