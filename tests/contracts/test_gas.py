"""What the market costs, in units of gas, exactly.

Every figure is a receipt's gasUsed (or a sum of them) on a local chain, with fixed inputs, so that it is the
same to the unit on every run and every kind of node. ``make gas`` writes them to snapshots/gas.json; a test
compares.

Rules: G1, G2, G3, G4, G5, G6.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, replace

import pytest

from agents.core.enums import CouplePhase, FlagReason
from agents.core.ids import couple_id, dataset_id, instance_id
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import WEIGHTS, LiveCouple, couple_in, do_link, mo_link, request
from testing.contracts.market import LOCATION, SEALED_LOCATION, LiveDataset, LiveMarket, encryption_key
from testing.snapshot import Figures, assert_committed

try:
    from brownie import Marketplace, accounts, history, web3
except ImportError:  # no project is loaded
    pytest.skip("gas is what a node's receipts say: `brownie test` measures it", allow_module_level=True)

pytestmark = [pytest.mark.node, pytest.mark.gas]

EIP_170_LIMIT = 24_576
FINNEY = 10**15
REAL_TERMS = replace(
    TERMS,
    max_replicas=1,
    round_price=10 * FINNEY,
    job_price=1 * FINNEY,
    instance_bond=5 * FINNEY,
    miss_penalty=1 * FINNEY,
    couple_bond=20 * FINNEY,
)


@pytest.fixture(scope="module")
def figures(isolated_module: None) -> Figures:
    """All that is measured, each part in a market of its own."""
    parts = (bytecode, members, distribution, requests, answers, exits, settlements, rounds, draws, life)
    return {name: value for part in parts for name, value in part().items()}


# --- the limits ---


def test_is_what_the_snapshot_says(figures: Figures) -> None:
    assert_committed(figures)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("round.first", 550_000), ("round.later", 400_000), ("life.gas", 900_000)],
)
def test_stays_below(figures: Figures, name: str, limit: int) -> None:
    assert figures[name] < limit


def test_a_life_takes_few_transactions(figures: Figures) -> None:
    assert figures["life.transactions"] <= 13


def test_fits_a_contract(figures: Figures) -> None:
    assert figures["bytecode.size"] <= EIP_170_LIMIT


def test_a_draw_costs_the_same_however_many_subsets_there_are(figures: Figures) -> None:
    assert abs(figures["draw.m256"] - figures["draw.m4"]) < 3_000


def test_approval_costs_the_same_however_many_instances_there_are(figures: Figures) -> None:
    assert figures["approveTC.m256"] == figures["approveTC"]


def test_a_later_round_is_cheaper_than_the_first(figures: Figures) -> None:
    assert figures["round.later"] < figures["round.first"]
    assert figures["round.later.honest"] < figures["round.first.honest"]


# --- the measuring ---


def bytecode() -> Figures:
    return {"bytecode.size": len(web3.eth.get_code(accounts[0].deploy(Marketplace).address))}


def members() -> Figures:
    figures: Figures = {}
    market = LiveMarket.open()
    newcomer, key = market.stranger, encryption_key(market.stranger)
    for name in ("createDO", "createMO", "createMod"):
        figures[name] = next(tx.gas_used for tx in reversed(history) if tx.fn_name == name)
    market.contract.createCO(key, {"from": newcomer, "value": FINNEY})
    note(figures, "createCO")
    market.contract.deposit({"from": newcomer, "value": FINNEY})
    note(figures, "deposit")
    market.contract.withdraw(FINNEY, {"from": newcomer})
    note(figures, "withdraw")
    return figures


def distribution() -> Figures:
    figures: Figures = {}
    market = LiveMarket.open()
    dataset = market.dataset(max_replicas=16)
    note(figures, "createDS")
    (first,) = dataset.name(market.cloud_owners[0])
    note(figures, "createCI")
    more = dataset.name(*market.cloud_owners[1:4])
    note(figures, "createCI.3")
    (refused,) = dataset.name(market.cloud_owners[4])
    owner = dataset.owner_of(first)
    market.contract.joinCI(first, *dataset.receipt(first), {"from": owner})
    note(figures, "joinCI")
    market.contract.refuseCI(refused, {"from": dataset.owner_of(refused)})
    note(figures, "refuseCI")
    dataset.join(*more)
    a_while_later()
    dataset.verify(first)
    note(figures, "verifyCI")
    dataset.verify(*more)
    note(figures, "verifyCI.3")
    a_while_later()
    dataset.retire(first)
    note(figures, "retireCI")
    clock.travel_to(clock.now() + TERMS.unbonding_seconds + 1)
    market.contract.releaseCI(first, {"from": market.stranger})
    note(figures, "releaseCI")
    return figures


def requests() -> Figures:
    figures: Figures = {}
    dataset = LiveMarket.open().dataset_with(replicas=3)
    couple = request(dataset)
    note(figures, "requestTC")
    couple.approve()
    note(figures, "approveTC")
    couple.complete()
    note(figures, "completeTC")
    request(dataset).decline()
    note(figures, "declineTC")
    request(dataset).cancel()
    note(figures, "cancelTC")
    return figures


def answers() -> Figures:
    figures: Figures = {}
    dataset = LiveMarket.open().dataset_with(replicas=3)
    ci = dataset.instances()[0]
    couple = couple_in(CouplePhase.APPROVED, dataset, rounds=3)
    for when in ("first", "later"):
        couple.start()
        note(figures, f"startRound.{when}")
        couple.draw()
        note(figures, f"drawRound.{when}")
        couple.report(ci)
        note(figures, f"updateTJ.{when}")
        couple.report_all(but=ci)
        couple.settle()
        note(figures, f"settleRound.{when}")
    couple.start()
    couple.draw()
    couple.flag(ci, FlagReason.PLAN_REFUSED)
    note(figures, "flagTJ")
    couple.flag(dataset.instances()[1])
    note(figures, "flagTJ.void")
    return figures


def exits() -> Figures:
    figures: Figures = {}
    dataset = LiveMarket.open().dataset_with(replicas=3)
    couple_in(CouplePhase.LAPSED, dataset).expire_request()
    note(figures, "expireRequest")
    couple_in(CouplePhase.WITHHELD, dataset).expire_draw()
    note(figures, "expireDraw")
    couple_in(CouplePhase.ENDED, dataset).expire()
    note(figures, "expireTC")
    couple_in(CouplePhase.OVERDUE, dataset).close()
    note(figures, "closeRound")
    silent = couple_in(CouplePhase.TRAINING, dataset)
    silent.outlive_settlement()
    silent.close()
    note(figures, "closeRound.silent")
    return figures


def settlements() -> Figures:
    """Honest settlements in a first round, by the number of replicas."""
    figures: Figures = {}
    market = LiveMarket.open()
    for replicas in (1, 2, 3, 5, 8, 16):
        couple_in(CouplePhase.SETTLING, market.dataset_with(replicas)).settle()
        note(figures, f"settleRound.n{replicas}")
    return figures


def rounds() -> Figures:
    """One subset, three replicas, from startRound to settlement; one cheats in the dearest place."""
    market = LiveMarket.open()
    cheated = ("FAA", "AFA", "AAF")
    return {
        "round.first": max(whole_round(market, script) for script in cheated),
        "round.first.honest": whole_round(market, "AAA"),
        "round.later": max(whole_round(market, "AAA", script) for script in cheated),
        "round.later.honest": whole_round(market, "AAA", "AAA"),
    }


def whole_round(market: LiveMarket, *scripts: str) -> int:
    """The cost of the last of these rounds of a new couple on a new dataset."""
    couple = couple_in(CouplePhase.APPROVED, market.dataset_with(replicas=3), rounds=len(scripts))
    for script in scripts:
        with spending() as spent:
            couple.start()
            couple.draw()
            couple.answer(script)
            couple.settle()
    return sum(spent)


def draws() -> Figures:
    """The same draw of two subsets, of one replica each, from 4 and from 256."""
    figures: Figures = {}
    for subsets in (4, 256):
        dataset = LiveMarket.open().dataset_with(replicas=1, subsets=subsets, subsets_per_round=2)
        couple = request(dataset)
        couple.approve()
        note(figures, f"approveTC.m{subsets}")
        couple.start()
        couple.draw()
        note(figures, f"draw.m{subsets}")
    return figures


def life() -> Figures:
    """From nobody registered to a finished model: one DO, CO, MO and round, in the fewest transactions."""
    deployer, data_owner, model_owner, stranger, *cloud_owners = accounts
    market = LiveMarket(deployer.deploy(Marketplace), data_owner, model_owner, stranger, tuple(cloud_owners))
    contract, cloud_owner, terms = market.contract, cloud_owners[0], REAL_TERMS
    dataset = LiveDataset(market, dataset_id(data_owner.address, 1), terms)
    couple = LiveCouple(dataset, couple_id(model_owner.address, 1), rounds=1)
    ci = instance_id(dataset.ds, 0, 1)
    with spending() as spent:
        contract.createDO(encryption_key(data_owner), {"from": data_owner, "value": terms.couple_bond})
        contract.createCO(encryption_key(cloud_owner), {"from": cloud_owner, "value": terms.instance_bond})
        contract.createMO(encryption_key(model_owner), {"from": model_owner, "value": terms.escrow_per_round})
        offer = contract.createDS.encode_input(astuple(terms), WEIGHTS, LOCATION)
        place = contract.createCI.encode_input(dataset.ds, [0], [cloud_owner], [SEALED_LOCATION])
        contract.multicall([offer, place], {"from": data_owner})
        contract.joinCI(ci, *dataset.receipt(ci), {"from": cloud_owner})
        model = contract.createMod.encode_input("linear", WEIGHTS, LOCATION)
        ask = contract.requestTC.encode_input(market.mod, dataset.ds, 1, mo_link(1, 0), 0)
        contract.multicall([model, ask], {"from": model_owner})
        a_while_later()
        verify = contract.verifyCI.encode_input([ci], [True])
        approve = contract.approveTC.encode_input(couple.tc, do_link(1, 0))
        contract.multicall([verify, approve], {"from": data_owner})
        couple.start()
        couple.draw()
        couple.report(ci)
        settle = contract.settleRound.encode_input(couple.tc, 0, couple.model_digest(), couple.reports())
        complete = contract.completeTC.encode_input(couple.tc, WEIGHTS)
        contract.multicall([settle, complete], {"from": model_owner})
    assert couple.phase is CouplePhase.COMPLETED
    return {"life.gas": sum(spent), "life.transactions": len(spent)}


def note(figures: Figures, name: str) -> None:
    """Enters the last transaction's gas."""
    figures[name] = history[-1].gas_used


def a_while_later() -> None:
    """Makes sure that a time written next is not the one that stands there, which would be cheaper."""
    clock.travel_to(clock.now() + 60)


@contextmanager
def spending() -> Iterator[list[int]]:
    """The gas of each transaction in the block, once it is over."""
    spent: list[int] = []
    before = len(history)
    yield spent
    spent.extend(tx.gas_used for tx in list(history)[before:])
