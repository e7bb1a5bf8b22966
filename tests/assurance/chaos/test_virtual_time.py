"""Time that is skipped when all wait, and is ours while anybody works.

Rules: A90.
"""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from assurance.chaos.virtual_time import VirtualStop, VirtualTime


def test_when_all_wait_it_is_at_once_when_the_first_is_due() -> None:
    clock, begun = VirtualTime(), time.monotonic()
    arrived: list[tuple[float, float]] = []

    def live(pause: float) -> None:
        with clock.party():
            together.wait()
            for _ in range(10):
                clock.wait(pause)
                arrived.append((round(clock.now(), -1), pause))

    together = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(live, (100.0, 250.0)))
    assert time.monotonic() - begun < 20
    assert [when for when, pause in arrived if pause == 100] == [100.0 * (n + 1) for n in range(10)]
    assert [when for when, pause in arrived if pause == 250] == [250.0 * (n + 1) for n in range(10)]


def test_while_anybody_works_time_is_ours() -> None:
    clock = VirtualTime()
    stop = VirtualStop(clock)
    with clock.party(), ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait_as_a_party, clock, stop, 1_000.0)
        time.sleep(0.1)
        assert clock.now() < 100
        stop.set()
        waiting.result(timeout=10)
    assert clock.now() < 100
    stop.close()


def test_whoever_waits_for_ever_is_woken_by_the_stop() -> None:
    clock = VirtualTime()
    stop = VirtualStop(clock)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(_wait_as_a_party, clock, stop, None)
        stop.set()
        waiting.result(timeout=10)
    assert stop.is_set()


def test_time_can_be_skipped() -> None:
    clock = VirtualTime()
    clock.skip(500)
    assert 500 <= clock.now() < 600
    clock.wait(-math.inf)


def _wait_as_a_party(clock: VirtualTime, stop: VirtualStop, seconds: float | None) -> None:
    with clock.party():
        stop.wait(seconds)
