"""The chain's node, behind one URL or several: the next answers when one does not.

The first URL in the order of preference that is well serves; one step of an agent keeps to it unless it
fails. A URL that asks for a rest gets it; a short one is waited for, so that the step goes on. One that fails
is asked again after a while that grows, or earlier if no other is well: whoever asks has patience of its own.
One that turns out to be of another chain is out.
"""

from __future__ import annotations

import logging
import math
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from agents.chain.access import HttpAccess
from agents.chain.answers import NodeRefused, quantity
from agents.chain.endpoint import Endpoint, Explain
from agents.chain.peer import Peer
from agents.core.errors import BadInput, NodeUnavailable, Refused, WrongNetwork

log = logging.getLogger(__name__)

MOST_LAG = 2
"""How many blocks a URL may be behind the best of the others and still serve."""

LOOK_SECONDS = 60.0
"""How often the others are asked for their heads."""

SHORT_REST_SECONDS = 2.0
"""A rest, asked for by all who might answer, that is waited for in the middle of a step."""

_MOST_RESTS = 2


class Node:
    """The node of one chain.

    Args:
        endpoints: by preference, one at least.
        clock: seconds that only grow.
        draw: a number from 0 to 1, so that members do not all come back at once.
        sleep: waits for so many seconds.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if not endpoints:
            raise BadInput("no node is named: give its URL")
        self._peers = [Peer(endpoint) for endpoint in endpoints]
        self._serving = self._peers[0]
        self._clock = clock
        self._draw = draw
        self._sleep = sleep
        self._identify: Callable[[Endpoint], None] = lambda _: None
        self._looked_at = clock()
        self.observe: Callable[[str, str, str, float], None] = lambda *_: None
        """Is told of each request: the URL's name, the method, what came of it, and the seconds."""

    @classmethod
    def connect(
        cls,
        urls: str | Sequence[str],
        timeout_seconds: float,
        explain: Explain,
        clock: Callable[[], float] = time.monotonic,
        access: HttpAccess | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Node:
        """The node behind one HTTP URL or several, by preference.

        Raises:
            BadInput: one of them is none.
        """
        listed = [urls] if isinstance(urls, str) else list(dict.fromkeys(urls))
        endpoints = [Endpoint.connect(url, timeout_seconds, explain, access, sleep) for url in listed]
        return cls(endpoints, clock, sleep=sleep)

    @property
    def serving(self) -> Endpoint:
        """The URL that answers at present."""
        return self._serving.endpoint

    @property
    def lags(self) -> dict[str, int]:
        """Blocks behind the best of all, at the last look, by the URL's name."""
        return {peer.endpoint.name: peer.lag for peer in self._peers}

    @property
    def several(self) -> bool:
        """Whether more than one URL is left."""
        return sum(not peer.out for peer in self._peers) > 1

    def require(self, identify: Callable[[Endpoint], None]) -> None:
        """Has each URL show, before it answers anything else, that it is of the right chain.

        Args:
            identify: raises WrongNetwork if it is not.
        """
        self._identify = identify
        for peer in self._peers:
            peer.known = peer.ours = False

    def ask(self, method: str, *params: object) -> Any:
        """The result of one request, of the first URL that answers it.

        Raises:
            Refused: the contract reverted.
            NodeRefused: the node answered with another error.
            NodeUnavailable: no URL answered, or each asked for a rest that is not over.
            WrongNetwork: no URL is of our chain.
        """
        for _ in range(_MOST_RESTS):
            try:
                return self._ask(method, params)
            except NodeRefused:
                raise
            except NodeUnavailable:
                rest = self._rest()
                if rest > SHORT_REST_SECONDS:
                    raise
            self._sleep(rest)
        return self._ask(method, params)

    def _ask(self, method: str, params: Sequence[object]) -> Any:
        problem: NodeUnavailable | None = None
        for peer in self._willing():
            try:
                result = self._answer(peer, method, params)
            except (Refused, NodeRefused):
                self._serving = peer
                raise
            except NodeUnavailable as unanswered:
                problem = problem or unanswered
            else:
                self._serving = peer
                return result
        raise problem or self._resting()

    def ask_another(self, method: str, *params: object) -> Any:
        """The result of one request, of a URL that does not serve at present; errors as `ask`."""
        for peer in self._others():
            if peer.is_well(self._clock()):
                return self._answer(peer, method, params)
        raise NodeUnavailable("no other node answers")

    # --- who serves ---

    def begin(self) -> None:
        """Begins a step: the first URL that is well and not behind the others serves, if there is one."""
        if self.several and self._clock() >= self._looked_at + LOOK_SECONDS:
            self._look_around()
        well = [peer for peer in self._peers if peer.is_well(self._clock())]
        keeping_up = [peer for peer in well if peer.lag <= MOST_LAG]
        self._serving = next(iter([*keeping_up, *well]), self._serving)

    def turn(self, why: str) -> None:
        """Has the next URL serve: what this one answers is not whole."""
        if self.several:
            self._serving.failed(NodeUnavailable(why), self._clock(), self._draw())
            self.begin()

    def doubt(self) -> None:
        """Has the URL that serves show once more, at the next request, that it is of our chain."""
        self._serving.known = False

    def _look_around(self) -> None:
        self._looked_at = self._clock()
        heads = dict(self._heads())
        for peer, head in heads.items():
            peer.lag = max(heads.values()) - head

    def _heads(self) -> Iterator[tuple[Peer, int]]:
        for peer in self._peers:
            if peer.is_well(self._clock()):
                try:
                    yield peer, quantity(self._answer(peer, "eth_blockNumber", ()))
                except NodeUnavailable as problem:
                    log.debug("%s", problem)

    def _willing(self) -> Iterator[Peer]:
        """Whom to ask, one after the other: who serves, who is well, and who failed but asked for no rest."""
        asked = []
        for peer in (self._serving, *self._others()):
            if peer.is_well(self._clock()):
                asked.append(peer)
                yield peer
        tired = [peer for peer in self._peers if peer not in asked and peer.may_be_asked(self._clock())]
        yield from sorted(tired, key=lambda peer: peer.rest_until)

    def _others(self) -> list[Peer]:
        return [peer for peer in self._peers if peer is not self._serving]

    def _rest(self) -> float:
        """For how long nobody may be asked; more than can be waited for if it is not that."""
        now = self._clock()
        left = [peer for peer in self._peers if not peer.out]
        if not left or any(peer.may_be_asked(now) for peer in left):
            return math.inf
        return min(peer.rest_until for peer in left) - now

    def _resting(self) -> NodeUnavailable | WrongNetwork:
        left = [peer for peer in self._peers if not peer.out]
        if not left:
            return WrongNetwork("no node is of the deployment's chain: use the deployment that goes with it")
        first = min(left, key=lambda peer: peer.rest_until)
        seconds = max(0.0, first.rest_until - self._clock())
        return NodeUnavailable(f"{first.endpoint.name} asked for a rest, of which {seconds:.1f} s are left")

    # --- one URL ---

    def _answer(self, peer: Peer, method: str, params: Sequence[object]) -> Any:
        try:
            self._recognise(peer)
            result = self._observed(peer.endpoint, method, params)
        except (Refused, NodeRefused):
            peer.succeeded()
            raise
        except NodeUnavailable as problem:
            peer.failed(problem, self._clock(), self._draw())
            raise
        peer.succeeded()
        return result

    def _observed(self, endpoint: Endpoint, method: str, params: Sequence[object]) -> Any:
        begun, result = time.monotonic(), "failed"
        try:
            answer = endpoint.ask(method, *params)
            result = "answered"
        except (Refused, NodeRefused):
            result = "refused"
            raise
        finally:
            self.observe(endpoint.name, method, result, time.monotonic() - begun)
        return answer

    def _recognise(self, peer: Peer) -> None:
        if peer.known:
            return
        foreign = None
        try:
            self._identify(peer.endpoint)
        except WrongNetwork as problem:
            foreign = problem
        peer.recognise(foreign, self._clock())
        if foreign is not None:
            if all(other.out for other in self._peers):
                raise foreign
            log.warning("%s is not asked any more: %s", peer.endpoint.name, foreign)
            raise NodeUnavailable(str(foreign)) from None
