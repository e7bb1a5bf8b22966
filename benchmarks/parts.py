"""The parts of the benchmarks, in the order in which they are measured."""

from __future__ import annotations

from benchmarks import models, rates
from benchmarks.profile import Measure

PARTS: dict[str, Measure] = {"models": models.measure, "rates": rates.measure}
