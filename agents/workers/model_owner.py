"""A model owner's work: plan, collect, aggregate, publish."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agents.core.errors import BadInput, BadObject, BadPlan, ObjectMissing, StopAgent
from agents.core.hashing import training_receipt
from agents.core.ids import CoupleId
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.data.description import Description, parse_description
from agents.learning.data.samples import Samples
from agents.learning.evaluate import score
from agents.learning.families.defaults import default_plan
from agents.learning.families.registry import family_of
from agents.learning.integers.aggregate import ServerState, strategy_of
from agents.learning.integers.weights import Weights
from agents.learning.plans.encrypted import EncryptedPlan
from agents.learning.plans.plan import Plan, parse_plan
from agents.roles.acts import (
    CollectResults,
    DraftPlan,
    Fact,
    Json,
    PublishWeights,
    ReportRef,
    SettledRef,
    Task,
)
from agents.storage.files import read
from agents.vault.keys import PublicKey
from agents.vault.packages import fetch_sealed, put_shared
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId
from agents.workers.base import Tools, result_context, weights_context
from agents.workers.learner import EncryptedLearner, Learner, PlainLearner
from agents.workers.own_keys import load_keys, make_keys, with_keys

log = logging.getLogger(__name__)

PLAN_FILE = "plan.json"


@dataclass(frozen=True)
class ModelOwnerWorker:
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
        """Does one task; see `Worker`."""
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
        plan = self._chosen(parse_description(data))
        if isinstance(plan, EncryptedPlan):
            keys = make_keys(self.tools, family_of(plan))
            plan = with_keys(plan, self.tools.store.put(keys.public).digest.hex())
        document = plan.canonical_bytes()
        self.tools.home.write(PLAN_FILE, document)
        return {
            "model_type": plan.family,
            "hash": plan.digest().hex(),
            "location": self.tools.store.put(document).digest.hex(),
            "rounds": plan.rounds,
            "sums": plan.sums if isinstance(plan, EncryptedPlan) else "",
        }

    def _chosen(self, form: Description) -> Plan:
        """The owner's plan, or a default one; of an encrypted plan without its keys."""
        if self.plan_file is not None:
            plan = parse_plan(_read(self.plan_file))
        else:
            plan = default_plan(form.task, form.classes, form.features, self.model, self.rounds, self.seed)
        if (plan.features, plan.classes) != (form.features, form.classes):
            raise BadPlan(
                f"the plan is for {plan.features} features and {plan.classes} classes, "
                f"the dataset has {form.features} and {form.classes}: change the plan"
            )
        return with_keys(plan, "") if isinstance(plan, EncryptedPlan) else plan

    def _learner(self) -> tuple[Plan, Learner]:
        plan = parse_plan(_read(self.tools.home.path(PLAN_FILE)))
        if isinstance(plan, EncryptedPlan):
            return plan, EncryptedLearner(plan, family_of(plan), partial(load_keys, self.tools, plan))
        return plan, PlainLearner(plan)

    # --- results ---

    def _collect(self, task: CollectResults) -> Fact:
        """The result that a quorum of receipts opens to; any one replica that can be fetched will do."""
        _, learner = self._learner()
        for candidate in self._fetched(task.tc, task.round, task.reports, learner):
            agreeing = sum(self._opens(task.tc, task.round, ref, candidate) for ref in task.reports)
            if agreeing >= task.quorum:
                return {"digest": candidate.hex(), "agreeing": agreeing}
        if self.tools.clock() <= task.patience_until:
            raise ObjectMissing(f"no result of subset {task.subset} that {task.quorum} receipts open to")
        return {"digest": "", "agreeing": 0}

    def _fetched(
        self, tc: CoupleId, round_: int, reports: tuple[ReportRef, ...], learner: Learner
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
                learner.check(data)
            except (ObjectMissing, BadObject):
                continue
            found = digest(data)
            self.tools.home.write(_result_file(found), data)
            yield found

    def _opens(self, tc: CoupleId, round_: int, ref: ReportRef, found: bytes) -> bool:
        receipt = training_receipt(self.receipt_domain, tc, round_, ref.ci, ref.cloud_owner, found, ref.nonce)
        return receipt == ref.receipt

    # --- weights ---

    def _publish(self, task: PublishWeights) -> Fact:
        plan, learner = self._learner()
        found, missing = self._results(task, learner)
        state, summed = self._learnt(task, plan, learner, found)
        self._keep(task.tc, task.round, state)
        data = self._given(task, learner, state, anew=not task.round or learner.is_whole(task, found))
        readers = list(_usable(task.readers))
        context = weights_context(task.tc, task.round + 1)
        location = put_shared(self.tools.store, data, readers, context) if readers else None
        now = score(plan, state.weights, self._samples())
        history = self._noted(task, now, bool(summed))
        begun = learner.carries_on and bool(found) and not summed
        return {
            "hash": digest(data).hex(),
            "location": location.digest.hex() if location else "",
            "model": state.weights.digest().hex(),
            "score": now,
            "stop": should_stop(plan, len(history), [value for value, new in history if new], begun=begun),
            "summed": summed,
            "missing": missing,
        }

    def _results(self, task: PublishWeights, learner: Learner) -> tuple[dict[int, bytes], list[Json]]:
        """The results that count, by subset, and the subsets of the last round of which there is none."""
        found: dict[int, bytes] = {}
        for ref in learner.counted(task):
            result = None if ref.subset in found else self._result(task, ref, learner)
            if result is not None:
                found[ref.subset] = result
        lacking = (ref.subset for ref in task.settled if ref.round == task.round and ref.subset not in found)
        return found, list(lacking)

    def _result(self, task: PublishWeights, ref: SettledRef, learner: Learner) -> bytes | None:
        """One settled result; those of the last round are waited for."""
        data = self.tools.home.read(_result_file(ref.digest))
        if data is None and ref.digest in self._fetched(task.tc, ref.round, ref.reports, learner):
            data = self.tools.home.read(_result_file(ref.digest))
        if data is None and ref.round == task.round and self.tools.clock() <= task.patience_until:
            raise ObjectMissing(f"no replica's result {ref.digest.hex()} of round {task.round}")
        return data

    def _learnt(
        self, task: PublishWeights, plan: Plan, learner: Learner, found: dict[int, bytes]
    ) -> tuple[ServerState, int]:
        """The state after the round, and the results of how many subsets made it new."""
        if task.round == 0:
            return ServerState.initial(plan), 0
        state = self._state(task.tc, task.round - 1, plan)
        if not learner.is_whole(task, found):
            return state, 0
        try:
            update = learner.update(state.weights, found)
        except BadObject as bad:  # a false result that a majority vouched for: the sum is worth nothing
            log.warning("round %d teaches nothing: %s", task.round, bad)
            return state, 0
        return strategy_of(plan).aggregate(state, update), len(found)

    def _given(self, task: PublishWeights, learner: Learner, state: ServerState, *, anew: bool) -> bytes:
        """What the cloud owners get: the same bytes as long as the weights wait for the rest of a sum."""
        file = state_file(task.tc, task.round, "published")
        data = self.tools.home.read(file)
        if data is None:
            last = state_file(task.tc, task.round - 1, "published")
            data = learner.publish(state.weights) if anew else _read(self.tools.home.path(last))
            self.tools.home.write(file, data)
        return data

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

    def _noted(self, task: PublishWeights, now: float, new: bool) -> list[tuple[float, bool]]:
        """Of all rounds in which something was settled, this one's included: the score, and if it is new."""
        data = self.tools.home.read(_scores_file(task.tc))
        noted = {int(round_): (score_, new_) for round_, (score_, new_) in json.loads(data or b"{}").items()}
        if any(ref.round == task.round for ref in task.settled):
            noted[task.round] = now, new
            self.tools.home.write(_scores_file(task.tc), json.dumps(noted).encode())
        return [noted[round_] for round_ in sorted(noted) if round_ <= task.round]

    def _samples(self) -> Samples:
        return exposed.from_bytes(_read(self.samples))


def should_stop(plan: Plan, rounds: int, scores: list[float], *, begun: bool = False) -> bool:
    """The plan's stop criterion.

    Args:
        plan: says how many rounds, which score is enough and how long to wait for a better one.
        rounds: in which something was settled so far.
        scores: of each time that new weights were made, on the model owner's samples.
        begun: whether a sum over the dataset waits for the rest of its results: it is finished first.
    """
    if (rounds >= plan.rounds and not begun) or (scores and scores[-1] >= plan.stop.target < 1):
        return True
    since_best = len(scores) - 1 - scores.index(max(scores)) if scores else 0
    return 0 < plan.stop.patience <= since_best


def _usable(keys: Iterable[bytes]) -> Iterator[PublicKey]:
    """The keys that one can seal to: the market does not check what is registered."""
    for key in keys:
        with suppress(BadObject):
            yield PublicKey(key)


def _read(path: Path) -> bytes:
    data = read(path)
    if data is None:
        raise ObjectMissing(f"{path} is not there (yet)")
    return data


def _result_file(found: bytes) -> str:
    return f"results/{found.hex()}"


def state_file(tc: CoupleId, round_: int, part: str) -> str:
    """Where the ``weights`` or the ``velocity`` after a round are kept, or what was ``published`` of them."""
    return f"states/{tc:x}/{round_}.{part}"


def _scores_file(tc: CoupleId) -> str:
    return f"states/{tc:x}/scores.json"
