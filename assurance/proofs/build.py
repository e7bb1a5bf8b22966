"""Compiles the market and its proofs, and lays them out as halmos expects them: as Foundry would.

halmos has Foundry build what it is to look at. Foundry is not needed: a stand-in for its program does
nothing, and what it would have made is there already, from the project's own compiler.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from testing.compiler import ROOT, compiled_sources

HERE = Path(__file__).parent
OUTPUTS = (
    "abi",
    "devdoc",
    "evm.bytecode",
    "evm.deployedBytecode",
    "evm.methodIdentifiers",
    "metadata",
    "userdoc",
)
UNOPTIMIZED = {"viaIR": False, "optimizer": {"enabled": False}}
"""Compiles in a quarter of the time."""


def sources(names: Iterable[str] | None = None) -> dict[str, str]:
    """The Solidity files of this folder, or those of these contracts, by path."""
    files = sorted(HERE.glob("*.sol")) if names is None else [HERE / f"{name}.sol" for name in names]
    return {file.relative_to(ROOT).as_posix(): file.read_text() for file in files}


def compile_(contents: Mapping[str, str], **settings: object) -> dict[str, Any]:
    """The compiler's answer for these sources and what they import."""
    imported = [*sorted((ROOT / "contracts").rglob("*.sol")), *sorted(HERE.glob("*.sol"))]
    return compiled_sources(contents, [*imported, ROOT / "package-lock.json"], *OUTPUTS, **settings)


def lay_out(answer: Mapping[str, Any], folder: Path) -> None:
    """Writes what halmos reads: each contract of this folder that can be deployed, in a file of its own."""
    for path, contracts in answer["contracts"].items():
        if not (ROOT / path).is_relative_to(HERE):
            continue
        for name, made in contracts.items():
            if not made["evm"]["bytecode"]["object"]:
                continue
            artefact = folder / "out" / Path(path).name / f"{name}.json"
            artefact.parent.mkdir(parents=True, exist_ok=True)
            artefact.write_text(json.dumps(_artefact(made, answer["sources"][path])))


def _artefact(made: Mapping[str, Any], source: Mapping[str, Any]) -> dict[str, Any]:
    evm = made["evm"]
    return {
        "abi": made["abi"],
        "bytecode": evm["bytecode"] | {"object": "0x" + evm["bytecode"]["object"]},
        "deployedBytecode": evm["deployedBytecode"] | {"object": "0x" + evm["deployedBytecode"]["object"]},
        "methodIdentifiers": evm["methodIdentifiers"],
        "metadata": json.loads(made["metadata"]),
        "ast": source["ast"],
        "id": source["id"],
    }
