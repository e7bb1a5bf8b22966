"""One life on every backend: the rules in memory and the EVM in this process do as real nodes do, to the gas.

All other tests of what the contract does and costs stand on one of these two.

Rules: T12, S15, S21.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase, InstanceStatus
from agents.core.errors import Refused
from agents.core.events import InstanceJoined, JobReported, MarketEvent
from agents.core.ids import Address
from scripts.local_chain import KINDS, ROOT
from testing.backend import Backend
from testing.evm import Evm
from testing.evm_script import EvmMarket
from testing.fake_market import FakeMarket
from testing.node_market import NodeMarket, fresh_client
from testing.script import FORGED, Script

Answer = tuple[object, ...]
"""A call, and its events or why it is refused; receipts, which differ from chain to chain, are left out."""


def life(script: Script) -> None:
    """Two rounds with every verdict and every way out; some calls are refused."""
    attempt(lambda: script.offer())
    script.bring_to(CouplePhase.APPROVED)
    attempt(lambda: script.start(by=script.stranger))
    script.play_round("AAAFM", "AGAAA")
    attempt(lambda: script.settle(0, FORGED))
    attempt(lambda: script.settle(0, reports=[]))
    script.settle_all()
    script.send(script.do, calls.retire_ci(script.cis(0)[0]))
    script.start()
    script.draw()
    script.answer(*(word[: len(script.assigned(subset))] for subset, word in enumerate(("AMM", "GGGAA"))))
    script.close()
    attempt(lambda: script.complete(by=script.do))
    script.complete()
    for ci, instance in list(script.market.instances.items()):
        if instance.status is InstanceStatus.VERIFIED:
            script.send(script.owner(ci), calls.retire_ci(ci))
    script.now += script.terms.unbonding_seconds + 1
    for ci in (*script.cis(0), *script.cis(1)):
        script.send(script.stranger, calls.release_ci(ci))
    for member in (script.do, script.mo, *script.cos):
        script.send(member, calls.withdraw(script.coins(member)))


def attempt(act: Callable[[], object]) -> None:
    """Makes a call that is refused."""
    with pytest.raises(Refused):
        act()


class Recorder(Backend):
    """Notes what a backend answers, and what it costs where that is known."""

    def __init__(self, chain: Backend, gas: Callable[[], int] = int) -> None:
        super().__init__(chain.now)
        self.domain, self.chain, self.gas = chain.domain, chain, gas
        self.answers: list[Answer] = []
        self.costs: list[tuple[Call, int]] = []

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        self.chain.now = self.now
        try:
            events = self.chain.send(sender, call)
        except Refused as refused:
            self.answers.append((call.function, refused.error, refused.arguments))
            raise
        self.now, self.mirror = self.chain.now, self.chain.mirror
        self.answers.append((call.function, *map(without_receipt, events)))
        self.costs.append((call, self.gas()))
        return events


def without_receipt(event: MarketEvent) -> MarketEvent:
    if isinstance(event, JobReported):
        return replace(event, hash=b"")
    return replace(event, data_hash=b"") if isinstance(event, InstanceJoined) else event


class ColdEvm(Evm):
    """Every call finds the market as a transaction does."""

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        self.cool()
        return super().send(sender, call)


def lived(chain: Backend, gas: Callable[[], int] = int) -> Recorder:
    recorder = Recorder(chain, gas)
    script = Script(replicas=5, rounds=2, balance=10**6, subsets=2, subsets_per_round=2)
    script.chain = recorder
    life(script)
    assert not any(script.coins(member) for member in (script.do, script.mo, *script.cos))
    return recorder


def on_the_evm() -> Recorder:
    evm = ColdEvm()
    return lived(EvmMarket(evm), lambda: evm.gas_used)


@pytest.fixture(scope="module", params=KINDS)
def on_a_node(request: pytest.FixtureRequest) -> Iterator[Recorder]:
    if not (ROOT / "node_modules" / ".bin" / KINDS[request.param].program).exists():
        pytest.skip(f"{request.param} is not installed for this platform")
    with fresh_client(request.param) as client:
        market = NodeMarket(client)
        yield lived(market, lambda: market.gas_used)


def test_the_rules_in_memory_answer_as_the_contract() -> None:
    assert lived(FakeMarket()).answers == on_the_evm().answers


def test_a_node_answers_as_the_evm_in_this_process(on_a_node: Recorder) -> None:
    assert on_a_node.answers == on_the_evm().answers


def test_a_call_costs_on_a_node_what_it_costs_on_the_evm(on_a_node: Recorder) -> None:
    here = on_the_evm().costs
    same = [pair for pair in zip(on_a_node.costs, here, strict=True) if pair[0][0] == pair[1][0]]
    assert len(same) >= len(here) / 2, "the others carry receipts of another chain"
    assert [there for there, _ in same] == [ours for _, ours in same]
