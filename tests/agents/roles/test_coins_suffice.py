"""What is done with the coins that there are: what locks nothing first, and what is left out is said.

Rules: A3, A80.
"""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import FlagReason, Role
from agents.core.events import Deposited, Logged
from agents.core.hashing import next_tip
from agents.core.ids import CoupleId, dataset_id, instance_id, model_id
from agents.core.market import Market
from agents.roles.acts import NO_DEADLINE, Act, Send, Situation, Task, Unaffordable
from agents.roles.cloud_owner import CloudOwner
from agents.roles.common import funded, seed_link
from agents.roles.results import Flagged, OpenedPackage, PlanReview, TaskResult
from testing.policies import HOLDS, LETS_TRAIN
from testing.script import PLAN, Script, data_digest, identity
from tests.agents.roles.test_data_owner_decides import packed, reviewed, role

SOMEBODY = identity("somebody")


def market(free: int) -> Market:
    """One in which somebody has so many wei."""
    return Market([Logged(Deposited(SOMEBODY.address, free), 1, bytes(32), 1, 0, bytes(32))])


def act(number: int, locks: int = 0, deadline: int = NO_DEADLINE) -> Send:
    return Send(calls.approve_tc(CoupleId(number), bytes(32)), locks, deadline=deadline)


def decided(acts: list[Act], free: int, coins: int) -> list[Act]:
    return funded(SOMEBODY, Situation(market(free), {}, 0, coins), acts)


def test_what_locks_nothing_comes_first() -> None:
    acts = decided([act(1, locks=5), act(2), act(3, locks=7), act(4)], free=0, coins=100)
    assert acts == [act(2), act(4), Send(calls.deposit(12)), act(1, 5), act(3, 7)]


def test_what_is_due_first_comes_first_and_the_rest_as_it_was() -> None:
    acts = decided([act(1), act(2, deadline=9), act(3), act(4, deadline=4)], free=0, coins=0)
    assert acts == [act(4), act(2), act(1), act(3)]
    acts = decided([act(1, 1, 9), act(2, 1, 4)], free=2, coins=0)
    assert acts == [act(2, 1), act(1, 1)]


def test_a_deposit_is_as_urgent_as_what_it_is_for() -> None:
    deposit, *_ = decided([Send(act(1).call, 5, deadline=90, window=40)], free=0, coins=5)
    assert isinstance(deposit, Send)
    assert (deposit.deadline, deposit.window, deposit.urgent_from) == (90, 40, 80)


def test_what_the_coins_do_not_suffice_for_is_left_out_and_the_rest_is_done() -> None:
    acts = decided([act(1, 50), act(2, 4), act(3, 90), act(4, 6)], free=3, coins=8)
    assert acts == [
        Send(calls.deposit(7)),
        act(2, 4),
        act(4, 6),
        Unaffordable(act(1, 50), SOMEBODY.address, 11),
        Unaffordable(act(3, 90), SOMEBODY.address, 7),
    ]


def test_the_free_balance_counts() -> None:
    assert decided([act(1, 5)], free=5, coins=0) == [act(1, 5)]
    assert decided([act(1, 5)], free=4, coins=0) == [Unaffordable(act(1, 5), SOMEBODY.address, 4)]


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=8),
    st.integers(0, 30),
    st.integers(0, 30),
)
def test_never_more_is_locked_or_paid_in_than_there_is(
    wanted: list[tuple[int, int]], free: int, coins: int
) -> None:
    acts = [act(number, locks, deadline) for number, (locks, deadline) in enumerate(wanted)]
    result = decided(list(acts), free, coins)
    sends = [one for one in result if isinstance(one, Send)]
    paid_in = sum(one.call.value for one in sends)
    locked = sum(one.locks for one in sends)
    assert paid_in == max(0, locked - free) <= coins
    left_out = [one.send for one in result if isinstance(one, Unaffordable)]
    kept = [one for one in sends if one.call.function != "deposit"]
    assert sorted([*kept, *left_out], key=repr) == sorted(acts, key=repr)
    assert all(one in kept for one in acts if not one.locks)
    rest = free + paid_in - locked + (coins - paid_in)
    assert all(one.locks > rest for one in left_out), "nothing more would have fitted"


# --- by name ---


def sybils(script: Script, count: int) -> dict[str, TaskResult]:
    """As many strangers each ask for a couple; what the reviews of their plans say."""
    reviews: dict[str, TaskResult] = {}
    for number in range(count):
        sybil = identity(f"sybil {number}")
        script.send(sybil, calls.register(Role.MODEL_OWNER, sybil.encryption_key, 10**6))
        script.send(sybil, calls.create_mod("linear", PLAN, bytes(32)))
        mod = model_id(sybil.address, 1)
        tip = next_tip(bytes(32))
        script.send(sybil, calls.request_tc(mod, script.ds, 1, tip, 0))
    for couple in script.market.couples.values():
        model = script.market.models[couple.mod]
        reviews[f"review/{couple.id:x}/{model.plan_hash.hex()}"] = PlanReview(problem="")
    return reviews


def test_sybil_model_owners_do_not_keep_a_data_owner_from_its_seed() -> None:
    """Each request asks for a bond; with the wallet empty the seed that is due is opened all the same."""
    script = Script().bring_to(Phase.DRAWING)
    results = packed(script) | reviewed(script) | sybils(script, 5)
    bond = script.terms.couple_bond
    script.send(script.do, calls.withdraw(script.coins(script.do)))
    data_owner = role(script, LETS_TRAIN)
    situation = Situation(script.market, results, script.now, coins=2 * bond + 1)
    first, *others = data_owner.decide(situation)
    assert first == Send(
        calls.draw_round(script.tc, seed_link(script.do, script.tc, script.rounds, script.couple.round))
    )
    assert [_function(one) for one in others] == ["deposit", "approveTC", "approveTC", *["left out"] * 3]
    empty = data_owner.decide(Situation(script.market, results, script.now, coins=0))
    assert [_function(one) for one in empty] == ["drawRound", *["left out"] * 5]


def test_a_bond_that_nobody_has_does_not_keep_a_cloud_owner_from_its_jobs() -> None:
    """Somebody names it with a bond of 10^24 wei: its honest jobs are reported all the same."""
    script = Script(instance_bond=10**6).bring_to(Phase.TRAINING)
    co = script.cos[0]
    other = Script(instance_bond=10**24)
    script.send(script.stranger, calls.register(Role.DATA_OWNER, script.stranger.encryption_key))
    script.send(script.stranger, calls.create_ds(other.terms, bytes(32), bytes(32)))
    ds = dataset_id(script.stranger.address, 1)
    script.send(script.stranger, calls.create_ci(ds, [0], [co.address], [bytes(32)]))
    named = instance_id(ds, 0, 1)
    job = next(ci for subset in script.drawn for ci in script.assigned(subset) if script.owner(ci) == co)
    results: dict[str, TaskResult] = {
        f"package/{named:x}": OpenedPackage(digest=data_digest(0), rows=1),
        f"job/{script.tc:x}/1/{job:x}": Flagged(flag=FlagReason.PLAN_REFUSED, why="as a test says"),
    }
    cloud_owner = CloudOwner(co, HOLDS.model_copy(update={"max_bond_jobs": 10**30}))
    acts = cloud_owner.decide(Situation(script.market, results, script.now, coins=10**18))
    done = [_function(one) for one in acts if not isinstance(one, Task)]
    assert done == ["flagTJ", "left out"]


def _function(one: Act) -> str:
    if isinstance(one, Unaffordable):
        return "left out"
    return one.call.function if isinstance(one, Send) else type(one).__name__


# --- deadlines ---


def deadlines(acts: list[Act]) -> dict[str, tuple[int, int]]:
    """When each transaction is due, and in which window, by its function."""
    return {one.call.function: (one.deadline, one.window) for one in acts if isinstance(one, Send)}


def test_a_data_owners_acts_say_when_they_are_due() -> None:
    script = Script().bring_to(Phase.REQUESTED)
    terms, due = script.terms, script.couple.deadline
    acts = script.decide(role(script), reviewed(script))
    assert deadlines(acts) == {"approveTC": (due, terms.answer_window_seconds)}
    acts = script.decide(role(script), reviewed(script, "no such column"))
    assert deadlines(acts) == {"declineTC": (due, terms.answer_window_seconds)}
    script = Script().bring_to(Phase.DRAWING)
    acts = script.decide(role(script), packed(script))
    assert deadlines(acts) == {"drawRound": (script.couple.deadline, terms.draw_window_seconds)}


def test_an_act_without_a_window_is_urgent_at_its_deadline() -> None:
    assert Send(Call("retireCI", ()), deadline=7).urgent_from == 7
