from __future__ import annotations

import pytest

from benchmarks.load import LoadOutcome, schedule
from benchmarks.rates import search


@pytest.mark.parametrize(("count", "rate"), [(1, 500), (1_200, 1_500), (1_201, 1_500), (7, 1), (300, 8_000)])
def test_sends_all_once_in_their_order_and_none_early(count: int, rate: float) -> None:
    batches = schedule(count, rate)
    sent = [number for batch in batches for number in range(batch.first, batch.last)]
    assert sent == list(range(count))
    for batch in batches:
        assert batch.due == pytest.approx((batch.last - 1) / rate)


def test_sends_a_ticks_worth_at_once() -> None:
    assert [batch.last - batch.first for batch in schedule(100, 1_000, tick=0.025)] == [25, 25, 25, 25]


def test_sends_one_by_one_what_is_slower_than_the_tick() -> None:
    assert [batch.due for batch in schedule(3, 2, tick=0.025)] == [0, 0.5, 1]


def test_a_batch_is_bounded() -> None:
    assert max(batch.last - batch.first for batch in schedule(1_000, 100_000, most=100)) == 100


def test_there_may_be_nothing_to_send() -> None:
    assert schedule(0, 10) == []


@pytest.mark.parametrize(("count", "rate"), [(-1, 10), (1, 0), (1, -5)])
def test_refuses_schedules_that_there_are_not(count: int, rate: float) -> None:
    with pytest.raises(ValueError, match="no schedule"):
        schedule(count, rate)


def test_throughput_counts_what_succeeded_until_the_last_block() -> None:
    outcome = LoadOutcome(
        rate=100,
        sent=10,
        succeeded=6,
        reverted=1,
        latencies=(0.5,) * 7,
        seconds=2.0,
        sending_seconds=0.1,
        gas=70,
    )
    assert outcome.throughput == 3
    told = outcome.json()
    assert (told["lost"], told["reverted"], told["gas"], told["sent_a_second"]) == (3, 1, 10, 100)
    assert told["latency"] == {"mean": 0.5, "p50": 0.5, "p95": 0.5, "p99": 0.5}


def test_tells_no_latency_of_what_was_lost() -> None:
    told = LoadOutcome(100, 10, 0, 0, (), 2.0, 0.1, 0).json()
    assert (told["throughput"], told["lost"]) == (0, 10)
    assert "latency" not in told


@pytest.mark.parametrize(
    ("true_knee", "begin", "steps", "expected"),
    [
        (1_000, 100, 0, 800),  # 100, 200, 400, 800 are kept up with, 1,600 is not
        (1_000, 100, 2, 1_000),  # then 1,200 is not and 1,000 is
        (50, 400, 0, 50),  # halved to where it is kept up with
        (60, 400, 1, 50),
        (90, 400, 1, 75),
        (10, 400, 3, 0),  # not even at a sixteenth
        (10_000, 3_000, 1, 8_000),  # no more than the most is tried
    ],
)
def test_finds_the_knee(true_knee: float, begin: float, steps: int, expected: float) -> None:
    tried: list[float] = []

    def keeps_up(rate: float) -> bool:
        tried.append(rate)
        return rate <= true_knee

    assert search(keeps_up, begin, 8_000, steps) == expected
    assert max(tried) <= 8_000
    assert len(tried) == len(set(tried))
