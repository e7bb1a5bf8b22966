"""JSON-RPC over HTTP, and each way in which a server can fail to answer.

Rules: A92.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from agents.chain import transport
from agents.chain.answers import NodeBusy, NodeRefused, NodeShut
from agents.chain.codec import Codec
from agents.chain.endpoint import Endpoint
from agents.core.errors import BadInput, NodeUnavailable

Send = Callable[[BaseHTTPRequestHandler, Any], None]
"""Answers a request, given its id."""


class Server(ThreadingHTTPServer):
    """Answers as a test says.

    Attributes:
        connections: how many there were.
    """

    daemon_threads = True
    send: Send
    connections = 0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.pause = Event()

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert isinstance(self.server, Server)
        self.server.send(self, request["id"])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.fixture
def endpoint(server: Server, codec: Codec) -> Endpoint:
    return Endpoint.connect(f"http://127.0.0.1:{server.server_port}/secret", 0.3, codec.refusal)


def reply(
    body: bytes | Callable[[Any], bytes],
    status: int = 200,
    headers: dict[str, str] | None = None,
    announced: int = 0,
) -> Send:
    """Sends a body; more bytes than it has may be announced."""

    def send(handler: BaseHTTPRequestHandler, id_: Any) -> None:
        sent = body if isinstance(body, bytes) else body(id_)
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(sent) + announced))
        handler.end_headers()
        handler.wfile.write(sent)
        handler.close_connection = announced > 0

    return send


def result(id_: Any) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": id_, "result": "0x7"}).encode()


def failure(code: int, message: str) -> Callable[[Any], bytes]:
    told = {"code": code, "message": message}
    return lambda id_: json.dumps({"jsonrpc": "2.0", "id": id_, "error": told}).encode()


def test_keeps_its_connection(server: Server, endpoint: Endpoint) -> None:
    server.send = reply(result)
    assert [endpoint.ask("eth_chainId") for _ in range(5)] == ["0x7"] * 5
    assert server.connections == 1


def drop(handler: BaseHTTPRequestHandler, _id: Any) -> None:
    handler.close_connection = True
    handler.connection.close()


def drip(handler: BaseHTTPRequestHandler, _id: Any) -> None:
    """Never silent for long, and never done."""
    handler.send_response(200)
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    for _ in range(100):
        try:
            handler.wfile.write(b" ")
        except OSError:
            return
        handler.server.pause.wait(0.02)  # type: ignore[attr-defined]


def hang(handler: BaseHTTPRequestHandler, _id: Any) -> None:
    """Says nothing until the other side goes away."""
    handler.connection.settimeout(5)
    handler.rfile.read(1)


UNANSWERED: dict[str, tuple[Send, str]] = {
    "a page": (reply(b"<html>hello</html>"), "no JSON-RPC"),
    "a page of a proxy": (reply(b"<html>", 502), "HTTP 502"),
    "an error of the server in JSON": (reply(failure(-32603, "x"), 500), "HTTP 500"),
    "elsewhere": (reply(b"", 302, {"Location": "http://127.0.0.1:1/"}), "HTTP 302"),
    "nothing": (reply(b""), "no JSON-RPC"),
    "no object": (reply(b"[1, 2]"), "no JSON-RPC"),
    "nested without end": (reply(b"[" * 100_000), "no JSON-RPC"),
    "half of an answer": (reply(result, announced=5), "ProtocolError"),
    "the answer to another": (reply(lambda id_: result(id_ + 1)), "the answer to another request"),
    "neither result nor error": (
        reply(lambda id_: json.dumps({"id": id_}).encode()),
        "neither a result nor an error",
    ),
    "a connection that is closed": (drop, "ConnectionError"),
    "silence": (hang, "ReadTimeout"),
    "drops without end": (drip, "an answer that does not end"),
}


@pytest.mark.parametrize("name", UNANSWERED)
def test_is_no_answer(name: str, server: Server, endpoint: Endpoint) -> None:
    server.send, why = UNANSWERED[name]
    with pytest.raises(NodeUnavailable, match=why) as caught:
        endpoint.ask("eth_call")
    assert str(caught.value).startswith("the node 127.0.0.1 did not answer eth_call")
    assert not isinstance(caught.value, (NodeRefused, NodeBusy, NodeShut))
    assert "secret" not in str(caught.value)
    server.send = reply(result)
    assert endpoint.ask("eth_call") == "0x7"


def test_an_answer_may_be_too_long(
    server: Server, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 2**20)
    server.send = reply(b"x" * (2**20 + 1))
    with pytest.raises(NodeUnavailable, match="an answer of over 1 MiB"):
        endpoint.ask("eth_getLogs")


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_status_may_go_with_an_error(status: int, server: Server, endpoint: Endpoint) -> None:
    server.send = reply(failure(-32600, "limited to a 10 range"), status)
    with pytest.raises(NodeRefused, match="refused eth_getLogs: limited to a 10 range") as caught:
        endpoint.ask("eth_getLogs")
    assert caught.value.said == "limited to a 10 range"


def test_a_status_may_be_all_that_is_said(server: Server, endpoint: Endpoint) -> None:
    server.send = reply(json.dumps({"message": "too\nlarge"}).encode(), 413)
    with pytest.raises(NodeRefused, match="HTTP 413") as caught:
        endpoint.ask("eth_getLogs")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("status", [401, 403])
def test_is_not_let_in(status: int, server: Server, endpoint: Endpoint) -> None:
    server.send = reply(b"{}", status)
    with pytest.raises(NodeShut, match=f"does not let us in to eth_call: HTTP {status}"):
        endpoint.ask("eth_call")


def in_seconds(seconds: float) -> Callable[[], str]:
    return lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        (lambda: "7", 7, 7),
        (in_seconds(600), 400, 600),
        (in_seconds(-60), 0, 0),
        (lambda: "Mon, 30 Nov 2026", 0, 10**9),
    ],
    ids=["seconds", "a date to come", "a date gone by", "a date without a time"],
)
def test_is_told_how_long_to_rest(
    header: Callable[[], str], least: float, most: float, server: Server, endpoint: Endpoint
) -> None:
    server.send = reply(b"slow down", 429, {"Retry-After": header()})
    with pytest.raises(NodeBusy, match="asks for a rest before eth_call: HTTP 429") as caught:
        endpoint.ask("eth_call")
    assert caught.value.wait is None or least <= caught.value.wait <= most


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}])
def test_is_not_told_how_long_to_rest(headers: dict[str, str], server: Server, endpoint: Endpoint) -> None:
    server.send = reply(b"", 429, headers)
    with pytest.raises(NodeBusy) as caught:
        endpoint.ask("eth_call")
    assert caught.value.wait is None


@pytest.mark.parametrize(
    ("code", "message", "vague"),
    [
        (-32005, "daily request count exceeded, request rate limited", False),
        (-32000, "Too Many Requests", False),
        (429, "Your app has exceeded its compute units per second capacity", False),
        (-32005, "limit exceeded", True),
    ],
)
def test_a_rest_may_be_asked_for_by_an_error(
    code: int, message: str, vague: bool, server: Server, endpoint: Endpoint
) -> None:
    server.send = reply(failure(code, message))
    with pytest.raises(NodeBusy) as caught:
        endpoint.ask("eth_call")
    assert caught.value.vague is vague


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-32005, "query returned more than 10000 results"),
        (-32000, "nonce too low"),
        (-32602, "no such block"),
    ],
)
def test_an_error_is_no_rest(code: int, message: str, server: Server, endpoint: Endpoint) -> None:
    server.send = reply(failure(code, message))
    with pytest.raises(NodeRefused, match=message):
        endpoint.ask("eth_call")


def test_what_a_node_writes_is_escaped_and_short(server: Server, endpoint: Endpoint) -> None:
    server.send = reply(failure(-1, "\x1b[31mred\n" + "x" * 5_000))
    with pytest.raises(NodeRefused) as caught:
        endpoint.ask("eth_call")
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 300


# --- once more ---


def after(failures: int, how: Send, asked: list[Any]) -> Send:
    """Fails so often, and then answers."""

    def send(handler: BaseHTTPRequestHandler, id_: Any) -> None:
        asked.append(id_)
        (how if len(asked) <= failures else reply(result))(handler, id_)

    return send


@pytest.mark.parametrize(
    "how",
    [
        *(reply(b"", status) for status in (500, 502, 503, 504)),
        drop,
        reply(b"<html>"),
        reply(lambda id_: result(id_ + 1)),
        reply(lambda id_: json.dumps({"id": id_}).encode()),
    ],
)
@pytest.mark.parametrize(("failures", "answered"), [(1, True), (4, True), (5, False)])
def test_what_fails_in_a_moment_is_tried_again_four_times(
    server: Server, endpoint: Endpoint, how: Send, failures: int, answered: bool
) -> None:
    """Of a gateway that fails at every other request a step of ten would come through once in a thousand."""
    asked: list[Any] = []
    server.send = after(failures, how, asked)
    if answered:
        assert endpoint.ask("eth_chainId") == "0x7"
    else:
        with pytest.raises(NodeUnavailable):
            endpoint.ask("eth_chainId")
    assert len(asked) == min(failures + 1, 5)
    assert len(set(asked)) == 1, "the same request"


@pytest.mark.parametrize("how", [reply(b"", 500), reply(b"", 503), drop])
def test_what_took_its_time_is_not_tried_again(
    server: Server, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, how: Send
) -> None:
    monkeypatch.setattr(transport, "_A_MOMENT", -1.0)
    asked: list[Any] = []
    server.send = after(1, how, asked)
    with pytest.raises(NodeUnavailable):
        endpoint.ask("eth_chainId")
    assert len(asked) == 1


# --- what a hostile node was found to do ---


@pytest.mark.parametrize(
    "header",
    [
        "Mon, 01 Jan 2024 00:00:00 +99999999999999999999",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "Mon, 01 Jan 2024 00:00:99999999999999999999 GMT",
        "9" * 400,
    ],
)
def test_a_rest_that_makes_no_sense_is_a_rest_of_our_own_choice(
    server: Server, endpoint: Endpoint, header: str
) -> None:
    """It ended every agent that asked this node, and the audit."""
    server.send = reply(b"", 429, {"Retry-After": header})
    with pytest.raises(NodeBusy) as busy:
        endpoint.ask("eth_chainId")
    assert busy.value.wait is None or busy.value.wait > 0


def test_a_header_that_does_not_end_is_no_answer(server: Server, endpoint: Endpoint) -> None:
    """Each byte came in time: an agent stood still for as long as the node liked."""

    def send(handler: BaseHTTPRequestHandler, _id: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(200):
            try:
                handler.wfile.write(b"a")
            except OSError:
                return
            server.pause.wait(0.02)

    server.send = send
    begun = time.monotonic()
    with pytest.raises(NodeUnavailable):
        endpoint.ask("eth_chainId")
    assert time.monotonic() - begun < 3, "of four seconds, a timeout of 0.3"


def test_a_redirect_is_not_read(server: Server, endpoint: Endpoint) -> None:
    """The library read all of it, however long, to follow it if it were asked to."""
    written = 0

    def send(handler: BaseHTTPRequestHandler, _id: Any) -> None:
        nonlocal written
        handler.send_response(302)
        handler.send_header("Location", "http://127.0.0.1:1/")
        handler.send_header("Content-Length", str(2**40))
        handler.end_headers()
        try:
            while written < 2**30:
                written += handler.wfile.write(bytes(2**20))
        except OSError:
            return

    server.send = send
    with pytest.raises(NodeUnavailable):
        endpoint.ask("eth_chainId")
    assert written < 2**28


@pytest.mark.parametrize("url", ["http://[::1", "http://127.0.0.1:1/\udcff", "ftp://x", "http://", "x"])
def test_what_is_no_url_is_wrong_input(url: str) -> None:
    with pytest.raises(BadInput, match="must be a URL"):
        transport.Http(url, 1.0)
