"""Time on the local chain, to the second, on every kind of node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from brownie import chain, history, web3
from brownie.exceptions import VirtualMachineError

ATTEMPTS = 20


def now() -> int:
    """The latest block's timestamp, in seconds."""
    return int(chain[-1].timestamp)


def travel_to(timestamp: int) -> None:
    """Mines an empty block in exactly this second; what follows happens in it or later."""
    _set(timestamp)
    _request("evm_mine", timestamp)
    assert now() == timestamp


def at(timestamp: int, act: Callable[[], Any]) -> Any:
    """Runs one transaction in exactly this second.

    A node's clock goes on while the transaction is under way. If that took it past the second, what
    happened is undone and tried again.
    """
    for _ in range(ATTEMPTS):
        snapshot = _request("evm_snapshot")
        _set(timestamp)
        try:
            result = act()
        except VirtualMachineError:
            if now() == timestamp:
                raise
        else:
            if now() == timestamp:
                return result
        _request("evm_revert", snapshot)
        history.clear()  # else Brownie waits for the nonces of the undone
    raise AssertionError(f"no block in second {timestamp} after {ATTEMPTS} attempts")


def _set(timestamp: int) -> None:
    if web3.client_version.lower().startswith("anvil"):
        _request("evm_setTime", now())  # its clock may be ahead of the last block after a revert
        _request("evm_setNextBlockTimestamp", timestamp)
    else:
        _request("evm_setTime", timestamp * 1000)


def _request(method: str, *parameters: object) -> Any:
    answer = web3.provider.make_request(method, list(parameters))
    assert "result" in answer, f"{method}: {answer}"
    return answer["result"]
