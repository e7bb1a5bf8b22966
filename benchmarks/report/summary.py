"""The headline figures of a run, out of what its parts found."""

from __future__ import annotations

from benchmarks.profile import Json
from benchmarks.report.claims import claims
from benchmarks.report.found import Found, measured


def summary(found: Found) -> dict[str, Json]:
    """Models per second by chain, ratios, and what a life takes: on Anvil, or else on the first chain.

    Figures that were not measured are left out.
    """
    chains = measured(found, "models")
    told: dict[str, Json] = {
        "models_per_second": {name: one["best"]["models_per_second"] for name, one in chains.items()},
        "ratio": {claim.key: claim.spread.brief() for claim in claims(found)},
    }
    if chains:
        one = chains.get("anvil") or next(iter(chains.values()))
        told["delay_blocks"] = one["best"]["delay_blocks"]
        told["transactions_per_model"] = exactly(one["best"]["transactions_per_model"])
        told["gas_per_model"] = one["best"]["gas_per_model"]
    return told


def exactly(value: float) -> dict[str, Json]:
    """A figure that does not vary, as a spread."""
    return {"median": value, "min": value, "max": value}
