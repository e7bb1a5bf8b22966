"""A JSON-RPC proxy before a real node: one path for each agent, and faults before each."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

import requests

from testing.faults import Fault, Reply, WireFaultError, before
from testing.faults.seam import Answer, Forward, Params

NODE_SECONDS = 10.0
"""Of ours, that the node has for an answer."""


@dataclass
class Line:
    """One agent's way to the node.

    Attributes:
        node: answers as the node does.
        faults: what is between. Faults that are set later begin with their own chance and state.
        requests: how many came.
        spoilt: how many of them the faults answered otherwise than the node would.
    """

    node: Forward
    forward: Forward = field(init=False)
    requests: int = 0
    spoilt: int = 0

    def __post_init__(self) -> None:
        self.forward = self.node

    def set(self, faults: Sequence[Fault], seed: str) -> None:
        """From now on these faults; none if there are none."""
        self.forward = before(self.node, faults, Random(seed))

    def answer(self, method: str, params: Params) -> Answer:
        """The answer to a request.

        Raises:
            WireFaultError: something else has to be sent.
        """
        self.requests += 1
        return self.forward(method, params)


class Proxy(ThreadingHTTPServer):
    """Serves on a free port of this machine.

    Attributes:
        lines: by the agent's name, which is the path of its URL.
    """

    daemon_threads = True

    def __init__(self, node_url: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self._node_url = node_url
        self._local = threading.local()
        self.lines: dict[str, Line] = {}

    def line(self, name: str) -> Line:
        """An agent's."""
        return self.lines.setdefault(name, Line(self.ask_node))

    def url(self, name: str) -> str:
        """What an agent takes for its node."""
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def ask_node(self, method: str, params: Params) -> Answer:
        """The node's own answer, without its id.

        Raises:
            WireFaultError: it gives none, as Ganache does now and then: the agent has none either.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            response = self._session.post(self._node_url, json=request, timeout=NODE_SECONDS)
        except requests.RequestException:
            raise WireFaultError(Reply(status=0)) from None
        answer: dict[str, Any] = response.json()
        return {name: answer[name] for name in ("result", "error") if name in answer}

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who has waited long enough is gone when its answer comes: that is no error of the proxy."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        session: requests.Session = self._local.session
        return session


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Proxy)
        line = self.server.line(self.path.strip("/"))
        try:
            answer = line.answer(request["method"], request["params"])
        except WireFaultError as fault:
            line.spoilt += 1
            self._send(fault.reply, request["id"])
        else:
            self._write(200, (), _body(answer, request["id"]))

    def _send(self, reply: Reply, id_: int) -> None:
        time.sleep(reply.seconds)
        if reply.status == 0:
            self.close_connection = True
            return
        body = reply.body or _body(reply.answer, id_ + reply.wrong_id)
        self._write(reply.status, reply.headers, body, whole=reply.whole)

    def _write(
        self, status: int, headers: Sequence[tuple[str, str]], body: bytes, *, whole: bool = True
    ) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if whole else body[: len(body) // 2])
        self.close_connection = not whole

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


def _body(answer: Answer, id_: int) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, **answer}).encode()


@contextmanager
def proxied(node_url: str) -> Iterator[Proxy]:
    """A proxy that serves for the length of a ``with`` block."""
    with Proxy(node_url) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
