"""A server on this machine that answers JSON-RPC as a test says, in plain or over TLS."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = Callable[[str, Any], dict[str, Any]]
"""The result or error, by method and parameters, as in a response."""


class RpcServer(ThreadingHTTPServer):
    """Answers as it is told.

    Attributes:
        asked: paths and methods, in their order.
    """

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[tuple[str, str]] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing: clients that trust nobody hang up."""
        del request, client_address


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, RpcServer)
        self.server.asked.append((self.path, request["method"]))
        told = self.server.answer(request["method"], request["params"])
        body = json.dumps({**told, "jsonrpc": "2.0", "id": request["id"]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@contextmanager
def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> Iterator[RpcServer]:
    """The server, while it listens."""
    with RpcServer(answer) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
