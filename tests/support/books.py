"""Where every coin of a market is: free balances, escrows, bonds.

A place is an account (by address), the escrow of a couple or the bond of an instance (by id), or what
the DO pledged for a couple (`pledge`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from brownie import web3

from agents.core.enums import CouplePhase
from tests.support.market import Market

Place = str | int
Books = dict[Place, int]

PLEDGED = {
    CouplePhase.APPROVED,
    CouplePhase.ENDED,
    CouplePhase.DRAWING,
    CouplePhase.WITHHELD,
    CouplePhase.TRAINING,
    CouplePhase.SETTLING,
    CouplePhase.OVERDUE,
}


def pledge(tc: int) -> Place:
    """Where the DO's bond for a couple is."""
    return f"pledge for {tc:#x}"


def books(market: Market) -> Books:
    """What the contract's views say of every account and asset that its log names; empty places left out."""
    contract = market.contract
    members = _subjects(market, "MemberCreated", "Deposited")
    instances = _subjects(market, "InstanceCreated")
    couples = _subjects(market, "CoupleRequested")
    addresses = [web3.to_checksum_address(f"{member:#042x}") for member in members]

    found: Books = dict(zip(addresses, _read_all(contract, contract.balanceOf, addresses), strict=True))
    for ci, instance in zip(instances, _read_all(contract, contract.cloudInstance, instances), strict=True):
        found[ci] = instance["bond"]
    for tc, couple in zip(couples, _read_all(contract, contract.trainCouple, couples), strict=True):
        found[tc] = couple["escrow"]
        if couple["phase"] in PLEDGED:
            found[pledge(tc)] = contract.datasetTerms(couple["ds"])["coupleBond"]
    return {place: amount for place, amount in found.items() if amount}


def assert_conserved(market: Market) -> None:
    """What the contract holds is what its books say, to the wei."""
    assert market.contract.balance() == sum(books(market).values())


@contextmanager
def moves(market: Market, expected: dict[Any, int]) -> Iterator[None]:
    """Expects exactly these places to gain or lose, and so much. An account means its balance."""
    before = books(market)
    yield
    after = books(market)
    changes = {place: after.get(place, 0) - before.get(place, 0) for place in before.keys() | after.keys()}
    wanted = {getattr(place, "address", place): amount for place, amount in expected.items()}
    assert {p: c for p, c in changes.items() if c} == {p: a for p, a in wanted.items() if a}


def _subjects(market: Market, *names: str) -> list[int]:
    """The first indexed argument of every event of these names, each once, in the log's order."""
    abi = {entry["name"]: entry for entry in market.contract.abi if entry["type"] == "event"}
    topics = [_topic(abi[name]) for name in names]
    logs = web3.eth.get_logs({"address": market.contract.address, "fromBlock": 0, "topics": [topics]})
    return list(dict.fromkeys(int(log["topics"][1].hex(), 16) for log in logs))


def _topic(event: dict[str, Any]) -> str:
    types = ",".join(_canonical(field) for field in event["inputs"])
    return str(web3.to_hex(web3.keccak(text=f"{event['name']}({types})")))


def _canonical(field: dict[str, Any]) -> str:
    if field["type"] != "tuple":
        return str(field["type"])
    return f"({','.join(_canonical(part) for part in field['components'])})"


def _read_all(contract: Any, view: Any, subjects: Sequence[Any]) -> list[Any]:
    """One view of many subjects, read with one call."""
    if not subjects:
        return []
    answers = contract.multicall.call([view.encode_input(subject) for subject in subjects])
    return [view.decode_output(answer) for answer in answers]
