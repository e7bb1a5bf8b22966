"""The way out: from where a play stands, time and calls that anybody may make free every coin."""

from __future__ import annotations

import math
from collections.abc import Iterator

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as P
from agents.core.hashing import set_bits
from agents.core.market import Market

_EXITS = {P.LAPSED: calls.expire_request, P.WITHHELD: calls.expire_draw, P.ENDED: calls.expire_tc}


def exits(market: Market, now: int) -> Iterator[Call]:
    """What anybody may call now because the time of others is over."""
    for couple in market.couples.values():
        phase = market.phase_of(couple, now)
        if phase in _EXITS:
            yield _EXITS[phase](couple.id)
        elif phase is P.OVERDUE:
            yield calls.close_round(couple.id, set_bits(couple.pending))
    for instance in market.instances.values():
        if now > market.releasable_after(instance):
            yield calls.release_ci(instance.id)


def next_exit(market: Market, now: int) -> int | None:
    """The first second in which somebody who is waited for is late; None if nobody is waited for."""
    waits = [market.releasable_after(instance) for instance in market.instances.values()]
    for couple in market.couples.values():
        phase = market.phase_of(couple, now)
        if phase in (P.REQUESTED, P.DRAWING):
            waits.append(couple.deadline)
        elif phase in (P.TRAINING, P.SETTLING):
            waits.append(market.settle_deadline(couple))
        elif phase is P.APPROVED:
            waits.append(couple.window_ends_at)
    ahead = [int(second) for second in waits if second != math.inf]
    return max(now, min(ahead) + 1) if ahead else None
