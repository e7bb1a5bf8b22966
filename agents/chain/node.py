"""One request to the chain's node, and what can come of it.

web3's transport carries the request; its middleware is left out, because it folds a node's errors into types
that lose what we must tell apart: a revert with its data, a refusal, and no answer at all.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from agents.core.errors import BadInput, NodeUnavailable, Refused

EXECUTION_REVERTED = 3  # the code that geth and anvil give a revert


class NodeRefused(NodeUnavailable):
    """The node answered, with an error that is no revert: a limit, a bad nonce, a block that it lacks."""


class Provider(Protocol):
    """web3's transport."""

    def make_request(self, method: RPCEndpoint, params: Any) -> RPCResponse:
        """Sends one request and returns the node's response, errors included."""


class Node:
    """A node of the chain.

    Args:
        provider: web3's transport; it must have a timeout.
        explain: what a revert's data say.
        name: for messages. Not the URL: it may hold a password.
    """

    def __init__(
        self, provider: Provider, explain: Callable[[bytes], Refused], name: str = "the node"
    ) -> None:
        self._provider = provider
        self._explain = explain
        self._name = name

    @classmethod
    def connect(cls, url: str, timeout_seconds: float, explain: Callable[[bytes], Refused]) -> Node:
        """A node behind an HTTP URL.

        Raises:
            BadInput: the URL is none.
        """
        host = urlsplit(url).hostname
        if not url.startswith(("http://", "https://")) or host is None:
            raise BadInput("the node's address must be a URL such as http://127.0.0.1:8545")
        session = requests.Session()
        session.trust_env = not _is_this_machine(host)  # a proxy is for other machines
        provider = HTTPProvider(
            url, {"timeout": timeout_seconds}, session=session, exception_retry_configuration=None
        )
        return cls(provider, explain, f"the node {host}")

    def ask(self, method: str, *params: object) -> Any:
        """The result of one request.

        Raises:
            Refused: the contract reverted.
            NodeRefused: the node answered with another error.
            NodeUnavailable: it did not answer, or not as a node does.
        """
        try:
            response = self._provider.make_request(RPCEndpoint(method), params)
        except (
            OSError,
            ValueError,
        ) as error:  # requests' are OSErrors, bad JSON is a ValueError
            # not chained: the transport's message holds the URL
            raise NodeUnavailable(f"{self._name} did not answer {method}: {type(error).__name__}") from None
        if "error" in response:
            raise self._error(method, cast(object, response["error"]))
        if "result" not in response:
            raise NodeUnavailable(f"{self._name} did not answer {method} as a node does")
        return response["result"]

    def _error(self, method: str, error: object) -> Refused | NodeRefused:
        if not isinstance(error, Mapping):
            return NodeRefused(f"{self._name} refused {method}: {error}")
        data = revert_data(error)
        if data is not None:
            return self._explain(data)
        return NodeRefused(f"{self._name} refused {method}: {error.get('message')}")


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
    return from_hex(data) if isinstance(data, str) and data.startswith("0x") else b""


def from_hex(text: str) -> bytes:
    """The bytes of ``0x`` and hex digits."""
    return bytes.fromhex(text[2:])


def to_hex(data: bytes) -> str:
    """``0x`` and the bytes' hex digits."""
    return "0x" + data.hex()


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
