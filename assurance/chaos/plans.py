"""What goes wrong, by name: each fault alone, and mixtures drawn by a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from assurance.chaos.agents import TIMEOUT_SECONDS
from testing.faults import Fault, answers, http, servers, transactions

MIXED = 3, 6
"""How many faults a mixture has: from, and to."""


@dataclass(frozen=True)
class Plan:
    """What goes wrong in a life.

    Attributes:
        faults: between each agent and the node.
        reorgs: whether blocks are taken back now and then.
        clock_seconds: how far the clocks of the agents' machines are ahead.
        seed: of all that is by chance.
    """

    name: str
    faults: tuple[Fault, ...] = ()
    reorgs: bool = False
    clock_seconds: float = 0.0
    seed: int = 0


UNDISTURBED = Plan("nothing")

_SLOW = TIMEOUT_SECONDS + 0.3

FAULTS: Mapping[str, tuple[Fault, ...]] = {
    # servers behind a load balancer
    "logs a block late in 20 % of requests": (servers.late_logs(0.2, 1),),
    "logs three blocks late in half of them": (servers.late_logs(0.5, 3),),
    "logs always five blocks late": (servers.late_logs(1.0, 5),),
    "half of the logs left out in 10 % of requests": (servers.short_logs(0.1),),
    "heads up and down": (servers.lagging(0.3, 3),),
    "sticky lag": (servers.sticky_lag(0.03, 3, 40),),
    "sticky lag and late logs": (servers.sticky_lag(0.03, 3, 40), servers.late_logs(0.3, 3)),
    "a server of another chain": (servers.wrong_chain(0.05),),
    # answers that should not be
    "null results": (answers.null_results(0.05),),
    "neither a result nor an error": (answers.empty_results(0.05),),
    "a pending log": (answers.pending_logs(1.0),),
    "one log twice": (answers.doubled_logs(1.0),),
    "a removed log": (answers.removed_logs(1.0),),
    "a log of a block that is not the chain's": (answers.dead_logs(1.0),),
    "another contract's log": (answers.foreign_logs(1.0),),
    "logs in any order": (answers.shuffled_logs(),),
    "fields lost or of another type": (answers.lost_fields(0.03),),
    "no blooms": (answers.no_blooms(),),
    "no blooms and no receipts by block": (answers.no_blooms(), answers.no_block_receipts()),
    "ranges of five blocks": (answers.small_ranges(5),),
    "ranges of one block, without a number": (answers.small_ranges(1, "query exceeds the limit"),),
    "ranges refused by HTTP 400": (http.small_ranges_by_status(5, 400),),
    "ranges refused by HTTP 413": (http.small_ranges_by_status(2, 413),),
    # the wire
    "a page instead of an answer": (http.html(0.05),),
    "HTTP 502": (http.html(0.05, 502),),
    "HTTP 503 for half of the requests": (http.html(0.5, 503),),
    "half an answer": (http.half_answers(0.05),),
    "the answer to another request": (http.wrong_ids(0.05),),
    "dropped connections": (http.dropped(0.05),),
    "slow answers": (http.slow(0.01, _SLOW),),
    "HTTP 429": (http.busy(0.05),),
    "HTTP 429 with seconds": (http.busy(0.05, 2),),
    "HTTP 429 with a date": (http.busy(0.05, 2, as_date=True),),
    "HTTP 403 now and then": (http.shut(0.005),),
    # what is sent
    "receipts without effectiveGasPrice": (transactions.no_effective_gas_price(),),
    "blocks without baseFeePerGas": (transactions.no_base_fee(0.1),),
    "no eth_maxPriorityFeePerGas": (transactions.no_tip_method(),),
    "estimates too low": (transactions.low_estimates(0.3),),
    "receipts six blocks late, the nonce current": (transactions.late_receipts(6),),
    "transactions forgotten": (transactions.lost_broadcasts(0.2),),
    "transactions taken without a word": (transactions.silent_broadcasts(0.3),),
    "transactions said to be known": (transactions.known_broadcasts(0.5),),
}
"""Each alone. Two more are no faults of a node: blocks taken back, and a clock that is fast."""

OF_TRANSACTIONS = frozenset(list(FAULTS)[-8:])
"""Those that concern what is sent."""

REORGS, FAST_CLOCK = "blocks taken back", "a clock fifteen minutes fast"


def alone(seed: int) -> Iterator[Plan]:
    """Each fault by itself."""
    for name, faults in FAULTS.items():
        yield Plan(name, faults, seed=seed)
    yield Plan(REORGS, reorgs=True, seed=seed)
    yield Plan(FAST_CLOCK, clock_seconds=900, seed=seed)


def mixture(seed: int) -> Plan:
    """Some faults at once, drawn by the seed."""
    rng = Random(f"mixture {seed}")
    names = rng.sample(sorted(FAULTS), rng.randint(*MIXED))
    reorgs = rng.random() < 0.3
    told = [*names, *([REORGS] if reorgs else [])]
    faults = tuple(fault for name in names for fault in FAULTS[name])
    return Plan(" + ".join(told), faults, reorgs, 900 * rng.randint(-1, 1), seed)
