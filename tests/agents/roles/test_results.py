"""Results of tasks: the same JSON under the same keys as ever, read back as what it was.

Rules: A4.
"""

from __future__ import annotations

import json
import math

import pytest

from agents.core.enums import FlagReason
from agents.core.errors import BadObject
from agents.core.ids import Address
from agents.roles.acts import Situation, Task
from agents.roles.results import (
    AgreedResult,
    DraftedPlan,
    Flagged,
    Forgotten,
    LearntName,
    LookedAfter,
    OpenedPackage,
    PackedReplica,
    PlanReview,
    PublishedWeights,
    RefusedKey,
    RefusedPackage,
    SplitDataset,
    TaskResult,
    TrainingResult,
    parse_result,
)
from agents.roles.tasks.cloud_owner import ForgetKeys, ForgetReplica, OpenPackage, TrainModel
from agents.roles.tasks.data_owner import PackReplica, ReviewPlan, SplitData
from agents.roles.tasks.model_owner import CollectResults, DraftPlan, LearnName, PublishWeights
from agents.roles.tasks.objects import ForgetObjects, LookAfter
from testing.script import Script
from testing.workers import CI, DS, TC
from testing.world import WORLD_TERMS

OWNER = Address("0x2824e89187022D8F749628f2B8A0363B6EdA0001")

KEPT: list[tuple[Task[TaskResult], str, TaskResult]] = [
    (
        SplitData(DS),
        '{"terms": {"subsets": 4, "subsets_per_round": 2, "max_replicas": 3, "round_price": 1000, '
        '"job_price": 100, "instance_bond": 300, "miss_penalty": 40, "couple_bond": 500, '
        '"answer_window_seconds": 400, "draw_window_seconds": 100, "report_window_seconds": 200, '
        '"settle_window_seconds": 100, "couple_window_seconds": 10000, "ends_at": 100000}, '
        '"metadata_hash": "0ee2", "metadata_location": "0ee3", "digests": ["5a01", "5a02"]}',
        SplitDataset(
            terms=WORLD_TERMS,
            metadata_hash=b"\x0e\xe2",
            metadata_location=b"\x0e\xe3",
            digests=(b"\x5a\x01", b"\x5a\x02"),
        ),
    ),
    (
        PackReplica(DS, 0, OWNER, b""),
        '{"sealed_location": "02c5"}',
        PackedReplica(sealed_location=b"\x02\xc5"),
    ),
    (PackReplica(DS, 0, OWNER, b""), '{"problem": "no point"}', RefusedKey(problem="no point")),
    (ForgetReplica(CI), "{}", Forgotten()),
    (ForgetKeys(TC), "{}", Forgotten()),
    (ReviewPlan(TC, b"", b""), '{"problem": ""}', PlanReview(problem="")),
    (ReviewPlan(TC, b"", b""), '{"problem": "too large"}', PlanReview(problem="too large")),
    (
        OpenPackage(CI, b"", 0, b"", b""),
        '{"digest": "8a27", "rows": 28}',
        OpenedPackage(digest=b"\x8a\x27", rows=28),
    ),
    (OpenPackage(CI, b"", 0, b"", b""), '{"problem": "no object"}', RefusedPackage(problem="no object")),
    (
        TrainModel(TC, CI, 1, 3, 4, b"", b"", b"", b"", b"", 0),
        '{"digest": "1092", "sealed_location": "02c5", "seconds": 0.007371109000132492, "keys": 0, '
        '"weights": 480, "result": 488}',
        TrainingResult(
            digest=b"\x10\x92",
            sealed_location=b"\x02\xc5",
            seconds=0.007371109000132492,
            keys=0,
            weights=480,
            result=488,
        ),
    ),
    (
        TrainModel(TC, CI, 1, 3, 4, b"", b"", b"", b"", b"", 0),
        '{"flag": 4, "why": "plan: a step that diverges"}',
        Flagged(flag=FlagReason.PLAN_REFUSED, why="plan: a step that diverges"),
    ),
    (
        LearnName(DS, b"", b""),
        '{"name": "fair"}',
        LearntName(name="fair"),
    ),
    (
        DraftPlan(DS, b"", b""),
        '{"model_type": "logistic", "hash": "f011", "location": "f012", "rounds": 2, "sums": ""}',
        DraftedPlan(model_type="logistic", hash=b"\xf0\x11", location=b"\xf0\x12", rounds=2, sums=""),
    ),
    (
        CollectResults(TC, 1, 3, (), 2, 0),
        '{"digest": "1092", "agreeing": 3}',
        AgreedResult(digest=b"\x10\x92", agreeing=3),
    ),
    (
        CollectResults(TC, 1, 3, (), 2, 0),
        '{"digest": "", "agreeing": 0}',
        AgreedResult(digest=b"", agreeing=0),
    ),
    (LookAfter("weights/1", ()), '{"again": 2, "lost": 1}', LookedAfter(again=2, lost=1)),
    (ForgetObjects(f"replica/{DS:x}/3/{OWNER}"), "{}", Forgotten()),
    (
        PublishWeights(TC, 2, 4, 3, (), (), 0, b""),
        '{"hash": "2afc", "location": "", "model": "2afd", "score": 0.9285714285714286, "stop": true, '
        '"settled": false, "summed": 2, "missing": [1, 3]}',
        PublishedWeights(
            hash=b"\x2a\xfc",
            location=b"",
            model=b"\x2a\xfd",
            score=0.9285714285714286,
            stop=True,
            summed=2,
            missing=(1, 3),
        ),
    ),
]
"""Of every kind: the task, what a journal held before there were models, and the result."""


@pytest.mark.parametrize(("task", "text", "result"), KEPT)
def test_what_journals_hold_is_read_and_written_as_ever(
    task: Task[TaskResult], text: str, result: TaskResult
) -> None:
    assert parse_result(task.key, text) == result
    assert json.dumps(result.to_json()) == text


@pytest.mark.parametrize(("task", "text", "result"), KEPT)
def test_a_role_reads_the_result_of_its_task(task: Task[TaskResult], text: str, result: TaskResult) -> None:
    situation = Situation(Script().market, {task.key: parse_result(task.key, text)}, 0)
    assert situation.result(task) == result
    assert Situation(situation.market, {}, 0).result(task) is None


def test_every_task_has_a_kind_of_its_own() -> None:
    tasks = {type(task) for task, _, _ in KEPT}
    assert tasks == {task for task in Task.__subclasses__() if task.__module__.startswith("agents.")}
    assert len({task.key.partition("/")[0] for task, _, _ in KEPT}) == len(tasks)


def test_a_score_that_is_no_number_is_kept() -> None:
    result = KEPT[-1][2].model_copy(update={"score": math.nan})
    again = parse_result("weights/1", json.dumps(result.to_json()))
    assert isinstance(again, PublishedWeights)
    assert math.isnan(again.score)


def test_only_a_refusal_has_words() -> None:
    told = {type(result): result.refusal for _, _, result in KEPT if result.refusal}
    assert told == {
        PlanReview: "too large",
        RefusedKey: "no point",
        RefusedPackage: "no object",
        Flagged: "plan: a step that diverges",
    }


def test_what_is_wrong_is_said_of_the_usual_result() -> None:
    with pytest.raises(
        BadObject, match=r"job/1 is damaged or of another program \(seconds: Field required\)"
    ):
        parse_result(
            "job/1", '{"digest": "00", "sealed_location": "00", "keys": 0, "weights": 1, "result": 1}'
        )
