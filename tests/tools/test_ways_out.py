"""What an agent does to the world goes through few modules, each known here by name.

Files and SQLite are those of agents/storage alone (tests/agents/storage/test_one_room.py), so that a death
can be played at every place where something is written, sent or stored (assurance/crashes).

Rules: A7.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

AGENTS = Path(__file__).parents[2] / "agents"

NETWORK = {
    "socket",
    "requests",
    "urllib",
    "urllib3",
    "http",
    "httpx",
    "smtplib",
    "ssl",
    "pg8000",
    "web3",
    "boto3",
    "obstore",
}
PROCESSES = {"subprocess", "multiprocessing", "concurrent", "asyncio", "pty"}
OF_OS = {"fork", "forkpty", "kill", "killpg", "system", "popen", "posix_spawn", "execv", "execve", "execvp"}
SENDING = "eth_send"

ALLOWED = {
    # the way to the node, and the one place from which a transaction goes out
    "chain/transport.py": {"socket", "requests", "ssl", "urllib3"},
    "chain/access.py": {"requests", "ssl"},
    "chain/transactions.py": {"eth_sendRawTransaction"},
    "observe/metrics.py": {"eth_sendRawTransaction"},  # whose requests are counted
    # a signer on this machine, and the object store
    "chain/socket_rpc.py": {"socket"},
    "vault/bucket.py": {"obstore"},
    # a table that lies in a database is read
    "learning/data/reading/database.py": {"pg8000", "ssl"},
    # work in processes, and the pipes to them
    "runtime/executor.py": {"multiprocessing"},
    "runtime/process_pool.py": {"multiprocessing"},
    "runtime/stop.py": {"multiprocessing"},
    "runtime/worker_process.py": {"multiprocessing", "os.fork", "os.kill"},
    # health and metrics, and what ends an agent that hangs
    "observe/sentry.py": {"http", "socket", "os.fork", "os.kill"},
    # names of nodes, and whether a port is free
    "doctor/chain_checks.py": {"socket"},
    "doctor/machine_checks.py": {"socket"},
    # the demo, which plays all members
    "demo/run.py": {"concurrent", "multiprocessing"},
}


def ways_out(source: str) -> Iterator[str]:
    """By what a module may reach other programs and machines, other than by files."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (name for alias in node.names if (name := _root(alias.name)))
        elif isinstance(node, ast.ImportFrom):
            if name := _root(node.module or ""):
                yield name
            elif node.module == "os":
                yield from (f"os.{alias.name}" for alias in node.names if alias.name in OF_OS)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "os" and node.attr in OF_OS:
                yield f"os.{node.attr}"
        elif isinstance(node, ast.Constant) and str(node.value).startswith(SENDING):
            yield str(node.value)


def _root(module: str) -> str:
    if module == "urllib.parse":  # a matter of words
        return ""
    root = module.split(".")[0]
    return root if root in NETWORK | PROCESSES else ""


def found() -> dict[str, set[str]]:
    modules = sorted(AGENTS.rglob("*.py"))
    assert len(modules) > 100
    ways = {str(path.relative_to(AGENTS)): set(ways_out(path.read_text())) for path in modules}
    return {module: names for module, names in ways.items() if names}


def test_nothing_else_reaches_out() -> None:
    assert found() == ALLOWED


@pytest.mark.parametrize(
    ("line", "way"),
    [
        ("import socket", "socket"),
        ("import http.server", "http"),
        ("from urllib.request import urlopen", "urllib"),
        ("from multiprocessing import Process", "multiprocessing"),
        ("import os\nos.fork()", "os.fork"),
        ("from os import kill", "os.kill"),
        ("node.ask('eth_sendRawTransaction', raw)", "eth_sendRawTransaction"),
    ],
)
def test_a_way_out_is_found(line: str, way: str) -> None:
    assert list(ways_out(line)) == [way]


@pytest.mark.parametrize(
    "line", ["import os\nos.getpid()", "from os import path", "ask('eth_call')", "import json"]
)
def test_what_stays_inside_is_none(line: str) -> None:
    assert list(ways_out(line)) == []
