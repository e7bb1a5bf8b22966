"""Deploys contracts that only tests use, from tests/contracts/harness."""

from __future__ import annotations

from typing import Any

from testing.compiler import compiled_contract
from testing.contracts.chain import chain

FOLDER = "tests/contracts/harness"


def deploy(name: str, *, value: int = 0) -> Any:
    """Deploys `FOLDER/name.sol`, whose constructor takes no arguments, from the first account."""
    contract = compiled_contract(f"{FOLDER}/{name}.sol")
    return chain().deploy(contract.code, contract.abi, value)
