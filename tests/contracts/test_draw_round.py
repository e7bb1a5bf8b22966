# drawRound
# ├── when the couple is not Drawing: refused (test_phase_gates.py)
# ├── when the caller is not the dataset's DO: refused
# ├── when the seed is not the next link of the DO's chain: refused
# └── else the couple is Training, until the report window ends
#     ├── the subsets are those of both seeds (agents.core.hashing), k or what the epoch has left
#     ├── the jobs are the instances that were in the pool when the round was started
#     └── when all drawn instances have left: nobody is waited for
#
# Rules: T11, T12, T28, R6, R7, R9, R10

from __future__ import annotations

import pytest

from agents.core.enums import CouplePhase
from agents.core.events import RoundDrawn
from agents.core.hashing import draw_round, full_set, round_seed, set_bits
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.couple import ZERO, LiveCouple, couple_in, do_link, mo_link
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import event, events
from testing.contracts.market import LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with


@pytest.fixture(scope="module")
def couple(dataset: LiveDataset) -> LiveCouple:
    return couple_in(CouplePhase.DRAWING, dataset)


def test_refuses_who_is_not_the_data_owner(market: LiveMarket, couple: LiveCouple) -> None:
    for caller in (market.model_owner, market.stranger):
        with reverts_with("Training_NotParty", couple.tc, caller, market.data_owner):
            couple.draw(by=caller)


def test_refuses_a_seed_out_of_its_turn(couple: LiveCouple) -> None:
    tip = do_link(2, 0)
    for link in (tip, do_link(2, 2), mo_link(2, 1), ZERO):
        with reverts_with("Training_WrongSeed", couple.tc, link, tip):
            couple.draw(link)


def test_draws(market: LiveMarket, couple: LiveCouple) -> None:
    with moves_coins(market, {}):
        tx = couple.draw()
    assert events(tx) == [RoundDrawn(couple.tc, market.data_owner, 1, do_link(2, 1), 0b1, 3)]
    facts = couple.facts
    assert facts["phase"] == CouplePhase.TRAINING
    assert (facts["rem"], facts["flagsLeft"]) == (3, 1)
    assert facts["deadline"] == tx.timestamp + TERMS.report_window_seconds
    assert facts["poolVersion"] == 3
    assert (facts["drawnThisEpoch"], facts["pending"]) == (0, 0b1)
    assert bytes(facts["doTip"]) == do_link(2, 1)


def test_draws_in_the_last_second(couple: LiveCouple) -> None:
    clock.at(couple.deadline, couple.draw)
    assert couple.phase is CouplePhase.TRAINING


def test_refuses_a_second_late(couple: LiveCouple) -> None:
    with reverts_with("Training_WrongPhase", couple.tc, CouplePhase.WITHHELD, 1 << CouplePhase.DRAWING):
        clock.at(couple.deadline + 1, couple.draw)


@pytest.mark.parametrize(("subsets", "per_round"), [(5, 2), (4, 4), (3, 1)])
def test_draws_whole_epochs_as_the_agents_compute_them(
    market: LiveMarket, subsets: int, per_round: int
) -> None:
    dataset = market.dataset_with(replicas=1, subsets=subsets, subsets_per_round=per_round)
    an_epoch = -(-subsets // per_round)
    couple = couple_in(CouplePhase.APPROVED, dataset, rounds=2 * an_epoch)
    before, seen = 0, []
    for round_ in range(1, 2 * an_epoch + 1):
        couple.start()
        seed = round_seed(mo_link(couple.rounds, round_), do_link(couple.rounds, round_), couple.tc, round_)
        drawn, before = draw_round(seed, before, subsets, per_round)
        said = event(couple.draw())
        assert (said.drawn, said.jobs) == (drawn, len(set_bits(drawn)))
        facts = couple.facts
        remembered = 0 if per_round == subsets else before  # an epoch of one draw need not be
        assert (facts["drawnThisEpoch"], facts["pending"]) == (remembered, drawn)
        seen.append(drawn)
        couple.void_round()
    for epoch in (seen[:an_epoch], seen[an_epoch:]):
        assert sum(epoch) == full_set(subsets)  # every subset, none twice
        assert [len(set_bits(drawn)) for drawn in epoch[:-1]] == [per_round] * (an_epoch - 1)


def test_counts_the_instances_of_every_drawn_subset(market: LiveMarket) -> None:
    dataset = market.dataset(subsets=2, subsets_per_round=2)
    named = dataset.name(*market.cloud_owners[:3], subsets=(0,)) + dataset.name(
        market.cloud_owners[0], subsets=(1,)
    )
    dataset.verify(*dataset.join(*named))
    couple = couple_in(CouplePhase.DRAWING, dataset)
    assert event(couple.draw()).jobs == 4
    assert (couple.facts["rem"], couple.facts["flagsLeft"]) == (4, 2)


def test_counts_the_pool_as_it_was_at_the_start(market: LiveMarket) -> None:
    dataset = market.dataset_with(replicas=3, max_replicas=5)
    gone, leaver, stayer = dataset.instances()
    (late,) = dataset.join(*dataset.name(market.cloud_owners[3]))
    couple = couple_in(CouplePhase.APPROVED, dataset)
    dataset.retire(gone)
    couple.start()
    dataset.retire(leaver)
    dataset.verify(late)
    dataset.join(*market.dataset().name(market.cloud_owners[4]))  # another dataset's
    assert event(couple.draw()).jobs == 2
    assert (couple.facts["poolVersion"], dataset.pool[0]) == (4, 6)
    for ci in (gone, late):
        with reverts_with("Training_NotDrawn", couple.tc, ci):
            couple.report(ci)
    couple.report(leaver)
    couple.report(stayer)
    couple.settle()
    assert couple.phase is CouplePhase.APPROVED


def test_waits_for_nobody_when_all_had_left(market: LiveMarket, dataset: LiveDataset) -> None:
    couple = couple_in(CouplePhase.APPROVED, dataset)
    for ci in dataset.instances():
        dataset.retire(ci)
    couple.start()
    assert event(couple.draw()).jobs == 0
    assert couple.facts["phase"] == CouplePhase.SETTLING
    with reverts_with("Settlement_NoQuorum", couple.tc, 0, 0, 1):
        couple.settle()
    couple.outlive_settlement()
    with moves_coins(market, {}):
        couple.close()
    assert couple.phase is CouplePhase.APPROVED
