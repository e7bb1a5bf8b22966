"""The market on a chain: deployed, and its members given coins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents.core.errors import NodeUnavailable
from agents.core.ids import Address
from benchmarks.life import DEPOSITS
from benchmarks.nodes.network import Network, rich_secrets
from benchmarks.rpc import RpcNode
from benchmarks.signing import RawTransaction, Signer
from benchmarks.watch import BlockWatch
from testing.compiler import ROOT, compiled_sources

MARKET = "contracts/Marketplace.sol"
ALLOWANCE = max(DEPOSITS.values()) + 10**17
"""What each member gets, in wei: its deposit, and gas for its whole life."""
DEPLOY_GAS = 8_000_000
TRANSFER_GAS = 21_000
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Site:
    """A deployed market, and what is needed to sign for it."""

    chain_id: int
    gas_price: int
    market: Address
    abi: list[dict[str, Any]]


class Treasury:
    """The accounts that have coins from the first block on; they pay for everybody."""

    def __init__(self, network: Network) -> None:
        self._nodes = [RpcNode(port) for port in network.ports]
        chain_id = int(self._nodes[0].ask("eth_chainId"), 16)
        self._signers = [Signer(secret, chain_id, network.gas_price) for secret in rich_secrets()]
        self._nonces = dict.fromkeys(range(len(self._signers)), 0)
        self._network = network
        self._chain_id = chain_id

    def __enter__(self) -> Treasury:
        return self

    def __exit__(self, *_: object) -> None:
        for node in self._nodes:
            node.close()

    def open_market(self) -> Site:
        """Deploys the market.

        Raises:
            NodeUnavailable: it could not be deployed.
        """
        made = compiled(self._network.evm)
        creation = self._sign(0, None, 0, bytes.fromhex(made["evm"]["bytecode"]["object"]), DEPLOY_GAS)
        self._mine({0: [creation]})
        receipt = self._nodes[0].ask("eth_getTransactionReceipt", creation.hash)
        if int(receipt["status"], 16) != 1:
            raise NodeUnavailable("the chain did not take the market's code")
        return Site(self._chain_id, self._network.gas_price, Address(receipt["contractAddress"]), made["abi"])

    def endow(self, members: Sequence[Address]) -> None:
        """Gives each member what it needs.

        Raises:
            NodeUnavailable: the chain did not take a transfer.
        """
        transfers: dict[int, list[RawTransaction]] = {}
        for place, member in enumerate(members):
            payer = place % len(self._signers)
            transfers.setdefault(payer, []).append(self._sign(payer, member, ALLOWANCE, b"", TRANSFER_GAS))
        self._mine(transfers)

    def _sign(self, payer: int, to: Address | None, value: int, data: bytes, gas: int) -> RawTransaction:
        signed = self._signers[payer].sign(self._nonces[payer], to, value, data, gas)
        self._nonces[payer] += 1
        return signed

    def _mine(self, transactions: Mapping[int, Sequence[RawTransaction]]) -> None:
        """Sends each payer's transactions to a node of its own and waits until all are in blocks."""
        with BlockWatch(self._network.ports[0]) as watch:
            for payer, signed in transactions.items():
                node = self._nodes[payer % len(self._nodes)]
                node.ask_all([("eth_sendRawTransaction", [one.raw]) for one in signed])
            hashes = [one.hash for signed in transactions.values() for one in signed]
            lost = watch.await_all(hashes, PATIENCE_SECONDS)
        if lost:
            raise watch.failure or NodeUnavailable(f"of {len(hashes)} transactions {lost} are in no block")


def compiled(evm: str) -> dict[str, Any]:
    """The market's artefact, compiled with the project's settings for a version of the virtual machine."""
    imported = [*sorted((ROOT / "contracts").rglob("*.sol")), ROOT / "package-lock.json"]
    answer = compiled_sources(
        {MARKET: (ROOT / MARKET).read_text()}, imported, "abi", "evm.bytecode.object", evmVersion=evm
    )
    artefact: dict[str, Any] = answer["contracts"][MARKET]["Marketplace"]
    return artefact
