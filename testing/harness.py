"""Deploys contracts that only tests use, from tests/contracts/harness."""

from __future__ import annotations

from typing import Any

from brownie import Contract, accounts

from testing.compiler import compiled

FOLDER = "tests/contracts/harness"


def deploy(name: str, *, value: int = 0) -> Any:
    """Deploys `FOLDER/name.sol`, whose constructor takes no arguments, from the first account."""
    path = f"{FOLDER}/{name}.sol"
    contract = compiled(path, "abi", "evm.bytecode.object")["contracts"][path][name]
    tx = accounts[0].transfer(data=contract["evm"]["bytecode"]["object"], amount=value, silent=True)
    return Contract.from_abi(name, tx.contract_address, contract["abi"])
