"""The consortium's chain: one validator on each host, and in front of each a server that ends TLS."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from eth_utils.address import to_checksum_address

from agents.chain.deployment import Deployment
from agents.core.errors import NodeUnavailable
from agents.core.ids import Address
from assurance.organisations.hosts import Host
from benchmarks.nodes.network import START_SECONDS, rich_secrets
from benchmarks.nodes.tools import kaia
from benchmarks.nodes.validators import (
    CHAIN_ID,
    FLAGS,
    GARBAGE_PERCENT,
    GAS_PRICE,
    contact,
    genesis,
    initialise,
    introduce,
)
from benchmarks.rpc import RpcNode
from benchmarks.signing import RawTransaction, Signer, address_of
from benchmarks.site import DEPLOY_GAS, TRANSFER_GAS, compiled
from testing.authority import Authority

PEER_PORT, RPC_PORT, TLS_PORT = 30_303, 8_551, 8_545
_PATIENCE_SECONDS = 120.0
_EVM = "shanghai"


def node_name(host: Host) -> str:
    """By which other organisations know a host's node."""
    return f"node.{host.name}.test" if host.namespace else host.address


def own_url(host: Host) -> str:
    """For whoever is on that host."""
    return f"http://{host.address}:{RPC_PORT}"


def shared_url(host: Host) -> str:
    """For the other organisations."""
    return f"https://{node_name(host)}:{TLS_PORT}"


@dataclass
class Chain:
    """A running network of validators.

    Attributes:
        node: any of them, for whoever convenes.
        version: what the client says of itself.
    """

    node: RpcNode
    version: str
    _payer: Signer = field(init=False)
    _nonce: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self._payer = Signer(rich_secrets()[0], CHAIN_ID, GAS_PRICE)

    def deploy(self, path: Path) -> Deployment:
        """Deploys the market, and writes the file that all members are given.

        Raises:
            NodeUnavailable: the chain does not take it.
        """
        made = compiled(_EVM)
        creation = self._sign(None, 0, bytes.fromhex(made["evm"]["bytecode"]["object"]), DEPLOY_GAS)
        (receipt,) = self._mined([creation])
        market = Address(to_checksum_address(receipt["contractAddress"]))
        deployment = Deployment(CHAIN_ID, market, int(receipt["blockNumber"], 16), made["abi"])
        deployment.save(path)
        return deployment

    def endow(self, members: Sequence[Address], wei: int) -> None:
        """Gives each member so many coins.

        Raises:
            NodeUnavailable: the chain does not take a transfer.
        """
        self._mined([self._sign(member, wei, b"", TRANSFER_GAS) for member in members])

    def height(self) -> int:
        """Number of the last block."""
        return int(self.node.ask("eth_blockNumber"), 16)

    def _sign(self, to: Address | None, wei: int, data: bytes, gas: int) -> RawTransaction:
        signed = self._payer.sign(self._nonce, to, wei, data, gas)
        self._nonce += 1
        return signed

    def _mined(self, transactions: Sequence[RawTransaction]) -> list[dict[str, str]]:
        self.node.close()  # the node does not keep connections on which nothing comes
        for one in transactions:
            self.node.ask("eth_sendRawTransaction", one.raw)
        deadline = time.monotonic() + _PATIENCE_SECONDS
        found: list[dict[str, str]] = []
        while len(found) < len(transactions):
            receipt = self.node.ask("eth_getTransactionReceipt", transactions[len(found)].hash)
            if receipt is not None and int(receipt["status"], 16) != 1:
                raise NodeUnavailable("the chain did not take a transaction of the convener's")
            if receipt is not None:
                found.append(receipt)
            elif time.monotonic() > deadline:
                raise NodeUnavailable(f"a transaction is in no block after {_PATIENCE_SECONDS:.0f} s")
            else:
                time.sleep(0.2)
        return found


@contextmanager
def chain(hosts: Sequence[Host], authority: Authority, folder: Path) -> Iterator[Chain]:
    """A fresh chain with a validator on each of these hosts.

    Raises:
        Skipped: the client cannot be had here.
        NodeUnavailable: it does not start.
    """
    program = kaia()
    keys = [sha256(f"validator of {host.name}".encode()).digest() for host in hosts]
    folder.mkdir(parents=True)
    (folder / "genesis.json").write_text(json.dumps(genesis(keys)))
    contacts = [contact(key, PEER_PORT, host.address) for host, key in zip(hosts, keys, strict=True)]
    with ExitStack() as stack:
        for host, key in zip(hosts, keys, strict=True):
            home = folder / host.name
            initialise(program, home, folder / "genesis.json")
            words = [
                str(program),
                *FLAGS,
                f"--rpcaddr={host.address}",
                "--rpcvhosts=*",
                f"--datadir={home}",
                f"--nodekeyhex={key.hex()}",
                f"--rewardbase={address_of(key)}",
                f"--port={PEER_PORT}",
                f"--rpcport={RPC_PORT}",
                f"--maxconnections={2 * len(hosts) + 2}",
            ]
            log = folder / f"{host.name}.log"
            stack.enter_context(host.serving("validator", words, log, {"GOGC": GARBAGE_PERCENT}))
            _front(stack, host, authority, folder)
        nodes = [stack.enter_context(RpcNode(RPC_PORT, host.address)) for host in hosts]
        for node in nodes:
            _await(node)
        introduce(nodes, contacts)
        yield Chain(nodes[0], str(nodes[0].ask("web3_clientVersion")))


def _front(stack: ExitStack, host: Host, authority: Authority, folder: Path) -> None:
    """A server in front of a validator that ends TLS."""
    certificate, key = folder / f"{host.name}.pem", folder / f"{host.name}.key"
    authority.issue([node_name(host), host.address], certificate, key)
    words = [
        *(sys.executable, "-m", "assurance.organisations.tls_front"),
        *(host.address, str(TLS_PORT), host.address, str(RPC_PORT), str(certificate), str(key)),
    ]
    stack.enter_context(host.serving("front", words, folder / f"{host.name}-front.log", {}))


def _await(node: RpcNode) -> None:
    """Returns once a node answers.

    Raises:
        NodeUnavailable: it does not.
    """
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            node.ask("web3_clientVersion")
        except NodeUnavailable:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return
