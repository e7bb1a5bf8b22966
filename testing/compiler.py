"""The project's compiler, with the project's settings, for what is no part of the product.

Test contracts import the market's own files and must be compiled as the market is; Brownie's `compile_source`
takes neither the remappings nor the pipeline of brownie-config.yaml.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from agents.storage.files import write

ROOT = Path(__file__).resolve().parent.parent


@cache
def compiled(path: str, *outputs: str) -> dict[str, Any]:
    """Compiles one Solidity file and what it imports.

    Args:
        path: of the file, from the project's root.
        outputs: what to produce for each contract, e.g. ``abi`` or ``evm.bytecode.object``.

    Returns:
        The compiler's answer: ``contracts`` and ``sources`` (with each file's ``ast``), both by path.
    """
    answer = compiled_sources({path: (ROOT / path).read_text()}, _sources(path), *outputs)
    complaints = _complaints(answer, "error", "warning", "info")
    assert not complaints, "\n".join(complaints)
    return answer


@dataclass(frozen=True)
class CompiledContract:
    """What deploys a contract, and its interface."""

    code: bytes
    abi: list[dict[str, Any]]


@cache
def compiled_contract(path: str) -> CompiledContract:
    """The contract that a file is named for."""
    name = Path(path).stem
    product = compiled(path, "abi", "evm.bytecode.object")["contracts"][path][name]
    return CompiledContract(bytes.fromhex(product["evm"]["bytecode"]["object"]), product["abi"])


def compiled_sources(
    sources: Mapping[str, str], imported: Iterable[Path], *outputs: str, **settings: object
) -> dict[str, Any]:
    """Compiles sources by path, and what they import; warnings are let pass.

    Args:
        sources: by path.
        imported: files on which the answer depends as well.
        outputs: as for `compiled`.
        settings: of the compiler, instead of the project's.
    """
    task = {
        "language": "Solidity",
        "sources": {path: {"content": content} for path, content in sources.items()},
        "settings": {
            **project_settings(),
            **settings,
            "outputSelection": {"*": {"*": list(outputs), "": ["ast"]}},
        },
    }
    answer: dict[str, Any] = json.loads(_answer(json.dumps(task), imported))
    assert not _complaints(answer, "error"), "\n".join(_complaints(answer, "error"))
    return answer


def _complaints(answer: dict[str, Any], *severities: str) -> list[str]:
    errors = answer.get("errors", [])
    return [error["formattedMessage"] for error in errors if error["severity"] in severities]


def _answer(task: str, sources: Iterable[Path]) -> bytes:
    """The compiler's answer, remembered in build/ for as long as task and sources stay the same."""
    fingerprint = sha256(task.encode())
    for source in sources:
        fingerprint.update(source.read_bytes())
    remembered = ROOT / "build" / "compiled" / f"{fingerprint.hexdigest()}.json"
    if not remembered.exists():
        command = [str(ROOT / "tools" / "solc"), "--standard-json"]
        run = subprocess.run(command, input=task.encode(), capture_output=True, check=True, cwd=ROOT)
        write(remembered, run.stdout, private=False)
    return remembered.read_bytes()


def _sources(path: str) -> list[Path]:
    """The file, and all that it may import."""
    return [ROOT / path, *sorted((ROOT / "contracts").rglob("*.sol")), ROOT / "package-lock.json"]


def project_settings() -> dict[str, Any]:
    """The compiler's settings, from Brownie's names to its own."""
    compiler = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
    solc = compiler["solc"]
    return {
        "evmVersion": compiler["evm_version"],
        "optimizer": solc["optimizer"],
        "viaIR": solc["viaIR"],
        "remappings": solc["remappings"],
    }
