"""Models per second: whole lives of models, many at a time (the paper's headline, III-B and III-D).

The rate is taken while the chain is full: as many waves as fill it go before those that are counted, and as
many behind. A repetition is a stretch of waves, timed from the end of the wave before it to the end of its
last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from eth_utils.abi import event_abi_to_log_topic

from agents.core.errors import NodeUnavailable
from benchmarks.crew import addresses, sign_all
from benchmarks.each import on_each
from benchmarks.load import logged
from benchmarks.nodes.chains import title
from benchmarks.nodes.network import Network
from benchmarks.profile import Json, Load, Profile, Say
from benchmarks.rpc import RpcNode
from benchmarks.site import Site, Treasury
from benchmarks.statistics import Spread
from benchmarks.usage import Meter, Usage
from benchmarks.watch import Block
from benchmarks.wave import Wave, drive, split

STAGES = 8
"""Of a life: so many waves fill a chain that takes each stage in the next block."""
AT_ONCE = 2 * STAGES
"""At most so many waves are under way on a chain that is slower than that."""
SAMPLE = 100
"""Lives of the first wave whose gas is read from receipts: nodes are slow to give many."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What the counted waves of one size showed.

    Attributes:
        rates: models a second, one for each repetition.
        overall: models a second of all waves over all the time, filling and emptying included.
        blocks: that each counted wave took; `seconds` likewise.
        gas: of each life of a sample.
        mean_gas: of all lives, from the blocks.
        transactions: of a life.
        lives: all that were begun; `completed` by the market's own events.
        block_seconds: mean time between blocks.
        gas_a_second: mean.
    """

    size: int
    rates: tuple[float, ...]
    overall: float
    blocks: tuple[int, ...]
    seconds: tuple[float, ...]
    gas: tuple[int, ...]
    mean_gas: float
    transactions: int
    lives: int
    completed: int
    block_seconds: float
    gas_a_second: float
    usage: Usage

    def json(self) -> dict[str, Json]:
        """For the report."""
        return {
            "wave_size": self.size,
            "models_per_second": Spread(self.rates).json(),
            "models_per_second_overall": round(self.overall, 2),
            "delay_blocks": Spread(self.blocks).brief(),
            "delay_seconds": Spread(tuple(round(seconds, 2) for seconds in self.seconds)).brief(),
            "transactions_per_model": self.transactions,
            "gas_per_model": Spread(self.gas).brief(),
            "gas_per_model_mean": round(self.mean_gas, 1),
            "lives": self.lives,
            "lives_completed": self.completed,
            "block_seconds": round(self.block_seconds, 3),
            "megagas_a_second": round(self.gas_a_second / 1e6, 1),
            "usage": self.usage.json(),
        }


def measure(profile: Profile, folder: Path, say: Say) -> Mapping[str, Json]:
    """Models per second on each chain of the profile: for each, all wave sizes, the best and its figures."""
    loads = {name: load for name, load in profile.loads.items() if load.wave_sizes}

    def on_one(network: Network, treasury: Treasury, name: str, load: Load) -> dict[str, Json]:
        return _on(network, treasury, name, load.wave_sizes, profile, say)

    return on_each(loads, folder, say, on_one)


def _on(
    network: Network, treasury: Treasury, name: str, sizes: Sequence[int], profile: Profile, say: Say
) -> dict[str, Json]:
    site = treasury.open_market()
    tried = []
    for size in sizes:
        say(f"{title(name)}: models per second, {size} lives with each block")
        tried.append(run(network, treasury, site, size, profile))
        say(f"{title(name)}: {median(tried[-1].rates):.1f} models/s in {median(tried[-1].blocks):g} blocks")
    best = best_of(tried)
    return {
        "version": network.version,
        "nodes": len(network.ports),
        "settings": dict(network.settings),
        "best": best.json(),
        "tried": [one.json() for one in tried],
    }


def best_of(tried: Sequence[Stretch]) -> Stretch:
    """The quickest in which most waves took each stage in the next block; the quickest of all if none did."""
    in_time = [one for one in tried if median(one.blocks) <= STAGES]
    return max(in_time or tried, key=lambda one: median(one.rates))


def run(network: Network, treasury: Treasury, site: Site, size: int, profile: Profile) -> Stretch:
    """Measures waves of `size` lives.

    Args:
        network: the chain.
        treasury: pays the members.
        site: the market on it.
        size: lives that begin with a block.
        profile: repetitions, and waves in each.

    Raises:
        NodeUnavailable: the chain failed, or a life came to no end.
    """
    counted = profile.repetitions * profile.waves
    count = counted + 2 * STAGES
    names = [f"{site.market} {size} {number}" for number in range(size * count)]
    treasury.endow(addresses(names))
    stages = sign_all(site, names, joined=True)
    waves = split(stages, size, count)
    with Meter(network.groups) as meter:
        blocks = drive(network.ports, waves, AT_ONCE, profile.limit)
    ended = completed(network, site, blocks)
    if ended != len(names):
        raise NodeUnavailable(f"of {len(names)} lives {len(names) - ended} came to no end")
    return stretch(waves, profile.repetitions, blocks, _gas(network, waves[0]), ended, meter.usage)


def stretch(
    waves: Sequence[Wave],
    repetitions: int,
    blocks: Sequence[Block],
    gas: Sequence[int],
    completed: int,
    usage: Usage,
) -> Stretch:
    """The figures of waves that have ended.

    Args:
        waves: in the order in which they began; the first and the last eight are not counted.
        repetitions: into which the counted ones are divided.
        blocks: that were seen.
        gas: of each life of a sample.
        completed: how many lives.
        usage: meanwhile.
    """
    counted = waves[STAGES : len(waves) - STAGES]
    length = len(counted) // repetitions
    # on a chain that is behind, a wave may overtake the one before it
    ends = [max(wave.ended_at for wave in waves[: STAGES + part * length]) for part in range(repetitions + 1)]
    rates = tuple(
        sum(wave.lives for wave in counted[part * length : (part + 1) * length])
        / (ends[part + 1] - ends[part])
        for part in range(repetitions)
    )
    window = ends[-1] - ends[0]
    inside = [block for block in blocks if ends[0] < block.seen_at <= ends[-1]]
    whole = max(wave.ended_at for wave in waves) - waves[0].began_at
    return Stretch(
        size=waves[0].lives,
        rates=rates,
        overall=sum(wave.lives for wave in waves) / whole,
        blocks=tuple(wave.blocks for wave in counted),
        seconds=tuple(wave.seconds for wave in counted),
        gas=tuple(gas),
        mean_gas=sum(block.gas_used for block in blocks) / sum(wave.lives for wave in waves),
        transactions=sum(map(len, waves[0].stages)) // waves[0].lives,
        lives=sum(wave.lives for wave in waves),
        completed=completed,
        block_seconds=window / len(inside),
        gas_a_second=sum(block.gas_used for block in inside) / window,
        usage=usage,
    )


def completed(network: Network, site: Site, blocks: Sequence[Block]) -> int:
    """How many couples the market completed in these blocks, by its events: the last of a life's acts."""
    topic = next(
        event_abi_to_log_topic(entry)  # type: ignore[arg-type]
        for entry in site.abi
        if (entry["type"], entry.get("name")) == ("event", "CoupleCompleted")
    )
    return len(logged(network.ports[0], site.market, blocks, "0x" + topic.hex()))


def _gas(network: Network, wave: Wave) -> list[int]:
    """What each life of a sample of a wave cost, from the receipts."""
    sample = [one for stage in wave.stages for one in stage if one.life < SAMPLE]
    ask = [("eth_getTransactionReceipt", [one.signed.hash]) for one in sample]
    with RpcNode(network.ports[0]) as node:
        receipts = node.ask_all(ask)
    gas: dict[int, int] = {}
    for one, receipt in zip(sample, receipts, strict=True):
        gas[one.life] = gas.get(one.life, 0) + int(receipt["gasUsed"], 16)
    return list(gas.values())
