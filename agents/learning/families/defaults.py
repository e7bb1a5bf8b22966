"""Plans that converge on skewed subsets, for those who do not want to choose.

The figures were chosen by measurement on scikit-learn's data sets, split with skew into 4 to 12 subsets of
which a quarter to a half are drawn a round. Subsets pull the weights in different directions, the more so the
longer they train alone: so each moves only a little, with the largest step that is safe, and the model owner
goes further along their average, smoothed by momentum.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import ceil, sqrt
from typing import Any

from agents.core.errors import BadPlan
from agents.learning.data.samples import PredictionTask
from agents.learning.plans.base import Server, Stop
from agents.learning.plans.encrypted import (
    EncryptedCubicPlan,
    EncryptedFeaturesPlan,
    EncryptedLinearPlan,
    EncryptedLogisticPlan,
    EncryptedNetworkPlan,
    EncryptedRidgePlan,
    Encryption,
)
from agents.learning.plans.plan import LinearPlan, LogisticPlan, NetworkPlan, Plan, RidgePlan

CLIP = 8
"""Norm to which rows are cut for a classification; a standardised row of 30 features has about 5.5."""


def default_plan(
    task: PredictionTask, n_classes: int, d: int, model: str | None = None, rounds: int = 8, seed: int = 0
) -> Plan:
    """A plan for data of this form.

    Args:
        task: classification or regression.
        n_classes: number of classes; not used for a regression.
        d: number of features.
        model: a family of `FAMILIES`; by default encrypted-logistic for a classification, encrypted-ridge
            for a regression.
        rounds: the most rounds.
        seed: of a network's initial weights.

    Raises:
        BadPlan: no such family, or logistic regression of a number.
    """
    family = model or ("encrypted-logistic" if task is PredictionTask.CLASSIFICATION else "encrypted-ridge")
    if family not in FAMILIES:
        raise BadPlan(f"no model {family!r}: choose one of {', '.join(FAMILIES)}")
    if family.endswith(("logistic", "cubic")) and task is PredictionTask.REGRESSION:
        raise BadPlan(
            "logistic regression needs classes, and the target is a number: "
            "choose linear, ridge or network, or encrypted-ridge"
        )
    return FAMILIES[family](n_classes if task is PredictionTask.CLASSIFICATION else 0, d, rounds, seed)


def _logistic(classes: int, d: int, rounds: int, _seed: int) -> Plan:
    return LogisticPlan(
        features=d,
        classes=classes,
        local_steps=20 if classes == 2 else 40,
        step=_safe_step(CLIP),
        clip=CLIP,
        rounds=rounds,
        server=_server("2" if classes == 2 else "4", "1/2"),
        stop=_stop(classes),
    )


def _linear(classes: int, d: int, rounds: int, _seed: int) -> Plan:
    clip = _roomy_clip(d)
    return LinearPlan(
        features=d,
        classes=classes,
        local_steps=10,
        step=_safe_step(clip),
        clip=clip,
        rounds=rounds,
        server=_server("1", "1/4"),
        stop=_stop(classes),
    )


def _ridge(classes: int, d: int, rounds: int, _seed: int) -> Plan:
    linear = _linear(classes, d, rounds, 0)
    return RidgePlan(
        features=d,
        classes=classes,
        local_steps=linear.local_steps,
        step=linear.step,
        clip=linear.clip,
        rounds=rounds,
        server=linear.server,
        stop=linear.stop,
        l2=Fraction(1, 1000),
    )


def _network(classes: int, d: int, rounds: int, seed: int) -> Plan:
    clip = CLIP if classes else _roomy_clip(d)
    return NetworkPlan(
        features=d,
        classes=classes,
        local_steps=40 if classes else 20,
        step=_safe_step(clip) * (4 if classes else 1),
        clip=clip,
        rounds=rounds,
        server=_server("2", "1/2") if classes else _server("1", "1/4"),
        stop=_stop(classes),
        hidden=32,
        seed=seed,
    )


def _encrypted_linear(classes: int, d: int, rounds: int, _seed: int) -> Plan:
    return EncryptedLinearPlan(**_exact(classes, d, rounds, 20, 160))


def _encrypted_ridge(classes: int, d: int, rounds: int, _seed: int) -> Plan:
    return EncryptedRidgePlan(**_exact(classes, d, rounds, 20, 160), l2=Fraction(1, 1000))


def _encrypted_logistic(classes: int, d: int, rounds: int, _seed: int) -> Plan:
    return EncryptedLogisticPlan(**_exact(classes, d, rounds, 80, 640), l2=Fraction(1, 1000))


def _encrypted_features(classes: int, d: int, rounds: int, seed: int) -> Plan:
    """As many features as slots take, 400 at most."""
    hidden = min(400, 8192 // (2 * (classes or 1)) - 1)
    clip = min(64, ceil(1.2 * sqrt(hidden)))
    fields = _exact(classes, d, rounds, 2000, 2000) | {
        "local_steps": 2000,
        "step": _safe_step(clip),
        "clip": clip,
        "fraction_bits": 8,
        "encryption": Encryption(degree=16384, primes=(60, 60, 60, 60, 60), plain_bits=50),
    }
    return EncryptedFeaturesPlan(**fields, hidden=hidden, seed=seed, l2=Fraction(1, 1000))


def _exact(classes: int, d: int, rounds: int, two: int, more: int) -> Any:
    """Fields of an exact plan, with so many local steps for two classes and for more.

    The model owner sees sums over all subsets, whose drifts cancel: so each may train alone for long, and the
    weights settle after two to four such sums. Chosen by the validation samples of seeds 10 to 14.
    """
    clip = CLIP if classes else _roomy_clip(d)
    return {
        "features": d,
        "classes": classes,
        "weight_bits": 16,
        "local_steps": (two if classes == 2 else more) if classes else 10,
        "step": _safe_step(clip),
        "clip": clip,
        "rounds": rounds,
        "stop": _stop(classes),
        "encryption": _coefficients((d + 1) * ((classes or 1) + 1)),
    }


def _coefficients(places: int) -> Encryption:
    """BFV in the smallest ring that has so many places."""
    degree = next((degree for degree in (8192, 16384) if places <= degree), 32768)
    return Encryption(degree=degree, primes=(60, 60, 58, 40), plain_bits=59)


ROWS = 256
"""Room for the rows of a subset on CKKS: with more of it, fewer features are multiplied at once."""


def _encrypted_cubic(classes: int, d: int, rounds: int, _seed: int) -> Plan:
    """A move needs all subsets: plan twice as many rounds, or more, as for what moves in every round.

    Shorter rows than elsewhere keep scores inside the range of the polynomial.
    """
    two = classes == 2
    clip = 4 if two else 2
    return EncryptedCubicPlan(
        features=d,
        classes=classes,
        rows=ROWS,
        local_steps=1,
        step=_safe_step(clip),
        clip=clip,
        rounds=rounds,
        server=_server("25" if two else "60", "1/2"),
        stop=_stop(classes),
        l2=Fraction(1, 1000) if two else Fraction(1, 500),
        encryption=Encryption(degree=16384, primes=(60, 60, 60, 53, 48, 60), scale_bits=53),
    )


def _encrypted_network(classes: int, d: int, rounds: int, seed: int) -> Plan:
    """As for `_encrypted_cubic`, with room for the units' margins and for the intercept's unit.

    More outputs than one are possible, but not within the bounds that keep the noise hidden.
    """
    if classes > 2:
        raise BadPlan("no default plan for an encrypted network of over two classes: choose encrypted-cubic")
    return EncryptedNetworkPlan(
        features=d,
        classes=classes,
        rows=ROWS - 16,
        local_steps=1,
        step=_safe_step(2),
        clip=2,
        rounds=rounds,
        server=_server("1", "3/4"),
        stop=_stop(classes),
        hidden=7,
        seed=seed,
        encryption=Encryption(degree=16384, primes=(60, 60, 30, 58, 58, 58, 48, 60), scale_bits=58),
    )


FAMILIES: dict[str, Callable[[int, int, int, int], Plan]] = {
    "linear": _linear,
    "ridge": _ridge,
    "logistic": _logistic,
    "network": _network,
    "encrypted-linear": _encrypted_linear,
    "encrypted-ridge": _encrypted_ridge,
    "encrypted-logistic": _encrypted_logistic,
    "encrypted-cubic": _encrypted_cubic,
    "encrypted-network": _encrypted_network,
    "encrypted-features": _encrypted_features,
}
"""Families by name, with what makes their default plan from (classes, features, rounds, seed)."""


def _safe_step(clip: int) -> Fraction:
    return Fraction(1, clip**2 + 1)


def _roomy_clip(d: int) -> int:
    """Half as much again as a usual row's norm: values are proportional to rows, so few should be cut."""
    return min(64, max(4, ceil(1.5 * sqrt(d))))


def _server(step: str, momentum: str) -> Server:
    return Server(strategy="fedavgm", step=Fraction(step), momentum=Fraction(momentum))


def _stop(classes: int) -> Stop:
    return Stop(metric="accuracy" if classes else "r2")
