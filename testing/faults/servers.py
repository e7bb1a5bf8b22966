"""Servers behind one URL that are not of one mind: late, late for good, or of another chain."""

from __future__ import annotations

from random import Random
from typing import Any

from testing.faults.seam import Answer, Fault, Forward, Params, by_chance, on, result_of

_OF_STATE = ("eth_call", "eth_getBalance", "eth_getTransactionCount", "eth_getCode", "eth_estimateGas")


def late_logs(chance: float = 0.2, lag: int = 1) -> Fault:
    """Logs come from a server that is so many blocks late; what it has not is left out without a word."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        return _logs_up_to(_head(forward) - lag, forward, method, params)

    return on("eth_getLogs", chance, spoil)


def short_logs(chance: float = 0.2) -> Fault:
    """Half of the logs of an answer are left out, whatever block they are of."""

    def spoil(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
        answer = forward(method, params)
        return _with_logs(answer, [log for log in answer.get("result", []) if rng.random() < 0.5])

    return on("eth_getLogs", chance, spoil)


def lagging(chance: float = 0.3, lag: int = 3) -> Fault:
    """Any request may come to a server that is late by up to so many blocks: heads go up and down."""

    def spoil(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
        return _late(_head(forward) - rng.randint(1, lag), forward, method, params)

    return by_chance(chance, spoil)


def sticky_lag(chance: float = 0.03, lag: int = 3, requests: int = 40) -> Fault:
    """Now and then a session sticks to a late server, for so many requests."""

    def fault(forward: Forward, rng: Random) -> Forward:
        left = [0]

        def answer(method: str, params: Params) -> Answer:
            if left[0] == 0 and rng.random() < chance:
                left[0] = requests
            if left[0] == 0:
                return forward(method, params)
            left[0] -= 1
            return _late(_head(forward) - lag, forward, method, params)

        return answer

    return fault


def wrong_chain(chance: float = 0.1) -> Fault:
    """Any request may come to a server of another chain, which has none of our blocks and no contract."""

    def spoil(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
        return _foreign(forward, method, params, rng)

    return by_chance(chance, spoil)


# --- what such a server says ---


def _late(head: int, forward: Forward, method: str, params: Params) -> Answer:
    if method == "eth_blockNumber":
        return {"result": hex(head)}
    if method == "eth_getLogs":
        return _logs_up_to(head, forward, method, params)
    if method == "eth_getBlockByNumber" and params[0] == "latest":
        return forward(method, [hex(head), *params[1:]])
    if method == "eth_getBlockByNumber" and int(params[0], 16) > head:
        return {"result": None}
    if method in _OF_STATE and params[-1] == "latest":
        return forward(method, [*params[:-1], hex(head)])
    answer = forward(method, params)
    return {"result": None} if _block_of(answer.get("result")) > head else answer


def _block_of(result: Any) -> int:
    """Of a receipt, a transaction or a block."""
    told = result.get("blockNumber", result.get("number")) if isinstance(result, dict) else None
    return int(told, 16) if isinstance(told, str) else 0


def _logs_up_to(head: int, forward: Forward, method: str, params: Params) -> Answer:
    query = dict(params[0])
    if "toBlock" in query and int(query["toBlock"], 16) > head:
        if int(query["fromBlock"], 16) > head:
            return {"result": []}
        query["toBlock"] = hex(head)
    answer = forward(method, [query])
    return _with_logs(answer, [log for log in answer.get("result", []) if _block_of(log) <= head])


def _with_logs(answer: Answer, logs: list[Any]) -> Answer:
    return answer if "error" in answer else {"result": logs}


def _foreign(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
    empty: dict[str, Any] = {
        "eth_chainId": hex(5),
        "eth_blockNumber": hex(_head(forward) + rng.randint(-3, 3)),
        "eth_getLogs": [],
        "eth_call": "0x",
        "eth_getCode": "0x",
        "eth_getBalance": "0x0",
        "eth_getTransactionCount": "0x0",
        "eth_getTransactionReceipt": None,
    }
    if method in empty:
        return {"result": empty[method]}
    answer = forward(method, params)
    block = answer.get("result")
    if method == "eth_getBlockByNumber" and block is not None:
        other = {name: _other(block[name]) for name in ("hash", "parentHash")}
        return {"result": {**block, **other}}
    return answer


def _other(hash_: str) -> str:
    """What another chain has in the place of a hash."""
    return "0x" + bytes(byte ^ 0x5A for byte in bytes.fromhex(hash_[2:])).hex()


def _head(forward: Forward) -> int:
    return int(result_of(forward, "eth_blockNumber"), 16)
