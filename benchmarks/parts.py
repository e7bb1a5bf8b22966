"""The parts of the benchmarks, in the order in which they are measured."""

from __future__ import annotations

from benchmarks import flower, growth, models, postgres, rates
from benchmarks.profile import Measure

PARTS: dict[str, Measure] = {
    "models": models.measure,
    "postgres": postgres.measure,
    "flower": flower.measure,
    "growth": growth.measure,
    "rates": rates.measure,
}
