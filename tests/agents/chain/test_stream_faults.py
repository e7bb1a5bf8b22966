"""The event stream behind servers that are late, broken or of different minds: nothing is lost.

Rules: A8, A9, A90, A91.
"""

from __future__ import annotations

from random import Random

import pytest

from agents.chain.codec import Codec
from agents.chain.deployment import Deployment
from testing.faults import Fault, answers, http, servers
from tests.agents.chain.conftest import Clock
from tests.agents.chain.reading import Behind, Reader, reader_behind
from tests.agents.chain.stub_node import StubNode

STEADY: dict[str, list[Fault]] = {
    "logs a block late in 20 % of requests": [servers.late_logs(0.2, 1)],
    "logs three blocks late in half of them": [servers.late_logs(0.5, 3)],
    "logs always five blocks late": [servers.late_logs(1.0, 5)],
    "heads up and down": [servers.lagging(0.3, 3)],
    "sticky lag": [servers.sticky_lag(0.05, 4, 30)],
    "sticky lag and late logs": [servers.sticky_lag(0.05, 4, 30), servers.late_logs(0.4, 3)],
    "a server of another chain": [servers.wrong_chain(0.2)],
    "null results": [answers.null_results(0.2)],
    "no result": [answers.empty_results(0.2)],
    "a pending log": [answers.pending_logs(1.0)],
    "one log twice": [answers.doubled_logs(1.0)],
    "a removed log": [answers.removed_logs(1.0)],
    "a log of a block that is not the chain's": [answers.dead_logs(1.0)],
    "another contract's log": [answers.foreign_logs(1.0)],
    "logs in any order": [answers.shuffled_logs()],
    "fields lost": [answers.lost_fields(0.2)],
    "small ranges": [answers.small_ranges(3)],
    "one block at once": [answers.small_ranges(1)],
    "no logs by number": [answers.small_ranges(0)],
    "dropped connections": [http.dropped(0.3)],
    "all at once": [
        servers.late_logs(0.3, 2),
        servers.lagging(0.2, 2),
        answers.doubled_logs(0.3),
        answers.pending_logs(0.3),
        answers.null_results(0.05),
        answers.small_ranges(4),
        http.dropped(0.1),
    ],
}
"""Behind these, what is delivered is at any time the beginning of what there is."""

MENDED: dict[str, list[Fault]] = {
    "half of the logs left out": [servers.short_logs(0.3)],
    "late logs, and no blooms": [answers.no_blooms(), servers.late_logs(0.2, 1)],
    "late logs, no blooms, no receipts": [
        answers.no_blooms(),
        answers.no_block_receipts(),
        servers.late_logs(0.2, 1),
    ],
}
"""These can hide an event, until it is read again."""


def story(reader: Reader, clock: Clock, seed: int, *, blocks: int = 80) -> None:
    """Blocks come while it reads."""
    rng = Random(seed)
    for _ in range(blocks):
        reader.mine(rng.choice([0, 0, 0, 1, 1, 2]))
        if rng.random() < 0.7:
            reader.read()
        clock.now += 2


def calm_down(reader: Reader, clock: Clock) -> None:
    """The faults are over, and time passes: what is deep is read again."""
    for _ in range(70):
        reader.mine(0)
    for _ in range(20):
        clock.now += 100
        reader.read()


@pytest.mark.parametrize("name", STEADY)
def test_what_is_delivered_is_always_the_beginning_of_what_there_is(
    name: str, node: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    behind = Behind(node, STEADY[name])
    reader = reader_behind(behind, deployment, codec, clock)
    rng = Random(name)
    for _ in range(80):
        reader.mine(rng.choice([0, 0, 0, 1, 1, 2]))
        if rng.random() < 0.7:
            reader.read()
            assert reader.amounts == reader.told[: len(reader.amounts)]
        clock.now += 2
    assert len(reader.amounts) > len(reader.told) // 2, "it goes on while the faults do"
    assert reader.rollbacks == 0
    behind.broken = False
    calm_down(reader, clock)
    assert reader.amounts == reader.told
    assert (reader.stream.repaired, reader.rollbacks) == (0, 0)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", MENDED)
def test_what_was_hidden_comes_with_the_second_reading(
    name: str, seed: int, node: StubNode, deployment: Deployment, codec: Codec, clock: Clock
) -> None:
    behind = Behind(node, MENDED[name], seed)
    reader = reader_behind(behind, deployment, codec, clock)
    story(reader, clock, seed)
    behind.broken = False
    calm_down(reader, clock)
    assert reader.amounts == reader.told
