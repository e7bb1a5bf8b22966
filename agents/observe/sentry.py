"""A process beside the agent: answers who asks for its health, and ends an agent that does not end itself.

It is a process and not a thread: an agent forks its workers, which is safe of one thread only, and an agent
that hangs in a library can run no thread that would say so. It holds no key and no database, and ends with
the agent.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NoReturn

from agents.core.errors import BadInput
from agents.core.escaping import printable

HARD_SECONDS = 8.0
"""After a signal to end the agent is killed: whatever a crash leaves on the disk it goes on from."""

STILL_SECONDS = 60.0
"""A loop that has not turned for so long is not healthy."""

_ENDING = {signal.SIGINT, signal.SIGTERM}
_MOST_BYTES = 2**20
_ANSWER_SECONDS = 5.0


@dataclass
class _Seen:
    """What the agent said last, and when, by the clock that all processes of a machine share."""

    turned: float
    obstacle: str = "it is starting"
    metrics: bytes = b""


class Sentry:
    """The agent's end.

    Args:
        listen: host and port; empty to answer nobody.

    Raises:
        BadInput: nobody can listen there.
    """

    def __init__(self, listen: str = "") -> None:
        self._server = _server(listen)
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._signals, their_signals = socket.socketpair()
        for ours in (self._link, self._signals):
            ours.setblocking(False)
        self._link.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST_BYTES)
        agent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._link.close()
            self._signals.close()
            _watch(agent, self._server, theirs, their_signals)
        theirs.close()
        their_signals.close()
        if self._server:
            self._server.socket.close()
        signal.set_wakeup_fd(self._signals.fileno(), warn_on_full_buffer=False)

    @property
    def listens(self) -> bool:
        """Whether anybody can ask."""
        return self._server is not None

    @property
    def port(self) -> int:
        """Where it answers; 0 if nowhere."""
        return self._server.server_port if self._server else 0

    def publish(self, obstacle: str, metrics: bytes) -> None:
        """The loop turned.

        Args:
            obstacle: why the agent cannot act; empty if it can.
            metrics: what `/metrics` answers.
        """
        with suppress(OSError):  # a sentry that has not read the last one yet, or is gone
            self._link.send(json.dumps([time.monotonic(), obstacle]).encode() + b"\n" + metrics)

    def leave(self) -> None:
        """In a process forked from the agent: the sentry must see the agent's end."""
        signal.set_wakeup_fd(-1)
        self._link.close()
        self._signals.close()

    def close(self) -> None:
        """Ends the sentry."""
        self.leave()
        with suppress(ChildProcessError):
            os.waitpid(self._pid, 0)


def _server(listen: str) -> _Server | None:
    if not listen:
        return None
    host, _, port = listen.rpartition(":")
    try:
        return _Server((host.strip("[]"), int(port)))
    except (OSError, OverflowError, ValueError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "no host and port"
        raise BadInput(f"listen: {listen}: {why}: name a free one, as 127.0.0.1:9464") from None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int]) -> None:
        self.seen = _Seen(time.monotonic())
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    timeout = _ANSWER_SECONDS
    server: _Server

    def do_GET(self) -> None:
        """Answers one question."""
        path = self.path.partition("?")[0]
        seen = self.server.seen
        if path == "/metrics":
            self._answer(HTTPStatus.OK, seen.metrics, "text/plain; version=0.0.4; charset=utf-8")
        elif path == "/health":
            still = time.monotonic() - seen.turned
            self._say(f"the loop has not turned for {still:.0f} s" if still > STILL_SECONDS else "")
        elif path == "/ready":
            self._say(seen.obstacle)
        else:
            self._answer(HTTPStatus.NOT_FOUND, b"/health, /ready, /metrics\n")

    def _say(self, problem: str) -> None:
        """One line: what is wrong, or that nothing is."""
        status = HTTPStatus.SERVICE_UNAVAILABLE if problem else HTTPStatus.OK
        self._answer(status, (printable(problem or "ok") + "\n").encode(errors="backslashreplace"))

    def _answer(self, status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Who asked is nobody's business."""


def _watch(agent: int, server: _Server | None, link: socket.socket, signals: socket.socket) -> NoReturn:
    """Until the agent is gone."""
    try:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)  # they go to all of a terminal; the agent sees to our end
        if server is not None:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        _attend(agent, server, link, signals)
    finally:
        os._exit(0)


def _attend(agent: int, server: _Server | None, link: socket.socket, signals: socket.socket) -> None:
    until: float | None = None
    while True:
        left = None if until is None else max(0.0, until - time.monotonic())
        ready, _, _ = select.select([link, signals] if until is None else [link], [], [], left)
        if link in ready:
            said = link.recv(_MOST_BYTES)
            if not said:
                return
            if server is not None:
                head, _, metrics = said.partition(b"\n")
                turned, obstacle = json.loads(head)
                server.seen = _Seen(turned, obstacle, metrics)
        if signals in ready and _ENDING & set(signals.recv(64)):
            until = time.monotonic() + HARD_SECONDS
        if until is not None and time.monotonic() >= until:
            os.kill(agent, signal.SIGKILL)
            return
