"""How servers are reached: private authorities, proxies, and what is secret in a URL.

Rules: A92.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from agents.chain.access import HttpAccess, expanded
from agents.chain.transport import Http
from agents.core.errors import BadInput, NodeUnavailable
from testing.rpc_server import RpcServer, serving
from testing.tls import LocalAuthority

TOKEN = "a-token-that-is-secret"


def seven(_method: str, _parameters: Any) -> dict[str, Any]:
    return {"result": "0x7"}


@pytest.fixture
def authority(tmp_path: Path) -> LocalAuthority:
    return LocalAuthority(tmp_path)


@pytest.fixture
def secured(authority: LocalAuthority) -> Iterator[RpcServer]:
    with serving(seven, authority.server()) as server:
        yield server


def test_trusts_an_authority_that_is_named(secured: RpcServer, authority: LocalAuthority) -> None:
    url = f"https://127.0.0.1:{secured.server_port}/"
    assert Http(url, 2, HttpAccess(authority.pem)).make_request("eth_chainId", [])["result"] == "0x7"


def test_says_why_it_does_not_trust(secured: RpcServer, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = LocalAuthority(tmp_path / "other")
    for access in (HttpAccess(), HttpAccess(other.pem)):
        with pytest.raises(NodeUnavailable, match=r"the certificate is not trusted \(.*\): see --node-ca"):
            Http(f"https://127.0.0.1:{secured.server_port}/", 2, access).make_request("eth_chainId", [])
    assert secured.asked == []


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (lambda _: None, "No such file"),
        (lambda file: file.write_text("no certificate"), "holds no certificate"),
    ],
)
def test_refuses_authorities_that_cannot_be_read(
    tmp_path: Path, make: Callable[[Path], object], why: str
) -> None:
    make(tmp_path / "ca.pem")
    with pytest.raises(BadInput, match=f"ca.pem.*{why}.*name a PEM file|ca.pem: {why}"):
        Http("https://127.0.0.1:1/", 2, HttpAccess(tmp_path / "ca.pem"))


def test_a_proxy_is_asked_for_other_machines_and_not_for_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(seven) as node, serving(seven) as proxy:
        through = f"http://127.0.0.1:{proxy.server_port}"
        local = f"http://127.0.0.1:{node.server_port}/"
        Http(local, 2, HttpAccess(proxy=through)).make_request("eth_chainId", [])
        monkeypatch.setenv("HTTP_PROXY", through)
        Http(local, 2).make_request("eth_chainId", [])
        assert (len(node.asked), proxy.asked) == (2, [])
        Http("http://node.test/a", 2).make_request("eth_chainId", [])
        monkeypatch.delenv("HTTP_PROXY")
        Http("http://node.test/b", 2, HttpAccess(proxy=through)).make_request("eth_chainId", [])
        assert [path for path, _ in proxy.asked] == ["http://node.test/a", "http://node.test/b"]


def test_a_named_proxy_goes_before_the_environments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "node.test")
    with serving(seven) as proxy:
        access = HttpAccess(proxy=f"http://127.0.0.1:{proxy.server_port}")
        Http("http://node.test/", 2, access).make_request("eth_chainId", [])
        assert len(proxy.asked) == 1


@pytest.mark.parametrize("proxy", ["proxy:3128", "socks5://proxy:1", "http://"])
def test_refuses_a_proxy_that_is_none(proxy: str) -> None:
    with pytest.raises(BadInput, match="a proxy must be a URL such as"):
        Http("http://node.test/", 2, HttpAccess(proxy=proxy))


def test_says_whether_a_proxy_makes_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert not HttpAccess().is_by_proxy("https://node.test/")
    assert HttpAccess(proxy="http://p:1").is_by_proxy("https://node.test/")
    assert not HttpAccess(proxy="http://p:1").is_by_proxy("https://localhost/")
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    assert HttpAccess().is_by_proxy("https://node.test/")


def test_a_token_comes_from_the_environment_and_is_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_TOKEN", TOKEN)
    with serving(seven) as server:
        url = f"http://127.0.0.1:{server.server_port}/${{NODE_TOKEN}}?key=${{NODE_TOKEN}}"
        Http(url, 2).make_request("eth_chainId", [])
        assert server.asked == [(f"/{TOKEN}?key={TOKEN}", "eth_chainId")]
    with pytest.raises(NodeUnavailable) as gone:
        Http(url, 0.2).make_request("eth_chainId", [])
    assert TOKEN not in str(gone.value)


@pytest.mark.parametrize("value", [None, ""])
def test_a_token_that_is_not_there_is_asked_for(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("NODE_TOKEN", raising=False)
    if value is not None:
        monkeypatch.setenv("NODE_TOKEN", value)
    with pytest.raises(BadInput, match="NODE_TOKEN is not in the environment: set it"):
        expanded("https://node.test/${NODE_TOKEN}")
