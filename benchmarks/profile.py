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
class Profile:
    """The knobs. Times are in seconds, rates in transactions a second.

    Attributes:
        repetitions: of every figure that a claim is made of; its median, least and greatest are reported.
        rates: what is sent each second, whatever the node answers: the paper's (III-B).
        seconds: for which each kind of transaction is sent.
        most_transactions: of one kind at one rate, whatever the rate and time.
        waves: of lives in a measurement of models per second, warm-up not counted.
        wave_sizes: how many lives begin with each block; the best is measured.
        validators: sizes of the networks.
        knee_steps: halvings in the search for the highest send rate that a node keeps up with.
        limit: that a whole stage of a measurement may take before it counts as failed.
    """

    name: str
    repetitions: int
    rates: tuple[int, ...]
    seconds: float
    most_transactions: int
    waves: int
    wave_sizes: tuple[int, ...]
    validators: tuple[int, ...]
    knee_steps: int
    limit: float


SHORT = Profile(
    name="short",
    repetitions=3,
    rates=(500, 1_000, 1_500),
    seconds=1.0,
    most_transactions=1_500,
    waves=6,
    wave_sizes=(200, 300),
    validators=(4,),
    knee_steps=2,
    limit=60.0,
)
FULL = Profile(
    name="full",
    repetitions=5,
    rates=(500, 1_000, 1_500),
    seconds=5.0,
    most_transactions=7_500,
    waves=20,
    wave_sizes=(150, 200, 250, 300, 400),
    validators=(1, 4, 8),
    knee_steps=4,
    limit=180.0,
)

Measure = Callable[[Profile, Path, Say], Mapping[str, Json]]
"""A part of the benchmarks: measures by a profile, keeps its files in a folder of its own, tells as it goes.

Raises `Skipped` if what it measures is not installed here.
"""


class Skipped(HoldfastError):  # noqa: N818 -- named for what becomes of the part
    """A part that cannot be measured here; the message is one line: what is missing, and how to get it."""
