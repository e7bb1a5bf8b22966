"""How the market's costs grow: by subsets, replicas, rounds, members, and the length of its log.

    python -m benchmarks.growth

Gas and processor time of whole lives on the real contract; processor time of rebuilding and auditing a market
from its events. Each is fitted with a power of the size, and drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.growth.figure import svg
from benchmarks.growth.fit import Growth
from benchmarks.growth.sweeps import Size, auditing, gas, log, rebuilding, seconds
from benchmarks.profile import Json, Profile, Say

PLAYS_FOR_REPETITION = 3
"""A time is the least of so many plays for each of the profile's repetitions: a play takes milliseconds."""


@dataclass(frozen=True)
class CostSweep:
    """One number of a life that grows."""

    unit: str
    sizes: tuple[int, ...]
    of: Callable[[int], Size]


SWEEPS = (
    CostSweep("subsets", (1, 2, 4, 8, 16, 32, 64, 128, 256), lambda m: Size(subsets=m)),
    CostSweep("replicas", (1, 2, 4, 8, 16), lambda n: Size(replicas=n)),
    CostSweep("rounds", (1, 2, 4, 8, 16, 32, 64, 128), lambda r: Size(rounds=r)),
    CostSweep("members", (1, 10, 100, 1_000, 10_000), lambda count: Size(members=count)),
)
TRAININGS = (1, 3, 10, 30, 100)
"""In the logs."""


def measure(profile: Profile, folder: Path, say: Say) -> Mapping[str, Json]:
    """Every growth: its unit, what is counted, its exponents and its costs. ``growth.svg`` shows them."""
    plays = PLAYS_FOR_REPETITION * profile.repetitions
    report: dict[str, Json] = {}
    for sweep in SWEEPS:
        say(f"growth by {sweep.unit}, up to {sweep.sizes[-1]:,}")
        report[f"gas_{sweep.unit}"] = _told(gas(sweep.sizes, sweep.of), "gas", sweep.unit)
        report[f"time_{sweep.unit}"] = _told(seconds(sweep.sizes, sweep.of, plays), "seconds", sweep.unit)
    say(f"growth by events in the log, of up to {TRAININGS[-1]} trainings")
    logs = [log(trainings) for trainings in TRAININGS]
    events, domain = [events for events, _ in logs], logs[0][1]
    report["rebuilding"] = _told(rebuilding(events, plays), "seconds", "events")
    report["auditing"] = _told(auditing(events, domain, plays), "seconds", "events")
    (folder / "growth.svg").write_text(svg(report))
    return report


def _told(growth: Growth, what: str, unit: str) -> Json:
    return {"what": what, "unit": unit, **growth.json()}
