"""What a job pays by each of a cloud owner's strategies, as formulas; the tests hold them against the market.

With n replicas a subset is settled if more than n // 2 reports agree. Of the n - 1 others each lies with the
same chance, together with all that do; the rest are honest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from math import comb

from assurance.economics.setting import Setting
from testing.compiler import ROOT

JobPayoff = Callable[[Setting, int], float]
"""Wei for one job, by how many of the other replicas lie."""


@cache
def measured() -> dict[str, int]:
    """What transactions use, as measured for the snapshot."""
    figures: dict[str, int] = json.loads((ROOT / "snapshots" / "gas.json").read_text())
    return figures


def report_gas(setting: Setting) -> int:
    """Wei that a report costs after the first."""
    return measured()["updateTJ.later"] * setting.gas_price


def flag_gas(setting: Setting) -> int:
    """Wei that a flag costs."""
    return measured()["flagTJ"] * setting.gas_price


def honest(setting: Setting, liars: int) -> float:
    """Trains and reports."""
    terms, others = setting.terms, setting.replicas - 1 - liars
    spent = setting.training_cost + report_gas(setting)
    if others + 1 >= _majority(setting):
        won = terms.job_price + liars * (terms.instance_bond - terms.job_price) / (others + 1)
        return setting.settled * won - spent
    if liars >= _majority(setting):
        return -setting.settled * terms.instance_bond - spent
    return -spent


def lies(setting: Setting, liars: int) -> float:
    """Makes a result up, the same as the other liars."""
    terms, others = setting.terms, setting.replicas - 1 - liars
    spent = report_gas(setting)
    if liars + 1 >= _majority(setting):
        won = terms.job_price + others * (terms.instance_bond - terms.job_price) / (liars + 1)
        return setting.settled * won - spent
    if others >= _majority(setting):
        return -setting.settled * terms.instance_bond - spent
    return -spent


def silent(setting: Setting, liars: int) -> float:
    """Does not answer."""
    return -float(setting.terms.miss_penalty)


def flags(setting: Setting, liars: int) -> float:
    """Flags what it can read."""
    return -float(flag_gas(setting))


STRATEGIES: dict[str, JobPayoff] = {"honest": honest, "lies": lies, "silent": silent, "flags": flags}


def expected(strategy: JobPayoff, setting: Setting) -> float:
    """The mean over who the others are."""
    others, share = setting.replicas - 1, setting.dishonest
    return sum(
        comb(others, liars) * share**liars * (1 - share) ** (others - liars) * strategy(setting, liars)
        for liars in range(others + 1)
    )


def highest_cost(setting: Setting) -> int:
    """The training cost at which an honest job pays as much as a flag, if all others are honest."""
    return setting.terms.job_price - report_gas(setting) + flag_gas(setting)


def least_penalty(setting: Setting) -> int:
    """The miss penalty at which silence costs as much as a flag."""
    return flag_gas(setting)


def least_bond(setting: Setting) -> int:
    """The bond at which making a result up pays as much as training for it, if all others are honest."""
    return max(0, setting.training_cost - setting.terms.job_price)


def _majority(setting: Setting) -> int:
    return setting.replicas // 2 + 1
