from __future__ import annotations

import pytest

from benchmarks.models import STAGES, Stretch, best_of, stretch
from benchmarks.usage import Usage
from benchmarks.watch import Block
from benchmarks.wave import Wave
from tests.benchmarks.support import sendable

USAGE = Usage(1.0, 100, 0.1, 50)


def tried(size: int, rate: float, blocks: int) -> Stretch:
    return Stretch(size, (rate,), 1.0, (blocks,), (8.0,), (1,), 1.0, 11, 10, 10, 1.0, 1.0, USAGE)


def test_the_best_load_is_the_quickest_that_a_chain_keeps_pace_with() -> None:
    assert best_of([tried(10, 10, 8), tried(20, 19, 8), tried(30, 25, 9)]).size == 20


def test_the_best_load_is_the_quickest_if_the_chain_keeps_pace_with_none() -> None:
    assert best_of([tried(10, 9, 12), tried(20, 12, 16)]).size == 20


def test_the_rate_is_that_of_the_full_chain_by_repetition() -> None:
    """A wave of two lives ends each second, but for one that takes three."""
    waves = []
    ended = 0.0
    for number in range(2 * STAGES + 4):
        ended += 3 if number == STAGES + 3 else 1
        wave = Wave([[sendable(2 * number, 0), sendable(2 * number + 1, 0)]])
        wave.began_at, wave.head, wave.ended_at, wave.last_block = ended - 8, number, ended, number + 8
        waves.append(wave)
    blocks = [Block(number, float(number), 1_000, ()) for number in range(1, int(ended) + 1)]
    told = stretch(waves, 2, blocks, [5], len(waves) * 2, USAGE)
    assert told.rates == (2.0, 1.0)  # four lives in two seconds, and four in four
    assert told.blocks == (8, 8, 8, 8)
    assert told.seconds == (8.0, 8.0, 8.0, 8.0)
    assert told.block_seconds == 1.0
    assert told.gas_a_second == 1_000
    assert told.transactions == 1
    assert told.lives == told.completed == 2 * len(waves)
    assert told.overall == pytest.approx(2 * len(waves) / (ended + 7))
    assert told.json()["delay_blocks"] == {"median": 8, "min": 8, "max": 8}
