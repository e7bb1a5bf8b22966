"""The market on a chain: deployed, and its members given coins."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.core.errors import NodeUnavailable
from agents.core.ids import Address
from benchmarks.life import DEPOSITS
from benchmarks.nodes.network import Network, rich_secrets
from benchmarks.rpc import Node
from benchmarks.signing import Signed, Signer
from tests.support.compiler import ROOT, compiled_sources

MARKET = "contracts/Marketplace.sol"
ALLOWANCE = max(DEPOSITS.values()) + 10**17
"""What each member gets, in wei: its deposit, and gas for its whole life."""
DEPLOY_GAS = 8_000_000
TRANSFER_GAS = 21_000
PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.05


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
        self._nodes = [Node(port) for port in network.ports]
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
        (receipt,) = self._mined([(0, creation)])
        return Site(self._chain_id, self._network.gas_price, Address(receipt["contractAddress"]), made["abi"])

    def endow(self, members: Sequence[Address]) -> None:
        """Gives each member what it needs.

        Raises:
            NodeUnavailable: the chain did not take a transfer.
        """
        transfers = []
        for place, member in enumerate(members):
            payer = place % len(self._signers)
            transfers.append((payer, self._sign(payer, member, ALLOWANCE, b"", TRANSFER_GAS)))
        self._mined(transfers)

    def _sign(self, payer: int, to: Address | None, value: int, data: bytes, gas: int) -> Signed:
        signed = self._signers[payer].sign(self._nonces[payer], to, value, data, gas)
        self._nonces[payer] += 1
        return signed

    def _mined(self, transactions: Sequence[tuple[int, Signed]]) -> list[dict[str, Any]]:
        """The receipts of these, each payer's sent to a node of its own, once all are in blocks."""
        for number, node in enumerate(self._nodes):
            ours = [signed for payer, signed in transactions if payer % len(self._nodes) == number]
            node.ask_all([("eth_sendRawTransaction", [signed.raw]) for signed in ours])
        receipts: dict[str, dict[str, Any]] = {}
        deadline = time.monotonic() + PATIENCE_SECONDS
        waiting = [signed.hash for _, signed in transactions]
        while waiting and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
            if self._nodes[0].ask("eth_getTransactionReceipt", waiting[-1]) is None:
                continue
            answers = self._nodes[0].ask_all([("eth_getTransactionReceipt", [hash_]) for hash_ in waiting])
            receipts |= {answer["transactionHash"]: answer for answer in answers if answer is not None}
            waiting = [hash_ for hash_ in waiting if hash_ not in receipts]
        failed = [hash_ for hash_, receipt in receipts.items() if int(receipt["status"], 16) != 1]
        if waiting or failed:
            raise NodeUnavailable(f"{len(waiting)} transactions were not mined, {len(failed)} reverted")
        return [receipts[signed.hash] for _, signed in transactions]


def compiled(evm: str) -> dict[str, Any]:
    """The market's artefact, compiled with the project's settings for a version of the virtual machine."""
    imported = [*sorted((ROOT / "contracts").rglob("*.sol")), ROOT / "package-lock.json"]
    answer = compiled_sources(
        {MARKET: (ROOT / MARKET).read_text()}, imported, "abi", "evm.bytecode.object", evmVersion=evm
    )
    artefact: dict[str, Any] = answer["contracts"][MARKET]["Marketplace"]
    return artefact
