"""The model owner: what it does in each situation, and that it then has nothing left to do.

Rules: A1, A2, A3, A40, A41, A42, A43, A44, A45, E7, E24.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, cast

import pytest

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import Role
from agents.core.hashing import final_hash, next_tip
from agents.core.ids import DatasetId, dataset_id
from agents.roles.acts import Act, Declined, Send
from agents.roles.common import final_salt, seed_link
from agents.roles.model_owner import ModelOwner
from agents.roles.portfolio import DatasetRef, WantedModel
from agents.roles.results import AgreedResult, DraftedPlan, PublishedWeights, TaskResult
from agents.roles.tasks.model_owner import CollectResults, DraftPlan, PublishWeights, ReportRef, SettledRef
from testing.policies import TRAINS
from testing.portfolios import one_model
from testing.script import FORGED, LOCATION, METADATA, PLAN, Script

WEIGHTS, WHERE, MODEL = b"\x21" * 32, b"\x22" * 32, b"\x23" * 32


def role(script: Script, quorum: int = 0, spare_rounds: int = 1) -> ModelOwner:
    """The script's model owner."""
    return ModelOwner(script.mo, one_model(quorum, spare_rounds), TRAINS, 5)


def on(ds: DatasetId) -> tuple[WantedModel, ...]:
    """A model on this dataset."""
    return (replace(one_model()[0], dataset=DatasetRef(f"{ds:064x}")),)


def planned(
    script: Script, rounds: int = 1, sums: Literal["dataset", "round", ""] = ""
) -> dict[str, TaskResult]:
    """A plan for the script's dataset."""
    return {
        f"plan/{script.ds:x}": DraftedPlan(
            model_type="linear", hash=PLAN, location=LOCATION, rounds=rounds, sums=sums
        )
    }


def drafting(script: Script) -> DraftPlan:
    """The task of planning, which is due before the offer ends."""
    terms = script.terms
    return DraftPlan(
        script.ds,
        METADATA,
        LOCATION,
        report_window_seconds=terms.report_window_seconds,
        deadline=terms.ends_at,
    )


def weighed(script: Script, *, stop: bool = False, location: bytes = WHERE) -> dict[str, TaskResult]:
    """Weights for the round after the couple's last one."""
    return {
        f"weights/{script.tc:x}/{script.couple.round}": PublishedWeights(
            hash=WEIGHTS, location=location, model=MODEL, score=0.5, stop=stop, summed=1, missing=()
        )
    }


def collected(script: Script, digests: dict[int, bytes]) -> dict[str, TaskResult]:
    """What the results of subsets turned out to be."""
    return {
        f"results/{script.tc:x}/{script.couple.round}/{subset}": AgreedResult(digest=digest, agreeing=3)
        for subset, digest in digests.items()
    }


def sent(acts: list[Act]) -> list[Call]:
    """The calls, where there is no task among the acts."""
    assert all(isinstance(act, Send) for act in acts)
    return [act.call for act in acts if isinstance(act, Send)]


def refs(script: Script, subset: int) -> tuple[ReportRef, ...]:
    """The subset's reports as a task has them."""
    return tuple(
        ReportRef(r.ci, r.cloud_owner, r.hash, r.nonce, r.sealed_location)
        for r in script.market.reports_of(script.couple, subset)
    )


def keys(script: Script, *numbers: int) -> tuple[bytes, ...]:
    """The encryption keys of these cloud owners."""
    return tuple(script.cos[number].encryption_key for number in numbers)


# --- the request ---


def test_a_stranger_registers_first() -> None:
    script = Script()
    (register,) = sent(script.decide(role(script)))
    assert register == calls.register(Role.MODEL_OWNER, script.mo.encryption_key, 5)


def test_it_waits_for_a_dataset() -> None:
    script = Script()
    script.register()
    assert script.decide(role(script)) == []


def test_it_waits_until_every_subset_is_covered() -> None:
    script = Script(replicas=1, subsets=2)
    script.register()
    script.offer()
    script.name()
    first, second = script.cis(0)[0], script.cis(1)[0]
    script.join(first)
    script.verify(first)
    assert script.decide(role(script)) == []
    script.join(second)
    script.verify(second)
    assert script.decide(role(script)) == [drafting(script)]


def test_it_waits_for_the_dataset_that_it_was_told() -> None:
    script = Script().open()
    other = dataset_id(script.do.address, 2)
    assert script.decide(ModelOwner(script.mo, on(other), TRAINS)) == []
    assert script.decide(ModelOwner(script.mo, on(script.ds), TRAINS)) == [drafting(script)]


def test_it_registers_its_model_and_asks_at_once() -> None:
    script = Script().open()
    newcomer = Script().stranger
    script.send(newcomer, calls.register(Role.MODEL_OWNER, newcomer.encryption_key, 10_000))
    create, request = sent(script.decide(ModelOwner(newcomer, one_model(), TRAINS), planned(script)))
    assert create == calls.create_mod("linear", PLAN, LOCATION)
    script.send(newcomer, create)
    assert sent(script.decide(ModelOwner(newcomer, one_model(), TRAINS), planned(script))) == [request]
    script.send(newcomer, request)
    assert script.decide(ModelOwner(newcomer, one_model(), TRAINS), planned(script)) == []


@pytest.mark.parametrize("spare", [0, 1, 3])
def test_it_pays_for_its_plans_rounds_and_the_spare_ones(spare: int) -> None:
    script = Script(replicas=3).open()
    tip = seed_link(script.mo, script.tc, 4 + spare, 0)
    request = calls.request_tc(script.mod, script.ds, 4 + spare, tip, 2)
    acts = script.decide(role(script, quorum=2, spare_rounds=spare), planned(script, rounds=4))
    assert acts == [Send(request, (4 + spare) * 1_300)]


def test_it_pays_in_exactly_what_the_escrow_lacks() -> None:
    script = Script().open()
    script.send(script.mo, calls.withdraw(script.coins(script.mo) - 600))
    deposit, request = sent(script.decide(role(script), planned(script)))
    assert deposit == calls.deposit(2 * 1_300 - 600)
    script.send(script.mo, deposit)
    assert sent(script.decide(role(script), planned(script))) == [request]


@pytest.mark.parametrize("phase", [Phase.REQUESTED, Phase.DRAWING, Phase.TRAINING])
def test_it_has_nothing_to_do_while_others_are_waited_for(phase: Phase) -> None:
    script = Script().bring_to(phase)
    assert script.decide(role(script), planned(script)) == []


def test_it_takes_a_lapsed_request_back() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    last = script.couple.deadline
    assert script.decide(role(script), now=last) == []
    assert sent(script.decide(role(script), now=last + 1)) == [calls.cancel_tc(script.tc)]
    script.now = last + 1
    script.send(script.mo, calls.cancel_tc(script.tc))
    assert script.decide(role(script)) == []


def test_a_declined_request_is_the_end() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    script.send(script.do, calls.decline_tc(script.tc))
    assert script.decide(role(script), planned(script)) == [Declined(f"couple {script.tc:x}")]


# --- rounds ---


def test_it_publishes_weights_for_the_first_round() -> None:
    script = Script(replicas=3).bring_to(Phase.APPROVED)
    assert script.decide(role(script)) == [
        PublishWeights(
            script.tc,
            0,
            1,
            0,
            (),
            keys(script, 0, 1, 2),
            0,
            final_salt(script.mo, script.tc),
            deadline=script.couple.window_ends_at,
        )
    ]


def test_only_who_may_be_drawn_can_read_the_weights() -> None:
    script = Script(replicas=4).bring_to(Phase.APPROVED)
    script.send(script.cos[1], calls.retire_ci(script.cis()[1]))
    (task,) = script.decide(role(script))
    assert isinstance(task, PublishWeights)
    assert task.readers == keys(script, 0, 2, 3)


def test_a_reader_of_several_subsets_counts_once() -> None:
    script = Script(replicas=2, subsets=3).bring_to(Phase.APPROVED)
    (task,) = script.decide(role(script))
    assert isinstance(task, PublishWeights)
    assert task.readers == keys(script, 0, 1)


def test_it_starts_a_round_with_its_next_seed() -> None:
    script = Script().bring_to(Phase.APPROVED)
    (start,) = sent(script.decide(role(script), weighed(script)))
    seed = cast("bytes", start.arguments[1])
    assert start == calls.start_round(script.tc, seed, WEIGHTS, WHERE)
    assert next_tip(seed) == script.couple.mo_tip
    script.send(script.mo, start)
    assert script.phase is Phase.DRAWING
    assert script.decide(role(script), weighed(script)) == []


def test_it_ends_a_couple_whose_seed_is_withheld() -> None:
    script = Script().bring_to(Phase.DRAWING)
    last = script.couple.deadline
    assert script.decide(role(script), now=last) == []
    assert sent(script.decide(role(script), now=last + 1)) == [calls.expire_draw(script.tc)]
    script.now = last + 1
    script.send(script.mo, calls.expire_draw(script.tc))
    assert script.decide(role(script)) == []


# --- results ---


def test_it_collects_the_results_of_each_drawn_subset() -> None:
    script = Script(replicas=3, subsets=2, subsets_per_round=2).bring_to(Phase.TRAINING)
    script.answer("AAM", "AAG")
    patience, deadline = script.couple.deadline + 1_800 - 900, script.couple.deadline + 1_800
    assert script.decide(role(script)) == [
        CollectResults(script.tc, 1, subset, refs(script, subset), 2, patience, deadline=deadline)
        for subset in (0, 1)
    ]


def test_it_asks_for_the_quorum_that_it_wanted() -> None:
    script = Script(replicas=3, quorum=3).bring_to(Phase.SETTLING)
    (task,) = script.decide(role(script))
    assert isinstance(task, CollectResults)
    assert task.quorum == 3


def test_it_settles_with_what_it_collected() -> None:
    script = Script(subsets=2, subsets_per_round=2).bring_to(Phase.SETTLING)
    results = collected(script, {0: script.model_digest(0)})
    settle, collect = script.decide(role(script), results)
    reports = script.market.reports_of(script.couple, 0)
    assert settle == Send(calls.settle_round(script.tc, 0, script.model_digest(0), reports))
    assert isinstance(collect, CollectResults)
    assert collect.subset == 1
    script.settle(0)
    assert script.decide(role(script), results) == [collect]


@pytest.mark.parametrize("digest", [b"", FORGED])
def test_it_does_not_settle_without_a_quorum(digest: bytes) -> None:
    script = Script().bring_to(Phase.SETTLING)
    assert script.decide(role(script), collected(script, {0: digest})) == []


def test_it_settles_up_to_the_last_second_and_then_closes() -> None:
    script = Script(rounds=2, subsets=2, subsets_per_round=2).bring_to(Phase.SETTLING)
    results = collected(script, {subset: script.model_digest(subset) for subset in (0, 1)})
    last = script.couple.deadline + 1_800
    functions = [call.function for call in sent(script.decide(role(script), results, now=last))]
    assert functions == ["settleRound"] * 2
    script.settle(1)
    close = calls.close_round(script.tc, [0])
    assert sent(script.decide(role(script), results, now=last + 1)) == [close]
    script.now = last + 1
    script.send(script.mo, close)
    assert script.phase is Phase.APPROVED
    assert isinstance(script.decide(role(script), results)[0], PublishWeights)


# --- what follows a round ---


def test_it_aggregates_what_was_settled() -> None:
    script = Script(rounds=2, subsets=2, subsets_per_round=2).bring_to(Phase.SETTLING)
    first, second = refs(script, 0), refs(script, 1)
    script.now += 50
    script.settle_all()
    digests = script.model_digest(0), script.model_digest(1)
    assert script.decide(role(script)) == [
        PublishWeights(
            script.tc,
            1,
            2,
            0b11,
            (SettledRef(1, 0, digests[0], first), SettledRef(1, 1, digests[1], second)),
            keys(script, 0, 1, 2),
            script.now + 1_800,
            final_salt(script.mo, script.tc),
            deadline=script.couple.window_ends_at,
        )
    ]


def test_it_keeps_what_was_settled_before_for_the_same_weights() -> None:
    """Sums of encrypted results grow over several rounds."""
    script = Script(rounds=3, subsets=2).bring_to(Phase.SETTLING)
    first = refs(script, *script.drawn)
    script.settle_all()
    older = SettledRef(1, script.drawn[0], script.model_digest(script.drawn[0]), first)
    script.play_round("AAA")
    second = refs(script, *script.drawn)
    script.settle_all()
    newer = SettledRef(2, script.drawn[0], script.model_digest(script.drawn[0]), second)
    (task,) = script.decide(role(script))
    assert isinstance(task, PublishWeights)
    assert task.settled == (older, newer)
    assert task.drawn == script.couple.current.drawn


def test_what_was_settled_for_other_weights_is_over() -> None:
    script = Script(rounds=3, subsets=2).bring_to(Phase.SETTLING)
    script.settle_all()
    script.start(weights=WEIGHTS)
    script.draw()
    script.answer("AAA")
    newest = refs(script, *script.drawn)
    script.settle_all()
    (task,) = script.decide(role(script))
    assert isinstance(task, PublishWeights)
    assert task.settled == (SettledRef(2, script.drawn[0], script.model_digest(script.drawn[0]), newest),)


def test_its_patience_does_not_grow_while_others_trade() -> None:
    script = Script(rounds=2).bring_to(Phase.SETTLING)
    script.settle(0)
    before = script.decide(role(script))
    script.now += 1_000
    script.send(script.stranger, calls.deposit(1))
    assert script.decide(role(script)) == before


def test_who_was_released_keeps_its_report() -> None:
    script = Script(rounds=2).bring_to(Phase.SETTLING)
    made = refs(script, 0)
    script.settle(0)
    script.send(script.cos[0], calls.retire_ci(script.cis()[0]))
    script.now += script.terms.unbonding_seconds + 1
    script.send(script.cos[0], calls.release_ci(script.cis()[0]))
    (task,) = script.decide(role(script))
    assert isinstance(task, PublishWeights)
    assert task.settled == (SettledRef(1, 0, script.model_digest(0), made),)
    assert task.readers == keys(script, 2, 1)  # in the order of places


def test_a_void_round_is_run_again_with_a_spare_one() -> None:
    script = Script(rounds=2).bring_to(Phase.TRAINING)
    script.answer("GGM")
    (close,) = sent(script.decide(role(script)))  # at once: nobody is waited for
    assert close == calls.close_round(script.tc, [0])
    script.send(script.mo, close)
    assert script.couple.current.voided == {0}
    (task,) = script.decide(role(script))
    assert isinstance(task, PublishWeights)
    assert (task.round, task.settled) == (1, ())
    (start,) = sent(script.decide(role(script), weighed(script)))
    script.send(script.mo, start)
    assert script.couple.round == 2


# --- the end ---


def sealed(script: Script) -> bytes:
    """The hash that ends the couple with these weights."""
    mo = script.mo
    return final_hash(mo.receipt_domain, script.tc, final_salt(mo, script.tc), MODEL)


@pytest.mark.parametrize(("sums", "ends"), [("dataset", True), ("round", False), ("", False)])
def test_it_ends_where_no_sum_can_become_whole(sums: Literal["dataset", "round", ""], ends: bool) -> None:
    """Nobody holds the second subset any more."""
    script = Script(rounds=3, subsets=2, replicas=1).bring_to(Phase.APPROVED)
    results = weighed(script) | planned(script, 3, sums)
    (start,) = sent(script.decide(role(script), results))
    assert start.function == "startRound"
    script.send(script.cos[0], calls.retire_ci(script.cis(1)[0]))
    (call,) = sent(script.decide(role(script), results))
    assert call == (calls.complete_tc(script.tc, sealed(script)) if ends else start)


def test_it_waits_for_a_lost_replica_to_be_healed_before_it_ends() -> None:
    script = Script(rounds=3, subsets=2, replicas=1).bring_to(Phase.APPROVED)
    results = weighed(script) | planned(script, 3, "dataset")
    patient = replace(role(script), wanted=(replace(one_model()[0], wait_for_cover=100),))
    script.send(script.cos[0], calls.retire_ci(script.cis(1)[0]))
    assert script.decide(patient, results) == []
    (call,) = sent(script.decide(patient, results, script.now + 100))
    assert call == calls.complete_tc(script.tc, sealed(script))


def test_it_completes_when_it_has_learnt_enough() -> None:
    script = Script(rounds=2).bring_to(Phase.SETTLING)
    script.settle(0)
    results = weighed(script, stop=True)
    assert sent(script.decide(role(script), results)) == [calls.complete_tc(script.tc, sealed(script))]
    script.send(script.mo, calls.complete_tc(script.tc, sealed(script)))
    assert script.decide(role(script), results) == []


def test_it_completes_when_all_rounds_are_used() -> None:
    script = Script(rounds=1).bring_to(Phase.SETTLING)
    script.settle(0)
    assert isinstance(script.decide(role(script))[0], PublishWeights)
    assert sent(script.decide(role(script), weighed(script))) == [
        calls.complete_tc(script.tc, sealed(script))
    ]


def test_it_completes_when_the_window_is_over() -> None:
    script = Script(rounds=2).bring_to(Phase.APPROVED)
    over = script.couple.window_ends_at
    results = weighed(script)
    assert sent(script.decide(role(script), results, now=over))[0].function == "startRound"
    assert sent(script.decide(role(script), results, now=over + 1))[0].function == "completeTC"


def test_it_completes_when_nobody_is_left_to_train() -> None:
    script = Script(replicas=1, rounds=2).bring_to(Phase.APPROVED)
    script.send(script.cos[0], calls.retire_ci(script.cis()[0]))
    (task,) = script.decide(role(script))
    assert isinstance(task, PublishWeights)
    assert task.readers == ()
    results = weighed(script, location=b"")
    assert sent(script.decide(role(script), results)) == [calls.complete_tc(script.tc, sealed(script))]
