"""The chaos program in short: what it puts between agents and nodes, a life, and what is held against it.

Rules: A90, A91, A92.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agents.chain.endpoint import Endpoint
from agents.core.errors import NodeUnavailable, Refused
from assurance.chaos.__main__ import told
from assurance.chaos.market import ChaosMarket, Lived
from assurance.chaos.node import RealNode
from assurance.chaos.plans import (
    FAST_CLOCK,
    FAULTS,
    OF_TRANSACTIONS,
    REORGS,
    UNDISTURBED,
    Plan,
    alone,
    mixture,
)
from assurance.chaos.proxy import Proxy, proxied
from assurance.chaos.verdict import judge
from scripts.local_chain import local_chain
from testing.faults import Fault, answers, http, servers

NETWORK = os.environ.get("NETWORK") or "ganache"


@pytest.fixture(scope="module")
def node() -> Iterator[RealNode]:
    with local_chain(NETWORK) as chain:
        made = RealNode(chain.url, NETWORK)
        made.take_blocks_in_hand()
        yield made


@pytest.fixture(scope="module")
def proxy(node: RealNode) -> Iterator[Proxy]:
    with proxied(node.url) as made:
        yield made


@pytest.fixture(scope="module")
def undisturbed(node: RealNode, proxy: Proxy, tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return ChaosMarket(node, proxy, tmp_path_factory.mktemp("undisturbed")).live(UNDISTURBED)


# --- lives ---


def test_a_life_without_faults_makes_a_model(undisturbed: Lived) -> None:
    assert undisturbed.model.strip("0")
    assert (undisturbed.deaths, sum(undisturbed.lost.values()), undisturbed.audit_ok) == ({}, 0, True)
    assert undisturbed.made == {
        "MemberCreated": 8,
        "DatasetCreated": 1,
        "InstanceCreated": 9,
        "ModelCreated": 1,
        "CoupleRequested": 1,
    }


def test_a_life_behind_bad_nodes_comes_to_the_same(
    node: RealNode, proxy: Proxy, undisturbed: Lived, tmp_path: Path
) -> None:
    faults: tuple[Fault, ...] = (
        servers.late_logs(0.2, 1),
        servers.lagging(0.1, 2),
        answers.doubled_logs(0.5),
        answers.pending_logs(0.5),
        answers.null_results(0.02),
        answers.small_ranges(4),
        http.busy(0.02, 1),
        http.half_answers(0.02),
    )
    plan = Plan("several at once", faults, seed=3)
    verdict = judge(NETWORK, plan, ChaosMarket(node, proxy, tmp_path).live(plan), undisturbed)
    assert verdict.problems == ()
    assert verdict.survived


# --- the proxy ---


@pytest.fixture
def ask(node: RealNode, proxy: Proxy) -> Callable[..., Any]:
    """Asks through faults."""
    del node

    def through(*faults: Fault) -> Any:
        proxy.line("tester").set(faults, "seed")
        endpoint = Endpoint.connect(proxy.url("tester"), 0.5, lambda _: Refused(""))
        return endpoint.ask("eth_chainId")

    return through


def test_the_proxy_hands_on_what_the_node_says(ask: Callable[..., Any], node: RealNode) -> None:
    assert ask() == node.ask("eth_chainId")


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (http.html(1.0), "no JSON-RPC"),
        (http.html(1.0, 503), "HTTP 503"),
        (http.half_answers(1.0), "ProtocolError|no JSON-RPC"),
        (http.wrong_ids(1.0), "the answer to another request"),
        (http.dropped(1.0), "ConnectionError"),
        (http.slow(1.0, 1.0), "ReadTimeout"),
        (http.busy(1.0), "asks for a rest before eth_chainId: HTTP 429"),
        (http.shut(1.0), "does not let us in to eth_chainId: HTTP 403"),
        (answers.empty_results(1.0), "neither a result nor an error"),
    ],
)
def test_what_goes_wrong_on_the_wire_arrives(fault: Fault, why: str, ask: Callable[..., Any]) -> None:
    with pytest.raises(NodeUnavailable, match=why):
        ask(fault)


# --- plans ---


def test_each_fault_is_played_alone() -> None:
    names = [plan.name for plan in alone(5)]
    assert names == [*FAULTS, REORGS, FAST_CLOCK]
    assert {plan.seed for plan in alone(5)} == {5}
    assert set(FAULTS) > OF_TRANSACTIONS
    assert {name for name in OF_TRANSACTIONS if "transaction" in name}


def test_a_mixture_is_drawn_by_its_seed() -> None:
    for seed in range(20):
        names = [part for part in mixture(seed).name.split(" + ") if part != REORGS]
        assert mixture(seed).name == mixture(seed).name
        assert 3 <= len(names) <= 6
        assert set(names) <= set(FAULTS)
        assert mixture(seed).reorgs == (REORGS in mixture(seed).name)
    assert len({mixture(seed).name for seed in range(20)}) == 20


def test_faults_come_as_they_are_likely() -> None:
    spoilt = answers.null_results(0.25)(lambda _method, _params: {"result": "0x1"}, Random(1))
    nulls = sum(spoilt("eth_chainId", [])["result"] is None for _ in range(2_000))
    assert 400 < nulls < 600


# --- verdicts ---


SOUND = Lived(model="ab", paid_in={"data owner": 5}, made={"ModelCreated": 1}, audit_ok=True)
HELD: Mapping[str, tuple[dict[str, Any], str, tuple[int, int, int]]] = {
    "nothing": ({}, "", (0, 0, 0)),
    "lost": ({"lost": {"data owner": 2, "model owner": 1}}, "3 events lost", (3, 0, 0)),
    "died": ({"deaths": {"data owner": ["KeyError"] * 2}}, "data owner died: KeyError", (0, 0, 2)),
    "paid twice": ({"paid_in": {"data owner": 10}}, "data owner paid in 10, not 5", (0, 1, 0)),
    "made twice": ({"made": {"ModelCreated": 2}}, "ModelCreated 2 times", (0, 1, 0)),
    "another model": ({"model": "cd"}, "another model", (0, 0, 0)),
    "no model": ({"model": "00"}, "no model in time", (0, 0, 0)),
    "the audit": ({"audit_ok": False}, "the audit finds something", (0, 0, 0)),
}


@pytest.mark.parametrize("name", HELD)
def test_a_life_is_held_against_one_without_faults(name: str) -> None:
    changes, problem, (lost, twice, died) = HELD[name]
    verdict = judge("anvil", Plan("a fault"), replace(SOUND, **changes), SOUND)
    assert "; ".join(verdict.problems) == problem
    assert verdict.survived == (not problem)
    assert (verdict.events_lost, verdict.paid_twice, verdict.agents_died) == (lost, twice, died)


def test_the_report_adds_up() -> None:
    verdicts = [judge("anvil", Plan("a fault"), replace(SOUND, **HELD[name][0]), SOUND) for name in HELD]
    verdicts.append(judge("anvil", Plan("one + another"), SOUND, SOUND))
    report = told(verdicts, 7, 1.23)
    assert {name: report[name] for name in ("faults", "mixtures", "lives", "survived")} == {
        "faults": 1,
        "mixtures": 1,
        "lives": 9,
        "survived": 2,
    }
    assert (report["events_lost"], report["paid_twice"], report["agents_died"]) == (3, 2, 2)
    assert (report["seed"], report["seconds"]) == (7, 1.2)
