"""The parts of the benchmarks, in the order in which they are measured."""

from __future__ import annotations

from benchmarks.profile import Measure

PARTS: dict[str, Measure] = {}
