"""Checks 5 to 8 and 10: the nodes one by one, the chain, its logs, the time, and the coins."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from agents.chain.access import HttpAccess, expanded
from agents.chain.answers import NodeRefused, data, quantity
from agents.chain.blocks import Header, header, listed_logs
from agents.chain.blooms import OurBloom
from agents.chain.endpoint import Endpoint
from agents.chain.transactions import Transactions
from agents.core.errors import BadInput, HoldfastError, NodeUnavailable, Refused
from agents.doctor.case import Case, Finding, fail, ok, shown_ether, warn
from agents.kit.draft import code_hash_in
from agents.portfolio.terms import read_terms_of

MOST_SKEW: Final = 60.0
"""Seconds between this clock and the chain's."""
MOST_AGE: Final = 300.0
"""Seconds after which a chain that makes blocks seems to stand still."""
MOST_LAG: Final = 2
_LOOKED_AT: Final = 16
"""Blocks after the market's first, of which logs are asked for."""
_CONNECT_SECONDS: Final = 5.0
_GAS: Final = 1_000_000
"""Units that a wallet should be able to pay for."""


def nodes(case: Case) -> Iterator[Finding]:
    """5: name, connection, TLS and answer of each URL."""
    for url in case.settings.rpc:
        try:
            yield _node(case, url)
        except HoldfastError as problem:
            yield fail(str(problem))


def _node(case: Case, url: str) -> Finding:
    found = _endpoint(case, url)
    unreachable = _unreachable(expanded(url), case.settings.node_access)
    if unreachable:
        return fail(f"{found.name}: {unreachable}")
    return ok(f"{found.name}: chain {quantity(found.ask('eth_chainId'))}")


def _unreachable(url: str, access: HttpAccess) -> str:
    """Why there is no connection to a server; nothing if there is one, or a proxy makes it."""
    parts = urlsplit(url)
    if access.is_by_proxy(url):
        return ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((parts.hostname, port), _CONNECT_SECONDS):
            return ""
    except socket.gaierror:
        return "no such name: see the URL, and this machine's DNS"
    except OSError as problem:
        return f"port {port} does not answer ({problem.strerror or problem}): is it up, and the way open?"


def chain(case: Case) -> Iterator[Finding]:
    """6: id, anchor, code, whether it is in step, age of the head, heads of the others."""
    heads = {}
    for url in case.settings.rpc:
        found = _endpoint(case, url)
        try:
            yield from _of_chain(case, found)
            heads[found.name] = _head(found)
        except HoldfastError as problem:
            yield fail(str(problem))
    best = max((head.number for head in heads.values()), default=0)
    for name, head in heads.items():
        if best - head.number > MOST_LAG:
            yield warn(f"{name} is {best - head.number} blocks behind the others: name it last")
        age = case.clock() - head.ref.timestamp
        if age > MOST_AGE:
            yield fail(f"{name}: the last block is {age:.0f} s old: the chain stands, or this clock is ahead")
    if heads:
        case.client  # noqa: B018  # all of it once more, as an agent does it
        yield ok(f"chain {case.deployment.chain_id}, market {case.deployment.market}, block {best}")


def _of_chain(case: Case, found: Endpoint) -> Iterator[Finding]:
    deployment, kit = case.deployment, case.kit
    number = quantity(found.ask("eth_chainId"))
    if number != deployment.chain_id:
        yield fail(f"{found.name} is of chain {number}, the deployment of {deployment.chain_id}")
        return
    if _is_catching_up(found):
        yield fail(f"{found.name} is still catching up with its chain: wait")
    anchor = found.ask("eth_getBlockByNumber", hex(deployment.block), False)
    if anchor is None:
        yield fail(f"{found.name} has no block {deployment.block}, in which the market was deployed")
        return
    code = data(found.ask("eth_getCode", deployment.market, "latest"))
    if not code:
        yield fail(f"{found.name} has no contract at {deployment.market}")
    if kit is not None and "0x" + header(anchor).hash.hex() != kit.chain.anchor.hash:
        yield fail(f"{found.name}: block {deployment.block} is not the kit's anchor: another chain")
    if kit is not None and code and code_hash_in(code) != kit.market.code_hash:
        yield fail(f"{found.name}: code at {deployment.market} is not the kit's market")


def _is_catching_up(found: Endpoint) -> bool:
    try:
        return bool(found.ask("eth_syncing"))
    except NodeRefused:  # a kind of node that does not say
        return False


def logs(case: Case) -> Iterator[Finding]:
    """7: logs are kept back to the market's first block; what agents ask for besides is there."""
    client, first = case.client, case.deployment.block
    head = client.last_header().number
    ours = OurBloom(client.market_logs.address, client.codec.topics)
    pruned = False
    for number in range(first, min(first + _LOOKED_AT, head) + 1):
        block = client.header(number)
        if block is not None and _is_pruned(case, block, ours):
            pruned = True
            yield fail(
                f"getLogs of block {number} is empty, its bloom is not: this node has pruned logs; name one "
                "that keeps them"
            )
            break
    for method, parameters in _ALSO_ASKED:
        try:
            client.node.ask(method, *parameters(case))
        except (NodeUnavailable, Refused) as problem:
            yield warn(f"{problem}: agents do without, with more requests or rougher fees")
    if not pruned:
        yield ok(f"logs are there from block {first} on")


def _is_pruned(case: Case, block: Header, ours: OurBloom) -> bool:
    if block.bloom is None or not ours.unexplained(block.bloom, ()):
        return False
    number = hex(block.number)
    asked = {"address": case.deployment.market, "fromBlock": number, "toBlock": number}
    found = listed_logs(case.client.node.ask("eth_getLogs", asked))
    return not found


_ALSO_ASKED: Final[tuple[tuple[str, Any], ...]] = (
    ("eth_getProof", lambda case: (case.deployment.market, [], "latest")),
    ("eth_feeHistory", lambda _: ("0xa", "latest", [50])),
    ("eth_maxPriorityFeePerGas", lambda _: ()),
)


def clock(case: Case) -> Iterator[Finding]:
    """8: this machine's clock beside the chain's last block."""
    skew = case.clock() - case.client.last_header().ref.timestamp
    if skew < -MOST_SKEW:
        yield fail(f"this clock is {-skew:.0f} s behind the chain: set it (chrony)")
    elif skew > MOST_SKEW:
        yield warn(
            f"this clock is {skew:.0f} s ahead of the chain's last block: set it (chrony), or it stands"
        )
    else:
        yield ok(f"within {MOST_SKEW:.0f} s of the chain")


def coins(case: Case) -> Iterator[Finding]:
    """10: what is in the wallet, beside gas and what the role locks at first by the kit's terms."""
    transactions = Transactions(case.client, case.address)
    has, price = transactions.balance(), transactions.gas_price() or 0
    needs = _GAS * price + case.settings.opening_deposit + _locked(case)
    if has < needs:
        yield fail(
            f"needs about {shown_ether(needs)}, has {shown_ether(has)}: send {shown_ether(needs - has)} to "
            f"{case.address}"
        )
    else:
        yield ok(f"{shown_ether(has)}; about {shown_ether(needs)} are needed to begin")


def _locked(case: Case) -> int:
    """Of one couple, replica or round."""
    terms = read_terms_of(case.kit.terms if case.kit else {})
    by_role = {
        "data-owner": terms.couple_bond,
        "cloud-owner": terms.instance_bond,
        "model-owner": terms.round_price,
    }
    return by_role.get(case.role or "", 0)


def _head(found: Endpoint) -> Header:
    return header(found.ask("eth_getBlockByNumber", "latest", False))


def _endpoint(case: Case, url: str) -> Endpoint:
    settings = case.settings
    try:
        return Endpoint.connect(url, settings.timeout_seconds, lambda _: Refused(""), settings.node_access)
    except BadInput as problem:
        raise BadInput(f"node {urlsplit(url).hostname or url}: {problem}") from None
