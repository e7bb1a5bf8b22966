"""Networks of real validators: Kaia, a client of the EVM with Istanbul BFT, each node a process of its own.

A block is final once two thirds of the validators have signed it, every validator executes every transaction,
and who proposes goes round. All of them share this machine's cores. See docs/benchmarks.md for what else was
tried.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import rlp
from coincurve import PrivateKey

from agents.core.errors import NodeUnavailable
from benchmarks.nodes.network import Network, await_answer, free_ports, rich_secrets, running, version_of
from benchmarks.nodes.tools import kaia
from benchmarks.rpc import RpcNode
from benchmarks.signing import address_of

CHAIN_ID = 31_338
BLOCK_SECONDS = 1
PROPOSAL_MILLISECONDS = 900
"""For which a proposer may put transactions into a block; the client's own default is 250."""
GAS_PRICE = 25 * 10**9
COINS = 10**9 * 10**18
SETTLING_SECONDS = 1.5
PATIENCE_SECONDS = 90.0
GARBAGE_PERCENT = "400"
"""By how much a heap may grow before Go collects it; the default of 100 takes more time and less memory."""
_SLOTS = 200_000
_FORKS = ("istanbul", "london", "ethTxType", "magma", "kore", "shanghai")

FLAGS = (
    "--nodiscover",
    "--nat=none",
    "--ntp.disable",
    "--ipcdisable",
    "--verbosity=2",
    f"--networkid={CHAIN_ID}",
    f"--block-generation-interval={BLOCK_SECONDS}",
    f"--block-generation-time-limit={PROPOSAL_MILLISECONDS}ms",
    "--opcode-computation-cost-limit=1000000000",
    "--rpc",
    "--rpcapi=eth,net,web3,admin",
    "--srvtype=http",
    "--api.filter.getLogs.maxitems=1000000",
    "--maxRequestContentLength=67108864",
    f"--txpool.exec-slots.all={_SLOTS}",
    f"--txpool.exec-slots.account={_SLOTS}",
    f"--txpool.nonexec-slots.all={_SLOTS}",
    f"--txpool.nonexec-slots.account={_SLOTS}",
    "--txpool.nolocals",
    "--statedb.cache.num-fetcher-prefetch-worker=0",  # else a block is run twice, to warm what is warm
    "--cache.level=saving",
    "--db.leveldb.cache-size=64",
    "--state.cache-size=64",
)


@contextmanager
def validators(count: int, folder: Path) -> Iterator[Network]:
    """A fresh network of so many validators, its data in a folder that is emptied first.

    Raises:
        Skipped: the client cannot be had here.
        NodeUnavailable: it does not start.
    """
    program = kaia()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    keys = [sha256(f"validator {number}".encode()).digest() for number in range(count)]
    peer_ports, ports = free_ports(2 * count)[:count], free_ports(count)
    (folder / "genesis.json").write_text(json.dumps(genesis(keys)))
    contacts = [contact(key, port) for key, port in zip(keys, peer_ports, strict=True)]
    with ExitStack() as nodes:
        homes = [folder / f"node{number}" for number in range(count)]
        groups = []
        for number, key in enumerate(keys):
            initialise(program, homes[number], folder / "genesis.json")
            command = [
                str(program),
                *FLAGS,
                "--rpcaddr=127.0.0.1",
                f"--datadir={homes[number]}",
                f"--nodekeyhex={key.hex()}",
                f"--rewardbase={address_of(key)}",
                f"--port={peer_ports[number]}",
                f"--rpcport={ports[number]}",
                f"--maxconnections={2 * count + 2}",
            ]
            log = homes[number].with_suffix(".log")
            process = nodes.enter_context(running(command, log, {"GOGC": GARBAGE_PERCENT}))
            await_answer(process, ports[number], log)
            groups.append(process.pid)
        introduce([nodes.enter_context(RpcNode(port)) for port in ports], contacts)
        yield Network(
            name=f"{count} validator{'s' if count > 1 else ''}",
            ports=tuple(ports),
            evm="shanghai",
            gas_price=GAS_PRICE,
            groups=tuple(groups),
            version=version_of(ports[0]),
            settings={"block_seconds": BLOCK_SECONDS, "proposal_milliseconds": PROPOSAL_MILLISECONDS},
        )


def genesis(keys: list[bytes]) -> dict[str, Any]:
    """The first block of a chain of these validators: Istanbul BFT, round robin, a fixed gas price."""
    members = [bytes.fromhex(address_of(key)[2:]) for key in keys]
    extra = bytes(32) + rlp.encode([sorted(members), bytes(65), []])
    fee = {
        "lowerboundbasefee": GAS_PRICE,
        "upperboundbasefee": GAS_PRICE,
        "gastarget": 10**12,
        "maxblockgasusedforbasefee": 2 * 10**12,
        "basefeedenominator": 20,
    }
    return {
        "config": {
            "chainId": CHAIN_ID,
            **{f"{fork}CompatibleBlock": 0 for fork in _FORKS},
            "istanbul": {"epoch": 604_800, "policy": 0, "sub": len(keys)},
            "unitPrice": GAS_PRICE,
            "deriveShaImpl": 2,
            "governance": {
                "governingNode": "0x" + members[0].hex(),
                "governanceMode": "none",
                "reward": {
                    "mintingAmount": 0,
                    "ratio": "100/0/0",
                    "useGiniCoeff": False,
                    "deferredTxFee": True,
                    "stakingUpdateInterval": 86_400,
                    "proposerUpdateInterval": 3_600,
                    "minimumStake": 0,
                },
                "kip71": fee,
            },
        },
        "timestamp": hex(int(time.time())),
        "extraData": "0x" + extra.hex(),
        "governanceData": None,
        "blockScore": "0x1",
        "alloc": {address_of(secret)[2:]: {"balance": hex(COINS)} for secret in rich_secrets()},
        "number": "0x0",
        "gasUsed": "0x0",
        "parentHash": "0x" + bytes(32).hex(),
    }


def contact(key: bytes, port: int, address: str = "127.0.0.1") -> str:
    """How the other validators reach one."""
    public = PrivateKey(key).public_key.format(compressed=False)[1:].hex()
    return f"kni://{public}@{address}:{port}?discport=0&ntype=cn"


def initialise(program: Path, home: Path, first_block: Path) -> None:
    """Makes the chain's first block in a validator's folder.

    Raises:
        NodeUnavailable: the client refuses.
    """
    command = [str(program), "init", f"--datadir={home}", str(first_block)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if run.returncode != 0:
        lines = (run.stdout + run.stderr).strip().splitlines()
        raise NodeUnavailable(f"the validator's chain could not be made: {lines[-1] if lines else home}")


def introduce(nodes: Sequence[RpcNode], contacts: Sequence[str]) -> None:
    """Has every validator call those before it, one at a time, and returns once the chain grows.

    A call that fails is made again only after half a minute; so none is made before all take calls, which is
    shortly after they answer requests.
    """
    time.sleep(SETTLING_SECONDS)
    for number, node in enumerate(nodes):
        for met, earlier in enumerate(contacts[:number], start=1):
            node.ask("admin_addPeer", earlier)
            _until(lambda: int(node.ask("net_peerCount"), 16) >= met, "the validators did not meet")  # noqa: B023
    _until(lambda: all(int(node.ask("eth_blockNumber"), 16) > 1 for node in nodes), "they agreed on no block")


def _until(happened: Callable[[], bool], otherwise: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        if time.monotonic() > deadline:
            raise NodeUnavailable(f"{otherwise} within {PATIENCE_SECONDS:.0f} s")
        time.sleep(0.1)
