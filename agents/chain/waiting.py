"""For commands, which have nothing else to do: sends calls and waits until each is mined or refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence

from agents.chain.intents import Intent, IntentState, Outcome
from agents.chain.sender import Sender
from agents.core.calls import Call
from agents.core.errors import NodeUnavailable, StopAgent

TIMEOUT_SECONDS = 180.0
FIRST_PAUSE_SECONDS = 0.02
LAST_PAUSE_SECONDS = 2.0


def send_and_wait(
    sender: Sender,
    calls: Sequence[Call],
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Outcome, ...]:
    """What becomes of calls, in their order; one that is under way already is not sent again.

    Args:
        sender: nobody else may use it meanwhile.
        calls: each a different intent.
        clock: seconds that only grow.
        sleep: waits for so many.

    Raises:
        NodeUnavailable: the node did not answer, or something is not mined in time: it stays in the outbox.
        StopAgent: the wallet cannot pay.
    """
    outcomes: dict[str, Outcome] = {}
    wanted = {intent.key: intent for intent in map(Intent, calls)}
    for _ in _looks(clock, sleep):
        _note(outcomes, sender.advance())
        _note(outcomes, sender.submit(intent for key, intent in wanted.items() if key not in outcomes))
        if outcomes.keys() >= wanted.keys():
            break
        if sender.waiting and not sender.in_flight:
            raise StopAgent(next(iter(sender.waiting.values())))
    return tuple(outcomes[key] for key in wanted)


def finish(
    sender: Sender,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Waits until what an earlier process signed is mined; arguments and errors as `send_and_wait`."""
    for _ in _looks(clock, sleep):
        sender.advance()
        if not sender.in_flight:
            break


def _looks(clock: Callable[[], float], sleep: Callable[[float], None]) -> Iterator[None]:
    """When to look at the chain, until whoever looks has seen enough."""
    deadline, pause = clock() + TIMEOUT_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        yield
        if clock() >= deadline:
            raise NodeUnavailable("a transaction was not mined in time: it stays in the outbox")
        sleep(pause)
        pause = min(2 * pause, LAST_PAUSE_SECONDS)


def _note(outcomes: dict[str, Outcome], told: Sequence[Outcome]) -> None:
    """Keeps what is final."""
    outcomes.update({outcome.key: outcome for outcome in told if outcome.state is not IntentState.SENT})
