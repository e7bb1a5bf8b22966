"""Where every coin of a market is: free balances, escrows, bonds.

Coins are held by an account (by address), as the escrow of a couple or the bond of an instance (by id), or as
what the DO pledged for a couple (`pledge`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from brownie import web3

from agents.core.enums import CouplePhase
from testing.market import Market

Holder = str | int
Holdings = dict[Holder, int]

PLEDGED = {
    CouplePhase.APPROVED,
    CouplePhase.ENDED,
    CouplePhase.DRAWING,
    CouplePhase.WITHHELD,
    CouplePhase.TRAINING,
    CouplePhase.SETTLING,
    CouplePhase.OVERDUE,
}


def pledge(tc: int) -> Holder:
    """Where the DO's bond for a couple is."""
    return f"pledge for {tc:#x}"


def holdings(market: Market) -> Holdings:
    """What the contract's views say of every account and asset that its log names, if it holds any."""
    found: Holdings = {}
    pledged: dict[int, int] = {}  # by couple, its dataset
    bonds: dict[int, int] = {}  # by dataset, what the DO pledges for a couple
    for subject, view, answer in _read(market):
        if view == "balanceOf":
            found[subject] = answer
        elif view == "cloudInstance":
            found[subject] = answer["bond"]
        elif view == "datasetTerms":
            bonds[subject] = answer["coupleBond"]
        else:
            found[subject] = answer["escrow"]
            if answer["phase"] in PLEDGED:
                pledged[subject] = answer["ds"]
    found |= {pledge(tc): bonds[ds] for tc, ds in pledged.items()}
    return {holder: amount for holder, amount in found.items() if amount}


def assert_conserved(market: Market) -> None:
    """What the contract holds is what is held in it, to the wei."""
    assert market.contract.balance() == sum(holdings(market).values())


@contextmanager
def moves_coins(market: Market, expected: dict[Any, int]) -> Iterator[None]:
    """Expects exactly these holders to gain or lose, and so much. An account means its balance."""
    before = holdings(market)
    yield
    after = holdings(market)
    changes = {who: after.get(who, 0) - before.get(who, 0) for who in before.keys() | after.keys()}
    wanted = {getattr(who, "address", who): amount for who, amount in expected.items()}
    assert {p: c for p, c in changes.items() if c} == {p: a for p, a in wanted.items() if a}


VIEWS = {
    "MemberCreated": "balanceOf",
    "Deposited": "balanceOf",
    "DatasetCreated": "datasetTerms",
    "InstanceCreated": "cloudInstance",
    "CoupleRequested": "trainCouple",
}
"""What to ask of the first indexed argument of an event."""


def _read(market: Market) -> list[tuple[Any, str, Any]]:
    """Every subject of the log, the view that speaks of it and what it says: one query and one call."""
    contract = market.contract
    names = {_topic(entry): entry["name"] for entry in contract.abi if entry.get("name") in VIEWS}
    logs = web3.eth.get_logs({"address": contract.address, "fromBlock": 0, "topics": [list(names)]})
    asked = dict.fromkeys(_question(names, *log["topics"][:2]) for log in logs)
    questions = [getattr(contract, view).encode_input(subject) for subject, view in asked]
    answers = contract.multicall.call(questions)
    return [
        (subject, view, getattr(contract, view).decode_output(answer))
        for (subject, view), answer in zip(asked, answers, strict=True)
    ]


def _question(names: dict[str, str], topic: Any, subject: Any) -> tuple[Holder, str]:
    view, number = VIEWS[names[web3.to_hex(topic)]], int(web3.to_hex(subject), 16)
    return web3.to_checksum_address(f"{number:#042x}") if view == "balanceOf" else number, view


def _topic(entry: dict[str, Any]) -> str:
    types = ",".join(_canonical(field) for field in entry["inputs"])
    return str(web3.to_hex(web3.keccak(text=f"{entry['name']}({types})")))


def _canonical(field: dict[str, Any]) -> str:
    if field["type"] != "tuple":
        return str(field["type"])
    return f"({','.join(_canonical(part) for part in field['components'])})"
