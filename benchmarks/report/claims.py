"""The claims: each a ratio of two figures that one run measured on one machine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.nodes.chains import title
from benchmarks.profile import Json
from benchmarks.report.found import Found, measured

FLOWER = "replicas_3"
"""The market as it is meant to be: three replicas, so that there are verdicts."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """A figure's median, least and greatest value."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Bounds:
        """Out of a report."""
        return cls(told["median"], told["min"], told["max"])

    def over(self, other: Bounds) -> Bounds:
        """This over another, as far apart as their spreads allow."""
        return Bounds(self.median / other.median, self.least / other.greatest, self.greatest / other.least)

    def brief(self) -> dict[str, Json]:
        """For the report."""
        return {
            "median": round(self.median, 4),
            "min": round(self.least, 4),
            "max": round(self.greatest, 4),
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """One ratio.

    Attributes:
        key: in report.json.
        text: what over what.
        spread: the ratio.
    """

    key: str
    text: str
    spread: Bounds


def claims(found: Found) -> list[Claim]:
    """All ratios that can be made of what was found."""
    return [*_models(found), *_flower(found), *_keeping_up(found)]


def _models(found: Found) -> Iterator[Claim]:
    rates = {
        name: Bounds.of(one["best"]["models_per_second"]) for name, one in measured(found, "models").items()
    }
    for name in ("anvil", "validators4"):
        for key, what, peer in _postgres(found):
            if name in rates:
                text = f"models per second on {title(name)} over {what}"
                yield Claim(key if name == "anvil" else f"{key}_{name}", text, rates[name].over(peer))
    for name, rate in rates.items():
        if name.startswith("validators") and "anvil" in rates:
            text = f"models per second on {title(name)} over Anvil"
            yield Claim(f"{name}_anvil", text, rate.over(rates["anvil"]))


def _postgres(found: Found) -> Iterator[tuple[str, str, Bounds]]:
    """PostgreSQL at its quickest, and with commits that wait for no disk, as on a development chain."""
    variants = [one for one in measured(found, "postgres").values() if "lives_per_second" in one]
    if variants:
        best = max(variants, key=lambda one: float(one["lives_per_second"]["median"]))
        what = f"PostgreSQL, {best['transactions_per_life']} transactions a life"
        yield "postgres", what, Bounds.of(best["lives_per_second"])
    for one in variants:
        if "without_waiting_for_the_disk" in one:
            rate = one["without_waiting_for_the_disk"]["lives_per_second"]
            yield "postgres_unwaiting", "PostgreSQL that does not wait for the disk", Bounds.of(rate)


def _flower(found: Found) -> Iterator[Claim]:
    for name, one in measured(found, "flower").items():
        if "over_flower" in one:
            told = Bounds.of(one["over_flower"]["command_seconds"])
            key = "flower" if name == FLOWER else f"flower_{name}"
            yield Claim(key, f"wall time of a training job over Flower's, {_plain(name)}", told)


def _keeping_up(found: Found) -> Iterator[Claim]:
    """What becomes of what is sent: the paper sees throughput fall sharply at its highest rate (III-B)."""
    for name, one in measured(found, "rates").items():
        rates = one["rates"]
        if len(rates) > 1:
            low, high = min(rates, key=int), max(rates, key=int)
            gain = rates[high]["throughput"] / rates[low]["throughput"]
            text = f"throughput on {title(name)} at {high} transactions sent a second over that at {low}"
            yield Claim(f"throughput_{name}", text, Bounds(gain, gain, gain))


def _plain(name: str) -> str:
    return name.replace("_", " ")
