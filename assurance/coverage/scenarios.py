"""Calls that lead through every statement and every branch of the market.

Each scenario has a market of its own. It asserts which error a refusal names; that the market's answers are
right is what the other tests are for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason, Role
from agents.core.errors import Refused
from agents.core.ids import CoupleId, DatasetId, ModelId, dataset_id, instance_id, model_id
from testing.evm import Evm, codec
from testing.evm_script import EvmScript
from testing.script import LOCATION, METADATA, identity

Scenario = Callable[[Evm], None]
TOO_MUCH = 2**96
UNKNOWN_DATASET = DatasetId(0)


@contextmanager
def refused(error: str) -> Iterator[None]:
    """The market refuses what is done here with this error."""
    with pytest.raises(Refused) as caught:
        yield
    assert caught.value.error == error, caught.value


# --- Ledger, Members ---


def ledger(evm: Evm) -> None:
    alice = identity("alice").address
    evm.send(alice, calls.deposit(10))
    evm.send(alice, calls.withdraw(4))
    with refused("Ledger_InsufficientBalance"):
        evm.send(alice, calls.withdraw(7))
    with refused("Ledger_Full"):
        evm.send(alice, calls.deposit(TOO_MUCH))
    evm.view("balanceOf", alice)
    evm.view("receiptDomain")


def members(evm: Evm) -> None:
    alice, bob = identity("alice"), identity("bob")
    evm.send(alice.address, calls.register(Role.DATA_OWNER, alice.encryption_key, 10))
    evm.send(bob.address, calls.register(Role.CLOUD_OWNER, bob.encryption_key))
    with refused("Members_AlreadyRegistered"):
        evm.send(bob.address, calls.register(Role.MODEL_OWNER, bob.encryption_key))
    with refused("Members_BadEncryptionKey"):
        evm.send(identity("carol").address, calls.register(Role.MODEL_OWNER, b"short"))
    evm.view("roleOf", alice.address)


def several_in_one(evm: Evm) -> None:
    """What is refused inside a multicall is refused with its own error."""
    script = EvmScript(evm)
    script.register()
    offer = codec().call(calls.create_ds(script.terms, METADATA, LOCATION))
    script.send(script.do, Call("multicall", ([offer, offer],)))
    with refused("Ledger_InsufficientBalance"):
        script.send(script.do, Call("multicall", ([offer, codec().call(calls.withdraw(TOO_MUCH))],)))


# --- Distribution ---


def offers(evm: Evm) -> None:
    script = EvmScript(evm)
    script.register()
    windows = ("answer", "draw", "report", "settle", "couple")
    for error, terms in (
        ("BadShape", {"subsets": 0}),
        ("BadShape", {"subsets": 257}),
        ("BadShape", {"subsets_per_round": 0}),
        ("BadShape", {"subsets": 2, "subsets_per_round": 3}),
        ("BadShape", {"max_replicas": 0}),
        ("BadShape", {"max_replicas": 17}),
        *(("ZeroWindow", {f"{window}_window_seconds": 0}) for window in windows),
        ("BondTooSmall", {"instance_bond": 99, "miss_penalty": 1}),
        ("BondTooSmall", {"instance_bond": 100, "miss_penalty": 101}),
        ("Ended", {"ends_at": script.now}),
    ):
        with refused(f"Distribution_{error}"):
            script.send(script.do, calls.create_ds(replace(script.terms, **terms), METADATA, LOCATION))
    with refused("Members_WrongRole"):
        script.send(script.mo, calls.create_ds(script.terms, METADATA, LOCATION))
    script.offer()
    evm.view("datasetTerms", script.ds)
    evm.view("datasetPool", script.ds)


def places(evm: Evm) -> None:
    script = EvmScript(evm, replicas=2)
    script.register()
    script.offer()
    first, second = script.cos
    with refused("Distribution_NoDataset"):
        script.send(script.do, calls.create_ci(dataset_id(script.do.address, 2), [0], [], []))
    with refused("Distribution_NotOwner"):
        script.send(script.mo, calls.create_ci(script.ds, [], [], []))
    for owners, locations in (([], [LOCATION]), ([first.address], [])):
        with refused("Distribution_LengthMismatch"):
            script.send(script.do, calls.create_ci(script.ds, [0], owners, locations))
    with refused("Distribution_NoSubset"):
        script.name(first, subsets=[1])
    with refused("Members_WrongRole"):
        script.name(script.mo)
    script.name(first)
    with refused("Distribution_AlreadyNamed"):
        script.name(first)
    script.name(second)
    evm.view("instancesOf", script.ds, 0)
    evm.view("cloudInstance", script.cis()[0])
    with refused("Distribution_SubsetFull"):
        script.name(first)
    script.now = script.terms.ends_at + 1
    with refused("Distribution_Ended"):
        script.name(first)


def last_name(evm: Evm) -> None:
    """A subset's 255 numbers are used up."""
    script = EvmScript(evm, replicas=2)
    script.register()
    script.offer()
    first, second = script.cos
    script.name(second)
    for _ in range(254):
        script.name(first)
        script.send(first, calls.refuse_ci(script.cis()[-1]))
    with refused("Distribution_ReplicasExhausted"):
        script.name(first)
    script.send(second, calls.refuse_ci(script.cis()[0]))


def answers_to_a_name(evm: Evm) -> None:
    script = EvmScript(evm, replicas=4)
    script.register()
    script.offer()
    script.name()
    joined, rejected, late, refuser = script.cis()
    with refused("Distribution_NotOwner"):
        script.send(script.mo, calls.join_ci(joined, LOCATION, LOCATION))
    with refused("Distribution_WrongStatus"):
        script.verify(joined)
    with refused("Distribution_LengthMismatch"):
        script.send(script.do, calls.verify_ci([joined], []))
    script.join(joined)
    script.join(rejected)
    with refused("Distribution_NotOwner"):
        script.send(script.mo, calls.verify_ci([joined], [True]))
    script.verify(joined)
    script.verify(rejected, ok=False)
    script.send(script.cos[3], calls.refuse_ci(refuser))
    script.now += script.terms.answer_window_seconds + 1
    with refused("Distribution_TooLate"):
        script.join(late)


def ways_out(evm: Evm) -> None:
    """Every status is left, by each who may."""
    script = EvmScript(evm, replicas=8)
    script.register()
    script.offer()
    script.name()
    free, by_owner, joined, verified, left_free, left_joined, left_verified, other = script.cis()
    for ci in (joined, verified, left_joined, left_verified, other):
        script.join(ci)
    script.verify(verified, left_verified, other)
    with refused("Distribution_NotOwner"):
        script.send(script.mo, calls.retire_ci(free))
    script.send(script.do, calls.retire_ci(by_owner))
    for ci in (free, joined, verified):
        script.send(script.owner(ci), calls.retire_ci(ci))
    with refused("Distribution_WrongStatus"):
        script.send(script.do, calls.retire_ci(verified))
    with refused("Distribution_WrongStatus"):
        script.send(script.do, calls.release_ci(free))
    for ci in (verified, left_free):
        with refused("Distribution_TooEarly"):
            script.send(script.stranger, calls.release_ci(ci))
    script.now += script.terms.answer_window_seconds + 1
    for ci in (verified, left_free, left_joined):
        script.send(script.stranger, calls.release_ci(ci))
    script.now = script.terms.ends_at + 1
    script.send(script.stranger, calls.release_ci(left_verified))
    script.send(script.stranger, calls.release_ci(other))  # nobody is left


# --- Couples ---


def requests(evm: Evm) -> None:
    script = EvmScript(evm)
    script.open()
    for mod in (ModelId(script.mod ^ 1), ModelId(script.mod ^ 1 << 32), model_id(script.mo.address, 2)):
        with refused("Training_NotYourModel"):
            script.send(script.mo, calls.request_tc(mod, script.ds, 1, LOCATION))
    with refused("Distribution_NoDataset"):
        script.send(script.mo, calls.request_tc(script.mod, UNKNOWN_DATASET, 1, LOCATION))
    for rounds, quorum in ((0, 0), (1, 4)):
        with refused("Training_BadRequest"):
            script.send(script.mo, calls.request_tc(script.mod, script.ds, rounds, LOCATION, quorum))
    for _ in range(4):
        script.send(script.mo, calls.request_tc(script.mod, script.ds, 1, LOCATION))
    declined, cancelled, lapsed, expired = sorted(script.market.couples)
    with refused("Training_NotParty"):
        script.send(script.mo, calls.decline_tc(declined))
    script.send(script.do, calls.decline_tc(declined))
    script.send(script.mo, calls.cancel_tc(cancelled))
    with refused("Training_WrongPhase"):
        script.send(script.mo, calls.expire_request(expired))
    for tc in (declined, lapsed, CoupleId(0)):
        evm.view("trainCouple", tc)
    script.now += script.terms.answer_window_seconds + 1
    script.send(script.mo, calls.cancel_tc(lapsed))
    evm.view("phaseOf", expired)
    script.send(script.stranger, calls.expire_request(expired))
    script.now = script.terms.ends_at
    with refused("Training_DatasetEnds"):
        script.request()


def uncovered(evm: Evm) -> None:
    script = EvmScript(evm)
    script.register()
    script.offer()
    script.request()
    with refused("Training_SubsetsUncovered"):
        script.approve()


def ends(evm: Evm) -> None:
    """Completed before the last round, after it, and when the window is over."""
    script = EvmScript(evm, rounds=1)
    script.open()
    script.request()
    script.approve()
    script.send(script.mo, calls.complete_tc(script.tc, LOCATION))


def end_of_rounds(evm: Evm) -> None:
    script = EvmScript(evm, rounds=1)
    script.bring_to(Phase.SETTLING)
    evm.view("trainCouple", script.tc)
    script.settle_all()
    script.send(script.stranger, calls.expire_tc(script.tc))


def end_of_window(evm: Evm) -> None:
    script = EvmScript(evm)
    script.bring_to(Phase.ENDED)
    script.send(script.mo, calls.complete_tc(script.tc, LOCATION))


# --- Training ---


def withheld(evm: Evm) -> None:
    script = EvmScript(evm)
    script.bring_to(Phase.DRAWING)
    with refused("Training_WrongSeed"):
        script.send(script.do, calls.draw_round(script.tc, LOCATION))
    script.now = script.couple.deadline + 1
    script.send(script.stranger, calls.expire_draw(script.tc))


def epochs(evm: Evm) -> None:
    """Draws that begin, end and go on with an epoch; the last one of an epoch is short."""
    script = EvmScript(evm, replicas=1, rounds=4, subsets=3, subsets_per_round=2)
    script.open()
    script.request()
    script.approve()
    for _ in range(4):
        script.start()
        script.draw()
        script.answer(*("A" for _ in script.drawn))
        script.settle_all()


def rejected_tickets(evm: Evm) -> None:
    """Of urns of up to 256 a ticket is rejected now and then."""
    script = EvmScript(evm, replicas=1, rounds=20, subsets=256, subsets_per_round=256)
    script.register()
    script.offer()
    for index in range(256):
        script.name(subsets=[index])
    script.fill_pool()
    script.request()
    script.approve()
    for _ in range(20):
        script.start()
        script.draw()
        script.now = script.market.settle_deadline(script.couple) + 1
        script.send(script.stranger, calls.close_round(script.tc, range(256)))


def answers(evm: Evm) -> None:
    script = EvmScript(evm, replicas=4, rounds=1, subsets=2, subsets_per_round=1)
    script.register()
    script.offer()
    script.name(*script.cos[:3])
    for subset in range(2):
        for ci in script.cis(subset):
            script.join(ci)
        script.verify(*script.cis(subset))
    script.request()
    script.approve()
    script.start()
    script.draw()
    (drawn,) = script.drawn
    script.name(script.cos[3], subsets=[drawn])
    first, second, third, newcomer = script.cis(drawn)
    tc, owner = script.tc, script.owner(first)
    with refused("Training_WrongRound"):
        script.send(owner, calls.flag_tj(tc, first, 2, FlagReason.PLAN_REFUSED))
    with refused("Training_NotInstanceOwner"):
        script.send(script.mo, calls.flag_tj(tc, first, 1, FlagReason.PLAN_REFUSED))
    script.join(newcomer)
    with refused("Training_NotDrawn"):
        script.flag(newcomer)
    script.verify(newcomer)
    for ci in (script.cis(1 - drawn)[0], newcomer):
        with refused("Training_NotDrawn"):
            script.flag(ci)
    script.report(first)
    with refused("Training_AlreadyAnswered"):
        script.report(first)
    script.flag(second)
    for ci in (first, second, third):
        evm.view("trainJob", tc, ci)
    evm.view("trainJob", CoupleId(tc ^ 1 << 32), first)
    script.report(third)
    script.settle(drawn)
    evm.view("trainJob", tc, first)


def another_dataset(evm: Evm) -> None:
    """An instance of another dataset cannot answer."""
    script = EvmScript(evm, replicas=1)
    script.bring_to(Phase.TRAINING)
    other = dataset_id(script.do.address, 2)
    script.offer()
    script.send(script.do, calls.create_ci(other, [0], [script.cos[0].address], [LOCATION]))
    ci = instance_id(other, 0, 1)
    with refused("Training_NotDrawn"):
        script.send(script.cos[0], calls.flag_tj(script.tc, ci, 1, FlagReason.PLAN_REFUSED))


def flagged_out(evm: Evm) -> None:
    """More than half flag: who reported is paid, nobody is fined."""
    script = EvmScript(evm, replicas=3)
    script.bring_to(Phase.TRAINING)
    first, second, third = script.cis()
    script.report(first)
    script.flag(second)
    script.flag(third)
    evm.view("trainJob", script.tc, first)
    script.send(script.stranger, calls.close_round(script.tc, [0]))
    evm.view("trainJob", script.tc, first)


# --- Settlement ---


def voided_job(evm: Evm) -> None:
    """A report in a subset that was closed without a verdict, while the round goes on and after."""
    script = EvmScript(evm, replicas=3, rounds=2, subsets=2, subsets_per_round=2)
    script.bring_to(Phase.OVERDUE)
    first, second = script.drawn
    script.send(script.stranger, calls.close_round(script.tc, [first]))
    evm.view("trainJob", script.tc, script.cis(first)[0])
    evm.view("trainJob", script.tc, script.cis(second)[0])
    with refused("Settlement_NotPending"):
        script.send(script.stranger, calls.close_round(script.tc, [first]))
    script.send(script.stranger, calls.close_round(script.tc, [second]))
    script.start()
    evm.view("trainJob", script.tc, script.cis(first)[0])
    script.draw()
    evm.view("trainJob", script.tc, script.cis(first)[0])


def hearings(evm: Evm) -> None:
    """Reports that are altered, left out, too many or too few to agree; then every verdict."""
    script = EvmScript(evm, replicas=5, rounds=1, quorum=3)
    script.bring_to(Phase.TRAINING)
    script.answer("AFAAM")
    reports = script.market.reports_of(script.couple, 0)
    altered = [replace(reports[0], nonce=LOCATION), *reports[1:]]
    digest = script.model_digest(0)
    for error, told in (
        ("ReportAltered", altered),
        ("ReportMissing", reports[1:]),
        ("TooManyReports", [*reports, reports[0]]),
    ):
        with refused(f"Settlement_{error}"):
            script.send(script.mo, calls.settle_round(script.tc, 0, digest, told))
    with refused("Settlement_NoQuorum"):
        script.settle(0, LOCATION)
    script.settle(0)


def small_bonds(evm: Evm) -> None:
    """A bond that is no more than a job's price, and one that does not cover the penalty any more."""
    script = EvmScript(evm, replicas=3, rounds=1, instance_bond=100, miss_penalty=60)
    script.bring_to(Phase.TRAINING)
    script.answer("AAF")
    script.settle(0)


def missed_twice(evm: Evm) -> None:
    """Two couples in the same pool: what the first miss left does not cover the second."""
    script = EvmScript(evm, replicas=3, rounds=1, instance_bond=100, miss_penalty=60)
    script.bring_to(Phase.DRAWING)
    first = script.tc
    script.tc = CoupleId(first + (1 << 32))
    script.request()
    script.approve()
    script.start()
    for tc in (first, script.tc):
        script.tc = tc
        script.draw()
    script.now = script.market.settle_deadline(script.couple) + 1
    for tc in (first, script.tc):
        script.send(script.stranger, calls.close_round(tc, [0]))


def left_in_between(evm: Evm) -> None:
    """An instance leaves between the start of a round and its end, another one before."""
    script = EvmScript(evm, replicas=4, rounds=1, quorum=4)
    script.bring_to(Phase.APPROVED)
    before, during, *stay = script.cis()
    script.send(script.owner(before), calls.retire_ci(before))
    script.start()
    script.send(script.owner(during), calls.retire_ci(during))
    script.draw()
    with refused("Training_NotDrawn"):
        script.flag(before)
    for ci in (*stay, during):
        script.report(ci)
    reports = list(script.couple.current.reports.values())
    with refused("Settlement_ReportMissing"):
        script.send(script.mo, calls.settle_round(script.tc, 0, script.model_digest(0), reports[:2]))
    script.send(script.mo, calls.settle_round(script.tc, 0, script.model_digest(0), reports))


def unread(evm: Evm) -> None:
    """All who answer flag, and nobody has reported: nobody is paid."""
    script = EvmScript(evm, replicas=3)
    script.bring_to(Phase.TRAINING)
    script.answer("GGM")
    coins = script.coins(script.do)
    script.close()
    assert script.coins(script.do) == coins


def blocked(evm: Evm) -> None:
    """So many of a subset flagged that its others could not agree; and two subsets where they could."""
    script = EvmScript(evm, replicas=3, rounds=1, subsets=3, subsets_per_round=3)
    script.bring_to(Phase.TRAINING)
    script.answer("AGG", "AAM", "AMG")
    script.now = script.market.settle_deadline(script.couple) + 1
    script.send(script.stranger, calls.close_round(script.tc, script.drawn))


def asked_for_all(evm: Evm) -> None:
    """All were to agree, and one lies: those who reported are paid."""
    script = EvmScript(evm, replicas=3, rounds=1, quorum=3)
    script.bring_to(Phase.TRAINING)
    script.answer("AAF")
    script.close()


SCENARIOS: tuple[Scenario, ...] = (
    ledger,
    members,
    several_in_one,
    offers,
    places,
    last_name,
    answers_to_a_name,
    ways_out,
    requests,
    uncovered,
    ends,
    end_of_rounds,
    end_of_window,
    withheld,
    epochs,
    rejected_tickets,
    answers,
    another_dataset,
    flagged_out,
    voided_job,
    hearings,
    small_bonds,
    missed_twice,
    left_in_between,
    unread,
    blocked,
    asked_for_all,
)
