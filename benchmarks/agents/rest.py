"""A real agent at rest on Anvil at blocks of a second, as its own metrics count it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from agents.chain.node import Node
from agents.chain.wallet import Wallet
from agents.core.errors import NodeUnavailable, Refused
from benchmarks.profile import Json
from scripts.local_chain import local_chain
from testing.node_market import deploy

SETTLE_SECONDS = 150
"""Until the registration is final and the first stretch is read twice."""

MEASURED_SECONDS = 120
START_SECONDS = 60
STOP_SECONDS = 10
_COINS = 10**18


def rest(folder: Path, measured: int = MEASURED_SECONDS, settle: int = SETTLE_SECONDS) -> dict[str, Json]:
    """Starts a cloud owner, waits until it has registered and nothing is due, and counts.

    Returns:
        Requests a minute by method, memory of its own process and of all its processes, and how long it took
        to end.
    """
    with local_chain("anvil", block_time=1) as chain:
        node = Node.connect(chain.url, 10, lambda _: Refused(""))
        deployment = deploy(node)
        file = folder / "deployment.json"
        deployment.save(file)
        wallet = Wallet.create(folder / "home" / "wallet.json", "password")
        payer = node.ask("eth_accounts")[0]
        node.ask("eth_sendTransaction", {"from": payer, "to": wallet.address, "value": hex(_COINS)})
        return _measured(chain.url, file, folder, measured, settle)


def _measured(url: str, deployment: Path, folder: Path, measured: int, settle: int) -> dict[str, Json]:
    port = _free_port()
    command = [sys.executable, "-m", "agents", "cloud-owner", "--home", str(folder / "home"), "--rpc", url]
    command += ["--deployment", str(deployment), "--store", str(folder / "store"), "--members", "anyone"]
    command += ["--listen", f"127.0.0.1:{port}", "--log-level", "warning"]
    agent = subprocess.Popen(command, env={**os.environ, "HOLDFAST_PASSWORD": "password"})
    try:
        _await(port)
        time.sleep(settle)
        before, began = _requests(port), time.monotonic()
        time.sleep(measured)
        after, minutes = _requests(port), (time.monotonic() - began) / 60
        memory = {"rss_bytes": _rss(agent.pid), "pss_bytes_all_processes": _pss_of_all(agent.pid)}
    finally:
        ended = time.monotonic()
        agent.send_signal(signal.SIGTERM)
        code = agent.wait(STOP_SECONDS)
    methods = {name: (after[name] - before.get(name, 0)) / minutes for name in after}
    asked: dict[str, Json] = {name: round(each, 1) for name, each in sorted(methods.items()) if each}
    return {
        "requests_a_minute": round(sum(methods.values()), 1),
        "by_method": asked,
        **memory,
        "stop_seconds": round(time.monotonic() - ended, 2),
        "exit_code": code,
    }


def _requests(port: int) -> dict[str, float]:
    """How often each method was asked for, since the start."""
    found: dict[str, float] = {}
    for method, count in re.findall(
        r'^holdfast_node_requests_total\{method="(\w+)".*\} (\S+)$', _text(port), re.M
    ):
        found[method] = found.get(method, 0) + float(count)
    return found


def _text(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def _await(port: int) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        try:
            if "holdfast_ready 1.0" in _text(port):
                return
        except OSError:
            pass
        time.sleep(0.5)
    raise NodeUnavailable(f"the agent is not ready after {START_SECONDS} s")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _rss(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _pss_of_all(pid: int) -> int:
    """Of a process and its children, with what they share counted once."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    texts = [Path(f"/proc/{one}/smaps_rollup").read_text() for one in (pid, *children)]
    return sum(int(found[1]) * 1024 for text in texts if (found := re.search(r"^Pss:\s+(\d+)", text, re.M)))
