"""What must hold after every step, asked of the contract itself and of its events, never of the mirror."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from agents.chain import views
from agents.chain.views import CloudInstance, TrainCouple, View
from agents.core import events as e
from agents.core.enums import CouplePhase as P
from agents.core.enums import InstanceStatus as S
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, dataset_of
from assurance.stateful.round_invariants import RoundInvariants, hold
from testing.backend import MARKET
from testing.evm import Evm

T = TypeVar("T")

BY_TIME: dict[P, set[P]] = {
    P.REQUESTED: {P.LAPSED},
    P.APPROVED: {P.ENDED},
    P.DRAWING: {P.WITHHELD},
    P.TRAINING: {P.SETTLING, P.OVERDUE},
    P.SETTLING: {P.OVERDUE},
}
BY_CALL: dict[P, set[P]] = {
    P.NONE: {P.REQUESTED},
    P.REQUESTED: {P.APPROVED, P.DECLINED, P.CANCELLED},
    P.LAPSED: {P.CANCELLED},
    P.APPROVED: {P.DRAWING, P.COMPLETED},
    P.ENDED: {P.COMPLETED},
    P.DRAWING: {P.TRAINING, P.SETTLING},
    P.WITHHELD: {P.ABORTED},
    P.TRAINING: {P.SETTLING, P.OVERDUE},
    P.SETTLING: {P.APPROVED, P.ENDED},
    P.OVERDUE: {P.APPROVED, P.ENDED},
}
"""Where a couple may go; the phases that are not here are final. docs/states.md."""
INSTANCES: dict[S, set[S]] = {
    S.NONE: {S.FREE},
    S.FREE: {S.JOINED, S.REFUSED, S.RETIRED},
    S.JOINED: {S.VERIFIED, S.REJECTED, S.RETIRED},
    S.VERIFIED: {S.RETIRING, S.RETIRED},
    S.RETIRING: {S.RETIRED},
}
BONDED = frozenset(range(P.APPROVED, P.OVERDUE + 1))
"""The phases in which the data owner's bond is locked."""


def _within(calls: int, edges: Mapping[Any, set[Any]], start: Any) -> set[Any]:
    """Where so many calls may lead."""
    reached = {start}
    for _ in range(calls):
        reached |= {there for here in reached for there in edges.get(here, ())}
    return reached


class StateInvariants:
    """Looks at every balance and couple, and every instance that has not ended, after every step.

    Attributes:
        forced: coins that were forced upon the contract, in wei.
    """

    def __init__(self, market: Evm, accounts: Sequence[Address]) -> None:
        self.market = market
        self.forced = 0
        self.terms: dict[DatasetId, e.DatasetTerms] = {}
        self.instances: dict[InstanceId, View[CloudInstance]] = {}
        self.couples: dict[CoupleId, View[TrainCouple]] = {}
        self._balances = [views.balance_of(account) for account in accounts]
        self._seen: dict[View[Any], tuple[bytes, Any]] = {}
        self._looked_at = market.now
        self._calls = 1
        self._rounds: dict[CoupleId, RoundInvariants] = {}
        self._gone: set[InstanceId] = set()
        for balance in self._balances:
            self._look(balance)

    def look(self, view: View[T]) -> T:
        """What a view says now."""
        value: T = self._look(view)[1]
        return value

    def value(self, view: View[T]) -> T:
        """What a view said when it was last looked at."""
        value: T = self._seen[view][1]
        return value

    def before(self) -> None:
        """Looks at what time alone has done."""
        if self.market.now == self._looked_at:
            return
        self._looked_at = self.market.now
        for tc, view in self.couples.items():
            old, new = self._look(view)
            if old is not new and old is not None:
                may = BY_TIME.get(old.phase, set())
                hold(new == replace(old, phase=new.phase), f"time changed couple {tc:x}: {old} to {new}")
                hold(new.phase in may, f"time moved couple {tc:x} from {old.phase!r} to {new.phase!r}")
        others: list[View[Any]] = [*self._balances, *map(self.instances.__getitem__, self._open_instances())]
        for other in others:
            old, new = self._look(other)
            hold(old is new, f"time changed {other.function}: {old} to {new}")

    def after(self, events: Sequence[e.MarketEvent], calls: int = 1) -> None:
        """Looks at what a transaction of ``calls`` has done; without events, at that it has done nothing."""
        self._calls = calls
        for event in events:
            self._meet(event)
        changed = {tc for tc, couple in self.couples.items() if self._moved(couple, BY_CALL, P.NONE)}
        instances = [self._moved(self.instances[ci], INSTANCES, S.NONE) for ci in self._open_instances()]
        balances = [self._moved(balance, {}, None) for balance in self._balances]
        hold(
            bool(events) or not any((changed, *instances, *balances)),
            "a call without events changed the state",
        )
        self._conserved()
        for event in events:
            self._hear(event)
        for tc in changed:
            self._remaining(tc)

    # --- looking ---

    def _look(self, view: View[Any]) -> tuple[Any, Any]:
        """What a view said before, and what it says now: the same object if nothing changed."""
        raw = self.market.ask(view)
        known = self._seen.get(view)
        if known and known[0] == raw:
            return known[1], known[1]
        value = self.market.answer(view, raw)
        self._seen[view] = raw, value
        return known and known[1], value

    def _moved(self, view: View[Any], edges: Mapping[Any, set[Any]], nothing: Any) -> bool:
        """Looks, and holds that a status went along an edge."""
        old, new = self._look(view)
        if edges and old is not new:
            field = "phase" if nothing is P.NONE else "status"
            was, now = getattr(old, field, nothing), getattr(new, field)
            allowed = was is now or now in _within(self._calls, edges, was)
            hold(allowed, f"{view.function}({view.arguments[0]:x}) went from {was!r} to {now!r}")
        return old is not new

    def _open_instances(self) -> list[InstanceId]:
        """Those that are new, or not in a final status."""
        return [ci for ci, view in self.instances.items() if self._status(view) in INSTANCES]

    def _status(self, view: View[CloudInstance]) -> S:
        return self.value(view).status if view in self._seen else S.NONE

    def _meet(self, event: e.MarketEvent) -> None:
        """Whom there is to look at from now on."""
        if isinstance(event, e.DatasetCreated):
            self.terms[event.ds] = event.terms
        elif isinstance(event, e.InstanceCreated):
            self.instances[event.ci] = views.cloud_instance(event.ci)
        elif isinstance(event, e.CoupleRequested):
            self.couples[event.tc] = views.train_couple(event.tc)
            self._rounds[event.tc] = RoundInvariants(self.terms[event.ds], event)

    # --- the properties ---

    def _conserved(self) -> None:
        total = sum(self.value(view) for view in self._balances)
        total += sum(self.value(view).bond for view in self.instances.values())
        for view in self.couples.values():
            couple = self.value(view)
            total += couple.escrow
            if couple.phase in BONDED:
                total += self.terms[couple.ds].couple_bond
        held = self.market.balance(MARKET) - self.forced
        hold(total == held, f"conservation: the market holds {held}, its parts are {total}")

    def _hear(self, event: e.MarketEvent) -> None:
        if isinstance(event, e.InstanceRetired):
            self._gone.add(event.ci)
        round_ = self._rounds.get(getattr(event, "tc", None))  # type: ignore[arg-type]
        if round_ is None:
            return
        if isinstance(event, e.RoundDrawn):
            round_.begin(event, self._in_pool(round_, event.tc))
        else:
            round_.observe(event, self._gone)

    def _in_pool(self, round_: RoundInvariants, tc: CoupleId) -> list[tuple[InstanceId, Address]]:
        """The instances of the couple's dataset that were in the pool when its round was started."""
        version = self.value(self.couples[tc]).pool_version
        found = []
        for ci, view in self.instances.items():
            instance = self.value(view)
            left = instance.left_at or version + 1
            if dataset_of(ci) == round_.ds and 0 < instance.verified_at <= version < left:
                found.append((ci, instance.cloud_owner))
        return found

    def _remaining(self, tc: CoupleId) -> None:
        couple, round_ = self.value(self.couples[tc]), self._rounds[tc]
        if couple.phase in (P.TRAINING, P.SETTLING, P.OVERDUE):
            missing = len(round_.assigned) - len(round_.answers)
            hold(couple.rem == missing, f"rem of {tc:x} is {couple.rem}, but {missing} have not answered")
