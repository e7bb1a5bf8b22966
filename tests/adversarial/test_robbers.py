"""What strangers did to the agents of others, by name, and what each comes to: nothing.

Each was done against agents as they once were: they joined, approved and paid whatever named them. What the
thief may spend is gas; what it may win is in wei.

Rules: A21, A24, A38, A40, A74, A75, A80.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest

from agents.core import calls
from agents.core.amounts import ETHER
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import Role
from agents.core.hashing import chain_link, seed_chain
from agents.core.ids import CoupleId, DatasetId, InstanceId, dataset_id, instance_id, model_id
from agents.core.market import Market
from agents.portfolio.terms import Terms
from agents.roles import common
from agents.roles.acts import Act, AgainstPolicy, Identity, Send, Situation, Task
from agents.roles.cloud_owner import CloudOwner
from agents.roles.common import seed_link
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import ANYONE, CloudOwnerPolicy, DataOwnerPolicy, Dealings, ModelOwnerPolicy
from agents.roles.results import DraftedPlan, OpenedPackage, PlanReview, TaskResult
from agents.roles.tasks.cloud_owner import OpenPackage
from testing.portfolios import one_dataset, one_model
from testing.script import PLAN, Script, data_digest, identity

HONEST_TERMS = {
    name: value for name, value in vars(Terms()).items() if name not in ("offer_seconds", "subsets")
}
THIEF = identity("the thief")
PURSE = 5 * ETHER


def a_market(**terms: int) -> Script:
    """One with the product's default terms, whose members have five coins each."""
    return Script(balance=PURSE, **HONEST_TERMS | terms)


def offer(script: Script, thief: Identity, **terms: int) -> DatasetId:
    """A stranger's dataset on terms of its own."""
    script.send(thief, calls.register(Role.DATA_OWNER, thief.encryption_key, 10**6))
    changed = replace(script.terms, **terms)
    script.send(thief, calls.create_ds(changed, bytes(32), bytes(32)))
    return dataset_id(thief.address, 1)


def name(script: Script, thief: Identity, ds: DatasetId, co: Identity) -> InstanceId:
    """The thief names somebody."""
    script.send(thief, calls.create_ci(ds, [0], [co.address], [bytes(32)]))
    return instance_id(ds, 0, 1)


def sends(acts: list[Act]) -> list[str]:
    return [act.call.function for act in acts if isinstance(act, Send)]


def broken(acts: list[Act]) -> set[str]:
    """The lines of the policy that rule something out."""
    return {act.breach.line for act in acts if isinstance(act, AgainstPolicy)}


def opened(ci: InstanceId) -> dict[str, TaskResult]:
    return {f"package/{ci:x}": OpenedPackage(digest=data_digest(0), rows=1)}


# --- by a data owner ---


ROBBERY = {"report_window_seconds": 1, "settle_window_seconds": 1, "miss_penalty": 10**16}
"""Nobody answers in a second, and each miss costs the whole bond."""


def test_a_report_window_of_a_second_takes_no_coin_of_a_cloud_owner() -> None:
    """A stranger was data owner and model owner at once, and took 4.9 of 5 coins."""
    script = a_market().open()
    ci = name(script, THIEF, offer(script, THIEF, **ROBBERY), script.cos[0])
    for members in ((), (script.do.address,)):
        stranger = CloudOwner(script.cos[0], CloudOwnerPolicy(members=members))
        acts = script.decide(stranger, opened(ci))
        assert (sends(acts), broken(acts)) == ([], {"members"})
    trusting = CloudOwner(script.cos[0], CloudOwnerPolicy(members=(ANYONE,)))
    acts = script.decide(trusting, opened(ci))
    assert (sends(acts), broken(acts)) == ([], {"min_report_window_seconds"})


def test_a_member_that_robs_gets_what_may_be_at_stake_with_it_and_no_more() -> None:
    """Terms as good as any: what a trusted data owner can lock is bounded by the policy."""
    script = a_market().open()
    ds = offer(script, THIEF, subsets=16, subsets_per_round=16, max_replicas=3)
    co = script.cos[0]
    each = script.terms.instance_bond
    script.send(THIEF, calls.create_ci(ds, list(range(16)), [co.address] * 16, [bytes(32)] * 16))
    named = [instance_id(ds, subset, 1) for subset in range(16)]
    results: dict[str, TaskResult] = {
        f"package/{ci:x}": OpenedPackage(digest=data_digest(index), rows=1) for index, ci in enumerate(named)
    }
    policy = CloudOwnerPolicy(members=(THIEF.address,), at_stake_each=5 * each)
    acts = script.decide(CloudOwner(co, policy), results)
    assert sum(act.locks for act in acts if isinstance(act, Send)) == 5 * each
    assert broken(acts) == {"at_stake_each"}


def test_a_bond_of_a_million_coins_is_ignored() -> None:
    script = a_market().open()
    ds = offer(script, THIEF, instance_bond=10**24, job_price=10**23)
    ci = name(script, THIEF, ds, script.cos[0])
    acts = script.decide(CloudOwner(script.cos[0], CloudOwnerPolicy(members=(ANYONE,))), opened(ci))
    assert (sends(acts), broken(acts)) == ([], {"at_stake_each"})


def test_being_named_a_hundred_times_costs_a_cloud_owner_nothing() -> None:
    """It answered each time, for its own gas, and fetched each package first."""
    script = a_market().open()
    ds = offer(script, THIEF, subsets=100, subsets_per_round=1)
    co = script.cos[0]
    for first in range(0, 100, 25):
        subsets = list(range(first, first + 25))
        script.send(THIEF, calls.create_ci(ds, subsets, [co.address] * 25, [bytes(32)] * 25))
    acts = script.decide(CloudOwner(co, CloudOwnerPolicy(members=(script.do.address,))))
    assert all(isinstance(act, AgainstPolicy) for act in acts)
    acts = script.decide(CloudOwner(co, CloudOwnerPolicy(members=(ANYONE,))))
    assert len([act for act in acts if isinstance(act, OpenPackage)]) == 20, "max_instances_each"


def test_a_bond_is_not_held_for_years() -> None:
    """Windows as long as the contract takes them held the bond of who left for 776 days."""
    script = a_market().open()
    longest = 2**24 - 1
    windows = {f"{window}_window_seconds": longest for window in ("draw", "report", "settle")}
    ci = name(script, THIEF, offer(script, THIEF, **windows), script.cos[0])
    acts = script.decide(CloudOwner(script.cos[0], CloudOwnerPolicy(members=(ANYONE,))), opened(ci))
    assert (sends(acts), broken(acts)) == ([], {"max_report_window_seconds"})


@pytest.mark.parametrize(
    ("terms", "line"),
    [
        ({}, "members"),
        ({"round_price": 7 * ETHER}, "max_round_price"),
        ({"job_price": ETHER}, "max_job_price"),
        ({"answer_window_seconds": 2**24 - 1}, "max_answer_window_seconds"),
    ],
)
def test_a_stranger_s_dataset_locks_no_coin_of_a_model_owner(terms: dict[str, int], line: str) -> None:
    """A model owner that named no dataset locked 49 of its 50 coins for the first one that was offered."""
    script = a_market()
    script.register()
    bonds = {"instance_bond": 8 * ETHER} if terms else {}
    ds = offer(script, THIEF, subsets=1, subsets_per_round=1, **bonds, **terms)
    plan: dict[str, TaskResult] = {
        f"plan/{ds:x}": DraftedPlan(model_type="linear", hash=PLAN, location=PLAN, rounds=8, sums="")
    }
    members = (ANYONE,) if terms else (script.do.address,)
    acts = script.decide(ModelOwner(script.mo, one_model(), ModelOwnerPolicy(members=members)), plan)
    assert (sends(acts), broken(acts)) == ([], {line})


def test_a_dataset_of_ones_own_choice_comes_first_for_whom_the_policy_names() -> None:
    """A stranger's dataset was there before: it is passed over."""
    script = a_market()
    script.register()
    ds = offer(script, THIEF)
    script.offer()
    assert next(iter(script.market.datasets)) == ds
    script.name()
    script.fill_pool()
    acts = script.decide(ModelOwner(script.mo, one_model(), ModelOwnerPolicy(members=(script.do.address,))))
    assert broken(acts) == {"members"}
    assert [act.key for act in acts if isinstance(act, Task)] == [f"plan/{script.ds:x}"]


def test_a_price_within_the_limits_may_still_be_too_much_at_a_time() -> None:
    script = a_market(round_price=ETHER // 10).open()
    plan: dict[str, TaskResult] = {
        f"plan/{script.ds:x}": DraftedPlan(model_type="linear", hash=PLAN, location=PLAN, rounds=8, sums="")
    }
    policy = ModelOwnerPolicy(members=(script.do.address,))
    acts = script.decide(ModelOwner(script.mo, one_model(), policy), plan)
    assert (sends(acts), broken(acts)) == ([], {"at_stake_each"})
    more = policy.model_copy(update={"at_stake_each": ETHER, "at_stake": ETHER})
    acts = script.decide(ModelOwner(script.mo, one_model(), more), plan)
    assert "requestTC" in sends(acts)


# --- by model owners ---


def requests(script: Script, count: int, rounds: int = 1) -> dict[str, TaskResult]:
    """As many strangers each ask for a couple; what the reviews of their plans say."""
    for number in range(count):
        sybil = identity(f"sybil {number}")
        script.send(sybil, calls.register(Role.MODEL_OWNER, sybil.encryption_key, PURSE))
        script.send(sybil, calls.create_mod("linear", PLAN, bytes(32)))
        mod = model_id(sybil.address, 1)
        script.send(sybil, calls.request_tc(mod, script.ds, rounds, bytes(32), 0))
    return {
        f"review/{couple.id:x}/{script.market.models[couple.mod].plan_hash.hex()}": PlanReview(problem="")
        for couple in script.market.couples.values()
    }


def lets(script: Script, policy: DataOwnerPolicy) -> DataOwner:
    owners = (tuple(co.address for co in script.cos),) * script.terms.subsets
    return DataOwner(script.do, one_dataset(owners), policy)


@pytest.mark.parametrize(
    ("policy", "locked", "line"),
    [
        (DataOwnerPolicy(), 0, "members"),
        (DataOwnerPolicy(members=(ANYONE,)), 10, "at_stake"),
        (DataOwnerPolicy(members=(ANYONE,), at_stake=ETHER // 4), 2, "at_stake"),
    ],
)
def test_sybil_model_owners_lock_no_more_than_may_be_at_stake(
    policy: DataOwnerPolicy, locked: int, line: str
) -> None:
    """A bond for each of 30 addresses took 0.3987 of 0.45 coins, and the agent ended."""
    script = a_market().open()
    reviews = requests(script, 30)
    acts = script.decide(lets(script, policy), reviews)
    bonds = [act.locks for act in acts if isinstance(act, Send) and act.call.function == "approveTC"]
    assert sum(bonds) == locked * script.terms.couple_bond
    assert line in broken(acts)


def test_each_request_is_counted_once_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted anew for each, ten thousand requests would take a hundred million steps."""
    script = a_market().open()
    reviews = requests(script, 30)
    counted: list[int] = []
    count = DataOwner.dealings

    def once_more(owner: DataOwner, market: Market) -> dict[DatasetId, Dealings]:
        counted.append(len(market.couples))
        return count(owner, market)

    monkeypatch.setattr(DataOwner, "dealings", once_more)
    lets(script, DataOwnerPolicy(members=(ANYONE,))).decide(Situation(script.market, reviews, script.now))
    assert counted == [30]


def test_sybil_model_owners_get_so_many_looks_at_a_dataset() -> None:
    """Each within what one model owner may have: addresses are free, couples on the dataset are counted."""
    script = a_market().open()
    reviews = requests(script, 3)
    policy = DataOwnerPolicy(members=(ANYONE,), max_couples=2)
    acts = script.decide(lets(script, policy), reviews)
    assert (sends(acts), broken(acts)) == (["approveTC", "approveTC"], {"max_couples"}), "the third waits"
    for act in acts:
        if isinstance(act, Send) and act.call.function == "approveTC":
            script.send(script.do, act.call)
    acts = script.decide(lets(script, policy), reviews)
    assert (sends(acts), broken(acts)) == (["declineTC"], {"max_couples"})


def test_requests_of_65535_rounds_cost_no_hashing() -> None:
    """The seed's chain of each was made anew at each decision: three seconds of a data owner's time."""
    script = a_market(round_price=0, job_price=1, instance_bond=10**9, miss_penalty=1).open()
    reviews = requests(script, 3, rounds=2**16 - 1)
    acts = script.decide(lets(script, DataOwnerPolicy(members=(ANYONE,))), reviews)
    assert (sends(acts), broken(acts)) == (["declineTC"] * 3, {"max_rounds"})


def test_a_seed_chain_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where many rounds are allowed."""
    made: list[int] = []

    def counted(secret: bytes, length: int) -> tuple[bytes, ...]:
        made.append(length)
        return seed_chain(secret, length)

    monkeypatch.setattr(common, "_links", lru_cache(maxsize=16)(counted))
    script = Script(rounds=40).bring_to(Phase.DRAWING)
    made.clear()
    links = [
        seed_link(lets(script, DataOwnerPolicy()).identity, CoupleId(7), 40, round_) for round_ in range(41)
    ]
    assert made == [40]
    assert links == [chain_link(script.do.secret(b"holdfast/seed/7/40"), 40, round_) for round_ in range(41)]
