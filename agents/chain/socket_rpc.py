"""JSON-RPC over a socket of this machine, as Clef and geth speak it: one value after another."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from agents.core.errors import NodeUnavailable

_CHUNK = 2**16
_MOST_BYTES = 2**24


class Socket:
    """A program behind a Unix socket; a connection for each request.

    Args:
        path: of the socket.
        timeout_seconds: for the whole of an answer.
    """

    def __init__(self, path: str, timeout_seconds: float) -> None:
        self._path = path
        self._timeout = timeout_seconds

    def make_request(self, method: str, params: Any) -> Mapping[str, Any]:
        """Sends one request and returns the response, JSON-RPC's errors included.

        Raises:
            NodeUnavailable: no answer, or none as a program gives it.
        """
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        until = time.monotonic() + self._timeout
        try:
            with socket.socket(socket.AF_UNIX) as line:
                line.settimeout(self._timeout)
                line.connect(self._path)
                line.sendall(request.encode() + b"\n")
                return _answer(line, until)
        except OSError as problem:
            raise NodeUnavailable(problem.strerror or type(problem).__name__) from None


def _answer(line: socket.socket, until: float) -> Mapping[str, Any]:
    """The first whole value that comes."""
    came = b""
    while part := line.recv(_CHUNK):
        came += part
        with suppress(ValueError, RecursionError):
            answer = json.loads(came)
            if isinstance(answer, dict):
                return answer
        left = until - time.monotonic()
        if left <= 0 or len(came) > _MOST_BYTES:
            break
        line.settimeout(left)
    raise NodeUnavailable("no JSON-RPC")
