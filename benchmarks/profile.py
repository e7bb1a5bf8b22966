"""How much is measured: the short profile ends in minutes, the full one is for the committed results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from agents.core.errors import HoldfastError

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
Say = Callable[[str], None]
"""Tells a person, in one line, what is being measured."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one chain is measured with.

    Attributes:
        rates: transactions sent each second, whatever the chain answers; none to leave this out.
        seconds: for which each kind of transaction is sent at each rate.
        wave_sizes: lives that begin with each block; see `models.best_of`; none to leave this out.
        knee: the rate at which the search for the highest that the chain keeps up with begins; 0 to leave it
            out.
    """

    rates: tuple[int, ...]
    seconds: float
    wave_sizes: tuple[int, ...]
    knee: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """The knobs.

    Attributes:
        repetitions: of every figure that a claim is made of; its median, least and greatest are reported.
        seconds: for which one measurement of a peer lasts, where it is one of time.
        waves: of lives in a repetition.
        loads: by chain, in the order in which they are measured: ``ganache``, ``anvil``, ``validators4``.
        knee_steps: halvings in the search for the highest send rate that a chain keeps up with.
        limit: seconds to wait for the last transactions of a measurement.
    """

    name: str
    repetitions: int
    seconds: float
    waves: int
    loads: Mapping[str, Load]
    knee_steps: int
    limit: float


PAPER_RATES = (500, 1_000, 1_500)
"""Transactions a second (III-B)."""

SHORT = Profile(
    name="short",
    repetitions=3,
    seconds=0.5,
    waves=3,
    loads={
        "ganache": Load((500,), 0.05, ()),
        "anvil": Load((500, 1_500), 0.5, (400,)),
        "validators4": Load((500,), 0.5, (40,)),
    },
    knee_steps=1,
    limit=60.0,
)
FULL = Profile(
    name="full",
    repetitions=3,
    seconds=2.0,
    waves=5,
    loads={
        "ganache": Load((500,), 0.2, ()),
        "anvil": Load(PAPER_RATES, 1.5, (400, 700), knee=8_000),
        "validators1": Load((500, 1_000), 1.0, (100,)),
        "validators4": Load((500, 1_000), 1.0, (40,), knee=500),
        "validators8": Load((), 0.0, (10,)),
    },
    knee_steps=2,
    limit=180.0,
)

Measure = Callable[[Profile, Path, Say], Mapping[str, Json]]
"""A part of the benchmarks: measures by a profile, keeps its files in a folder of its own, tells as it goes.

Raises `Skipped` if what it measures is not installed here.
"""


class Skipped(HoldfastError):  # noqa: N818 -- named for what becomes of the part
    """A part that cannot be measured here; the message is one line: what is missing, and how to get it."""
