"""What a node does to the transactions that it is sent, and what it says of them."""

from __future__ import annotations

from random import Random
from typing import Any

from testing.faults.seam import (
    Answer,
    Fault,
    Forward,
    Params,
    Reply,
    WireFaultError,
    on,
    refusal,
    result_of,
)


def no_effective_gas_price() -> Fault:
    """Receipts do not say what the gas cost."""
    return _without("eth_getTransactionReceipt", "effectiveGasPrice")


def no_base_fee(chance: float = 0.1) -> Fault:
    """A block comes without its base fee."""
    return _without("eth_getBlockByNumber", "baseFeePerGas", chance)


def no_tip_method() -> Fault:
    """The node has no `eth_maxPriorityFeePerGas` (Besu)."""
    return on("eth_maxPriorityFeePerGas", 1.0, lambda *_: refusal(-32601, "Method not found"))


def low_estimates(chance: float = 0.3, share: float = 0.6) -> Fault:
    """An estimate of gas is too low."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        answer = forward(method, params)
        if "result" not in answer:
            return answer
        return {"result": hex(int(int(answer["result"], 16) * share))}

    return on("eth_estimateGas", chance, spoil)


def late_receipts(blocks: int = 6) -> Fault:
    """A receipt is shown so many blocks late; the nonce is counted at once."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        answer = forward(method, params)
        receipt = answer.get("result")
        if not receipt:
            return answer
        head = int(result_of(forward, "eth_blockNumber"), 16)
        late = int(receipt["blockNumber"], 16) + blocks > head
        return {"result": None} if late else answer

    return on("eth_getTransactionReceipt", 1.0, spoil)


def lost_broadcasts(chance: float = 0.2) -> Fault:
    """A transaction is taken with thanks and forgotten."""

    def spoil(_f: Forward, _m: str, params: Params, _r: Random) -> Answer:
        return {"result": "0x" + "00" * 32}

    return on("eth_sendRawTransaction", chance, spoil)


def silent_broadcasts(chance: float = 0.2) -> Fault:
    """A transaction is taken, and the connection ends without an answer."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        forward(method, params)
        raise WireFaultError(Reply(status=0))

    return on("eth_sendRawTransaction", chance, spoil)


def known_broadcasts(chance: float = 0.5) -> Fault:
    """A transaction is taken, and said to be known."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        forward(method, params)
        return refusal(-32000, "already known")

    return on("eth_sendRawTransaction", chance, spoil)


def _without(method: str, name: str, chance: float = 1.0) -> Fault:
    def spoil(forward: Forward, asked: str, params: Params, _: Random) -> Answer:
        answer = forward(asked, params)
        result: Any = answer.get("result")
        return {"result": {k: v for k, v in result.items() if k != name}} if result else answer

    return on(method, chance, spoil)
