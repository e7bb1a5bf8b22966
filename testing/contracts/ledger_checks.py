"""Where every coin of a market is: free balances, escrows, bonds.

Coins are held by an account (by address), as the escrow of a couple or the bond of an instance (by id), or as
what the DO pledged for a couple (`pledge`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from agents.core import events as e
from agents.core.enums import CouplePhase
from agents.core.events import MarketEvent
from testing.contracts.chain import chain
from testing.contracts.market import LiveMarket

Holder = str | int
Holdings = dict[Holder, int]

PLEDGED = range(CouplePhase.APPROVED, CouplePhase.OVERDUE + 1)
"""The phases in which the DO's bond for a couple is locked."""


def pledge(tc: int) -> Holder:
    """Who holds the DO's bond for a couple."""
    return f"pledge for {tc:#x}"


def holdings(market: LiveMarket) -> Holdings:
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


def assert_conserved(market: LiveMarket) -> None:
    """What the contract holds is what is held in it, to the wei."""
    assert market.contract.balance() == sum(holdings(market).values())


@contextmanager
def moves_coins(market: LiveMarket, expected: dict[Any, int]) -> Iterator[None]:
    """Expects exactly these holders to gain or lose, and so much. An account means its balance."""
    before = holdings(market)
    yield
    after = holdings(market)
    changes = {who: after.get(who, 0) - before.get(who, 0) for who in before.keys() | after.keys()}
    wanted = {getattr(who, "address", who): amount for who, amount in expected.items()}
    assert {p: c for p, c in changes.items() if c} == {p: a for p, a in wanted.items() if a}


def _read(market: LiveMarket) -> list[tuple[Any, str, Any]]:
    """Every subject of the log, the view that speaks of it and what it says: all asked in one call."""
    contract = market.contract
    asked = list(dict.fromkeys(filter(None, map(_question, chain().history(contract)))))
    questions = [getattr(contract, view).encode_input(subject) for subject, view in asked]
    answers = contract.multicall.call(questions)
    return [
        (subject, view, getattr(contract, view).decode_output(answer))
        for (subject, view), answer in zip(asked, answers, strict=True)
    ]


def _question(event: MarketEvent) -> tuple[Holder, str] | None:
    """What an event names, and the view to ask of it."""
    match event:
        case e.MemberCreated(member):
            return member, "balanceOf"
        case e.Deposited(account):
            return account, "balanceOf"
        case e.DatasetCreated(ds):
            return ds, "datasetTerms"
        case e.InstanceCreated(ci):
            return ci, "cloudInstance"
        case e.CoupleRequested(tc):
            return tc, "trainCouple"
    return None
