"""Plays: a market and its model are given the same calls, and have to answer alike.

The model is `FakeMarket`, an independent account of all rules with the contract's own errors and events; what
is compared with it is every event, every refusal with its arguments, and every view. What must hold whatever
the model says is asked of the contract itself (`assurance.stateful.state_invariants`). A play ends by
everybody leaving through the exits (`assurance.stateful.exits`): afterwards no coin is left that nobody can
have.

A play is fixed by its seed, so a failure is repeated by playing it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from agents.audit.live import expected_views
from agents.core import calls
from agents.core import events as e
from agents.core.calls import Call
from agents.core.errors import Refused
from agents.core.ids import Address
from agents.core.market import Market
from assurance.stateful.exits import exits, next_exit
from assurance.stateful.moves import Moves
from assurance.stateful.nonsense import Nonsense
from assurance.stateful.participants import Participants
from assurance.stateful.round_invariants import hold
from assurance.stateful.state_invariants import StateInvariants
from testing.backend import MARKET
from testing.evm import Evm
from testing.fake_market import FakeMarket

_EVERY_VIEW = 100
"""Each so many steps all views are compared; those of what moves are looked at after each."""


@dataclass(frozen=True)
class Turn:
    """What was tried: one call, or a bundle that is one transaction."""

    now: int
    sender: Address
    bundle: tuple[Call, ...]

    def __str__(self) -> str:
        told = "; ".join(f"{call.function}{call.arguments}" for call in self.bundle)
        return f"at {self.now} {self.sender}: {told}"


@dataclass
class Tally:
    """What plays came to.

    Attributes:
        outcomes: how often a function was called with which outcome: "done" or the name of an error.
        verdicts: how often the market judged so, voided or flagged out.
    """

    steps: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Adds the figures of other plays."""
        self.steps += other.steps
        self.outcomes.update(other.outcomes)
        self.verdicts.update(other.verdicts)


class ViolationError(AssertionError):
    """The market did what it must not, or did not do what its model does.

    Attributes:
        trace: the steps up to the one that failed.
    """

    def __init__(self, what: str, trace: Sequence[Turn]) -> None:
        self.trace = tuple(trace)
        super().__init__(f"step {len(trace)}: {what}\n  {trace[-1] if trace else 'before the first step'}")


class RandomPlay:
    """One market from its deployment on.

    Attributes:
        trace: every step so far.
    """

    def __init__(self, market: Evm, rng: Random) -> None:
        self.market, self.rng = market, rng
        self.model = FakeMarket(market.now)
        self.participants = Participants.of(rng)
        self.invariants = StateInvariants(market, self.participants.everybody)
        self.trace: list[Turn] = []
        self.tally = Tally()
        self._spoil = rng.choice((0.05, 0.2, 0.5))
        self._haste = rng.choice((0.02, 0.05, 0.15))

    def run(self, steps: int) -> Tally:
        """Plays so many steps, then leaves.

        Raises:
            ViolationError: something does not hold.
        """
        try:
            for number in range(steps):
                self.step()
                if number % _EVERY_VIEW == 0:
                    self._compare_views()
            self.leave()
            self._compare_views()
        except AssertionError as broken:
            raise ViolationError(str(broken), self.trace) from broken
        return self.tally

    def step(self) -> None:
        """Lets somebody try something, at some time."""
        rng = self.rng
        if rng.random() < self._haste:
            self._wait()
        if rng.random() < 0.002:
            amount = rng.choice((1, 10**6))
            self.market.force(amount)
            self.invariants.forced += amount
        bundle_size = rng.choice((2, 3)) if rng.random() < 0.04 else 1
        sender, first = self._pick(None)
        bundle = [first]
        while len(bundle) < bundle_size:
            bundle.append(self._pick(sender)[1])
        self.perform(sender, bundle if bundle_size == 1 else [replace(call, value=0) for call in bundle])

    def leave(self) -> None:
        """Everybody goes by the exits alone, each as soon as it opens, and takes its coins along."""
        stranger = self.participants.strangers[0]
        while True:
            while ways := list(exits(self._mirror, self.model.now)):
                self.perform(stranger, [ways[0]], must=True)
            second = next_exit(self._mirror, self.model.now)
            if second is None:
                break
            self.model.now = second
        for member in self.participants.everybody:
            self.perform(member, [calls.withdraw(self._mirror.balances[member])], must=True)
        left = self.market.balance(MARKET) - self.invariants.forced
        hold(left == 0, f"{left} wei are trapped")

    def perform(self, sender: Address, bundle: Sequence[Call], must: bool = False) -> None:
        """Gives both the same transaction, at the model's time, and compares."""
        self.market.now = self.model.now
        self.trace.append(Turn(self.model.now, sender, tuple(bundle)))
        self.invariants.before()
        theirs, ours = self._send_market(sender, bundle), self._send_model(sender, bundle)
        hold(theirs == ours, f"the market: {theirs}\n  its model:  {ours}")
        refused = isinstance(theirs, tuple)
        hold(not (must and refused), f"an exit was refused: {theirs}")
        self.invariants.after([] if isinstance(theirs, tuple) else theirs, len(bundle))
        self._count(bundle, theirs)

    # --- choosing ---

    @property
    def _mirror(self) -> Market:
        return self.model.mirror

    def _pick(self, only: Address | None) -> tuple[Address, Call]:
        options = list(Moves(self._mirror, self.participants, self.model.now, self.rng))
        if only is not None:
            options = [option for option in options if option[1] == only]
        if not options:
            return self.rng.choice(self.participants.everybody), calls.withdraw(0)
        _, sender, make = self.rng.choices(options, [weight for weight, _, _ in options])[0]
        call = make()
        if only is None and self.rng.random() < self._spoil:
            return Nonsense(self._mirror, self.participants, self.rng).spoil(sender, call)
        return sender, call

    def _wait(self) -> None:
        """To the last second of somebody's window, the first after it, or some while."""
        rng, now = self.rng, self.model.now
        edge = next_exit(self._mirror, now)
        dates = [self._mirror.releasable_after(i) for i in self._mirror.instances.values()]
        dates += [c.deadline for c in self._mirror.couples.values()]
        dates += [c.window_ends_at for c in self._mirror.couples.values()]
        ahead = sorted(int(date) for date in dates if now <= date < 2**40)
        if ahead and rng.random() < 0.7:
            self.model.now = ahead[0 if rng.random() < 0.8 else rng.randrange(len(ahead))] + rng.randint(0, 1)
        elif edge and rng.random() < 0.1:
            self.model.now = edge
        else:
            self.model.now += rng.choice((1, 1, 12, 60, 3_600))

    # --- sending and comparing ---

    def _send_market(
        self, sender: Address, bundle: Sequence[Call]
    ) -> list[e.MarketEvent] | tuple[object, ...]:
        call = bundle[0]
        if len(bundle) > 1:
            call = Call("multicall", ([self.market.encode(part) for part in bundle],))
        try:
            return self.market.send(sender, call)
        except Refused as refused:
            return refused.error, *refused.arguments

    def _send_model(
        self, sender: Address, bundle: Sequence[Call]
    ) -> list[e.MarketEvent] | tuple[object, ...]:
        try:
            return self.model.send_all(sender, bundle)
        except Refused as refused:
            return refused.error, *refused.arguments

    def _compare_views(self) -> None:
        for what, view, ours in expected_views(self._mirror, self.model.now):
            theirs = self.invariants.look(view)
            hold(theirs == ours, f"{what}: {view.function} says {theirs}, the model {ours}")

    def _count(self, bundle: Sequence[Call], outcome: Sequence[object]) -> None:
        name = bundle[0].function if len(bundle) == 1 else "multicall"
        refused = isinstance(outcome, tuple)
        self.tally.steps += 1
        self.tally.outcomes[name, str(outcome[0]) if refused else "done"] += 1
        for event in outcome if not refused else ():
            if isinstance(event, e.JobJudged):
                self.tally.verdicts[event.verdict.name] += 1
            elif isinstance(event, e.SubsetSettled | e.SubsetVoided | e.RoundVoided):
                self.tally.verdicts[type(event).__name__] += 1


def play(market: Evm, seed: int, steps: int) -> Tally:
    """Plays ``steps`` steps on a fresh ``market``, then leaves it.

    Raises:
        ViolationError: something does not hold.
    """
    return RandomPlay(market, Random(seed)).run(steps)
