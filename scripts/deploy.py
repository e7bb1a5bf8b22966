"""Deploys the market: `brownie run deploy --network NAME`.

On a development network the first unlocked account deploys; on any other, the Brownie account that
HOLDFAST_DEPLOYER names (`brownie accounts new NAME` makes one). The market has no owner: whoever deploys it
has no rights in it.

Writes build/deployment/NAME.json, which the agents read.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from brownie import Marketplace, accounts, history, network

from agents.chain.deployment import Deployment
from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.output.terminal import complain, say

ROOT = Path(__file__).resolve().parent.parent
DEVELOPMENT = ("development", "ganache-cli", "anvil", "hardhat")


def main() -> None:
    """Deploys to the active network."""
    try:
        path = deploy()
    except BadInput as problem:
        complain(problem)
        raise SystemExit(2) from None
    say(f"deployment written to {path.relative_to(ROOT)}")


def deploy(folder: Path = ROOT / "build" / "deployment") -> Path:
    """Deploys, and writes the artefact that agents read.

    Raises:
        BadInput: no account to deploy from.
    """
    market = Marketplace.deploy({"from": _deployer()})
    block = history[-1].block_number  # market.tx is None where Brownie remembers another chain's contract
    deployment = Deployment(network.web3.eth.chain_id, Address(market.address), block, market.abi)
    path = folder / f"{network.show_active()}.json"
    deployment.save(path)
    return path


def _deployer() -> Any:
    if network.show_active() in DEVELOPMENT:
        return accounts[0]
    name = os.environ.get("HOLDFAST_DEPLOYER")
    if not name:
        raise BadInput(
            "name the account that deploys: HOLDFAST_DEPLOYER=NAME (`brownie accounts new NAME` makes one)"
        )
    try:
        return accounts.load(name)
    except FileNotFoundError:
        raise BadInput(f"no Brownie account {name!r}: `brownie accounts new {name}` makes one") from None
