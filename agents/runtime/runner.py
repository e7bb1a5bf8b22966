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

from agents.chain.client import BlockRef
from agents.chain.sender import Sent
from agents.core.calls import Call
from agents.core.errors import Retry
from agents.core.events import Logged
from agents.core.market import Market
from agents.roles.acts import Party, Send, Situation, Task
from agents.runtime.backoff import Backoff
from agents.runtime.executor import Executor, ExecutorLimits
from agents.runtime.stop import Stop
from agents.runtime.supervisor import Supervisor
from agents.storage.journal import Journal

log = logging.getLogger(__name__)


class Batch(Protocol):
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


class Events(Protocol):
    """Where a runner reads: `agents.chain.history.EventStream`."""

    def replay(self) -> Iterable[Logged]:
        """All events that are known, oldest first."""

    def poll(self) -> Batch:
        """Asks the chain for more."""


class TransactionSender(Protocol):
    """Where a runner sends: `agents.chain.sender.Sender`."""

    @property
    def height(self) -> int:
        """What was sent is in blocks up to this one."""

    def resume(self) -> object:
        """Finishes what was signed before a crash."""

    def send(self, calls: Sequence[Call]) -> Sent:
        """Sends calls, in order, and waits until they are mined; says of each whether it was refused."""


@dataclass
class Runner:
    """Runs one role.

    Attributes:
        clock: wall-clock seconds.
        poll_seconds: how long it rests when nothing is due.
        job_seconds: how long a job may run.
    """

    role: Party
    executor: Executor
    events: Events
    transactions: TransactionSender
    journal: Journal
    clock: Callable[[], float]
    poll_seconds: float = 0.5
    job_seconds: float = ExecutorLimits.job_seconds
    backoff: Backoff = field(default_factory=Backoff)
    market: Market = field(init=False)
    supervisor: Supervisor = field(init=False)

    def __post_init__(self) -> None:
        self.market = Market(self.events.replay())
        self.supervisor = Supervisor(self.executor, self.journal, self.clock, self.job_seconds)

    def run(self, stop: Stop) -> None:
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
                busy = False
                stop.wait(wait)
            if not busy:
                stop.wait(self.poll_seconds, *self.executor.connections)

    def step(self) -> bool:
        """Does what is due now; whether anything came of it.

        Raises:
            Retry: the chain's node did not answer.
        """
        self.supervisor.record()
        self.transactions.resume()
        if self._catch_up() < self.transactions.height:
            return False  # the node does not show our own last transaction yet: do not decide it again
        situation = Situation(self.market, self.journal, max(int(self.clock()), self.market.timestamp))
        acts = self.role.decide(situation)
        sent = self._send([act.call for act in acts if isinstance(act, Send)])
        self.supervisor.ask([act for act in acts if isinstance(act, Task)])
        return self.supervisor.record() or sent

    def _catch_up(self) -> int:
        """Reads to the chain's head: on less, decisions would be about the past.

        Returns:
            The block up to which all events are in.
        """
        while True:
            batch = self.events.poll()
            if batch.rolled_back:
                log.warning("the chain took back some of its history; starting again from what it says now")
                self.market = Market(self.events.replay())
            for logged in batch.events:
                self.market.apply(logged)
            if not batch.behind:
                return batch.upto.number

    def _send(self, calls: Iterable[Call]) -> bool:
        now = self.clock()
        ready = [call for call in calls if self.backoff.ready(repr(call), now)]
        if not ready:
            return False
        outcomes = self.transactions.send(ready).outcomes
        for outcome in outcomes:
            name, key = outcome.call.function, repr(outcome.call)
            if outcome.refusal is None:
                log.info("sent %s", name)
                self.backoff.succeeded(key)
            else:
                wait = self.backoff.failed(key, now)
                log.info("%s refused: %s; next try in %g s", name, outcome.refusal, wait)
        return any(outcome.refusal is None for outcome in outcomes)
