"""The seam between faults: a request goes in, a JSON-RPC response comes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

Params = Sequence[Any]
Answer = dict[str, Any]
"""A response without its id: ``result`` or ``error``."""

Forward = Callable[[str, Params], Answer]
"""Answers a request."""

Fault = Callable[[Forward, Random], Forward]
"""Answers requests in another's place, and asks it for some."""


@dataclass(frozen=True)
class Reply:
    """What goes over the wire instead of a response.

    Attributes:
        status: 0 to close the connection without a word.
        seconds: to wait before.
        whole: whether all of the body is sent that is announced.
        wrong_id: whether it is the answer to another request; the body is then made of `answer`.
    """

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    seconds: float = 0.0
    whole: bool = True
    wrong_id: bool = False
    answer: Answer = field(default_factory=dict)


class WireFaultError(Exception):
    """Asks the proxy to send a `Reply`.

    Attributes:
        reply: to send.
    """

    def __init__(self, reply: Reply) -> None:
        super().__init__(f"HTTP {reply.status}")
        self.reply = reply


def before(forward: Forward, faults: Iterable[Fault], rng: Random) -> Forward:
    """All these faults, the last one outermost."""
    for fault in faults:
        forward = fault(forward, rng)
    return forward


def by_chance(chance: float, spoil: Callable[[Forward, str, Params, Random], Answer]) -> Fault:
    """A fault that answers so by chance, whatever is asked."""
    return on("", chance, spoil)


def on(method: str, chance: float, spoil: Callable[[Forward, str, Params, Random], Answer]) -> Fault:
    """A fault that answers so by chance when this method is asked; all methods if it is empty."""

    def fault(forward: Forward, rng: Random) -> Forward:
        def answer(asked: str, params: Params) -> Answer:
            if method not in ("", asked) or rng.random() >= chance:
                return forward(asked, params)
            return spoil(forward, asked, params, rng)

        return answer

    return fault


def result_of(forward: Forward, method: str, *params: Any) -> Any:
    """What is behind a fault, asked by the fault itself.

    Raises:
        WireFaultError: another fault spoils the answer: then there is none to give.
    """
    answer = forward(method, params)
    if answer.get("result") is None:
        raise WireFaultError(Reply(status=0))
    return answer["result"]


def refusal(code: int, message: str) -> Answer:
    """A JSON-RPC error."""
    return {"error": {"code": code, "message": message}}
