"""A chain of as many events as are wanted: one life of a model, told again and again of other members."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from agents.chain.client import MarketClient
from agents.chain.codec import Codec
from agents.chain.deployment import Deployment
from agents.chain.endpoint import Endpoint
from agents.chain.node import Node
from agents.core import calls
from agents.core.hashing import seed_chain
from agents.core.ids import Address
from testing.events_as_logs import Log, as_log
from testing.histories import TERMS, Story

ROUNDS = 50
"""Of the couple that is told."""

LOGS_A_BLOCK = 5
MARKET = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
_QUIET_BLOCKS = 200
_CHAIN_ID = 31337
_BEGUN = 1_700_000_000


class _LongStory(Story):
    """A story whose seeds are worked out once."""

    def _link(self, who: bytes, round_: int) -> bytes:
        return _links(sha256(b"secret of " + who).digest(), self.rounds)[round_]


_links = lru_cache(maxsize=4)(seed_chain)


def _told() -> Story:
    story = _LongStory(terms=replace(TERMS, couple_window_seconds=2**31, ends_at=2**39))
    story.distribute()
    story.send(story.model_owner, calls.deposit(10**21))
    story.approve(ROUNDS)
    for _ in range(ROUNDS):
        story.round()
    story.complete()
    return story


def logs_of(abi: Sequence[dict[str, Any]], count: int) -> list[Log]:
    """So many logs that fit each other: one life of a model after another, of other members each.

    Ids begin with their owner's address, so other members are other bytes in the same places.
    """
    story = _told()
    logs = [as_log(abi, logged.event) for logged in story.history]
    members = [bytes.fromhex(member[2:]) for member in story.market.members]
    return [log for _, log in zip(range(count), _repeated(logs, members), strict=False)]


def _repeated(logs: Sequence[Log], members: Sequence[bytes]) -> Iterator[Log]:
    life = 0
    while True:
        others = {member: sha256(b"%d" % life + member).digest()[:20] for member in members}
        for log in logs:
            yield Log(tuple(_of_others(topic, others) for topic in log.topics), _of_others(log.data, others))
        life += 1


def _of_others(data: bytes, others: dict[bytes, bytes]) -> bytes:
    for member, other in others.items():
        data = data.replace(member, other)
    return data


class LongChain:
    """A node that serves these logs, five a block, as JSON texts. Times of blocks are in the logs."""

    def __init__(self, logs: Sequence[Log]) -> None:
        self.requests = 0
        self._blocks = [logs[start : start + LOGS_A_BLOCK] for start in range(0, len(logs), LOGS_A_BLOCK)]
        self._texts = [
            ",".join(_shown(number + 2, index, log) for index, log in enumerate(block))
            for number, block in enumerate(self._blocks)
        ]
        self.head = len(self._blocks) + 1 + _QUIET_BLOCKS

    def make_request(self, method: str, params: Any) -> Any:
        """web3's seam; an answer is parsed as one that comes by HTTP."""
        self.requests += 1
        answers: dict[str, Callable[..., str]] = {
            "eth_chainId": lambda: f'"{_CHAIN_ID:#x}"',
            "eth_getCode": lambda *_: '"0x60"',
            "eth_getBlockByNumber": self._block,
            "eth_getLogs": self._logs,
        }
        return json.loads(f'{{"jsonrpc":"2.0","id":1,"result":{answers[method](*params)}}}')

    def _block(self, tag: str, _full: bool) -> str:
        number = self.head if tag == "latest" else int(tag, 16)
        busy = 0 <= number - 2 < len(self._blocks)
        return json.dumps(_header(number, busy=busy)) if number <= self.head else "null"

    def _logs(self, query: dict[str, str]) -> str:
        first, last = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        return f"[{','.join(self._texts[max(0, first - 2) : max(0, last - 1)])}]"


def _hash(number: int) -> str:
    return f"0x{number:064x}"


def _header(number: int, *, busy: bool) -> dict[str, object]:
    return {
        "number": hex(number),
        "hash": _hash(number),
        "parentHash": _hash(max(0, number - 1)),
        "timestamp": hex(_BEGUN + number),
        "logsBloom": "0x" + ("ff" if busy else "00") * 256,
        "transactions": [],
    }


def _shown(number: int, index: int, log: Log) -> str:
    return json.dumps(
        {
            "address": MARKET,
            "blockHash": _hash(number),
            "blockNumber": hex(number),
            "blockTimestamp": hex(_BEGUN + number),
            "logIndex": hex(index),
            "transactionHash": _hash(number),
            "topics": ["0x" + topic.hex() for topic in log.topics],
            "data": "0x" + log.data.hex(),
            "removed": False,
        }
    )


def client_of(chain: LongChain, abi: Sequence[dict[str, Any]]) -> MarketClient:
    """A client of this chain alone."""
    codec = Codec(abi)
    node = Node([Endpoint(chain, codec.refusal)])
    return MarketClient(Deployment(_CHAIN_ID, MARKET, 1, list(abi)), node, codec)
