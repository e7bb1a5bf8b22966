"""The contract on a node of this machine, which lets anybody send from any address."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from eth_utils.address import to_checksum_address

from agents.chain import views
from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.chain.node import Node
from agents.core.calls import Call
from agents.core.errors import Refused
from agents.core.events import MarketEvent
from agents.core.ids import Address
from scripts.local_chain import local_chain
from testing.backend import Backend
from testing.compiler import compiled_contract
from testing.evm import SOURCE

COIN = 10**18
GAS = 8_000_000


class NodeMarket(Backend):
    """A market on a node. A call is asked before it is sent, so that a refusal has its reason.

    Attributes:
        gas_used: by the last call, as its receipt says.
    """

    def __init__(self, client: MarketClient) -> None:
        super().__init__(client.head().timestamp)
        self.domain = client.read(views.receipt_domain())
        self.gas_used = 0
        self._client, self._node = client, client.node
        self._is_anvil = str(self._node.ask("web3_clientVersion")).lower().startswith("anvil")
        self._known: set[Address] = set()

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        self._admit(sender)
        data = "0x" + self._client.codec.call(call).hex()
        market = self._client.deployment.market
        sent = {"from": sender, "to": market, "data": data, "value": hex(call.value), "gas": hex(GAS)}
        self._let_time_pass()
        self._node.ask("eth_call", sent, "latest")
        receipt = mined(self._node, sent)
        logs = self._client.logs(int(receipt["blockNumber"], 16), int(receipt["blockNumber"], 16))
        self.sender, self.gas_used = sender, int(receipt["gasUsed"], 16)
        for logged in logs:
            self.height, self.now = logged.block, logged.timestamp
            self.note(logged)
        return [logged.event for logged in logs]

    def _admit(self, sender: Address) -> None:
        """Lets an address send, and gives it coins."""
        if sender in self._known:
            return
        self._known.add(sender)
        if self._is_anvil:
            self._node.ask("anvil_impersonateAccount", sender)
        else:
            self._node.ask("evm_addAccount", sender, "")
            self._node.ask("personal_unlockAccount", sender, "", 0)
        banker = self._node.ask("eth_accounts")[0]
        mined(self._node, {"from": banker, "to": sender, "value": hex(COIN), "gas": hex(21_000)})

    def _let_time_pass(self) -> None:
        latest = self._client.head().timestamp
        if self.now > latest:
            set_next_second(self._node.ask, latest, self.now)
            self._node.ask("evm_mine", self.now)


def set_next_second(ask: Callable[..., Any], latest: int, second: int) -> None:
    """The next block will be of this second, or later.

    Args:
        ask: makes a request of the node.
        latest: the second of its last block.
    """
    if str(ask("web3_clientVersion")).lower().startswith("anvil"):
        ask("evm_setTime", latest)  # its clock may be ahead of the last block after a revert
        ask("evm_setNextBlockTimestamp", second)
    else:
        ask("evm_setTime", second * 1000)


@contextmanager
def fresh_client(kind: str | None = None) -> Iterator[MarketClient]:
    """A market on a node of its own, by default of the kind that ``NETWORK`` names."""
    with local_chain(kind or os.environ.get("NETWORK") or "ganache") as chain:
        node = Node.connect(chain.url, 10, lambda _: Refused(""))
        yield MarketClient.connect(chain.url, deploy(node))


def deploy(node: Node) -> Deployment:
    """Deploys from the node's first account."""
    contract = compiled_contract(SOURCE)
    creation = {
        "from": node.ask("eth_accounts")[0],
        "data": "0x" + contract.code.hex(),
        "gas": hex(GAS),
    }
    receipt = mined(node, creation)
    market = Address(to_checksum_address(receipt["contractAddress"]))
    chain_id = int(node.ask("eth_chainId"), 16)
    return Deployment(chain_id, market, int(receipt["blockNumber"], 16), contract.abi)


def mined(node: Node, transaction: dict[str, str]) -> dict[str, Any]:
    """Sends from an unlocked account; anvil shows a receipt a moment after it has mined."""
    hash_ = node.ask("eth_sendTransaction", transaction)
    for _ in range(500):
        receipt: dict[str, Any] | None = node.ask("eth_getTransactionReceipt", hash_)
        if receipt is not None:
            return receipt
        time.sleep(0.01)
    raise AssertionError(f"{hash_} is not mined")
