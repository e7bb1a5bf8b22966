"""One URL of a node: what it answers to a request, refuses, reverts with, or leaves unanswered.

A node's errors must be told apart: a revert with its data, a refusal, a request for a rest, and no answer at
all.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from agents.chain.access import HttpAccess
from agents.chain.answers import NodeBusy, NodeRefused, NodeShut, from_hex, plain
from agents.chain.transport import Http, Provider
from agents.core.errors import NodeUnavailable, Refused

EXECUTION_REVERTED = 3  # the code that geth and anvil give a revert
_LIMITS = (-32005, -32029)  # what providers give for a limit, of requests or of what one may ask for
_OF_RATE = re.compile(
    r"rate.?limit|request rate|too many requests|compute units|throttl|requests? (per|in a) |try again in|"
    r"call rate",
    re.IGNORECASE,
)
_OF_SIZE = re.compile(r"result|range|block|log|size|large", re.IGNORECASE)

Explain = Callable[[bytes], Refused]
"""What a revert's data say."""


class Endpoint:
    """A URL behind which a node answers.

    Args:
        provider: carries the requests; it must have a timeout.
        explain: what a revert's data say.
        name: for messages. Not the URL: it may hold a password.
        key: tells it from others, the same in each process; by default its name.
    """

    def __init__(self, provider: Provider, explain: Explain, name: str = "the node", key: str = "") -> None:
        self.name = name
        self.key = key or name
        self._provider = provider
        self._explain = explain

    @classmethod
    def connect(
        cls,
        url: str,
        timeout_seconds: float,
        explain: Explain,
        access: HttpAccess | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> Endpoint:
        """The node behind an HTTP URL.

        Raises:
            BadInput: the URL is none.
        """
        transport = Http(url, timeout_seconds, access or HttpAccess(), sleep)
        key = hashlib.sha256(url.encode()).hexdigest()[:16]
        return cls(transport, explain, f"the node {transport.host}", key)

    def ask(self, method: str, *params: object) -> Any:
        """The result of one request.

        Raises:
            Refused: the contract reverted.
            NodeRefused: the node answered with another error.
            NodeBusy, NodeShut: it asks for a rest, or does not let us in.
            NodeUnavailable: it did not answer, or not as a node does.
        """
        try:
            response = self._provider.make_request(method, params)
        except NodeUnavailable as problem:
            raise self._told(method, problem) from None
        except (OSError, ValueError) as error:
            # not chained: a transport's message may hold the URL
            raise NodeUnavailable(f"{self.name} did not answer {method}: {type(error).__name__}") from None
        if "error" in response:
            raise self._error(method, response["error"])
        if "result" not in response:
            raise NodeUnavailable(f"{self.name} did not answer {method} as a node does")
        return response["result"]

    def _told(self, method: str, problem: NodeUnavailable) -> NodeUnavailable:
        """The transport's problem, with who and what it was about."""
        if isinstance(problem, NodeBusy):
            return NodeBusy(f"{self.name} asks for a rest before {method}: {problem}", problem.wait)
        if isinstance(problem, NodeShut):
            return NodeShut(f"{self.name} does not let us in to {method}: {problem}")
        if isinstance(problem, NodeRefused):
            return NodeRefused(f"{self.name} refused {method}: {problem}", problem.said)
        return NodeUnavailable(f"{self.name} did not answer {method}: {problem}")

    def _error(self, method: str, error: object) -> Refused | NodeUnavailable:
        if not isinstance(error, Mapping):
            return NodeRefused(f"{self.name} refused {method}: {plain(error)}", plain(error))
        data = revert_data(error)
        if data is not None:
            return self._explain(data)
        said = plain(error.get("message"))
        of_rate = _OF_RATE.search(said) is not None
        if of_rate or (error.get("code") in _LIMITS and not _OF_SIZE.search(said)):
            return NodeBusy(f"{self.name} asks for a rest before {method}: {said}", vague=not of_rate)
        return NodeRefused(f"{self.name} refused {method}: {said}", said)


def revert_data(error: Mapping[str, Any]) -> bytes | None:
    """What a contract reverted with, from a node's error object; None if the error is no revert.

    geth, anvil and Ganache's eth_call give the bytes as ``data``; Ganache's eth_estimateGas as
    ``data.result``.
    """
    message = str(error.get("message", "")).lower()
    if error.get("code") != EXECUTION_REVERTED and "revert" not in message:
        return None
    data = error.get("data")
    if isinstance(data, Mapping):
        data = data.get("result")
    try:
        return from_hex(data) if isinstance(data, str) and data.startswith("0x") else b""
    except ValueError:
        return b""
