"""What the loop tells is in the metrics, in the pulse and in whether the agent is ready."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from agents.chain.blocks import BlockRef
from agents.chain.database import ChainDatabase
from agents.chain.intents import IntentState, Outcome
from agents.chain.pulse import Pulse
from agents.chain.transactions import TransactionReceipt
from agents.core.amounts import ETHER
from agents.core.calls import draw_round
from agents.core.enums import CouplePhase
from agents.core.events import Deposited
from agents.core.market import Market
from agents.observe import watch as module
from agents.observe.watch import STANDSTILL_SECONDS, Watch, window_of
from agents.roles.acts import Send, Unaffordable
from agents.runtime.observer import Turn
from testing.script import Script
from tests.agents.chain.conftest import Clock


class Stub:
    """A node, a sender and a sentry, as far as they are looked at."""

    listens = True
    observe: Callable[..., None]

    def __init__(self) -> None:
        self.lags = {"the node a": 1}
        self.balance: int | None = 3 * ETHER
        self.states = {"drawRound/1": IntentState.WANTED}
        self.waiting: dict[str, str] = {}
        self.said: list[str] = []

    def publish(self, obstacle: str, metrics: bytes) -> None:
        assert metrics
        self.said.append(obstacle)


@dataclass
class Rig:
    script: Script = field(default_factory=lambda: Script().bring_to(CouplePhase.DRAWING))
    around: Any = field(default_factory=Stub)
    clock: Clock = field(default_factory=Clock)
    database: ChainDatabase = field(default_factory=lambda: ChainDatabase(":memory:"))

    def __post_init__(self) -> None:
        self.watch = Watch(
            "data-owner",
            self.script.do.address,
            self.around,
            self.around,
            lambda: 2,
            self.database,
            self.around,
            self.clock,
            self.clock,
        )

    def turn(self, block: int = 5, **facts: Any) -> None:
        upto = BlockRef(block, b"", self.script.now)
        self.watch.turned(Turn(self.script.market, upto, **facts))

    def value(self, name: str, **labels: str) -> float | None:
        return self.watch.metrics.registry.get_sample_value(f"holdfast_{name}", labels)

    @property
    def pulse(self) -> Pulse:
        ((text,),) = self.database.rows("SELECT json FROM pulse")
        return Pulse.parse(text)


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_a_turn_tells_of_chain_and_money(rig: Rig) -> None:
    rig.turn(gap=2)
    assert rig.value("chain_head_block") == 7
    assert rig.value("events_read_block") == 5
    assert rig.value("events_gap_blocks") == 2
    assert rig.value("events_repaired") == 2
    assert rig.value("node_lag_blocks", node="the node a") == 1
    assert rig.value("wallet_balance_ether") == 3
    assert rig.value("couples", phase="drawing") == 1
    bond = rig.script.dataset.terms.couple_bond
    assert rig.value("locked_ether", kind="couple_bond") == bond / ETHER
    assert rig.value("replicas", state="verified") == len(rig.script.market.instances)
    assert rig.value("resident_memory_bytes") > 10**6  # type: ignore[operator]


def test_the_nearest_deadline_of_each_window_is_told(rig: Rig) -> None:
    now, tc = rig.script.now, rig.script.tc
    sends = [Send(draw_round(tc, bytes(32)), deadline=now + left, window=100) for left in (50, 20)]
    rig.turn(acts=[*sends, Send(draw_round(tc, bytes(32)))])
    assert rig.value("deadline_remaining_seconds", kind="draw") == 20
    assert rig.value("deadline_window_left_ratio", kind="draw") == 0.2
    assert rig.value("deadline_remaining_seconds", kind="report") == float("inf")
    assert window_of(sends[0]) == "draw"


def test_transactions_are_counted_timed_and_paid_for_once(rig: Rig) -> None:
    receipt = TransactionReceipt(b"t" * 32, 5, b"b" * 32, 21_000, ETHER // 4, True)
    rig.watch.moved(Outcome("a/1", IntentState.SENT))
    rig.clock.now += 3
    for key in ("a/1", "a/2"):  # a bundle's intents share a receipt
        rig.watch.moved(Outcome(key, IntentState.MINED, receipt))
    assert rig.value("transactions_total", result="mined") == 2
    assert rig.value("gas_spent_ether_total") == 0.25
    assert rig.value("transaction_confirmation_duration_seconds_sum") == 3


def test_work_is_counted_and_timed(rig: Rig) -> None:
    rig.watch.began("job/1", "TrainModel")
    rig.clock.now += 7
    rig.watch.ended("job/1", "TrainModel", "done")
    rig.watch.ended("job/2", "TrainModel", "failed")
    assert rig.value("tasks_total", task="TrainModel", result="done") == 1
    assert rig.value("tasks_total", task="TrainModel", result="failed") == 1
    assert rig.value("task_duration_seconds_sum", task="TrainModel") == 7


def test_events_reorgs_and_requests_are_counted(rig: Rig) -> None:
    rig.watch.read([_logged()], rolled_back=True)
    rig.around.observe("the node a", "eth_call", "answered", 0.2)
    rig.around.observe("the node a", "debug_strange", "failed", 0.2)
    assert rig.value("events_total", event="Deposited") == 1
    assert rig.value("reorgs_total") == 1
    assert rig.value("node_requests_total", node="the node a", method="eth_call", result="answered") == 1
    assert rig.value("node_requests_total", node="the node a", method="other", result="failed") == 1


def _logged() -> Any:
    return type("Logged", (), {"event": Deposited.__new__(Deposited)})()


def _is_empty(rig: Rig) -> None:
    rig.around.balance = 0
    rig.turn()


def _waits_for_gas(rig: Rig) -> None:
    rig.around.waiting["a"] = "a waits: gas is dear"
    rig.turn()


OBSTACLES: list[tuple[Callable[[Rig], None], str]] = [
    (lambda rig: rig.turn(gap=3), "3 blocks are there and cannot be had whole"),
    (lambda rig: rig.turn(trouble={"store": "it is away"}), "store: it is away"),
    (_is_empty, "the wallet is empty"),
    (_waits_for_gas, "gas is dear"),
    (lambda rig: rig.watch.failed("the node did not answer"), "the node did not answer"),
]


@pytest.mark.parametrize(("happens", "obstacle"), OBSTACLES)
def test_what_keeps_it_from_acting_is_said(happens: Callable[[Rig], None], obstacle: str, rig: Rig) -> None:
    rig.turn()
    assert (rig.around.said[-1], rig.value("ready")) == ("", 1)
    happens(rig)
    assert obstacle in rig.around.said[-1]
    assert obstacle in rig.pulse.obstacle
    assert rig.value("ready") == 0


def test_coins_that_lack_are_an_obstacle_and_left_undone(rig: Rig) -> None:
    act = Unaffordable(Send(draw_round(rig.script.tc, bytes(32)), 5), rig.script.do.address, 1)
    rig.turn(acts=[act])
    assert rig.around.said[-1] == act.words
    assert rig.pulse.left_undone == [act.words]


def test_a_chain_that_stands_still_is_an_obstacle(rig: Rig) -> None:
    rig.turn()
    rig.clock.now += STANDSTILL_SECONDS + 1
    rig.turn()
    assert re.match("the chain stands still: no block for 61 s", rig.around.said[-1])
    rig.turn(block=6)
    assert rig.around.said[-1] == ""
    rig.clock.now += STANDSTILL_SECONDS + 1
    rig.turn(block=6)
    assert rig.around.said[-1] == "", "a chain may be as slow as that"


def test_the_pulse_is_written_when_there_is_news_and_else_now_and_then(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    monkeypatch.setattr(Pulse, "keep", lambda pulse, _: kept.append(pulse.block))
    for block in range(5, 25):
        rig.clock.now += 1
        rig.turn(block, awaited="others" if block > 20 else "")
    assert kept == [5, 15, 21]


def test_numbers_are_summed_up_now_and_then(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    summed: list[object] = []

    def holdings(market: Market) -> dict[object, object]:
        summed.append(market)
        return {}

    monkeypatch.setattr(module, "holdings_of", holdings)
    for _ in range(40):
        rig.clock.now += 1
        rig.turn()
    assert len(summed) == 2
