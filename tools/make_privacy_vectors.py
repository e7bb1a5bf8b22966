"""Writes tests/privacy.json anew: what two libraries of differential privacy say of the same noise.

Holdfast needs neither of them, and its tests compare with what is written here. To write it anew, in an
environment of their own beside the checkout: `pip install dp-accounting==0.6.0 opendp==0.16.0`.
"""

from __future__ import annotations

import json
from pathlib import Path

import opendp.prelude as dp  # type: ignore[import-not-found]
from dp_accounting import pld  # type: ignore[import-not-found]

TARGET = Path(__file__).resolve().parent.parent / "tests" / "privacy.json"

FACTORS = (0.64, 1.16, 2.15, 4.05, 7.67)
"""Deviations over the sensitivity."""

DELTAS = (1e-5, 1e-6, 1e-7)
SENSITIVITY = 1000


def main() -> None:
    """Writes the file."""
    dp.enable_features("contrib")
    found = [
        {
            "factor": factor,
            "delta": delta,
            "zcdp": zcdp_epsilon(factor, delta),
            "exact": exact_epsilon(factor, delta),
        }
        for factor in FACTORS
        for delta in DELTAS
    ]
    TARGET.write_text(json.dumps(found, indent=1) + "\n")


def zcdp_epsilon(factor: float, delta: float) -> float:
    """OpenDP: the discrete Gaussian's rho, converted."""
    space = dp.vector_domain(dp.atom_domain(T=int)), dp.l2_distance(T=float)
    noisy = dp.m.make_gaussian(*space, scale=factor * SENSITIVITY)
    return float(dp.c.make_zCDP_to_approxDP(noisy).map(d_in=float(SENSITIVITY)).epsilon(delta))


def exact_epsilon(factor: float, delta: float) -> float:
    """Google's dp-accounting: the privacy loss distribution of the discrete Gaussian, up to its grid."""
    loss = pld.privacy_loss_distribution.from_discrete_gaussian_mechanism(
        factor * SENSITIVITY, sensitivity=SENSITIVITY
    )
    return float(loss.get_epsilon_for_delta(delta))


if __name__ == "__main__":
    main()
