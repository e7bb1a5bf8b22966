"""What the loop tells becomes metrics, readiness and the pulse that `holdfast status` reads."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from agents.chain.database import ChainDatabase
from agents.chain.intents import IntentState, Outcome
from agents.chain.node import Node
from agents.chain.pulse import Pulse
from agents.chain.sender import Sender
from agents.core.amounts import ETHER
from agents.core.enums import CouplePhase, InstanceStatus
from agents.core.errors import StorageFailed
from agents.core.events import Logged
from agents.core.ids import Address
from agents.core.market import Market
from agents.observe.metrics import LOCKED, METHODS, WINDOWS, Metrics, in_lower, resident_bytes
from agents.observe.sentry import Sentry
from agents.readmodel.accounts import holdings_of
from agents.readmodel.income import Income, income_of
from agents.readmodel.parts import couples_of, replicas_of
from agents.roles.acts import NO_DEADLINE, Act, LeftUndone, Send, Task, Unaffordable
from agents.runtime.observer import Observer, Turn

PULSE_SECONDS = 10.0
"""How often the pulse is written, if nothing new is to be told."""

PUBLISH_SECONDS = 1.0
"""How often what a scrape is answered with is made anew, if nothing new is to be told."""

SUMS_SECONDS = 30.0
"""How often what was paid and fined is summed up: that reads all rounds."""

STANDSTILL_SECONDS = 60.0
USUAL_BLOCKS = 10
"""A chain without a block for so long, and for so many of its usual intervals, stands still."""

_WINDOW_OF = {
    **dict.fromkeys(("joinCI", "refuseCI", "verifyCI", "approveTC", "declineTC"), "answer"),
    "drawRound": "draw",
    **dict.fromkeys(("updateTJ", "flagTJ"), "report"),
    **dict.fromkeys(("settleRound", "closeRound"), "settle"),
}


class Watch(Observer):
    """Observes one agent.

    Args:
        role: as its command is called.
        member: whose it is.
        node: its requests are counted.
        sender: what is under way, and what the wallet has.
        repaired: how many events were found late, since the start.
        database: keeps the pulse.
        sentry: is told of each turn.
        wall: seconds of this machine's clock; `clock`: seconds that only grow.
    """

    def __init__(
        self,
        role: str,
        member: Address,
        node: Node,
        sender: Sender,
        repaired: Callable[[], int],
        database: ChainDatabase,
        sentry: Sentry,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.metrics = Metrics(role, node.lags)
        self._node, self._sender, self._repaired = node, sender, repaired
        self._database, self._sentry = database, sentry
        self._wall, self._clock = wall, clock
        self._pulse = Pulse(wall(), role, member, -1, 0, obstacle="it is starting")
        self._kept_at = float("-inf")
        self._summed_at = self._published_at = float("-inf")
        self._begun: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._sent: dict[str, float] = {}
        self._paid: set[bytes] = set()
        self._last_block = (-1, clock())
        self._interval = 0.0
        node.observe = self._requested

    # --- what the loop tells ---

    def read(self, events: Sequence[Logged], *, rolled_back: bool) -> None:
        """See `Observer`."""
        self.metrics.reorgs.inc(rolled_back)
        for logged in events:
            self.metrics.events.labels(type(logged.event).__name__).inc()

    def moved(self, outcome: Outcome) -> None:
        """See `Observer`."""
        self.metrics.transactions.labels(outcome.state.value).inc()
        if outcome.state is IntentState.SENT:
            self._sent[outcome.key] = self._clock()
        elif outcome.key in self._sent:
            seconds = self._clock() - self._sent.pop(outcome.key)
            self.metrics.confirmation.observe(seconds)
        receipt = outcome.receipt
        if receipt is not None and receipt.transaction not in self._paid:
            self._paid = {*list(self._paid)[-99:], receipt.transaction}
            self.metrics.gas.inc(receipt.fee / ETHER)

    def began(self, task: str, kind: str) -> None:
        """See `Observer`."""
        self._begun[task] = self._clock()
        self.metrics.task_delay.labels(kind).observe(self._clock() - self._due.pop(task, self._clock()))

    def ended(self, task: str, kind: str, result: str) -> None:
        """See `Observer`."""
        self.metrics.task_results.labels(kind, result).inc()
        begun = self._begun.pop(task, None)
        if begun is not None:
            self.metrics.task_seconds.labels(kind).observe(self._clock() - begun)

    def turned(self, turn: Turn) -> None:
        """See `Observer`."""
        self._note_chain(turn)
        self._note_acts(turn)
        self._note_member(turn.market, turn.upto.timestamp)
        obstacle = next(self._obstacles(turn), "")
        self._tell(
            replace(
                self._pulse,
                block=turn.upto.number,
                block_time=turn.upto.timestamp,
                gap=turn.gap,
                wallet=self._sender.balance,
                obstacle=obstacle,
                awaited=turn.awaited,
                left_undone=[act.words for act in turn.acts if isinstance(act, LeftUndone)],
                intents={key: state.value for key, state in self._sender.states.items()},
                running=list(turn.running),
            )
        )

    def failed(self, trouble: str) -> None:
        """See `Observer`."""
        self._tell(replace(self._pulse, obstacle=trouble))

    # --- readiness ---

    def _obstacles(self, turn: Turn) -> Iterator[str]:
        """Why it cannot act as it should, the worst first."""
        if turn.gap:
            yield f"{turn.gap} blocks are there and cannot be had whole"
        still = self._clock() - self._last_block[1]
        if still > max(STANDSTILL_SECONDS, USUAL_BLOCKS * self._interval):
            yield f"the chain stands still: no block for {still:.0f} s"
        yield from (f"{what}: {trouble}" for what, trouble in turn.trouble.items() if trouble)
        yield from (act.words for act in turn.acts if isinstance(act, Unaffordable))
        yield from self._sender.waiting.values()
        if self._sender.balance == 0:
            yield "the wallet is empty: send it coins for gas"

    # --- numbers ---

    def _requested(self, node: str, method: str, result: str, seconds: float) -> None:
        self.metrics.requests.labels(node, method if method in METHODS else "other", result).inc()
        self.metrics.request_seconds.labels(node).observe(seconds)

    def _note_chain(self, turn: Turn) -> None:
        metrics, upto = self.metrics, turn.upto
        number, since = self._last_block
        if upto.number != number:
            if 0 <= number < upto.number:
                self._interval = (self._clock() - since) / (upto.number - number)
            self._last_block = upto.number, self._clock()
        metrics.head.set(upto.number + turn.gap)
        metrics.head_time.set(upto.timestamp)
        metrics.read.set(upto.number)
        metrics.gap.set(turn.gap)
        metrics.repaired.set(self._repaired())
        for name, lag in self._node.lags.items():
            metrics.lag.labels(name).set(lag)

    def _note_acts(self, turn: Turn) -> None:
        metrics, now = self.metrics, turn.upto.timestamp
        states = Counter(self._sender.states.values())
        for state in IntentState:
            metrics.intents.labels(state.value).set(states[state])
        tasks = [act.key for act in turn.acts if isinstance(act, Task)]
        waiting = [key for key in tasks if key not in turn.running]
        self._due = {key: self._due.get(key, self._clock()) for key in waiting}
        metrics.tasks.labels("running").set(len(turn.running))
        metrics.tasks.labels("waiting").set(len(waiting))
        for kind in WINDOWS:
            sends = [send for send in _timed(turn.acts) if window_of(send) == kind]
            left = min((send.deadline - now for send in sends), default=float("inf"))
            parts = ((send.deadline - now) / send.window for send in sends if send.window)
            metrics.deadline.labels(kind).set(left)
            metrics.window_left.labels(kind).set(min(parts, default=float("inf")))

    def _note_member(self, market: Market, now: int) -> None:
        metrics, member = self.metrics, self._pulse.member
        metrics.balance.set(market.balances.get(member, 0) / ETHER)
        if self._sender.balance is not None:
            metrics.wallet.set(self._sender.balance / ETHER)
        if self._clock() < self._summed_at + SUMS_SECONDS:
            return
        self._summed_at = self._clock()
        held = holdings_of(market).get(member)
        if held is not None:
            for kind, wei in zip(LOCKED, (held.bonds, held.escrows, held.couple_bonds), strict=True):
                metrics.locked.labels(kind).set(wei / ETHER)
        self._note_income(income_of(market, member))
        replicas = Counter(instance.status for instance in replicas_of(market, member))
        for status in InstanceStatus:
            metrics.replicas.labels(in_lower(status)).set(replicas[status])
        phases = Counter(market.phase_of(couple, now) for couple in couples_of(market, member))
        for phase in CouplePhase:
            metrics.couples.labels(in_lower(phase)).set(phases[phase])
        metrics.waiting.set(phases[CouplePhase.REQUESTED])

    def _note_income(self, income: Income) -> None:
        self.metrics.earned.set(income.earned / ETHER)
        for cause, wei in income.fined.items():
            self.metrics.fined.labels(cause).set(wei / ETHER)

    # --- whoever looks ---

    def _tell(self, pulse: Pulse) -> None:
        news = _timeless(pulse) != _timeless(self._pulse)
        self._pulse = replace(pulse, at=self._wall())
        if news or self._clock() >= self._kept_at + PULSE_SECONDS:
            self._kept_at = self._clock()
            self._keep()
        self.metrics.loop.set(self._pulse.at)
        self.metrics.ready.set(not pulse.obstacle)
        self.metrics.memory.set(resident_bytes())
        if self._sentry.listens and (news or self._clock() >= self._published_at + PUBLISH_SECONDS):
            self._published_at = self._clock()
            self._sentry.publish(pulse.obstacle, self.metrics.text())

    def _keep(self) -> None:
        try:
            self._pulse.keep(self._database)
        except StorageFailed:
            return  # the loop fails of it soon, at what matters


def window_of(send: Send) -> str:
    """The window in which a transaction is due, as a label has it."""
    return _WINDOW_OF.get(send.call.function, "other")


def _timed(acts: Sequence[Act]) -> list[Send]:
    return [act for act in acts if isinstance(act, Send) and act.deadline < NO_DEADLINE]


def _timeless(pulse: Pulse) -> Pulse:
    """What of a pulse is news when it changes."""
    return replace(pulse, at=0.0, block=0, block_time=0)
