"""A few lives on a real node: the plan, the signing and the sending are right, or the market would refuse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.crew import addresses, sign_all
from benchmarks.load import send
from benchmarks.models import STAGES, completed
from benchmarks.nodes.local import PROGRAMS, anvil
from benchmarks.nodes.network import Network
from benchmarks.site import Site, Treasury
from benchmarks.usage import Meter
from benchmarks.wave import drive, split

pytestmark = pytest.mark.skipif(not (PROGRAMS / "anvil").exists(), reason="Anvil is not for this platform")

Place = tuple[Network, Treasury, Site]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder: Path = tmp_path_factory.mktemp("anvil")
    with anvil(folder) as network, Treasury(network) as treasury:
        yield network, treasury, treasury.open_market()


def test_waves_of_lives_come_to_their_end_a_stage_a_block(place: Place) -> None:
    network, treasury, site = place
    names = [f"life {number}" for number in range(6)]
    treasury.endow(addresses(names))
    waves = split(sign_all(site, names, joined=True), 3, 2)
    with Meter(network.groups) as meter:
        blocks = drive(network.ports, waves, at_once=2, limit=20)
    assert completed(network, site, blocks) == len(names)
    assert all(wave.blocks >= STAGES for wave in waves)
    assert sum(block.gas_used for block in blocks) // len(names) in range(880_000, 890_000)
    assert meter.usage.node_memory > 0


def test_sends_at_a_rate_and_tells_what_became_of_it(place: Place) -> None:
    network, treasury, site = place
    names = [f"newcomer {number}" for number in range(5)]
    treasury.endow(addresses(names))
    registrations, *_, completions = sign_all(site, names, joined=False)
    outcome = send(network.ports, site.market, [one.signed for one in registrations], 50, 20)
    assert (outcome.sent, outcome.succeeded, outcome.reverted) == (5, 5, 0)
    assert max(outcome.latencies) <= outcome.seconds
    assert completions[0].kind == "completeTC"
