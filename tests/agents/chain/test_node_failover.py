"""Several URLs of one chain: who serves, who rests, who is out.

Rules: A13, A92, A93.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from agents.chain.answers import NodeBusy, NodeRefused, NodeShut
from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.node import LOOK_SECONDS, SHORT_REST_SECONDS, Node
from agents.chain.peer import PATIENCE_SECONDS, SHUT_SECONDS
from agents.core.errors import BadInput, NodeUnavailable, Refused, WrongNetwork
from agents.core.ids import Address
from tests.agents.chain.conftest import Clock
from tests.agents.chain.stub_node import StubNode


class Said:
    """A URL that says who it is, or fails."""

    def __init__(self, name: str, head: int = 10) -> None:
        self.name, self.head = name, head
        self.failure: Exception | None = None
        self.asked = 0

    def make_request(self, method: str, _params: Any) -> Any:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
        if method == "eth_blockNumber":
            return {"result": hex(self.head)}
        if method == "revert":
            return {"error": {"code": 3, "message": "execution reverted", "data": "0x"}}
        return {"error": {"code": -32000, "message": "no"}} if method == "refuse" else {"result": self.name}

    def endpoint(self) -> Endpoint:
        return Endpoint(self, lambda _: Refused(""), f"the node {self.name}")


class Fixture:
    """Three URLs and the node behind them."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.first, self.second, self.third = self.urls = [Said("first"), Said("second"), Said("third")]
        self.node = Node([url.endpoint() for url in self.urls], clock, lambda: 1.0, lambda _: None)

    def ask(self) -> str:
        return str(self.node.ask("who"))

    def begin(self) -> str:
        self.node.begin()
        return self.ask()


@pytest.fixture
def urls(clock: Clock) -> Fixture:
    return Fixture(clock)


def alone(said: Said, clock: Clock) -> Node:
    return Node([said.endpoint()], clock, lambda: 1.0, lambda _: None)


# --- who serves ---


def test_the_first_url_serves(urls: Fixture) -> None:
    assert [urls.begin() for _ in range(3)] == ["first"] * 3
    assert (urls.second.asked, urls.third.asked) == (0, 0)


def test_the_next_answers_when_one_does_not(urls: Fixture) -> None:
    urls.first.failure = TimeoutError()
    urls.second.failure = ConnectionError("http://user:password@host")
    assert urls.ask() == "third"
    urls.first.failure = None
    assert urls.ask() == "third", "a step keeps to one URL"


def test_the_first_serves_again_when_it_is_well(urls: Fixture, clock: Clock) -> None:
    urls.first.failure = TimeoutError()
    assert urls.begin() == "second"
    urls.first.failure = None
    assert urls.begin() == "second", "not at once"
    clock.now += 0.5
    assert urls.begin() == "first"


def test_a_url_that_fails_again_is_left_alone_for_longer(urls: Fixture, clock: Clock) -> None:
    urls.first.failure = TimeoutError()
    tried = []
    for tick in range(200):
        clock.now = 1_000 + tick / 2
        before = urls.first.asked
        assert urls.begin() == "second"
        if urls.first.asked > before:
            tried.append(tick / 2)
    assert tried == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5]


def test_an_error_is_an_answer(urls: Fixture) -> None:
    with pytest.raises(Refused):
        urls.node.ask("revert")
    with pytest.raises(NodeRefused):
        urls.node.ask("refuse")
    assert urls.second.asked == 0


def test_no_url_answers(urls: Fixture) -> None:
    for url in urls.urls:
        url.failure = TimeoutError()
    with pytest.raises(NodeUnavailable, match="the node first did not answer who"):
        urls.ask()
    assert [url.asked for url in urls.urls] == [1, 1, 1]
    with pytest.raises(NodeUnavailable):
        urls.ask()
    assert [url.asked for url in urls.urls] == [2, 2, 2], "whoever asks has patience of its own"
    urls.third.failure = None
    assert urls.ask() == "third"


def test_a_url_that_is_behind_does_not_serve(urls: Fixture, clock: Clock) -> None:
    urls.first.head, urls.second.head, urls.third.head = 7, 8, 10
    assert urls.begin() == "first", "it is not known yet"
    clock.now += LOOK_SECONDS
    assert urls.begin() == "second", "two blocks are allowed"
    assert urls.third.asked == 1
    urls.first.head = 10
    clock.now += LOOK_SECONDS - 1
    assert urls.begin() == "second"
    clock.now += 1
    assert urls.begin() == "first"


def test_heads_are_asked_for_only_where_there_is_a_choice(clock: Clock) -> None:
    said = Said("only")
    node = alone(said, clock)
    clock.now += LOOK_SECONDS
    node.begin()
    assert said.asked == 0


def test_turns_to_the_next_when_answers_are_not_whole(urls: Fixture) -> None:
    urls.node.begin()
    urls.node.turn("logs are missing")
    assert urls.ask() == "second"


def test_the_only_url_serves_on(clock: Clock) -> None:
    node = alone(Said("only"), clock)
    node.turn("logs are missing")
    assert node.ask("who") == "only"


def test_asks_another_for_a_second_opinion(urls: Fixture) -> None:
    urls.ask()
    assert urls.node.ask_another("who") == "second"
    urls.second.failure = urls.third.failure = TimeoutError()
    with pytest.raises(NodeUnavailable):
        urls.node.ask_another("who")
    assert urls.ask() == "first"


def test_a_second_opinion_needs_a_second_url(clock: Clock) -> None:
    with pytest.raises(NodeUnavailable, match="no other node"):
        alone(Said("only"), clock).ask_another("who")


# --- rests ---


@pytest.mark.parametrize(("asked_for", "kept"), [(7.0, 7.0), (3_600.0, 60.0)])
def test_a_url_that_asks_for_a_rest_gets_it(asked_for: float, kept: float, clock: Clock) -> None:
    said = Said("only")
    node = alone(said, clock)
    said.failure = NodeBusy("HTTP 429", asked_for)
    with pytest.raises(NodeBusy, match="asks for a rest before who: HTTP 429"):
        node.ask("who")
    said.failure = None
    clock.now += kept - 0.5
    with pytest.raises(NodeUnavailable, match=r"asked for a rest, of which 0.5 s are left"):
        node.ask("who")
    assert said.asked == 1
    clock.now += 0.5
    assert node.ask("who") == "only"


def test_a_rest_of_no_stated_length_doubles(clock: Clock) -> None:
    said = Said("only")
    node = alone(said, clock)
    said.failure = NodeBusy("HTTP 429")
    tried = []
    for tick in range(300):
        clock.now = 1_000 + tick
        before = said.asked
        with pytest.raises(NodeUnavailable):
            node.ask("who")
        if said.asked > before:
            tried.append(tick)
    assert tried == [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]


def test_members_do_not_all_come_back_at_once(clock: Clock) -> None:
    def asked_again(draw: float) -> float:
        said = Said("only")
        node = Node([said.endpoint()], clock, lambda: draw, lambda _: None)
        said.failure = NodeBusy("HTTP 429")
        start = clock.now
        while said.asked < 4:
            with pytest.raises(NodeUnavailable):
                node.ask("who")
            clock.now += 0.05
        return clock.now - start

    assert asked_again(0.1) < 1 < asked_again(0.9)


class Waiting:
    """Waits by the clock; then what was to be rested for may be over."""

    def __init__(self, clock: Clock, said: Said, over: bool) -> None:
        self.clock, self.said, self.over = clock, said, over
        self.waited: list[float] = []

    def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.clock.now += seconds
        if self.over:
            self.said.failure = None


@pytest.mark.parametrize("asked_for", [0.5, SHORT_REST_SECONDS])
def test_a_short_rest_is_waited_for_so_that_a_step_goes_on(asked_for: float, clock: Clock) -> None:
    said = Said("only")
    wait = Waiting(clock, said, over=True)
    said.failure = NodeBusy("HTTP 429", asked_for)
    assert Node([said.endpoint()], clock, sleep=wait).ask("who") == "only"
    assert (wait.waited, said.asked) == ([asked_for], 2)


def test_but_not_again_and_again(clock: Clock) -> None:
    said = Said("only")
    wait = Waiting(clock, said, over=False)
    said.failure = NodeBusy("HTTP 429", 1.0)
    with pytest.raises(NodeBusy):
        Node([said.endpoint()], clock, sleep=wait).ask("who")
    assert (wait.waited, said.asked) == ([1.0, 1.0], 3)


@pytest.mark.parametrize(
    "failure",
    [NodeBusy("HTTP 429", SHORT_REST_SECONDS + 0.1), NodeShut("HTTP 403"), NodeUnavailable("HTTP 502")],
)
def test_nothing_else_is_waited_for(failure: NodeUnavailable, clock: Clock) -> None:
    said = Said("only")
    wait = Waiting(clock, said, over=True)
    said.failure = failure
    with pytest.raises(NodeUnavailable):
        Node([said.endpoint()], clock, sleep=wait).ask("who")
    assert (wait.waited, said.asked) == ([], 1)


def test_while_one_rests_another_answers(urls: Fixture, clock: Clock) -> None:
    urls.first.failure = NodeBusy("HTTP 429", 20)
    assert [urls.begin() for _ in range(3)] == ["second"] * 3
    assert urls.first.asked == 1
    urls.first.failure = None
    clock.now += 20
    assert urls.begin() == "first"


def test_a_url_that_does_not_let_us_in_is_told_once(
    urls: Fixture, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    urls.first.failure = NodeShut("HTTP 401")
    for _ in range(5):
        assert urls.begin() == "second"
        clock.now += SHUT_SECONDS
    assert urls.first.asked == 5
    assert caplog.messages == [
        "the node first does not let us in to who: HTTP 401; it is asked again in 60 s"
    ]


# --- which chain ---


@pytest.fixture
def market(clock: Clock, deployment: Deployment, codec: Codec) -> Callable[..., MarketClient]:
    def connect(*nodes: StubNode) -> MarketClient:
        endpoints = [Endpoint(node, codec.refusal, f"the node {place}") for place, node in enumerate(nodes)]
        return MarketClient(deployment, Node(endpoints, clock, lambda: 1.0), codec)

    return connect


def test_a_url_of_another_chain_is_out_and_told_once(
    node: StubNode, market: Callable[..., MarketClient], clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    other = StubNode(node.market, chain_id=5)
    client = market(other, node)
    for _ in range(3):
        assert client.head().number == node.head.number
        clock.now += 100
    assert caplog.messages == [
        "the node 0 is not asked any more: the node is of chain 5, the deployment of chain 1337: use the "
        "node or the deployment that goes with the other"
    ]
    asked = len(other.asked)
    client.head()
    assert len(other.asked) == asked


def test_a_url_with_another_first_block_is_out(node: StubNode, market: Callable[..., MarketClient]) -> None:
    other = StubNode(node.market)
    other.take_back(1)
    other.mine()
    client = market(node, other)
    node.lost_requests["eth_getBlockByNumber"] = 1
    with pytest.raises(NodeUnavailable):
        client.head()
    assert not client.node.several
    assert client.head().number == node.head.number


def test_no_url_is_of_the_chain(node: StubNode, market: Callable[..., MarketClient]) -> None:
    with pytest.raises(WrongNetwork, match="the node is of chain 6"):
        market(StubNode(node.market, chain_id=5), StubNode(node.market, chain_id=6))


def test_a_node_that_has_not_come_so_far_is_asked_later(
    node: StubNode, market: Callable[..., MarketClient], clock: Clock
) -> None:
    young = StubNode(node.market)
    young.take_back(1)
    young.salt = 0
    client = market(young, node)
    assert client.head().number == 1
    young.mine()
    young.mine()
    young.mine()
    clock.now += 10
    client.node.begin()
    assert client.head().number == 3


def test_one_wrong_server_behind_a_url_does_not_make_it_anothers(
    node: StubNode, client: MarketClient, clock: Clock
) -> None:
    def once() -> None:
        node.chain_id = 5
        node.before["eth_chainId"] = right

    def right() -> None:
        node.chain_id = 1337

    node.before["eth_chainId"] = once
    client.require_same_chain()
    assert node.chain_id == 1337


def test_a_url_that_was_ours_has_a_minute_to_come_back(
    node: StubNode, client: MarketClient, clock: Clock
) -> None:
    node.chain_id = 5
    for _ in range(3):
        with pytest.raises(NodeUnavailable, match="seems to be of another chain"):
            client.require_same_chain()
        clock.now += PATIENCE_SECONDS / 3 - 1
    node.chain_id = 1337
    client.require_same_chain()
    node.chain_id = 5
    clock.now += PATIENCE_SECONDS
    with pytest.raises(NodeUnavailable):
        client.require_same_chain()


def test_needs_a_url() -> None:
    with pytest.raises(BadInput, match="no node is named"):
        Node([])


def test_takes_one_url_or_several(codec: Codec) -> None:
    one = Node.connect("http://one:1", 1, codec.refusal)
    assert (one.serving.name, one.several) == ("the node one", False)
    two = Node.connect(["http://one:1", "http://two:2/path", "http://one:1"], 1, codec.refusal)
    assert (two.serving.name, two.several) == ("the node one", True)
    with pytest.raises(BadInput, match="must be a URL"):
        Node.connect(["http://one:1", "two"], 1, codec.refusal)


def test_urls_of_one_host_have_keys_of_their_own(codec: Codec) -> None:
    first = Endpoint.connect("http://host/one", 1, codec.refusal)
    second = Endpoint.connect("http://host/two", 1, codec.refusal)
    assert first.name == second.name
    assert first.key != second.key
    assert first.key == Endpoint.connect("http://host/one", 9, codec.refusal).key


def test_the_markets_address_is_asked_for_code(node: StubNode, market: Callable[..., MarketClient]) -> None:
    other = StubNode(str(Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")))
    with pytest.raises(WrongNetwork, match="no contract at"):
        market(other)


def test_logs_hold_no_url(urls: Fixture, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for url in urls.urls:
        url.failure = ConnectionError("http://user:password@host")
    with pytest.raises(NodeUnavailable) as caught:
        urls.ask()
    assert "password" not in str(caught.value) + caplog.text
