"""Many JSON-RPC requests in one, over a connection that is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any

from agents.core.errors import NodeUnavailable

TIMEOUT_SECONDS = 60.0
BATCH = 100

Request = tuple[str, list[Any]]
"""A method and its parameters."""


class RpcNode:
    """One node's JSON-RPC. Not to be shared between threads: each takes one of its own.

    Raises:
        NodeUnavailable: it does not answer, or not as a node does. So may every method.
    """

    def __init__(self, port: int, address: str = "127.0.0.1") -> None:
        self.port = port
        self._connection = HTTPConnection(address, port, timeout=TIMEOUT_SECONDS)

    def __enter__(self) -> RpcNode:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; the next request would open it again."""
        self._connection.close()

    def ask(self, method: str, *params: Any) -> Any:
        """The result of one request."""
        (answer,) = self.post(encoded([(method, list(params))]))
        if answer.get("error") is not None:
            raise NodeUnavailable(f"{method}: {answer['error'].get('message')}")
        return answer.get("result")

    def ask_all(self, requests: Sequence[Request], batch: int = BATCH) -> list[Any]:
        """The results of many requests, in their order, sent in batches."""
        results: list[Any] = []
        for start in range(0, len(requests), batch):
            answers = self.post(encoded(requests[start : start + batch]))
            results += [answer.get("result") for answer in answers]
        return results

    def post(self, body: bytes) -> list[dict[str, Any]]:
        """The answers to a batch, in the order of its requests."""
        try:
            self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
            text = self._connection.getresponse().read()
            answers = json.loads(text)
        except (OSError, HTTPException, ValueError) as error:
            self.close()
            raise NodeUnavailable(f"the node did not answer: {type(error).__name__}") from None
        if not isinstance(answers, list):  # a node that refuses the batch as a whole
            raise NodeUnavailable(f"the node refused a batch: {str(answers)[:200]}")
        return sorted(answers, key=lambda answer: int(answer["id"]))


def encoded(requests: Sequence[Request]) -> bytes:
    """A batch as the body of one HTTP request."""
    batch = [
        {"jsonrpc": "2.0", "id": place, "method": method, "params": params}
        for place, (method, params) in enumerate(requests)
    ]
    return json.dumps(batch, separators=(",", ":")).encode()
