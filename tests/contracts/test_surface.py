# What can be called at all, and by whom because of who deployed
# ├── the market has the transactions and views of its manual, and multicall, and no others
# ├── no coins come without a call that takes them
# └── whoever deploys gives nothing along and is not remembered
#
# Rules: L5, L10

from __future__ import annotations

from typing import Any

from testing.compiler import compiled

MARKET = "contracts/Marketplace.sol"
MANUAL = "contracts/interfaces/IMarketplace.sol"


def abi(path: str, contract: str) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = compiled(path, "abi")["contracts"][path][contract]["abi"]
    return entries


def functions(entries: list[dict[str, Any]]) -> dict[str, str]:
    """Each function's mutability, by name."""
    return {entry["name"]: entry["stateMutability"] for entry in entries if entry["type"] == "function"}


def test_has_what_the_manual_has_and_multicall() -> None:
    manual = functions(abi(MANUAL, "IMarketplace"))
    assert functions(abi(MARKET, "Marketplace")) == manual | {"multicall": "nonpayable"}


def test_coins_come_by_deposit_and_registration_alone() -> None:
    entries = abi(MARKET, "Marketplace")
    payable = {name for name, mutability in functions(entries).items() if mutability == "payable"}
    assert payable == {"deposit", "createDO", "createCO", "createMO"}
    assert not {"receive", "fallback"} & {entry["type"] for entry in entries}


def test_deploying_gives_no_rights() -> None:
    assert "constructor" not in {entry["type"] for entry in abi(MARKET, "Marketplace")}
    set_at_deployment = [
        node["name"]
        for source in compiled(MARKET, "abi")["sources"].values()
        for contract in source["ast"]["nodes"]
        for node in contract.get("nodes", ())
        if node["nodeType"] == "VariableDeclaration" and node.get("value") and not node["constant"]
    ]
    assert set_at_deployment == []
