"""One request to a node: what it answers, refuses, reverts with, or leaves unanswered.

Rules: A17.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from agents.chain.answers import NodeRefused
from agents.chain.codec import Codec
from agents.chain.endpoint import Endpoint, revert_data
from agents.chain.node import Node
from agents.core.errors import BadInput, NodeUnavailable, Refused
from agents.core.ids import Address

# as Ganache 7.9.2, anvil 1.7.1, geth 1.13.15 and Kaia 1.0.3 gave them, without Ganache's stack traces
RECORDED = json.loads(Path(__file__).with_name("node_errors.json").read_text())
SENDER = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
CASES = [
    pytest.param(error, what, id=f"{node}: {what}")
    for node, errors in RECORDED.items()
    for what, error in errors.items()
]


class Canned:
    """Gives one response, or fails."""

    def __init__(self, response: object) -> None:
        self.response = response

    def make_request(self, method: str, params: Any) -> Any:  # noqa: ARG002
        if isinstance(self.response, Exception):
            raise self.response
        return self.response


def ask(response: object, codec: Codec) -> Any:
    return Node([Endpoint(Canned(response), codec.refusal)], sleep=lambda _: None).ask("eth_call")


@pytest.mark.parametrize(("error", "what"), CASES)
def test_understands_the_errors_of_real_nodes(error: dict[str, Any], what: str, codec: Codec) -> None:
    with pytest.raises((Refused, NodeRefused)) as caught:
        ask({"error": error}, codec)
    if what.startswith("custom error"):
        assert isinstance(caught.value, Refused)
        assert caught.value.error == "Ledger_InsufficientBalance"
        assert caught.value.arguments == (SENDER, 5, 0)
    elif what.startswith("no reason"):
        assert isinstance(caught.value, Refused)
        assert (caught.value.error, caught.value.arguments) == ("", ())
    else:
        assert isinstance(caught.value, NodeRefused)
        assert error["message"] in str(caught.value)


def test_a_revert_may_come_without_data() -> None:
    assert revert_data({"code": -32000, "message": "execution reverted"}) == b""
    assert revert_data({"code": 3, "message": "Reverted", "data": "nothing"}) == b""


def test_gives_the_result(codec: Codec) -> None:
    assert ask({"result": None}, codec) is None
    assert ask({"result": "0x1"}, codec) == "0x1"


def test_an_error_need_not_be_an_object(codec: Codec) -> None:
    with pytest.raises(NodeRefused, match="refused eth_call: busy"):
        ask({"error": "busy"}, codec)


@pytest.mark.parametrize(
    "response", [{}, ConnectionError("to http://user:secret@host"), ValueError("bad JSON")]
)
def test_no_answer_is_the_nodes_fault(response: object, codec: Codec) -> None:
    with pytest.raises(NodeUnavailable, match="did not answer eth_call") as caught:
        ask(response, codec)
    assert not isinstance(caught.value, NodeRefused)
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("url", ["127.0.0.1:8545", "ws://127.0.0.1:8545", "http://", ""])
def test_refuses_what_is_no_http_url(url: str, codec: Codec) -> None:
    with pytest.raises(BadInput, match="must be a URL such as"):
        Node.connect(url, 1, codec.refusal)


class Handler(BaseHTTPRequestHandler):
    """Answers eth_chainId as a node does, and all else with an HTTP error."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        known = request["method"] == "eth_chainId"
        body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x539"}).encode()
        self.send_response(200 if known else 502)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.fixture
def server() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_speaks_http_past_any_proxy(
    host: str, server: HTTPServer, codec: Codec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    node = Node.connect(f"http://{host}:{server.server_port}", 5, codec.refusal)
    assert node.ask("eth_chainId") == "0x539"
    with pytest.raises(NodeUnavailable, match=f"the node {host} did not answer eth_call: HTTP 502"):
        node.ask("eth_call")


def test_says_which_node_does_not_answer(codec: Codec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    node = Node.connect("http://user:secret@node.invalid:8545/key", 5, codec.refusal)
    with pytest.raises(NodeUnavailable, match=r"the node node\.invalid did not answer") as caught:
        node.ask("eth_chainId")
    assert "secret" not in str(caught.value)
    assert "key" not in str(caught.value)
