"""Whether a plan keeps what a dataset promises: its data owner asks, and a model owner that would pay."""

from __future__ import annotations

from typing import Protocol

from agents.learning.family import Family
from agents.learning.privacy.levels import Secrecy, keeps_less
from agents.learning.privacy.policy import Guarantee


class Offered(Protocol):
    """What of a dataset's description decides on a plan."""

    @property
    def features(self) -> int:
        """Columns."""

    @property
    def classes(self) -> int:
        """0 for a regression."""

    @property
    def rows(self) -> int:
        """Of all subsets together."""

    @property
    def level(self) -> Secrecy:
        """What its data owner promises."""

    @property
    def guarantee(self) -> Guarantee | None:
        """At level private."""


_SHOWS: dict[Secrecy, str] = {
    "none": "each subset's result in plain text",
    "round": "sums over the subsets of a round",
    "dataset": "sums over all subsets",
}


def objection(family: Family, dataset: Offered) -> str:
    """Why a plan is not for a dataset; one line, empty if it is.

    Args:
        family: of the plan.
        dataset: its public description.
    """
    plan = family.plan
    if (plan.features, plan.classes) != (dataset.features, dataset.classes):
        return (
            f"the plan is for {plan.features} features and {plan.classes} classes, the dataset has "
            f"{dataset.features} and {dataset.classes}: change the plan"
        )
    if dataset.guarantee is not None:
        if plan.noise_named == dataset.guarantee.noise:
            return ""
        asked = "exact results" if plan.noise_named is None else "other noise"
        return (
            f"the plan asks for {asked}: at level private the dataset is shown with its own noise only, in "
            "plans of moments"
        )
    if plan.noise_named is not None:
        return (
            f"the plan's sums come with noise, the dataset's do not: it is offered at level {dataset.level}, "
            "choose another model"
        )
    return _shows_too_much(family, dataset)


def _shows_too_much(family: Family, dataset: Offered) -> str:
    """What a plan would show that the level does not allow."""
    level, kept = dataset.level, family.sums or "none"
    if keeps_less(kept, level):
        shown, allowed = _SHOWS[kept], _SHOWS[level]
        return f"the plan shows the model owner {shown}: only {allowed} are allowed at level {level}"
    why = family.singles_out(dataset.rows) if level != "none" else ""
    if why:
        return (
            "a model owner who breaks the rules can have single rows of this plan's sums, which only level "
            f"none allows: {why}"
        )
    return ""
