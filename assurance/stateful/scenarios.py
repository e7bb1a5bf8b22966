"""Calls that lead where plays hardly ever come; `assurance.coverage.scenarios` has more.

`assurance.stateful.differential` compares what the market and its model make of them.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason
from agents.core.ids import DatasetId, couple_id, dataset_id
from assurance.coverage.scenarios import Scenario, refused
from testing.evm import Evm
from testing.evm_script import EvmScript
from testing.script import LOCATION, METADATA, identity


def subset_out_of_range(evm: Evm) -> None:
    """The refusal tells how many subsets there are, not how many a round draws."""
    script = EvmScript(evm, subsets=3, subsets_per_round=2)
    script.register()
    script.offer()
    with refused("Distribution_NoSubset"):
        script.name(subsets=[3])
    with refused("Distribution_NoSubset"):
        script.name(subsets=[5])


def flagged_out_unevenly(evm: Evm) -> None:
    """Most of a round's jobs are flagged, and one subset has a majority that trained."""
    script = EvmScript(evm, replicas=3, subsets=2, subsets_per_round=2)
    script.bring_to(Phase.TRAINING)
    script.answer("GAA", "GGG")
    script.close()


def flagged_out_by_others(evm: Evm) -> None:
    """Most of a round's jobs are flagged, and one subset has no flag at all: its reports are paid."""
    script = EvmScript(evm, replicas=3, subsets=3, subsets_per_round=3)
    script.bring_to(Phase.TRAINING)
    script.answer("AAA", "GGA", "GGG")
    script.close()


def instance_of_a_later_dataset(evm: Evm) -> None:
    """It is in a pool, as early and of the same subset, but not in the couple's."""
    _answers_for_another(evm, couple_of=1, instance_of=2)


def instance_of_an_earlier_dataset(evm: Evm) -> None:
    _answers_for_another(evm, couple_of=2, instance_of=1)


def _answers_for_another(evm: Evm, couple_of: int, instance_of: int) -> None:
    script = EvmScript(evm, replicas=1)
    script.register()
    datasets: dict[int, DatasetId] = {}
    for serial in (1, 2):
        script.ds = datasets[serial] = dataset_id(script.do.address, serial)
        script.offer()
        script.name()
        script.fill_pool()
    script.ds = datasets[instance_of]
    (stranger,) = script.cis()
    script.ds = datasets[couple_of]
    script.request()
    script.approve()
    script.start()
    script.draw()
    with refused("Training_NotDrawn"):
        script.send(script.cos[0], calls.flag_tj(script.tc, stranger, 1, FlagReason.PLAN_REFUSED))


def full_to_the_last_wei(evm: Evm) -> None:
    alice = identity("alice").address
    evm.send(alice, calls.deposit(2**96 - 1))
    with refused("Ledger_Full"):
        evm.send(alice, calls.deposit(1))


def offer_that_has_ended(evm: Evm) -> None:
    script = EvmScript(evm)
    script.register()
    for ends_at in (script.now - 1, script.now):
        with refused("Distribution_Ended"):
            script.send(
                script.do, calls.create_ds(replace(script.terms, ends_at=ends_at), METADATA, LOCATION)
            )


def window_to_the_end_of_the_offer(evm: Evm) -> None:
    """A couple's last round is over in the offer's last second, or one second after it."""
    terms = EvmScript(evm).terms
    needed = terms.answer_window_seconds + terms.couple_window_seconds + terms.draw_window_seconds
    needed += terms.report_window_seconds + 2 * terms.settle_window_seconds
    script = EvmScript(evm, ends_at=evm.now + needed)
    script.open()
    script.request()
    script.now += 1
    script.tc = couple_id(script.mo.address, 2)
    with refused("Training_DatasetEnds"):
        script.request()


def last_second_to_settle(evm: Evm) -> None:
    script = EvmScript(evm, rounds=1)
    script.bring_to(Phase.SETTLING)
    script.now = script.market.settle_deadline(script.couple)
    with refused("Training_WrongPhase"):
        script.send(script.stranger, calls.close_round(script.tc, [0]))
    script.settle_all()


def last_second_before_a_release(evm: Evm) -> None:
    script = EvmScript(evm, replicas=2)
    script.open()
    leaver, stayer = script.cis()
    script.send(script.owner(leaver), calls.retire_ci(leaver))
    for ci in (leaver, stayer):
        script.now = int(script.market.releasable_after(script.instance(ci)))
        with refused("Distribution_TooEarly"):
            script.send(script.stranger, calls.release_ci(ci))
        script.now += 1
        script.send(script.stranger, calls.release_ci(ci))


def most_replicas(evm: Evm) -> None:
    """All sixteen places are taken, given up and taken again; every verdict; and two ways to be void."""
    script = EvmScript(evm, replicas=16, rounds=3)
    script.open()
    script.request()
    script.approve()
    script.play_round("AGGGGGGGGGMMMMMM")
    script.close()
    script.play_round("AAAAAAAAAAAAFFMG")
    script.settle_all()
    left = len(script.market.pool_of(script.ds, 0))
    script.play_round("A" * (left - 1) + "M")
    script.close()
    script.send(script.owner(script.cis()[3]), calls.retire_ci(script.cis()[3]))
    script.now = script.terms.ends_at + 1
    for ci in reversed(script.cis()):
        script.send(script.stranger, calls.release_ci(ci))


def void_with_the_most_replicas(evm: Evm) -> None:
    """Sixteen reported, and nobody settled."""
    script = EvmScript(evm, replicas=16, rounds=1)
    script.bring_to(Phase.TRAINING)
    script.answer("A" * 16)
    script.close()


def void_for_want_of_a_settlement(evm: Evm) -> None:
    """Few flagged, and the others could have agreed: nobody settled, and nobody is paid."""
    script = EvmScript(evm, replicas=5, rounds=1)
    script.bring_to(Phase.TRAINING)
    script.answer("GAAAA")
    script.close()


def void_at_a_majority(evm: Evm) -> None:
    """Just a majority was to agree."""
    _void(evm, quorum=3)


def void_above_a_majority(evm: Evm) -> None:
    """One more than a majority."""
    _void(evm, quorum=4)


def _void(evm: Evm, quorum: int) -> None:
    script = EvmScript(evm, replicas=5, rounds=1, quorum=quorum)
    script.bring_to(Phase.TRAINING)
    script.answer("AAFFM")
    script.close()


def altered_reports(evm: Evm) -> None:
    """Whatever is altered is seen, whichever of the two commitments is the larger number."""
    script = EvmScript(evm, rounds=1)
    script.bring_to(Phase.SETTLING)
    first, *others = script.market.reports_of(script.couple, 0)
    for number in range(12):
        altered = replace(first, nonce=sha256(b"another nonce %d" % number).digest())
        with refused("Settlement_ReportAltered"):
            script.send(
                script.mo, calls.settle_round(script.tc, 0, script.model_digest(0), [altered, *others])
            )


def faulty_after_a_miss(evm: Evm) -> None:
    """In a second couple's round, of the same time: what is left of the bond is less than a job's price."""
    script = EvmScript(evm, replicas=3, rounds=1, instance_bond=100, miss_penalty=60)
    script.bring_to(Phase.TRAINING)
    first, second = script.tc, couple_id(script.mo.address, 2)
    script.tc = second
    script.request()
    script.approve()
    script.play_round("AAF")
    script.tc = first
    script.answer("AAM")
    for script.tc in (first, second):
        script.settle_all()


def left_with_the_penalty_exactly(evm: Evm) -> None:
    """It can afford one more miss, and stays."""
    script = EvmScript(evm, replicas=3, rounds=2, instance_bond=120, miss_penalty=60)
    script.bring_to(Phase.TRAINING)
    script.answer("AAM")
    script.settle_all()
    script.play_round("AAM")
    script.settle_all()


SCENARIOS: tuple[Scenario, ...] = (
    subset_out_of_range,
    flagged_out_unevenly,
    flagged_out_by_others,
    instance_of_a_later_dataset,
    instance_of_an_earlier_dataset,
    full_to_the_last_wei,
    offer_that_has_ended,
    window_to_the_end_of_the_offer,
    last_second_to_settle,
    last_second_before_a_release,
    most_replicas,
    void_with_the_most_replicas,
    void_for_want_of_a_settlement,
    void_at_a_majority,
    void_above_a_majority,
    altered_reports,
    faulty_after_a_miss,
    left_with_the_penalty_exactly,
)
