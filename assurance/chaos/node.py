"""The real node under the proxy: it makes blocks when it is told, takes them back, and pays."""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import suppress
from typing import Any

from agents.chain.node import Node
from agents.core.errors import NodeUnavailable, Refused
from agents.core.ids import Address

BLOCK_SECONDS = 3
"""Between two blocks, of virtual time."""

DEEPEST = 3
"""How many blocks are taken back at most."""

_ENOUGH = 50 * 10**18
_PATIENCE_SECONDS = 10.0
_MOST_TRIES = 6


class RealNode:
    """anvil or Ganache, whose blocks come when they are asked for, whoever has sent transactions.

    Args:
        url: where it serves.
        kind: ``anvil`` or ``ganache``.

    Attributes:
        reorgs: how often blocks were taken back.
    """

    def __init__(self, url: str, kind: str) -> None:
        self.url, self.kind = url, kind
        self.reorgs = 0
        self._node = Node.connect(url, _PATIENCE_SECONDS, lambda _: Refused(""))
        self._lock = threading.Lock()
        self._snapshots: deque[Any] = deque(maxlen=DEEPEST)
        self._time = int(self.ask("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def ask(self, method: str, *params: object) -> Any:
        """One request."""
        return self._node.ask(method, *params)

    def take_blocks_in_hand(self) -> None:
        """From now on a block comes with `mine` alone."""
        if self.kind == "anvil":
            self.ask("evm_setAutomine", False)
        else:
            self.ask("miner_stop")

    def fund(self, account: Address) -> None:
        """Gives an account coins, if it has few; they come with the next block."""
        if int(self.ask("eth_getBalance", account, "latest"), 16) < _ENOUGH:
            banker = self.ask("eth_accounts")[0]
            gift = {"from": banker, "to": account, "value": hex(2 * _ENOUGH), "gas": hex(21_000)}
            self.ask("eth_sendTransaction", gift)

    def receipt(self, transaction: str) -> dict[str, Any]:
        """Of a transaction that was mined; anvil shows it a moment later."""
        for _ in range(500):
            receipt: dict[str, Any] | None = self.ask("eth_getTransactionReceipt", transaction)
            if receipt is not None:
                return receipt
            time.sleep(0.01)
        raise AssertionError(f"{transaction} is not mined")

    def mine(self, blocks: int = 1) -> None:
        """Makes blocks, each some seconds after the last."""
        with self._lock:
            for _ in range(blocks):
                self._mine()

    def take_back(self, depth: int) -> None:
        """Replaces the last blocks, of which there are so many, by empty ones."""
        with self._lock:
            self.reorgs += 1
            if self.kind == "anvil":
                self.ask("anvil_reorg", depth, [])
            else:
                self.ask("evm_revert", self._snapshots[-depth])
                self._snapshots.clear()
                for _ in range(depth):
                    self._mine()

    def _mine(self) -> None:
        if self.kind != "anvil":
            self._snapshots.append(self.ask("evm_snapshot"))
        for _ in range(_MOST_TRIES):  # Ganache leaves a request unanswered now and then
            self._time += BLOCK_SECONDS
            with suppress(NodeUnavailable):
                self.ask("evm_mine", self._time)
                return
        raise NodeUnavailable(f"{self.kind} makes no blocks")
