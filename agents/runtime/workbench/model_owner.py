"""A model owner's work: plan, collect, aggregate, publish."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from agents.core.errors import BadInput, BadObject, BadPlan, ObjectMissing, StopAgent
from agents.core.hashing import training_receipt
from agents.core.ids import CoupleId
from agents.learning import exposed
from agents.learning.aggregate import ServerState, strategy_of
from agents.learning.defaults import default_plan
from agents.learning.evaluate import score
from agents.learning.plan import Plan, parse_plan
from agents.learning.samples import Samples
from agents.learning.tensors import digest
from agents.learning.update import Update
from agents.learning.weights import TrainedModel, Weights
from agents.roles.acts import CollectResults, DraftPlan, Fact, PublishWeights, ReportRef, Task
from agents.runtime.workbench.bench import Tools, result_context, weights_context
from agents.runtime.workbench.description import parse_description
from agents.vault.keys import PublicKey
from agents.vault.packages import fetch_sealed, put_shared
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId

PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class ModelOwnerBench:
    """Keeps plan, results and states in its home.

    Attributes:
        samples: file of the samples that the data owner exposed.
        plan_file: a plan of the owner's own; without one, a default for `model` and `rounds`.
        receipt_domain: of the market.
    """

    tools: Tools
    samples: Path
    receipt_domain: bytes
    model: str | None = None
    rounds: int = 8
    seed: int = 0
    plan_file: Path | None = None

    def perform(self, task: Task) -> Fact:
        """Does one task; see `Bench`."""
        match task:
            case DraftPlan():
                return self._draft(task)
            case CollectResults():
                return self._collect(task)
            case PublishWeights():
                return self._publish(task)
            case _:
                raise StopAgent(f"a model owner does not do {type(task).__name__}")

    # --- the plan ---

    def _draft(self, task: DraftPlan) -> Fact:
        data = self.tools.store.get(ObjectId(task.metadata_location))
        if digest(data) != task.metadata_hash:
            raise BadInput("the dataset's description does not match its hash: choose another dataset")
        form = parse_description(data)
        if self.plan_file is not None:
            plan = parse_plan(_read(self.plan_file))
        else:
            plan = default_plan(form.task, form.classes, form.features, self.model, self.rounds, self.seed)
        if (plan.features, plan.classes) != (form.features, form.classes):
            raise BadPlan(
                f"the plan is for {plan.features} features and {plan.classes} classes, "
                f"the dataset has {form.features} and {form.classes}: change the plan"
            )
        document = plan.canonical_bytes()
        self.tools.home.write(PLAN_FILE, document)
        return {
            "model_type": plan.family,
            "hash": plan.digest().hex(),
            "location": self.tools.store.put(document).digest.hex(),
            "rounds": plan.rounds,
        }

    def _plan(self) -> Plan:
        return parse_plan(_read(self.tools.home.path(PLAN_FILE)))

    # --- results ---

    def _collect(self, task: CollectResults) -> Fact:
        """The result that a quorum of receipts opens to; any one replica that can be fetched will do."""
        plan = self._plan()
        for candidate in self._fetched(task.tc, task.round, task.reports, plan):
            agreeing = sum(self._opens(task.tc, task.round, ref, candidate) for ref in task.reports)
            if agreeing >= task.quorum:
                return {"digest": candidate.hex(), "agreeing": agreeing}
        if self.tools.clock() <= task.patience_until:
            raise ObjectMissing(f"no result of subset {task.subset} that {task.quorum} receipts open to")
        return {"digest": "", "agreeing": 0}

    def _fetched(
        self, tc: CoupleId, round_: int, reports: tuple[ReportRef, ...], plan: Plan
    ) -> Iterator[bytes]:
        """The digests of all results that can be fetched and read, each kept in the home."""
        for ref in reports:
            try:
                data = fetch_sealed(
                    self.tools.store,
                    Sealed(ref.sealed_location),
                    self.tools.key,
                    result_context(tc, round_, ref.ci),
                )
                found = TrainedModel.from_bytes(data, plan).digest()
            except (ObjectMissing, BadObject):
                continue
            self.tools.home.write(_result_file(found), data)
            yield found

    def _opens(self, tc: CoupleId, round_: int, ref: ReportRef, found: bytes) -> bool:
        receipt = training_receipt(self.receipt_domain, tc, round_, ref.ci, ref.cloud_owner, found, ref.nonce)
        return receipt == ref.receipt

    # --- weights ---

    def _publish(self, task: PublishWeights) -> Fact:
        plan = self._plan()
        state, missing = self._aggregate(task, plan)
        self._keep(task.tc, task.round, state)
        data = state.weights.to_bytes()
        readers = list(_usable(task.readers))
        context = weights_context(task.tc, task.round + 1)
        location = put_shared(self.tools.store, data, readers, context) if readers else None
        now = score(plan, state.weights, self._samples())
        scores = self._scores(task, now)
        return {
            "hash": state.weights.digest().hex(),
            "location": location.digest.hex() if location else "",
            "score": now,
            "stop": should_stop(plan, scores),
            "missing": list(missing),
        }

    def _aggregate(self, task: PublishWeights, plan: Plan) -> tuple[ServerState, tuple[int, ...]]:
        if task.round == 0:
            return ServerState.initial(plan), ()
        state = self._state(task.tc, task.round - 1, plan)
        found = {
            subset: self._result(task, digest_, reports, plan) for subset, digest_, reports in task.settled
        }
        missing = tuple(subset for subset, result in found.items() if result is None)
        results = [result for result in found.values() if result is not None]
        if results:
            state = strategy_of(plan).aggregate(state, Update.of(state.weights, results))
        return state, missing

    def _result(
        self, task: PublishWeights, wanted: bytes, reports: tuple[ReportRef, ...], plan: Plan
    ) -> TrainedModel | None:
        data = self.tools.home.read(_result_file(wanted))
        if data is None and wanted in self._fetched(task.tc, task.round, reports, plan):
            data = self.tools.home.read(_result_file(wanted))
        if data is None:
            if self.tools.clock() <= task.patience_until:
                raise ObjectMissing(f"no replica's result {wanted.hex()} of round {task.round}")
            return None
        return TrainedModel.from_bytes(data, plan)

    # --- what it keeps ---

    def _keep(self, tc: CoupleId, round_: int, state: ServerState) -> None:
        self.tools.home.write(state_file(tc, round_, "velocity"), state.velocity.to_bytes())
        self.tools.home.write(state_file(tc, round_, "weights"), state.weights.to_bytes())

    def _state(self, tc: CoupleId, round_: int, plan: Plan) -> ServerState:
        weights, velocity = (
            Weights.from_bytes(_read(self.tools.home.path(state_file(tc, round_, name))), plan)
            for name in ("weights", "velocity")
        )
        return ServerState(weights, velocity)

    def _scores(self, task: PublishWeights, now: float) -> list[float]:
        """The scores of all rounds in which something was learnt, this one's included."""
        data = self.tools.home.read(_scores_file(task.tc))
        scores = {int(round_): value for round_, value in json.loads(data or b"{}").items()}
        if task.settled:
            scores[task.round] = now
            self.tools.home.write(_scores_file(task.tc), json.dumps(scores).encode())
        return [scores[round_] for round_ in sorted(scores) if round_ <= task.round]

    def _samples(self) -> Samples:
        return exposed.from_bytes(_read(self.samples))


def should_stop(plan: Plan, scores: list[float]) -> bool:
    """The plan's stop criterion, on the scores of the rounds so far.

    Args:
        plan: says how many rounds, which score is enough and how long to wait for a better one.
        scores: of each round in which something was learnt, on the model owner's samples.
    """
    if len(scores) >= plan.rounds or (scores and scores[-1] >= plan.stop.target < 1):
        return True
    since_best = len(scores) - 1 - scores.index(max(scores)) if scores else 0
    return 0 < plan.stop.patience <= since_best


def _usable(keys: Iterable[bytes]) -> Iterator[PublicKey]:
    """The keys that one can seal to: the market does not check what is registered."""
    for key in keys:
        with suppress(BadObject):
            yield PublicKey(key)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ObjectMissing(f"{path} is not there (yet)") from None


def _result_file(found: bytes) -> str:
    return f"results/{found.hex()}"


def state_file(tc: CoupleId, round_: int, part: str) -> str:
    """Where the ``weights`` or the ``velocity`` after a round are kept."""
    return f"states/{tc:x}/{round_}.{part}"


def _scores_file(tc: CoupleId) -> str:
    return f"states/{tc:x}/scores.json"
