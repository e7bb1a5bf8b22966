# settleRound: what every verdict is worth, to the wei
# ├── Accepted: the job's price from the escrow, and an equal part of what the Faulty lose above that
# ├── Faulty: the whole bond; up to a job's price to the escrow; out of the pool
# ├── Missed: the penalty, or what is left of the bond, to the escrow; then out of the pool if it has no more
# ├── Flagged: nothing
# └── the DO: a k-th of the round's price for each settled subset, rounded down
#
# Rules: S6, S7, S8, S9, S10, S11, S12, S13, S17, S18, S19

from __future__ import annotations

from typing import Any

import pytest

from agents.core.enums import CouplePhase, InstanceStatus, JobStatus
from agents.core.events import InstanceRetiring, JobJudged, RoundClosed, SubsetSettled
from agents.core.ids import InstanceId
from testing.backend import TERMS
from testing.contracts.couple import FORGED, LiveCouple, couple_in
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import event, events
from testing.contracts.market import LiveDataset, LiveMarket

PRICE, BOND, PENALTY, SHARE = TERMS.job_price, TERMS.instance_bond, TERMS.miss_penalty, TERMS.round_price


@pytest.fixture(scope="module")
def five(market: LiveMarket) -> LiveDataset:
    return market.dataset_with(replicas=5)


def changes(couple: LiveCouple, script: str, honest_gain: int, escrow_loss: int) -> dict[Any, int]:
    """What must move, by the letters of `LiveCouple.play`."""
    instances = couple.dataset.instances()
    moved: dict[Any, int] = {couple.tc: -escrow_loss, couple.market.data_owner: SHARE}
    for ci, letter in zip(instances, script, strict=True):
        if letter == "A":
            moved[couple.dataset.owner_of(ci)] = honest_gain
        else:
            moved[ci] = {"F": -BOND, "M": -PENALTY, "G": 0}[letter]
    return moved


@pytest.mark.parametrize(
    ("script", "honest_gain", "escrow_loss"),
    [
        ("AAAAA", 100, 1_000 + 500),
        ("AAAAM", 100, 1_000 + 400 - 40),
        ("AAAAG", 100, 1_000 + 400),
        ("AAAAF", 150, 1_000 + 400 - 100),  # the bond's other 200 in four parts
        ("AAAMM", 100, 1_000 + 300 - 80),
        ("AAAMG", 100, 1_000 + 300 - 40),
        ("AAAGG", 100, 1_000 + 300),
        ("AAAFG", 166, 1_000 + 300 - 100 - 2),  # 200 in three parts, 2 do not divide
        ("AAAFM", 166, 1_000 + 300 - 100 - 2 - 40),
        ("AAAFF", 233, 1_000 + 300 - 200 - 1),  # 400 in three parts
        ("FAMAA", 166, 1_000 + 300 - 100 - 2 - 40),
    ],
)
def test_pays_and_slashes(
    market: LiveMarket, five: LiveDataset, script: str, honest_gain: int, escrow_loss: int
) -> None:
    couple = couple_in(CouplePhase.TRAINING, five)
    couple.answer(script)
    with moves_coins(market, changes(couple, script, honest_gain, escrow_loss)):
        couple.settle(by=market.stranger)


def test_says_what_every_verdict_was_worth(market: LiveMarket, five: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, five)
    couple.answer("AFMAA")
    honest, faulty, silent, other, another = five.instances()
    tx = couple.settle()
    assert events(tx) == [
        InstanceRetiring(faulty, market.model_owner),
        JobJudged(couple.tc, faulty, 1, JobStatus.FAULTY, BOND),
        JobJudged(couple.tc, silent, 1, JobStatus.MISSED, PENALTY),
        *(JobJudged(couple.tc, ci, 1, JobStatus.ACCEPTED, 166) for ci in (honest, other, another)),
        SubsetSettled(couple.tc, market.model_owner, 1, 0, couple.model_digest(), SHARE),
        RoundClosed(couple.tc, 1),
    ]


def test_sixteen_replicas(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=16)
    couple, script = couple_in(CouplePhase.TRAINING, dataset), "AFAAFAMAAGAAFAAM"
    couple.answer(script)
    # ten accepted; three bonds give 300 to the escrow and 600 in ten parts; two penalties
    with moves_coins(market, changes(couple, script, 160, 1_000 + 10 * 100 - 300 - 2 * 40)):
        couple.settle()


def test_shares_the_rounds_price_among_its_subsets(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, subsets=3, subsets_per_round=3, round_price=1_000)
    couple = couple_in(CouplePhase.SETTLING, dataset)
    for subset in couple.pending:
        (ci,) = dataset.instances(subset)
        paid = {market.data_owner: 333, dataset.owner_of(ci): PRICE, couple.tc: -333 - PRICE}
        with moves_coins(market, paid):
            couple.settle(subset)
    assert couple.facts["escrow"] == couple.rounds * dataset.terms.escrow_per_round - 999 - 3 * PRICE


def test_pays_whoever_settles_nothing(market: LiveMarket, five: LiveDataset) -> None:
    couple = couple_in(CouplePhase.SETTLING, five)
    with moves_coins(market, changes(couple, "AAAAA", 100, 1_500)):
        couple.settle(by=market.cloud_owners[9])


# --- leaving the pool ---


def test_the_faulty_leave_the_pool(market: LiveMarket, five: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, five)
    couple.answer("AAFAA")
    version, _ = market.contract.datasetPool(five.ds)
    couple.settle()
    faulty = five.instance(five.instances()[2])
    assert (faulty["status"], faulty["bond"], faulty["leftAt"]) == (InstanceStatus.RETIRING, 0, version + 1)
    couple.start()
    assert event(couple.draw()).jobs == 4


def test_the_silent_stay_while_their_bond_covers_another_miss(market: LiveMarket) -> None:
    # 300 - 7 * 40 = 20 < 40: the seventh miss is the last
    dataset = market.dataset_with(replicas=3)
    couple, silent = couple_in(CouplePhase.APPROVED, dataset, rounds=8), dataset.instances()[2]
    for misses in range(1, 8):
        couple.start()
        couple.draw()
        couple.answer("AAM")
        tx = couple.settle()
        assert dataset.instance(silent)["bond"] == BOND - misses * PENALTY
        assert (InstanceRetiring(silent, market.model_owner) in events(tx)) == (misses == 7)
    assert dataset.status(silent) is InstanceStatus.RETIRING
    couple.start()
    assert event(couple.draw()).jobs == 2


def test_a_bond_that_covers_exactly_another_miss_stays(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3, job_price=80, instance_bond=80, miss_penalty=40)
    couple, silent = couple_in(CouplePhase.TRAINING, dataset), dataset.instances()[2]
    couple.answer("AAM")
    couple.settle()
    assert (dataset.instance(silent)["bond"], dataset.status(silent)) == (40, InstanceStatus.VERIFIED)


def test_the_last_replica_to_leave_uncovers_its_subset(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=1, instance_bond=100, miss_penalty=100)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.outlive_settlement()
    couple.close()
    assert market.contract.datasetPool(dataset.ds)[1] == 0


def test_a_free_miss_costs_nothing(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3, miss_penalty=0)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AAM")
    first, second, silent = dataset.instances()
    paid = {dataset.owner_of(first): PRICE, dataset.owner_of(second): PRICE, market.data_owner: SHARE}
    with moves_coins(market, paid | {couple.tc: -SHARE - 2 * PRICE}):
        couple.settle()
    assert dataset.status(silent) is InstanceStatus.VERIFIED


# --- a bond that is not what it was ---


def test_a_bond_below_a_jobs_price_goes_to_the_escrow_whole(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3, instance_bond=110, miss_penalty=40)
    couple, cheat = couple_in(CouplePhase.TRAINING, dataset), dataset.instances()[2]
    couple.answer("AAM")
    couple.settle()
    couple.start()
    couple.draw()
    couple.answer("AAF")
    first, second = (dataset.owner_of(ci) for ci in dataset.instances()[:2])
    moved = {cheat: -70, first: PRICE, second: PRICE, market.data_owner: SHARE}
    with moves_coins(market, moved | {couple.tc: 70 - SHARE - 2 * PRICE}):
        couple.settle()


def test_a_bond_of_exactly_a_jobs_price_leaves_no_bonus(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3, instance_bond=PRICE)
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("AAF")
    first, second, cheat = dataset.instances()
    moved = {cheat: -PRICE, dataset.owner_of(first): PRICE, dataset.owner_of(second): PRICE}
    with moves_coins(market, moved | {couple.tc: PRICE - SHARE - 2 * PRICE, market.data_owner: SHARE}):
        couple.settle()


def rival_couples(dataset: LiveDataset) -> tuple[LiveCouple, LiveCouple]:
    """Two couples, both in Training on the same instances."""
    return couple_in(CouplePhase.TRAINING, dataset), couple_in(CouplePhase.TRAINING, dataset)


def two_paid(couple: LiveCouple, third: InstanceId, taken: int, to_escrow: int) -> dict[Any, int]:
    """What moves when two of three are paid and the third loses `taken`."""
    first, second = (couple.dataset.owner_of(ci) for ci in couple.dataset.instances()[:2])
    bonus = (taken - to_escrow) // 2
    paid = {first: PRICE + bonus, second: PRICE + bonus, couple.market.data_owner: SHARE}
    return paid | {third: -taken, couple.tc: to_escrow - SHARE - 2 * PRICE}


def test_a_bond_is_slashed_once_for_two_couples(market: LiveMarket, dataset: LiveDataset) -> None:
    one, other = rival_couples(dataset)
    one.answer("AAF")
    other.answer("AAF")
    cheat = dataset.instances()[2]
    with moves_coins(market, two_paid(one, cheat, BOND, to_escrow=PRICE)):
        one.settle()
    with moves_coins(market, two_paid(other, cheat, 0, to_escrow=0)):
        tx = other.settle()
    assert JobJudged(other.tc, cheat, 1, JobStatus.FAULTY, 0) in events(tx)
    assert InstanceRetiring(cheat, market.model_owner) not in events(tx)


def test_a_miss_takes_what_is_left_of_the_bond(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3, instance_bond=100, miss_penalty=60)
    one, other = rival_couples(dataset)
    silent = dataset.instances()[2]
    other.report_all(but=silent)
    one.answer("AAM")
    other.outlive_reporting()
    with moves_coins(market, two_paid(one, silent, 60, to_escrow=60)):
        one.settle()
    assert dataset.status(silent) is InstanceStatus.RETIRING
    with moves_coins(market, two_paid(other, silent, 40, to_escrow=40)):
        other.settle()


def test_who_was_slashed_in_one_couple_is_paid_in_the_other(market: LiveMarket, dataset: LiveDataset) -> None:
    one, other = rival_couples(dataset)
    one.answer("AAF")
    other.answer("AAA")
    one.settle()
    owners = [dataset.owner_of(ci) for ci in dataset.instances()]
    paid = dict.fromkeys(owners, PRICE) | {market.data_owner: SHARE, other.tc: -SHARE - 3 * PRICE}
    with moves_coins(market, paid):
        other.settle()


# --- who has left meanwhile ---


def test_a_leaver_is_paid(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    dataset.retire(dataset.instances()[0])
    couple.answer("AAA")
    owners = [dataset.owner_of(ci) for ci in dataset.instances()]
    paid = dict.fromkeys(owners, PRICE) | {market.data_owner: SHARE, couple.tc: -SHARE - 3 * PRICE}
    with moves_coins(market, paid):
        couple.settle()


@pytest.mark.parametrize(("letter", "taken", "to_escrow"), [("F", BOND, PRICE), ("M", PENALTY, PENALTY)])
def test_a_leaver_is_slashed(
    market: LiveMarket, dataset: LiveDataset, letter: str, taken: int, to_escrow: int
) -> None:
    couple, leaver = couple_in(CouplePhase.TRAINING, dataset), dataset.instances()[2]
    dataset.retire(leaver)
    couple.answer("AA" + letter)
    with moves_coins(market, two_paid(couple, leaver, taken, to_escrow)):
        tx = couple.settle()
    assert InstanceRetiring(leaver, market.model_owner) not in events(tx)


def test_a_liars_majority_takes_the_honest_bond(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.TRAINING, dataset)
    couple.answer("FFA")
    honest = dataset.instances()[2]
    with moves_coins(market, two_paid(couple, honest, BOND, to_escrow=PRICE)):
        couple.settle(digest=FORGED)
