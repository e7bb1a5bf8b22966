"""A running chain of one node or several, and how its programs are started and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from eth_account import Account

from agents.core.errors import NodeUnavailable
from benchmarks.rpc import RpcNode

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0
STOP_SECONDS = 10.0
MNEMONIC = "test test test test test test test test test test test junk"
RICH = 8
"""How many accounts have coins from the first block on."""


@dataclass(frozen=True, slots=True)
class Network:
    """A chain that serves JSON-RPC on 127.0.0.1.

    Attributes:
        name: for people.
        ports: of its nodes.
        evm: version of the virtual machine that contracts are compiled for.
        gas_price: to offer, in wei.
        groups: process group of each node.
        version: what the program says of itself.
    """

    name: str
    ports: tuple[int, ...]
    evm: str
    gas_price: int
    groups: tuple[int, ...]
    version: str = ""
    settings: Mapping[str, str | int | float] = field(default_factory=dict)


def rich_secrets() -> list[bytes]:
    """The private keys of the accounts that have coins."""
    Account.enable_unaudited_hdwallet_features()
    paths = (f"m/44'/60'/0'/0/{place}" for place in range(RICH))
    return [bytes(Account.from_mnemonic(MNEMONIC, account_path=path).key) for path in paths]


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    listeners = [socket.socket() for _ in range(count)]
    try:
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        return [listener.getsockname()[1] for listener in listeners]
    finally:
        for listener in listeners:
            listener.close()


@contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Runs a program for the length of a ``with`` block, in a process group of its own.

    However we end, it ends too: see tools/while-alive.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        program = subprocess.Popen(
            [str(ROOT / "tools" / "while-alive"), *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )
        try:
            yield program
        finally:
            _stop(program)


def await_answer(program: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Returns once the node answers.

    Raises:
        NodeUnavailable: it ended, or does not answer in time.
    """
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if program.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise NodeUnavailable(f"the node ended at its start: {lines[-1] if lines else 'no reason given'}")
        try:
            version_of(port)
        except NodeUnavailable:
            time.sleep(0.05)
        else:
            return
    raise NodeUnavailable(f"the node did not answer within {START_SECONDS:.0f} s; see {log}")


def version_of(port: int) -> str:
    """What a node's program says of itself."""
    with RpcNode(port) as node:
        return str(node.ask("web3_clientVersion"))


def _stop(program: subprocess.Popen[bytes]) -> None:
    assert program.stdin is not None
    program.stdin.close()
    try:
        program.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()
