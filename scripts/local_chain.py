"""A local chain on a free port that never outlives its owner.

Brownie starts nodes too, but on one fixed port: it attaches to whatever listens there, and a run that is
killed leaves its node, with all its state, to the next one. Tests and demo therefore start theirs here.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import yaml

from agents.core.errors import BadInput, NodeUnavailable

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 10.0

GANACHE_FLAGS = {
    "port": "--server.port",
    "accounts": "--wallet.totalAccounts",
    "default_balance": "--wallet.defaultBalance",
    "mnemonic": "--wallet.mnemonic",
    "evm_version": "--chain.hardfork",
    "gas_limit": "--miner.blockGasLimit",
    "block_time": "--miner.blockTime",
}
ANVIL_FLAGS = {
    "port": "--port",
    "accounts": "--accounts",
    "default_balance": "--balance",
    "mnemonic": "--mnemonic",
    "evm_version": "--hardfork",
    "gas_limit": "--gas-limit",
    "block_time": "--block-time",
    "base_fee": "--block-base-fee-per-gas",
}


@dataclass(frozen=True)
class NodeKind:
    """A program that runs a local chain, and how it is told the settings of brownie-config.yaml."""

    program: str
    network: str
    flags: dict[str, str]
    fixed: tuple[str, ...]


KINDS = {
    "ganache": NodeKind("ganache", "ganache-cli", GANACHE_FLAGS, ("--logging.quiet",)),
    "anvil": NodeKind("anvil", "anvil", ANVIL_FLAGS, ("--quiet",)),
}


@dataclass(frozen=True)
class LocalChain:
    """A running chain: Brownie's name of its network, and the port on 127.0.0.1 where it serves JSON-RPC."""

    network: str
    port: int

    @property
    def url(self) -> str:
        """Where JSON-RPC is served; the same address with ``ws://`` takes subscriptions."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def local_chain(name: str = "ganache", *, block_time: float | None = None) -> Iterator[LocalChain]:
    """Runs a fresh chain for the length of a ``with`` block.

    Args:
        name: ``ganache`` or ``anvil`` (or Brownie's name of the network, ``ganache-cli``).
        block_time: seconds between blocks, for Ganache a whole number; by default every transaction is mined
            at once.

    Raises:
        BadInput: no such kind of chain, or its program is not installed.
        NodeUnavailable: the program ended at once or does not answer.
    """
    kind = _kind(name)
    chain = LocalChain(kind.network, _free_port())
    settings = {**_settings(kind.network), "port": chain.port, "block_time": block_time}
    command = [str(ROOT / "tools" / "while-alive"), _program(kind), *_arguments(kind, settings)]
    with tempfile.TemporaryFile() as log:
        # its own session: Ctrl-C in a terminal goes to the owner alone, who may still need the chain
        node = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            _await_answer(node, chain, log)
            yield chain
        finally:
            _stop(node)


def connect_brownie(chain: LocalChain) -> None:
    """Connects Brownie, whose project must be loaded, to this chain.

    Brownie does not own the node, so it keeps no undo history: a snapshot less for every transaction.
    """
    from brownie import network
    from brownie._config import CONFIG

    CONFIG.networks[chain.network]["cmd_settings"]["port"] = chain.port
    network.connect(chain.network, launch_rpc=False)
    # web3 asks for the chain's id before each request that carries a transaction: once is enough
    provider = network.web3.provider
    provider.cache_allowed_requests = True
    provider.cacheable_requests = {"eth_chainId"}


def _kind(name: str) -> NodeKind:
    for key, kind in KINDS.items():
        if name in (key, kind.network):
            return kind
    raise BadInput(f"no local chain is called {name!r}: use one of {', '.join(KINDS)}")


def _program(kind: NodeKind) -> str:
    installed = ROOT / "node_modules" / ".bin" / kind.program
    found = str(installed) if installed.exists() else shutil.which(kind.program)
    if found is None:
        raise BadInput(f"{kind.program} is not installed for this platform: run `make setup`, or use ganache")
    return found


def _settings(network: str) -> dict[str, object]:
    config = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())
    settings: dict[str, object] = config["networks"][network]["cmd_settings"]
    return settings


def _arguments(kind: NodeKind, settings: dict[str, object]) -> list[str]:
    arguments = list(kind.fixed)
    for name, value in settings.items():
        if value is True:
            arguments.append(kind.flags[name])
        elif value is not None:
            arguments += [kind.flags[name], str(value)]
    return arguments


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _await_answer(node: subprocess.Popen[bytes], chain: LocalChain, log: IO[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if node.poll() is not None:
            log.seek(0)
            lines = log.read().decode(errors="replace").split("\n")
            reason = next((line.strip() for line in lines if line.strip()), "no reason given")
            raise NodeUnavailable(f"{chain.network} ended at its start: {reason}")
        if _answers(chain):
            return
        time.sleep(0.05)
    raise NodeUnavailable(f"{chain.network} did not answer within {START_SECONDS:.0f} s")


def _answers(chain: LocalChain) -> bool:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
    request = urllib.request.Request(chain.url, body, {"Content-Type": "application/json"})
    # a proxy that the environment names is not for this machine's own addresses
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=5) as response:
            return "result" in json.load(response)
    except OSError:
        return False


def _stop(node: subprocess.Popen[bytes]) -> None:
    assert node.stdin is not None
    node.stdin.close()
    try:
        node.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(node.pid, signal.SIGKILL)
        node.wait()
