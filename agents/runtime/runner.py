"""The runner: brings a role's decisions about, again and again, until nothing is due.

One step reads what the chain says, asks the role what is due, sends the transactions and has the work begun,
for which it does not wait. Nothing else is remembered but the journal's results, so a step can be cut off
anywhere and the next one, in this process or another, finds the same things due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.chain.blocks import ListedLog
from agents.chain.client import BlockRef
from agents.chain.intents import Intent, IntentState, Outcome
from agents.chain.transactions import TransactionReceipt
from agents.core.errors import Retry
from agents.core.events import Logged
from agents.core.market import Market
from agents.core.refusals import in_words
from agents.roles.acts import NO_DEADLINE, Act, LeftUndone, Note, Party, Send, Situation, Task
from agents.runtime.backoff import Backoff
from agents.runtime.executor import Executor, ExecutorLimits
from agents.runtime.observer import Observer, Turn
from agents.runtime.pace import Pace
from agents.runtime.stop import StopSignal
from agents.runtime.supervisor import Supervisor
from agents.storage.journal import Journal

log = logging.getLogger(__name__)


class NewEvents(Protocol):
    """What is new on the chain."""

    @property
    def events(self) -> Sequence[Logged]:
        """New events, oldest first."""

    @property
    def rolled_back(self) -> bool:
        """Whether events that were seen before are no longer the chain's."""

    @property
    def upto(self) -> BlockRef:
        """The block up to which all events were read."""

    @property
    def behind(self) -> int:
        """How many blocks there are that were not read yet."""

    @property
    def gap(self) -> int:
        """How many blocks there are that cannot be had whole."""


class Events(Protocol):
    """Where a runner reads: `agents.chain.history.EventStream`."""

    def mirror(self) -> Market:
        """The market as of all events that are known."""

    def keep(self, market: Market) -> None:
        """Keeps the market as of all events that are known, if it is time to."""

    def poll(self, *, resting: bool = False) -> NewEvents:
        """Asks the chain for more; with few requests while nothing is due."""

    def doubt(self, logged: Logged) -> bool:
        """An event does not fit those before it; whether all is read again because of it."""

    def distrust(self) -> None:
        """What was read is not what the contract says: all is read again."""

    def supply(self, block: int, events: Sequence[ListedLog]) -> bool:
        """Adds what the receipt of a transaction of ours shows; whether it was lacking."""


class Check(Protocol):
    """What a mirror is compared with: `agents.runtime.mirror_check.MirrorCheck`."""

    def is_due(self) -> bool:
        """Whether it is time to compare."""

    def holds(self, market: Market, upto: BlockRef) -> bool:
        """Whether the mirror says what the contract says."""


class TransactionSender(Protocol):
    """Where a runner sends: `agents.chain.sender.Sender`."""

    @property
    def height(self) -> int:
        """What was sent is in blocks up to this one."""

    @property
    def coins(self) -> int:
        """Wei in the wallet that can be paid in."""

    @property
    def in_flight(self) -> bool:
        """Whether something is signed and in no block that is known."""

    def advance(self) -> Sequence[Outcome]:
        """Moves what is signed, before a crash too, by what the chain says now; tells what is mined."""

    def submit(self, intents: Sequence[Intent]) -> Sequence[Outcome]:
        """Takes all that is wanted now and sends the first of it; tells what was sent, and what refused."""


@dataclass
class Runner:
    """Runs one role.

    Attributes:
        clock: seconds that only grow. Decisions are by the chain's time.
        pace: how long it rests when nothing is to be done at once.
        job_seconds: how long a job may run.
        check: of the mirror, now and then and before coins are locked; without one it is believed.
        tell_time: is told the chain's time.
        observer: is told what it does.
    """

    role: Party
    executor: Executor
    events: Events
    transactions: TransactionSender
    journal: Journal
    clock: Callable[[], float]
    pace: Pace = field(default_factory=Pace)
    job_seconds: float = ExecutorLimits.job_seconds
    backoff: Backoff = field(default_factory=Backoff)
    check: Check | None = None
    tell_time: Callable[[int], None] = lambda _: None
    observer: Observer = field(default_factory=Observer)
    market: Market = field(init=False)
    supervisor: Supervisor = field(init=False)
    _left_undone: set[str] = field(init=False, default_factory=set)
    _awaited: tuple[str, float] = field(init=False, default=("", 0.0))
    _upto: int = field(init=False, default=-1)
    _gap: int = field(init=False, default=0)
    _receipts: dict[bytes, TransactionReceipt] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.market = self.events.mirror()
        self.supervisor = Supervisor(
            self.executor, self.journal, self.clock, self.job_seconds, observer=self.observer
        )

    def run(self, stop: StopSignal) -> None:
        """Steps until `stop` is set.

        Raises:
            StopAgent, BadInput: the agent cannot go on.
        """
        while not stop.is_set():
            try:
                busy = self.step()
                self.backoff.succeeded("")
            except Retry as problem:
                wait = self.backoff.failed("", self.clock())
                log.warning("%s; next try in %g s", problem, wait)
                self.observer.failed(str(problem))
                busy = False
                stop.wait(wait)
            if not busy:
                stop.wait(self.pace.seconds, *self.executor.connections)

    def step(self) -> bool:
        """Does what is due now; whether anything came of it.

        Raises:
            Retry: the chain's node did not answer.
        """
        self.supervisor.record()
        moved = self._moved(self.transactions.advance)
        upto = self._catch_up()
        self.supervisor.now = upto.timestamp
        self.tell_time(upto.timestamp)
        if upto.number < self.transactions.height:
            self._turned(upto)
            return moved  # the node does not show our own last transaction yet: do not decide it again
        self._supply()
        situation = Situation(self.market, self.journal, upto.timestamp, self.transactions.coins)
        acts = self._sound(self.role.decide(situation), upto)
        self._tell_left_undone([act for act in acts if isinstance(act, LeftUndone)])
        awaited = self.role.awaits(situation)
        self._tell_awaited(awaited)
        noted = [act for act in acts if isinstance(act, Note)]
        for note in noted:
            self.journal.record(note.key, note.result)
        sent = self._submit([act for act in acts if isinstance(act, Send)])
        self.supervisor.ask([act for act in acts if isinstance(act, Task)])
        due = (
            sent
            or moved
            or self.transactions.in_flight
            or any(not isinstance(act, LeftUndone) for act in acts)
        )
        self._turned(upto, acts, awaited)
        self.pace.look(self.market, self.role.identity.address, upto, due=due)
        return self.supervisor.record() or sent or moved or bool(noted)

    def _catch_up(self) -> BlockRef:
        """Reads all that can be had: on less, decisions would be about the past.

        Returns:
            The block up to which all events are in.
        """
        while True:
            batch = self.events.poll(resting=self.pace.resting)
            self._came_to(batch.upto.number)
            self._gap = batch.gap
            self.observer.read(batch.events, rolled_back=batch.rolled_back)
            if batch.rolled_back:
                log.warning("what was read before is not what the chain says now; starting again from that")
                self.market = self.events.mirror()
            for logged in batch.events:
                self.market.apply(logged)
            doubted = [self.events.doubt(misfit) for misfit in self.market.take_misfits()]
            if not (batch.behind or any(doubted)):
                self.events.keep(self.market)
                return batch.upto

    def _turned(self, upto: BlockRef, acts: Sequence[Act] = (), awaited: str = "") -> None:
        trouble = {"store": self.supervisor.store_trouble}
        running = sorted(self.executor.running)
        self.observer.turned(
            Turn(self.market, upto, self._gap, acts, awaited, running, trouble, resting=self.pace.resting)
        )

    def _supply(self) -> None:
        """Makes sure that what our own transactions did is known."""
        for receipt in list(self._receipts.values()):
            if self.events.supply(receipt.block, receipt.events):
                self.market = self.events.mirror()
            del self._receipts[receipt.transaction]

    def _sound(self, acts: list[Act], upto: BlockRef) -> list[Act]:
        """The acts; without those that lock coins, while the mirror is not what the contract says."""
        risky = [act for act in acts if isinstance(act, Send) and (act.locks or act.call.value)]
        if self.check is None or not (risky or self.check.is_due()) or self.check.holds(self.market, upto):
            return acts
        self.events.distrust()
        return [act for act in acts if act not in risky]

    def _came_to(self, block: int) -> None:
        """A node that lets us read on, by whatever little, is asked again soon when it fails."""
        if block > self._upto:
            self.backoff.succeeded("")
        self._upto = block

    # --- transactions ---

    def _submit(self, sends: Iterable[Send]) -> bool:
        now = self.clock()
        intents = [_intent(send) for send in sends]
        ready = [intent for intent in intents if self.backoff.ready(intent.key, now)]
        return self._moved(lambda: self.transactions.submit(ready))

    def _moved(self, do: Callable[[], Sequence[Outcome]]) -> bool:
        """Whether transactions moved; a node that does not answer holds up neither reading nor work."""
        now = self.clock()
        if not self.backoff.ready(_SENDING, now):
            return False
        try:
            outcomes = do()
        except Retry as problem:
            log.warning("%s; next try in %g s", problem, self.backoff.failed(_SENDING, now))
            return False
        self.backoff.succeeded(_SENDING)
        moved = [self._note(outcome, now) for outcome in outcomes]
        return any(moved)

    def _note(self, outcome: Outcome, now: float) -> bool:
        """Tells what became of an intent; whether it came further."""
        self.observer.moved(outcome)
        if outcome.refusal is not None:
            wait = self.backoff.failed(outcome.key, now)
            why = in_words(outcome.refusal)
            log.info("%s refused: %s; next try in %g s", outcome.function, why, wait)
            return False
        if outcome.receipt is not None:
            self._receipts[outcome.receipt.transaction] = outcome.receipt
        if outcome.state is IntentState.MINED:
            self.backoff.succeeded(outcome.key)
            log.info("sent %s", outcome.function)
        return True

    def _tell_left_undone(self, acts: Iterable[LeftUndone]) -> None:
        """Says what is due and not done, once for as long as it is so."""
        before, self._left_undone = self._left_undone, set()
        for act in acts:
            self._left_undone.add(act.key)
            if act.key not in before:
                log.warning("%s", act.words)

    def _tell_awaited(self, awaited: str) -> None:
        """Says for what it waits, once for as long as it is so, when that is not over in a moment."""
        before, since = self._awaited
        if awaited != before:
            self._awaited = awaited, self.clock()
        elif awaited and self.clock() >= since + _A_MOMENT:
            self._awaited = awaited, float("inf")
            log.info("waiting for %s", awaited)


_A_MOMENT = 10.0
"""Seconds. Who waits for less is not worth a line."""

_SENDING = "transactions"
"""Under this name the node's failures with transactions wait."""


def _intent(send: Send) -> Intent:
    if send.deadline >= NO_DEADLINE:
        return Intent(send.call)
    return Intent(send.call, send.deadline, send.urgent_from)
