"""One cloud owner with a hundred replicas and twenty couples under way: what a turn of its loop takes."""

from __future__ import annotations

import time

from agents.core import calls
from agents.core.enums import CouplePhase, Role
from agents.core.ids import couple_id, dataset_id, model_id
from agents.observe.metrics import resident_bytes
from agents.readmodel.status import AssetNames, status_of
from agents.roles.acts import Identity, Situation, Task
from agents.roles.cloud_owner import CloudOwner
from benchmarks.profile import Json
from testing.fake_market import FakeMarket
from testing.policies import HOLDS
from testing.script import LOCATION, PLAN, Script, identity

DATASETS, SUBSETS, COUPLES = 25, 4, 20
TURNS = 20
_COINS = 10**9


def crowd() -> dict[str, Json]:
    """Seconds of a decision and of a status, with what is due, and the memory of both."""
    before = resident_bytes()
    chain, member = FakeMarket(), identity("cloud owner 0")
    chain.send(member.address, calls.register(Role.CLOUD_OWNER, member.encryption_key, _COINS))
    for number in range(DATASETS):
        _offered(chain, member, number, trains=number < COUPLES)
    market, now = chain.mirror, chain.now
    role = CloudOwner(member, policy=HOLDS.model_copy(update={"max_instances_each": 100}))
    situation = Situation(market, {}, now)
    began = time.process_time()
    acts = [role.decide(situation) for _ in range(TURNS)][-1]
    decided = (time.process_time() - began) / TURNS
    began = time.process_time()
    status = status_of(market, member.address, now, AssetNames())
    told = time.process_time() - began
    return {
        "instances": sum(line.kind == "replica" for line in status.assets),
        "couples": sum(line.kind == "couple" for line in status.assets),
        "jobs_due": sum(isinstance(act, Task) for act in acts),
        "decision_seconds": round(decided, 4),
        "status_seconds": round(told, 4),
        "memory_bytes": resident_bytes() - before,
    }


def _offered(chain: FakeMarket, member: Identity, number: int, *, trains: bool) -> None:
    """A dataset whose replicas are all the cloud owner's, and a couple on it in training."""
    script = Script(replicas=1, subsets=SUBSETS, subsets_per_round=SUBSETS // 2)
    script.chain, script.cos = chain, [member]
    script.do, script.mo = identity(f"data owner {number}"), identity(f"model owner {number}")
    script.ds, script.mod = dataset_id(script.do.address, 1), model_id(script.mo.address, 1)
    script.tc = couple_id(script.mo.address, 1)
    script.send(script.do, calls.register(Role.DATA_OWNER, script.do.encryption_key, _COINS))
    script.send(script.mo, calls.register(Role.MODEL_OWNER, script.mo.encryption_key, _COINS))
    script.send(script.mo, calls.create_mod("linear", PLAN, LOCATION))
    script.offer()
    script.name()
    script.fill_pool()
    if trains:
        script.request()
        script.go_to(CouplePhase.TRAINING)
