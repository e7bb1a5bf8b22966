"""Development nodes: one process, no consensus."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.nodes.network import (
    MNEMONIC,
    RICH,
    ROOT,
    Network,
    await_answer,
    free_ports,
    running,
    version_of,
)
from benchmarks.profile import Skipped

PROGRAMS = ROOT / "node_modules" / ".bin"
BLOCK_SECONDS = 1
BLOCK_GAS = 2_000_000_000
"""More than a second can hold: the node's speed is measured, not a setting."""
GAS_PRICE = 2 * 10**9
COINS = 1_000_000_000

ANVIL = (
    "--quiet",
    "--prune-history",  # else it keeps a copy of the state for each block
    "--order=fifo",
    "--hardfork=shanghai",
    f"--block-time={BLOCK_SECONDS}",
    f"--gas-limit={BLOCK_GAS}",
    f"--accounts={RICH}",
    f"--balance={COINS}",
    f"--mnemonic={MNEMONIC}",
    "--block-base-fee-per-gas=0",
    "--no-request-size-limit",
)
GANACHE = (
    "--logging.quiet",
    "--chain.hardfork=shanghai",
    f"--miner.blockTime={BLOCK_SECONDS}",
    f"--miner.blockGasLimit={BLOCK_GAS}",
    f"--wallet.totalAccounts={RICH}",
    f"--wallet.defaultBalance={COINS}",
    f"--wallet.mnemonic={MNEMONIC}",
)


@contextmanager
def anvil(folder: Path) -> Iterator[Network]:
    """Anvil with a block each second."""
    port = free_ports(1)[0]
    with _local("anvil", [*ANVIL, f"--port={port}"], port, folder) as network:
        yield network


@contextmanager
def ganache(folder: Path) -> Iterator[Network]:
    """Ganache with a block each second."""
    port = free_ports(1)[0]
    with _local("ganache", [*GANACHE, f"--server.port={port}"], port, folder) as network:
        yield network


@contextmanager
def _local(name: str, flags: list[str], port: int, folder: Path) -> Iterator[Network]:
    program = PROGRAMS / name
    if not program.exists():
        raise Skipped(f"{name} is not installed for this platform: run `make setup`")
    log = folder / f"{name}.log"
    with running([str(program), *flags], log) as process:
        await_answer(process, port, log)
        yield Network(
            name=name,
            ports=(port,),
            evm="shanghai",
            gas_price=GAS_PRICE,
            groups=(process.pid,),
            version=version_of(port),
            settings={"block_seconds": BLOCK_SECONDS, "block_gas": BLOCK_GAS},
        )
