"""Throughput and latency of each kind of transaction by send rate (the paper's figures 5 to 9).

The paper's fifteen transactions, one after the other: each is sent once by each of many lives, at a fixed
rate, and the next kind begins when the last one is in blocks. Then the search for the knee: the highest send
rate that the chain keeps up with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from agents.chain.codec import Codec
from agents.core import calls
from agents.core.enums import Role
from benchmarks.crew import GAS_LIMIT, addresses, sign_all, signer_of
from benchmarks.each import on_each
from benchmarks.life import Life
from benchmarks.load import LoadOutcome, send
from benchmarks.nodes.chains import title
from benchmarks.nodes.network import Network
from benchmarks.profile import Json, Load, Profile, Say
from benchmarks.signing import RawTransaction
from benchmarks.site import Site, Treasury
from benchmarks.statistics import percentile
from benchmarks.usage import Meter

KNEE_SECONDS = 2.0
KNEE_BLOCKS = 2.5
"""A chain keeps up with a rate if 95 of 100 transactions wait no longer than so many blocks."""
KNEE_MEMBERS = 200
KNEE_MOST = 16_000
"""Transactions a second: more is not tried."""


def measure(profile: Profile, folder: Path, say: Say) -> Mapping[str, Json]:
    """Each chain of the profile: its kinds of transactions at each rate, and its knee."""
    loads = {name: load for name, load in profile.loads.items() if load.rates}

    def on_one(network: Network, treasury: Treasury, name: str, load: Load) -> dict[str, Json]:
        return _on(network, treasury, name, load, profile, say)

    return on_each(loads, folder, say, on_one)


def _on(
    network: Network, treasury: Treasury, name: str, load: Load, profile: Profile, say: Say
) -> dict[str, Json]:
    site = treasury.open_market()
    rates: dict[str, Json] = {}
    for rate in load.rates:
        say(f"{title(name)}: fifteen kinds of transactions at {rate} a second")
        rates[str(rate)] = _at(network, treasury, site, rate, load.seconds, profile.limit)
    figures: dict[str, Json] = {
        "version": network.version,
        "nodes": len(network.ports),
        "settings": dict(network.settings),
        "rates": rates,
    }
    if load.knee:
        say(f"{title(name)}: the highest send rate that it keeps up with")
        figures["knee"] = _knee(network, treasury, site, load.knee, profile)
    return figures


def _at(
    network: Network, treasury: Treasury, site: Site, rate: int, seconds: float, limit: float
) -> dict[str, Json]:
    names = [f"{site.market} at {rate}: {number}" for number in range(max(round(rate * seconds), 1))]
    treasury.endow(addresses(names))
    stages = sign_all(site, names, joined=False)
    outcomes: dict[str, LoadOutcome] = {}
    with Meter(network.groups) as meter:
        for stage in stages:
            signed = [one.signed for one in stage]
            outcomes[stage[0].kind] = send(network.ports, site.market, signed, rate, limit)
    together = list(outcomes.values())
    waits = [latency for outcome in together for latency in outcome.latencies]
    return {
        "kinds": {kind: outcome.json() for kind, outcome in outcomes.items()},
        "sent": sum(outcome.sent for outcome in together),
        "succeeded": sum(outcome.succeeded for outcome in together),
        "throughput": round(sum(outcome.throughput for outcome in together) / len(together), 1),
        "latency": {
            "mean": round(sum(waits) / len(waits), 3),
            "p50": round(percentile(waits, 0.5), 3),
            "p95": round(percentile(waits, 0.95), 3),
            "p99": round(percentile(waits, 0.99), 3),
        },
        "usage": meter.usage.json(),
    }


def search(keeps_up: Callable[[float], bool], begin: float, most: float, steps: int) -> float:
    """The highest rate, of those tried, that is kept up with.

    Doubles while it is, or halves until it is; then halves the interval between the last two `steps` times.

    Args:
        keeps_up: tries a rate.
        begin: the first rate to try.
        most: no higher one is tried.
        steps: how often the interval is halved.

    Returns:
        The rate; 0 if none down to a sixteenth of `begin` is kept up with.
    """
    good, bad = 0.0, begin
    if keeps_up(begin):
        good, bad = begin, min(2 * begin, most)
        while bad > good and keeps_up(bad):
            good, bad = bad, min(2 * bad, most)
    else:
        for halvings in range(1, 5):
            if keeps_up(begin / 2**halvings):
                good, bad = begin / 2**halvings, begin / 2 ** (halvings - 1)
                break
    for _ in range(steps if 0 < good < bad else 0):
        middle = (good + bad) / 2
        good, bad = (middle, bad) if keeps_up(middle) else (good, middle)
    return good


def _knee(network: Network, treasury: Treasury, site: Site, begin: int, profile: Profile) -> dict[str, Json]:
    """The knee for ``createMod``, which a model owner may send at any time and any number of times."""
    lives = [Life(f"{site.market} knee {number}") for number in range(KNEE_MEMBERS)]
    owners = [signer_of(life, Role.MODEL_OWNER, site) for life in lives]
    codec = Codec(site.abi)
    nonces = [0] * len(owners)
    treasury.endow([owner.address for owner in owners])

    def sign(count: int, data: bytes) -> list[RawTransaction]:
        signed = []
        for number in range(count):
            place = number % len(owners)
            signed.append(owners[place].sign(nonces[place], site.market, 0, data, GAS_LIMIT))
            nonces[place] += 1
        return signed

    registration = codec.call(calls.register(Role.MODEL_OWNER, bytes(64)))
    send(network.ports, site.market, sign(len(owners), registration), KNEE_MEMBERS, profile.limit)
    model = codec.call(calls.create_mod("linear", bytes(range(32)), bytes(range(32))))
    block_seconds = float(network.settings["block_seconds"])
    tried: list[Json] = []

    def keeps_up(rate: float) -> bool:
        signed = sign(round(rate * KNEE_SECONDS), model)
        outcome = send(network.ports, site.market, signed, rate, profile.limit)
        tried.append(outcome.json())
        if outcome.succeeded < outcome.sent:
            return False
        return percentile(outcome.latencies, 0.95) <= KNEE_BLOCKS * block_seconds

    highest = search(keeps_up, begin, KNEE_MOST, profile.knee_steps)
    return {"kind": "createMod", "transactions_a_second": highest, "at_most": KNEE_MOST, "tried": tried}
