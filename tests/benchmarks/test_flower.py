"""What both federated peers get, and how their times are set side by side. Flower itself is not run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import benchmarks.flower as flower
from agents.core.errors import HoldfastError
from agents.demo.run import DemoRun
from agents.demo.scenario import HONEST
from agents.learning.data import exposed
from agents.learning.families.registry import family_of, parse_plan
from agents.portfolio.terms import Terms
from agents.workers.states import state_file
from benchmarks.flower.spec import FlowerJob, prepare, scores_of
from benchmarks.profile import SHORT, Skipped
from testing.families import initial_state


def test_nobody_cheats_and_nobody_is_hurried() -> None:
    scenario = FlowerJob(replicas=3).scenario
    assert len(scenario.cloud_owners) == 12
    assert all(member.conduct is HONEST for member in scenario.cloud_owners)
    assert scenario.terms == Terms()


def test_both_read_the_same(tmp_path: Path) -> None:
    job = FlowerJob(rounds=3)
    plan = prepare(job, tmp_path)
    assert parse_plan((tmp_path / "plan.json").read_bytes()) == plan
    assert (family_of(plan).name(), plan.rounds) == ("logistic", 3)
    assert FlowerJob.load(tmp_path) == job
    assert json.loads((tmp_path / "job.json").read_text())["drawn"] == 2
    subsets = [exposed.from_bytes(file.read_bytes()) for file in sorted(tmp_path.glob("subset-*"))]
    assert len(subsets) == 4
    assert len({len(subset) for subset in subsets}) <= 4
    assert all(subset.features.shape[1] == plan.features for subset in subsets)


def test_scores_the_weights_that_the_model_owner_kept(tmp_path: Path) -> None:
    job = FlowerJob(rounds=1)
    plan = prepare(job, tmp_path)
    demo = DemoRun(job.scenario, tmp_path, rpc="", deployment=tmp_path)
    for round_ in (0, 1):
        file = demo.model_folder / state_file(demo.tc, round_, "weights")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(initial_state(plan).weights.to_bytes())
    before, after = scores_of(job, plan, tmp_path)
    assert before == after
    assert 0 < before < 1


def test_the_job_imports_nothing_that_flowers_environment_lacks() -> None:
    imports = [line for line in flower.SCRIPT.read_text().splitlines() if line.startswith("from agents")]
    lacking = "import sys; sys.modules.update(dict.fromkeys(['eth_utils', 'sklearn', 'tenseal', 'web3']))"
    assert len(imports) > 3
    subprocess.run([sys.executable, "-c", "\n".join([lacking, *imports])], check=True, cwd=flower.ROOT)


def test_jobs_are_named_apart() -> None:
    jobs = (*flower.JOBS, flower.SLOW_CHAIN)
    assert len({job.name for job in jobs}) == len(jobs)


def test_a_ratio_is_of_runs_of_one_turn() -> None:
    ours, theirs = [{"s": 2.0}, {"s": 9.0}], [{"s": 4.0}, {"s": 3.0}, {"s": 1.0}]
    assert flower.ratio(ours, theirs, "s").values == (0.5, 3.0)


def test_without_flower_the_part_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flower, "PYTHON", tmp_path / "none")
    with pytest.raises(Skipped, match="make "):
        flower.measure(SHORT, tmp_path, lambda _: None)


def test_times_a_program_and_tells_why_it_failed() -> None:
    assert flower._timed([sys.executable, "-c", "pass"], {}) > 0
    with pytest.raises(HoldfastError, match="out of clay"):
        flower._timed([sys.executable, "-c", "raise SystemExit('out of clay')"], {})


def test_measures_each_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[str] = []

    def played(name: str, seconds: float) -> dict[str, float]:
        turns.append(name)
        return {"command_seconds": seconds, "job_seconds": seconds / 2}

    monkeypatch.setattr(flower, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(flower, "_flower", lambda *_: played("flower", 10.0))
    monkeypatch.setattr(flower, "_holdfast", lambda job, *_: played(job.name, 5.0))
    monkeypatch.setattr(flower, "compiled_contract", lambda *_: None)
    told: list[str] = []
    report: dict[str, Any] = dict(flower.measure(SHORT, tmp_path, told.append))
    first = ["flower", "replicas_1", "replicas_3", "replicas_3_blocks_of_1_s"]
    assert turns == first + first[:3] * (SHORT.repetitions - 1)
    assert report["replicas_3"]["over_flower"]["command_seconds"]["median"] == 0.5
    assert len(told) == 3
