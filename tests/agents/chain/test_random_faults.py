"""Faults at random, one after the other and at once: nothing sent twice, nothing paid twice, all ends.

Rules: A7, A10, A81, A82, A83, A84.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.node import Node
from agents.chain.wallet import Wallet
from agents.core import calls
from agents.core.calls import Call
from agents.core.errors import NodeUnavailable
from tests.agents.chain.conftest import MARKET, Clock
from tests.agents.chain.desk import Desk, numbers, retire
from tests.agents.chain.stub_node import GWEI, StubNode

WANTED = [retire(1), retire(2), calls.deposit(0xDE), retire(3), calls.withdraw(4)]
READ = ["eth_getTransactionCount", "eth_getTransactionReceipt", "eth_getBlockByNumber", "eth_getBalance"]
METHODS = [*READ, "eth_sendRawTransaction", "eth_estimateGas", "eth_feeHistory", "eth_getTransactionByHash"]
STEPS = 30
QUIET_STEPS = 120
MOST_FAILED = 10


class Member:
    """Wants each of a few things once, of a chain with faults, and decides on what it has read of it.

    Args:
        gas: what a transaction takes in truth; 50,000 are estimated, and 62,500 allowed at first.
    """

    def __init__(self, deployment: Deployment, codec: Codec, wallet: Wallet, gas: int) -> None:
        self.node = StubNode(MARKET, automine=False, takes=lambda _: gas)
        self.clock = Clock()
        node = Node([Endpoint(self.node, codec.refusal)], self.clock, sleep=lambda _: None)
        client = MarketClient(deployment, node, codec)
        self.desk = Desk(self.node, client, wallet, self.clock, ChainDatabase(":memory:"))
        self.wallet = wallet

    def step(self) -> None:
        """As a runner's: it decides only once it has read to its own last transaction."""
        self.clock.now += 3
        try:
            self.desk.advance()
            if len(self.node.blocks) > self.desk.sender.height:
                self.desk.submit(*self.wanted())
        except NodeUnavailable:
            pass

    def wanted(self) -> list[Call]:
        done = self.done()
        return [call for call in WANTED if str(call) not in done]

    def done(self) -> Counter[str]:
        by_number = {call.arguments[0] if call.arguments else call.value: str(call) for call in WANTED}
        return Counter(
            by_number[number]
            for block in self.node.blocks
            for one in block.transactions
            if one.hash not in block.failed
            for number in ([one.value] if one.value else numbers(one.data))
        )

    # --- faults ---

    def answer_again(self) -> None:
        self.node.altered.clear()

    def forget(self) -> None:
        self.node.pool.clear()

    def restart(self) -> None:
        self.desk.restart()

    def cost(self, base_fee: int) -> None:
        self.node.base_fee = base_fee

    def own(self, coins: int) -> None:
        self.node.balances[self.wallet.address] = coins

    def lack(self, method: str) -> None:
        self.node.lacking.add(method)

    def lose(self, method: str, count: int, *, answer: bool) -> None:
        (self.node.lost_answers if answer else self.node.lost_requests)[method] += count

    def answer_nothing(self, method: str) -> None:
        self.node.altered[method] = lambda _: None

    def lag(self, nonces: int, receipts: int) -> None:
        most = len(self.node.blocks) - 1
        self.node.lag, self.node.receipt_lag = min(nonces, most), min(receipts, most)

    def mine(self, *, empty: bool) -> None:
        held, self.node.pool = self.node.pool, [] if empty else self.node.pool
        self.node.mine()
        self.node.pool += held if empty else []

    def take_back(self, depth: int, *, forget: bool) -> None:
        depth = min(depth, len(self.node.blocks) - 2)
        if depth > 0:
            self.node.take_back(depth, forget=forget)
            self.lag(self.node.lag, self.node.receipt_lag)

    def recover(self) -> None:
        """From here on all is well."""
        node = self.node
        node.lag = node.receipt_lag = 0
        for kept in (node.altered, node.lost_answers, node.lost_requests, node.lacking, node.errors):
            kept.clear()
        node.base_fee, node.balances = GWEI, StubNode(MARKET).balances


@dataclass(frozen=True)
class Fault:
    """One of a member's methods, or one of its node's fields set, by name: so that a failure can be read."""

    what: str
    arguments: tuple[Any, ...] = ()
    options: tuple[tuple[str, bool], ...] = ()

    def __call__(self, member: Member) -> None:
        getattr(member, self.what)(*self.arguments, **dict(self.options))


def fault(what: str, *arguments: Any, **options: Any) -> st.SearchStrategy[Fault]:
    """A fault with its arguments drawn."""
    drawn = st.fixed_dictionaries(options).map(lambda chosen: tuple(sorted(chosen.items())))
    return st.builds(Fault, st.just(what), st.tuples(*arguments), drawn)


METHOD = st.sampled_from(METHODS)
FAULTS = st.one_of(
    fault("lose", METHOD, st.integers(1, 3), answer=st.booleans()),
    fault("answer_nothing", METHOD),
    fault("answer_again"),
    fault("lag", st.integers(0, 3), st.integers(0, 6)),
    fault("mine", empty=st.booleans()),
    fault("mine", empty=st.booleans()),
    fault("take_back", st.integers(1, 3), forget=st.booleans()),
    fault("forget"),
    fault("restart"),
    fault("cost", st.sampled_from([GWEI, 40 * GWEI, 10**13])),
    fault("own", st.sampled_from([0, 10**15, 10**21])),
    fault(
        "lack", st.sampled_from(["eth_feeHistory", "eth_maxPriorityFeePerGas", "eth_getTransactionByHash"])
    ),
)

EVENTS = st.tuples(st.lists(FAULTS, max_size=3), st.booleans())
"""What happens at once, and whether a block comes then."""


def test_nothing_is_sent_or_paid_twice_and_all_ends(
    deployment: Deployment, codec: Codec, wallet: Wallet
) -> None:
    @settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(EVENTS, min_size=10, max_size=STEPS), st.sampled_from([50_000, 70_000]))
    def play(events: list[tuple[list[Fault], bool]], gas: int) -> None:
        member = Member(deployment, codec, wallet, gas)
        for together, mines in events:
            for one in together:
                one(member)
            member.step()
            if mines:
                member.mine(empty=False)
            assert all(count == 1 for count in member.done().values())
        member.recover()
        for _ in range(QUIET_STEPS):
            member.step()
            member.mine(empty=False)
        assert member.done() == Counter(map(str, WANTED))
        assert not member.desk.sender.in_flight
        nonces = [one.nonce for block in member.node.blocks for one in block.transactions]
        assert nonces == list(range(len(nonces)))
        failed = sum(len(block.failed) for block in member.node.blocks)
        assert failed <= MOST_FAILED, "each function out of gas thrice, and a bundle before"

    play()
