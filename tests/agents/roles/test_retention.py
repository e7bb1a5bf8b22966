"""What each member deletes of its own objects, and when: by the market alone.

Rules: A97, A98.
"""

from __future__ import annotations

from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import InstanceStatus
from agents.core.ids import InstanceId
from agents.roles.acts import ForgetObjects, Situation, job_key, weights_key
from agents.roles.results import (
    DraftedPlan,
    Flagged,
    Forgotten,
    PackedReplica,
    PublishedWeights,
    SplitDataset,
    TaskResult,
)
from agents.roles.retention import of_cloud_owner, of_data_owner, of_member, of_model_owner
from testing.script import Script
from testing.world import WORLD_TERMS

KEEP = 1_000
DONE: TaskResult = Forgotten()  # of what kind a result is does not matter where it only has to be there
WEIGHTS = PublishedWeights(
    hash=b"", location=b"", model=b"", score=0.0, stop=False, summed=0, missing=()
)


def forgotten(script: Script, who: str, results: dict[str, TaskResult], now: int) -> list[str]:
    """What a member deletes."""
    situation = Situation(script.market, results, now)
    rule = {"co": of_cloud_owner, "mo": of_model_owner}.get(who)
    address = script.cos[0].address if who == "co" else script.mo.address
    acts = of_data_owner(situation, script.ds, KEEP) if rule is None else rule(situation, address, KEEP)
    tasks = [act for act in acts if isinstance(act, ForgetObjects)]
    assert [*situation.results] == [*results]
    again = {task.key: DONE for task in tasks} | results
    done = Situation(script.market, again, now)
    left = of_data_owner(done, script.ds, KEEP) if rule is None else rule(done, address, KEEP)
    assert not list(left), "what is deleted is not deleted again"
    return [task.purpose for task in tasks]
