"""Answers that a node should not give: nothing, too much, twice, of no block, in another shape."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from testing.faults.seam import Answer, Fault, Forward, Params, by_chance, on, refusal

_NO_BLOCK = {"blockHash": None, "blockNumber": None, "logIndex": None}


def null_results(chance: float = 0.1) -> Fault:
    """The result is null."""
    return by_chance(chance, lambda *_: {"result": None})


def empty_results(chance: float = 0.1) -> Fault:
    """There is neither a result nor an error."""
    return by_chance(chance, lambda *_: {})


def pending_logs(chance: float = 0.5) -> Fault:
    """A log comes that is in no block yet."""
    return on("eth_getLogs", chance, _added(lambda log: {**log, **_NO_BLOCK}))


def doubled_logs(chance: float = 0.5) -> Fault:
    """A log comes twice."""
    return on("eth_getLogs", chance, _added(dict))


def removed_logs(chance: float = 0.5) -> Fault:
    """A log comes once more, as one that a re-org took away."""
    other = "0x" + "5a" * 32
    return on("eth_getLogs", chance, _added(lambda log: {**log, "blockHash": other, "removed": True}))


def dead_logs(chance: float = 0.3) -> Fault:
    """A log comes once more, of a block that is not the chain's."""
    return on("eth_getLogs", chance, _added(lambda log: {**log, "blockHash": "0x" + "5a" * 32}))


def foreign_logs(chance: float = 0.5) -> Fault:
    """A log of another contract comes with ours."""
    other = "0x" + "5a" * 20
    return on("eth_getLogs", chance, _added(lambda log: {**log, "address": other, "logIndex": "0xfff"}))


def shuffled_logs(chance: float = 1.0) -> Fault:
    """Logs come in any order."""

    def spoil(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
        answer = forward(method, params)
        if "error" in answer:
            return answer
        return {"result": rng.sample(answer["result"], len(answer["result"]))}

    return on("eth_getLogs", chance, spoil)


def lost_fields(chance: float = 0.05) -> Fault:
    """An object lacks a field, or has another type in its place."""

    def spoil(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
        answer = forward(method, params)
        spoilt = answer.get("result")
        one = rng.choice(spoilt) if isinstance(spoilt, list) and spoilt else spoilt
        if isinstance(one, dict) and one:
            one[rng.choice(sorted(one))] = rng.choice([None, 7, "0xzz", [], "latest"])
        return answer

    return by_chance(chance, spoil)


def no_blooms() -> Fault:
    """Headers have a bloom of zeros."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        answer = forward(method, params)
        if isinstance(answer.get("result"), dict):
            answer["result"]["logsBloom"] = "0x" + "00" * 256
        return answer

    return on("eth_getBlockByNumber", 1.0, spoil)


def no_block_receipts() -> Fault:
    """The node has no `eth_getBlockReceipts`."""
    return on("eth_getBlockReceipts", 1.0, lambda *_: refusal(-32601, "the method does not exist"))


def small_ranges(blocks: int = 5, message: str = "block range is limited to {blocks} blocks") -> Fault:
    """Logs of more blocks at once are refused."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        query = params[0]
        if "toBlock" in query and int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= blocks:
            return refusal(-32000, message.format(blocks=blocks))
        return forward(method, params)

    return on("eth_getLogs", 1.0, spoil)


def _added(
    made: Callable[[dict[str, Any]], dict[str, Any]],
) -> Callable[[Forward, str, Params, Random], Answer]:
    """Puts one more log into an answer that has some."""

    def spoil(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
        answer = forward(method, params)
        logs = answer.get("result")
        return {"result": [*logs, made(rng.choice(logs))]} if logs else answer

    return spoil
