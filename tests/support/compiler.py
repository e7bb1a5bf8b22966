"""The project's compiler, with the project's settings, for what is no part of the product.

Test contracts import the market's own files and must be compiled as the market is; Brownie's `compile_source`
takes neither the remappings nor the pipeline of brownie-config.yaml.
"""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent


@cache
def compiled(path: str, *outputs: str) -> dict[str, Any]:
    """Compiles one Solidity file and what it imports.

    Args:
        path: of the file, from the project's root.
        outputs: what to produce for each contract, e.g. ``abi`` or ``evm.bytecode.object``.

    Returns:
        The compiler's answer: ``contracts`` and ``sources`` (with each file's ``ast``), both by path.
    """
    settings = {**_settings(), "outputSelection": {"*": {"*": list(outputs), "": ["ast"]}}}
    task = {
        "language": "Solidity",
        "sources": {path: {"content": (ROOT / path).read_text()}},
        "settings": settings,
    }
    command = [str(ROOT / "tools" / "solc"), "--standard-json"]
    run = subprocess.run(
        command, input=json.dumps(task), capture_output=True, text=True, check=True, cwd=ROOT
    )
    answer: dict[str, Any] = json.loads(run.stdout)
    complaints = [error["formattedMessage"] for error in answer.get("errors", [])]
    assert not complaints, "\n".join(complaints)
    return answer


def _settings() -> dict[str, Any]:
    """The compiler's settings, from Brownie's names to its own."""
    compiler = yaml.safe_load((ROOT / "brownie-config.yaml").read_text())["compiler"]
    solc = compiler["solc"]
    return {
        "evmVersion": compiler["evm_version"],
        "optimizer": solc["optimizer"],
        "viaIR": solc["viaIR"],
        "remappings": solc["remappings"],
    }
