"""Runs all tests, each once: those that want a node with Brownie, beside them the others on several cores.

    python -m tools.run_tests tests
    python -m tools.run_tests tests/contracts -- -k deposit

What comes after ``--`` is for pytest. A file wants a node if it says ``pytest.mark.node``: it shows that a
real node does as the EVM in this process, on which all other tests of contracts run. Files that say
``pytest.mark.forks`` fork this process, which has to have one thread: they run in one of their own, after
the others. ``NETWORK`` is the kind of node: anvil, which is taken where it is installed, or ganache. Exit
code 0 if all tests passed and there were any; pytest's otherwise.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MARK, FORKS = "pytest.mark.node", "pytest.mark.forks"
MOST_PROCESSES = 4
BROWNIES_NAMES = {"ganache": "ganache-cli"}
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}
"""Of linear algebra: the processes share the cores, and threads that wait for each other burn them."""
NOTHING_RAN = 5
"""pytest's exit code where no test was selected."""

Command = list[str]


def main() -> int:
    """Runs both parts; what Brownie's said comes last."""
    paths, arguments = split(sys.argv[1:])
    network = os.environ.get("NETWORK") or default_network()
    on_node, *others = commands(paths, arguments, network)
    environment = os.environ | {"NETWORK": network} | ONE_THREAD
    with tempfile.TemporaryFile() as said:
        beside = None
        if on_node:
            beside = subprocess.Popen(on_node, cwd=ROOT, env=environment, stdout=said, stderr=said)
        codes = [subprocess.call(part, cwd=ROOT, env=environment) for part in others if part]
        if beside:
            codes.append(beside.wait())
            said.seek(0)
            sys.stdout.buffer.write(said.read())
    return outcome(codes)


def split(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What comes before ``--``, and what comes after it."""
    end = words.index("--") if "--" in words else len(words)
    return list(words[:end]), list(words[end + 1 :])


def commands(
    paths: Sequence[str], arguments: Sequence[str], network: str
) -> tuple[Command, Command, Command]:
    """What runs the tests that want a node, most others, and those that fork; empty where there are none."""
    on_node: Command = []
    forking: Command = []
    others: Command = []
    for path in paths:
        files = files_at(path)
        texts = {file: (ROOT / file).read_text() for file in files}
        wanting = [file for file in files if MARK in texts[file]]
        alone = [file for file in files if FORKS in texts[file]]
        on_node += [path] if wanting == files != [] else wanting
        forking += [path] if alone == files != [] else alone
        if not files or set(wanting + alone) != set(files):
            others += [path, *(f"--ignore={file}" for file in wanting + alone)]
    brownie = ["brownie", "test", *on_node, "--network", BROWNIES_NAMES.get(network, network)]
    pytest = [sys.executable, "-m", "pytest", "-p", "no:pytest-brownie"]
    return (
        [*brownie, *arguments] if on_node else [],
        [*pytest, *processes(paths), *others, *arguments] if others else [],
        [*pytest, *forking, *arguments] if forking else [],
    )


def files_at(path: str) -> list[str]:
    """The test files at a path, which may go on with the name of a test."""
    place = ROOT / path.partition("::")[0]
    found = sorted(place.rglob("test_*.py")) if place.is_dir() else [place] if place.exists() else []
    return [file.relative_to(ROOT).as_posix() for file in found]


def processes(paths: Sequence[str]) -> Command:
    """A folder is worth several processes; each takes a file at a time, in their order."""
    if not any((ROOT / path).is_dir() for path in paths):
        return []
    count = min(os.cpu_count() or 1, MOST_PROCESSES)
    return [f"--numprocesses={count}", "--dist=loadfile", "--no-loadscope-reorder"]


def outcome(codes: Sequence[int]) -> int:
    """The exit code of the parts together."""
    bad = [code for code in codes if code not in (0, NOTHING_RAN)]
    if bad:
        return bad[0]
    return 0 if 0 in codes else NOTHING_RAN


def default_network() -> str:
    """Anvil where it is installed: it is several times as fast."""
    return "anvil" if (ROOT / "node_modules" / ".bin" / "anvil").exists() else "ganache"


if __name__ == "__main__":
    sys.exit(main())
