"""A node in this process that runs the market's contract: a block for each transaction, as it comes."""

from __future__ import annotations

from typing import Any

from agents.chain.blooms import OurBloom
from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.core.ids import Address
from testing.backend import CHAIN_ID, MARKET, START
from testing.compiler import compiled_contract
from testing.events_as_logs import Log
from testing.evm import SOURCE, Evm, codec
from testing.local_evm import DEPLOYER, RevertedError
from tests.agents.chain.stub_node import NodeError, Pooled, StubBlock, StubNode

_MOST_GAS = 8_000_000


class EvmNode(StubNode):
    """`StubNode` with the market itself behind it. It keeps the state after the last block alone.

    Attributes:
        evm: where transactions are run; nobody pays there for gas.
    """

    def __init__(self) -> None:
        self.evm = Evm(now=START)
        super().__init__(MARKET, chain_id=CHAIN_ID, takes=lambda _: 0)
        OurBloom(bytes.fromhex(MARKET[2:]), codec().topics)  # agents that are forked find it worked out

    @property
    def deployment(self) -> Deployment:
        """Where the market is."""
        return Deployment(CHAIN_ID, MARKET, 1, compiled_contract(SOURCE).abi)

    def client(self) -> MarketClient:
        """The market as this node tells it."""
        return MarketClient.over(self, self.deployment)

    def mine(self, *logs: Log, seconds: int = 2) -> StubBlock:
        """Runs what is in the pool, in a block so much later."""
        self.evm.height = len(self.blocks)
        self.evm.now = self.blocks[-1].timestamp + seconds if self.blocks else START
        failed, made = set(), list(logs)
        for one in self.pool:
            try:
                self.evm.execute(Address(one.sender), MARKET, one.data, one.value)
            except RevertedError:
                failed.add(one.hash)
            else:
                made += [Log(tuple(topics), data) for topics, data in (log.data for log in self.evm.logs)]
        block = super().mine(*made, seconds=seconds)
        block.failed |= failed
        return block

    def _eth_call(self, request: dict[str, str], tag: str) -> str:
        if tag not in ("latest", hex(self.head.number)):
            raise NodeError({"code": -32000, "message": "missing trie node"})
        return "0x" + self._asked(request).hex()

    def _eth_estimateGas(self, request: dict[str, str]) -> str:
        self._asked(request)
        return hex(_MOST_GAS)

    def _eth_getBalance(self, address: str, _tag: str) -> str:
        if address != MARKET:
            self.evm.fund(Address(address))
        return hex(self.evm.balance(Address(address)))

    def _eth_getBlockByNumber(self, tag: str, full: bool) -> dict[str, Any] | None:
        shown = super()._eth_getBlockByNumber(tag, full)
        if full and shown:
            block = self.blocks[int(shown["number"], 16)]
            mined = zip(shown["transactions"], block.transactions, strict=True)
            shown["transactions"] = [one | _called(pooled, block) for one, pooled in mined]
        return shown

    def _asked(self, request: dict[str, str]) -> bytes:
        """What a call returns; it leaves nothing behind."""
        before = self.evm.snapshot()
        sender, value = Address(request.get("from", DEPLOYER)), int(request.get("value", "0x0"), 16)
        self.evm.now = self.head.timestamp
        try:
            return self.evm.execute(sender, MARKET, bytes.fromhex(request["data"][2:]), value)
        except RevertedError as reverted:
            data = "0x" + reverted.reason.hex()
            raise NodeError({"code": 3, "message": "execution reverted", "data": data}) from None
        finally:
            self.evm.revert(before)


def _called(pooled: Pooled, block: StubBlock) -> dict[str, str]:
    return {"to": pooled.to, "input": "0x" + pooled.data.hex(), "blockNumber": hex(block.number)}
