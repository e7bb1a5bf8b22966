"""Whole lives of models of growing size, on the real contract in this process's EVM: their gas and time.

testing/gas_growth.py has the gas of each call by the size of what it is for. Here it is of whole lives: what
a dataset, a training, a market costs as one of its numbers grows and the others stay.

Gas is exact, as a receipt would tell it. Time is this process's processor time in the EVM, the least of
several plays; signing, blocks and network are no part of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from agents.audit.replay import audit
from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import Role
from agents.core.events import Logged, MarketEvent
from agents.core.ids import Address, couple_id
from agents.core.market import Market
from benchmarks.growth.fit import Growth
from testing.evm import Evm
from testing.evm_script import EvmScript

KEY = bytes(64)
COINS = 10**15
"""That each member pays in, in wei: enough for the largest life."""


class MeteredEvm(Evm):
    """Adds up what the calls used.

    Attributes:
        as_transactions: each call finds the market as a transaction does, cold. That is dear to arrange, so
            time is measured without it.
        gas: of all calls since it was last set. `seconds` likewise.
    """

    def __init__(self, *, as_transactions: bool) -> None:
        super().__init__()
        self.as_transactions = as_transactions
        self.gas = 0
        self.seconds = 0.0

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        """Mines a call; returns its events."""
        if self.as_transactions:
            self.cool()
        begun = time.process_time()
        events = super().send(sender, call)
        self.seconds += time.process_time() - begun
        self.gas += self.gas_used
        return events


@dataclass(frozen=True)
class Size:
    """Of a life. All subsets are drawn each round.

    Attributes:
        members: of the market, who are registered before and do nothing.
    """

    subsets: int = 1
    replicas: int = 1
    rounds: int = 1
    members: int = 0


def live(size: Size, *, as_transactions: bool) -> MeteredEvm:
    """A whole life, from registration to completion; the meter after it."""
    evm = MeteredEvm(as_transactions=False)
    for number in range(size.members):
        evm.send(Address(f"0x{number + 1:040x}"), calls.register(Role.CLOUD_OWNER, KEY, 0))
    evm.as_transactions, evm.gas, evm.seconds = as_transactions, 0, 0.0
    train(opened(size, evm))
    return evm


def opened(size: Size, evm: MeteredEvm) -> EvmScript:
    """Everybody registers, and all replicas come into the pool."""
    story = EvmScript(evm, size.replicas, size.rounds, subsets=size.subsets, subsets_per_round=size.subsets)
    story.register(COINS)
    story.offer()
    for index in range(size.subsets):
        story.name(subsets=[index])
    story.fill_pool()
    return story


def train(story: EvmScript) -> None:
    """A training from its request to its completion, everybody honest."""
    story.request()
    story.approve()
    for _ in range(story.rounds):
        story.play_round(*("A" * story.terms.max_replicas for _ in range(story.terms.subsets)))
        story.settle_all()
    story.send(story.mo, calls.complete_tc(story.tc, story.model_digest(0)))


def gas(sizes: Sequence[int], of: Callable[[int], Size]) -> Growth:
    """Gas of lives by size."""
    return Growth({size: float(live(of(size), as_transactions=True).gas) for size in sizes})


def seconds(sizes: Sequence[int], of: Callable[[int], Size], plays: int) -> Growth:
    """Processor seconds in the EVM of lives by size."""
    return Growth(
        {size: min(live(of(size), as_transactions=False).seconds for _ in range(plays)) for size in sizes}
    )


# --- the log ---


def log(trainings: int) -> tuple[tuple[Logged, ...], bytes]:
    """What a market logs of so many trainings of ten rounds on three replicas, one after the other.

    Returns:
        The log, and what the market's receipts begin with.
    """
    story = opened(Size(replicas=3, rounds=10), MeteredEvm(as_transactions=False))
    for number in range(1, trainings + 1):
        story.tc = couple_id(story.mo.address, number)
        train(story)
    return tuple(story.chain.history), story.chain.domain


def rebuilding(logs: Sequence[tuple[Logged, ...]], plays: int) -> Growth:
    """Processor seconds to rebuild the market from a log, by its events."""
    return Growth({len(events): _least(partial(Market, events), plays) for events in logs})


def auditing(logs: Sequence[tuple[Logged, ...]], domain: bytes, plays: int) -> Growth:
    """Processor seconds to audit a log, by its events: whatever a rule derives is derived anew."""
    return Growth({len(events): _least(partial(audit, events, domain), plays) for events in logs})


def _least(act: Callable[[], object], plays: int) -> float:
    taken = []
    for _ in range(plays):
        begun = time.process_time()
        act()
        taken.append(time.process_time() - begun)
    return min(taken)
