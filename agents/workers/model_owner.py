"""A model owner's work: plan, collect, aggregate, publish."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.core.errors import BadData, BadObject, BadPlan, ObjectMissing, StopAgent, StoreFault
from agents.core.hashing import set_bits, training_receipt
from agents.core.ids import CoupleId
from agents.learning.data import exposed
from agents.learning.data.canonical import digest, pack, unpack
from agents.learning.data.description import Description
from agents.learning.data.samples import Int64Array, Samples
from agents.learning.evaluate import loss, says_one_class, score
from agents.learning.families.registry import Balance, default_plan, family_of, parse_plan
from agents.learning.family import Family
from agents.learning.integers.aggregate import ServerState
from agents.learning.integers.weights import Weights
from agents.learning.plans.base import Plan
from agents.learning.privacy.held_out import HeldOut
from agents.learning.privacy.review import objection
from agents.learning.settling import has_settled
from agents.learning.work import check_rows, check_window
from agents.roles.acts import Task
from agents.roles.results import AgreedResult, DraftedPlan, LearntName, PublishedWeights, TaskResult
from agents.roles.tasks.model_owner import (
    CollectResults,
    DraftPlan,
    LearnName,
    PublishWeights,
    ReportRef,
    SettledRef,
)
from agents.roles.tasks.objects import ForgetObjects, LookAfter
from agents.storage.files import read
from agents.vault.keys import PublicKey
from agents.vault.packages import fetch_sealed, put_shared
from agents.vault.sealing import Sealed
from agents.vault.store import ObjectId, ObjectStore
from agents.workers.base import (
    Tools,
    fetch_description,
    forget_objects,
    look_after,
    result_context,
    weights_context,
)
from agents.workers.own_keys import PUBLIC_FILE, load_keys, make_keys
from agents.workers.states import losses_file, result_file, salt_file, scores_file, should_stop, state_file

log = logging.getLogger(__name__)

PLAN_FILE = "plan.json"
HELD_OUT_FILE = "held-out.moments"
_HELD_OUT_BYTES = 2**26

_BEYOND_TELLING = 0.5
"""If noise moves a share of the squared error by more, the share says nothing."""

NOT_SETTLED = "NOT settled: more rounds might bring more"

NOISY_MODEL = "moments"
"""By default, of a dataset whose sums come with noise."""


@dataclass(frozen=True)
class ModelOwnerWorker:
    """Keeps plan, results and states in its home.

    Attributes:
        samples: file of the samples that the data owner exposed.
        plan_file: a plan of the owner's own; without one, a default for `model` and `rounds`,
            which goes on until the model has settled if no `rounds` are given.
        receipt_domain: of the market.
        max_result_mb: MiB of the largest result that it fetches.
        balance: see `default_plan`.
    """

    tools: Tools
    samples: Path
    receipt_domain: bytes
    model: str | None = None
    rounds: int | None = None
    seed: int = 0
    plan_file: Path | None = None
    max_result_mb: int = 64
    balance: Balance = "data"

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """Does one task; see `Worker`."""
        match task:
            case LearnName():
                return self._name(task)
            case DraftPlan():
                return self._draft(task)
            case CollectResults():
                return self._collect(task)
            case PublishWeights():
                return self._publish(task)
            case LookAfter():
                return look_after(self.tools, task)
            case ForgetObjects():
                return forget_objects(self.tools, task)
            case _:
                raise StopAgent(f"a model owner does not do {type(task).__name__}")

    def _name(self, task: LearnName) -> LearntName:
        try:
            form = fetch_description(self.tools.store_of(task.ds), task.metadata_location, task.metadata_hash)
        except BadObject:  # it may be of no use to anybody
            return LearntName(name="")
        return LearntName(name=form.name or "")

    # --- the plan ---

    def _draft(self, task: DraftPlan) -> DraftedPlan:
        own = None if self.plan_file is None else parse_plan(_read(self.plan_file))
        store = self.tools.store_of(task.ds)
        form = fetch_description(store, task.metadata_location, task.metadata_hash)
        try:
            plan = self._chosen(own, form)
            family = family_of(plan)
            problem = objection(family, form)
            if problem:
                raise BadPlan(problem)
            check_rows(plan, form.most_rows, form.rows)
            check_window(plan, form.most_rows, task.report_window_seconds)
            if family.encrypted:
                make_keys(self.tools, family)
                keys = self.tools.own.put(self.tools.home.path(PUBLIC_FILE), task.key)
                plan = plan.with_keys(keys.digest.hex())
        except BadPlan as bad:  # a dataset that does not fit is no mistake of the plan's owner
            raise BadObject(f"{bad}: choose another dataset, model or plan") from bad
        if form.guarantee is not None:
            self._keep_held_out(store, form.guarantee.held_out, plan)
        document = plan.canonical_bytes()
        self.tools.home.write(PLAN_FILE, document)
        return DraftedPlan(
            model_type=family.name(),
            hash=plan.digest(),
            location=self.tools.own.put(document, task.key).digest,
            rounds=plan.rounds,
            sums=family.sums,
        )

    def _chosen(self, own: Plan | None, form: Description) -> Plan:
        """The owner's plan, or a default one; of an encrypted plan without its keys."""
        if own is not None:
            plan = own
        else:
            model = self.model if form.guarantee is None else self.model or NOISY_MODEL
            plan = default_plan(
                form.task,
                form.classes,
                form.features,
                model,
                self.rounds,
                self.seed,
                form.rows,
                self.balance,
            )
            plan = plan if form.guarantee is None else plan.with_noise(form.guarantee.noise)
        return plan.with_keys("")

    def _keep_held_out(self, store: ObjectStore, found: str, plan: Plan) -> None:
        """Keeps what the model is judged by where no row is exposed."""
        data = store.get(ObjectId(bytes.fromhex(found)), _HELD_OUT_BYTES)
        HeldOut.from_bytes(data, plan.features, plan.classes)
        self.tools.home.write(HELD_OUT_FILE, data)

    def _family(self) -> Family:
        """Of the plan that was published."""
        try:
            return family_of(parse_plan(self._own(PLAN_FILE)))
        except BadPlan as bad:
            raise self._damaged(PLAN_FILE) from bad

    # --- results ---

    def _collect(self, task: CollectResults) -> AgreedResult:
        """The result that a quorum of receipts opens to; any one replica that can be fetched will do."""
        family = self._family()
        for candidate in self._fetched(task.tc, task.round, task.reports, family):
            agreeing = sum(self._opens(task.tc, task.round, ref, candidate) for ref in task.reports)
            if agreeing >= task.quorum:
                return AgreedResult(digest=candidate, agreeing=agreeing)
        if self.tools.clock() <= task.patience_until:
            raise ObjectMissing(f"no result of subset {task.subset} that {task.quorum} receipts open to")
        return AgreedResult(digest=b"", agreeing=0)

    def _fetched(
        self, tc: CoupleId, round_: int, reports: tuple[ReportRef, ...], family: Family
    ) -> Iterator[bytes]:
        """The digests of all results that can be fetched and read, each kept in the home."""
        for ref in reports:
            try:
                data = fetch_sealed(
                    self.tools.store_of_member(ref.cloud_owner),
                    Sealed(ref.sealed_location),
                    self.tools.key,
                    result_context(tc, round_, ref.ci),
                    self.max_result_mb << 20,
                )
                family.check_result(data)
            except (StoreFault, BadObject):  # of this replica; another one may have delivered
                continue
            found = digest(data)
            self.tools.home.write(result_file(found), data)
            yield found

    def _opens(self, tc: CoupleId, round_: int, ref: ReportRef, found: bytes) -> bool:
        receipt = training_receipt(self.receipt_domain, tc, round_, ref.ci, ref.cloud_owner, found, ref.nonce)
        return receipt == ref.receipt

    # --- weights ---

    def _publish(self, task: PublishWeights) -> PublishedWeights:
        family = self._family()
        plan = family.plan
        found, missing = self._results(task, family)
        whole = family.is_whole(found, family.members(set_bits(task.drawn), task.subsets))
        state, summed = self._learnt(task, family, found, whole=whole)
        self._keep(task, state)
        data = self._given(task, family, state, anew=not task.round or whole)
        readers = list(_usable(task.readers))
        context = weights_context(task.tc, task.round + 1)
        location = put_shared(self.tools.own.under(task.key), data, readers, context) if readers else None
        now, told = self._judged(plan, state.weights)
        settled = bool(summed) and (
            family.learns_once or has_settled(plan, state, self._losses(task, family, state))
        )
        history = self._noted(task, now, whole)
        begun = family.carries_on and bool(found) and not whole
        over = settled or should_stop(
            plan, len(history), [value for value, new in history if new], begun=begun
        )
        if over:
            file = self.tools.home.path(state_file(task.tc, task.round, "weights"))
            ended = "the model has settled" if settled else "" if plan.stop.settled == 0 else NOT_SETTLED
            log.info(
                "training is over after round %d%s: %s, weights in %s",
                task.round,
                ended and f", {ended}",
                told,
                file,
            )
            if plan.noise_named is None and says_one_class(plan, state.weights, self._samples()):
                log.warning("the model says one class to everybody: --balance even would find the others")
        return PublishedWeights(
            hash=digest(data),
            location=location.digest if location else b"",
            model=state.weights.digest(),
            score=now,
            stop=over,
            settled=settled,
            summed=summed,
            missing=missing,
        )

    def _losses(self, task: PublishWeights, family: Family, state: ServerState) -> list[float]:
        """On its samples, if they are asked: of the first weights, and of each new ones up to these."""
        if not family.plan.stop.settled or state.gain is not None or family.plan.noise_named is not None:
            return []
        samples = self._samples()
        if not len(samples):
            return []
        data = self.tools.home.read(losses_file(task.tc))
        noted = {int(round_): value for round_, value in json.loads(data or b"{}").items()}
        noted.setdefault(0, loss(family.plan, family.initial_weights(), samples))
        noted[task.round] = loss(family.plan, state.weights, samples)
        self.tools.home.write(losses_file(task.tc), json.dumps(noted).encode())
        return [noted[round_] for round_ in sorted(noted) if round_ <= task.round]

    def _results(self, task: PublishWeights, family: Family) -> tuple[dict[int, bytes], tuple[int, ...]]:
        """The results that count, by subset, and the subsets of the last round of which there is none.

        Those of the last round count, and with a sum that carries on all for these weights: of a subset the
        latest, so that a false one does not stay in the sum of weights that are published as they are.
        """
        found: dict[int, bytes] = {}
        last = tuple(ref for ref in task.settled if ref.round == task.round)
        for ref in reversed(task.settled) if family.carries_on else last:
            result = None if ref.subset in found else self._result(task, ref, family)
            if result is not None:
                found[ref.subset] = result
        return found, tuple(ref.subset for ref in last if ref.subset not in found)

    def _result(self, task: PublishWeights, ref: SettledRef, family: Family) -> bytes | None:
        """One settled result; those of the last round are waited for."""
        data = self.tools.home.read(result_file(ref.digest))
        if data is None and ref.digest in self._fetched(task.tc, ref.round, ref.reports, family):
            data = self.tools.home.read(result_file(ref.digest))
        if data is None and ref.round == task.round and self.tools.clock() <= task.patience_until:
            raise ObjectMissing(f"no replica's result {ref.digest.hex()} of round {task.round}")
        return data

    def _learnt(
        self, task: PublishWeights, family: Family, found: dict[int, bytes], *, whole: bool
    ) -> tuple[ServerState, int]:
        """The state after the round, and the results of how many subsets made it new.

        A sum that teaches nothing counts as any other (`_publish`): who spoilt it must not see by what comes
        next what it did to the weights, as long as only the model owner knows these.
        """
        if task.round == 0:
            return family.initial_state(), 0
        state = self._state(task.tc, task.round - 1, family)
        if not whole:
            return state, 0
        keys = load_keys(self.tools, family)
        try:
            learnt = family.aggregate(state, family.update(state.asked, keys, list(found.values())))
            family.check_weights(learnt.asked)
        except (BadObject, BadPlan) as bad:  # a false result that a majority vouched for
            log.warning("round %d teaches nothing: %s", task.round, bad)
            return state, 0
        return learnt, len(found)

    def _given(self, task: PublishWeights, family: Family, state: ServerState, *, anew: bool) -> bytes:
        """What the cloud owners get: the same bytes as long as the weights wait for the rest of a sum."""
        file = state_file(task.tc, task.round, "published")
        data = self.tools.home.read(file)
        if data is None:
            last = state_file(task.tc, task.round - 1, "published")
            data = family.publish(load_keys(self.tools, family), state.asked) if anew else self._own(last)
            self.tools.home.write(file, data)
        return data

    # --- what it keeps ---

    def _keep(self, task: PublishWeights, state: ServerState) -> None:
        if not task.round:
            self.tools.home.write(salt_file(task.tc), task.salt.hex().encode())
        tc, round_ = task.tc, task.round
        self.tools.home.write(state_file(tc, round_, "velocity"), state.velocity.to_bytes())
        if state.memory:
            self.tools.home.write(state_file(tc, round_, "memory"), pack(state.memory, {"kind": "memory"}))
        self.tools.home.write(state_file(tc, round_, "weights"), state.weights.to_bytes())

    def _state(self, tc: CoupleId, round_: int, family: Family) -> ServerState:
        weights, velocity = (
            self._kept(state_file(tc, round_, name), family.plan) for name in ("weights", "velocity")
        )
        memory = self._memory(state_file(tc, round_, "memory")) if family.initial_state().memory else {}
        return ServerState(weights, velocity, memory)

    def _memory(self, name: str) -> dict[str, Int64Array]:
        """What the strategy keeps."""
        try:
            tensors, facts = unpack(self._own(name), "the memory")
        except BadObject as bad:
            raise self._damaged(name) from bad
        if facts != {"kind": "memory"}:
            raise self._damaged(name)
        return {key: np.asarray(tensor, dtype=np.int64) for key, tensor in tensors.items()}

    def _kept(self, name: str, plan: Plan) -> Weights:
        try:
            return Weights.from_bytes(self._own(name), plan)
        except BadObject as bad:
            raise self._damaged(name) from bad

    def _own(self, name: str) -> bytes:
        """A file that it wrote itself."""
        data = self.tools.home.read(name)
        if data is None:
            raise self._damaged(name)
        return data

    def _damaged(self, name: str) -> StopAgent:
        return StopAgent(f"{self.tools.home.path(name)} is gone or damaged: restore it from a backup")

    def _noted(self, task: PublishWeights, now: float, new: bool) -> list[tuple[float, bool]]:
        """Of all rounds in which something was settled, this one's included: the score, and if it is new."""
        data = self.tools.home.read(scores_file(task.tc))
        noted = {int(round_): (score_, new_) for round_, (score_, new_) in json.loads(data or b"{}").items()}
        if any(ref.round == task.round for ref in task.settled):
            noted[task.round] = now, new
            self.tools.home.write(scores_file(task.tc), json.dumps(noted).encode())
        return [noted[round_] for round_ in sorted(noted) if round_ <= task.round]

    def _judged(self, plan: Plan, weights: Weights) -> tuple[float, str]:
        """A score, and how it is told: on exposed samples, or of held-out moments with noise."""
        if plan.noise_named is None:
            now = score(plan, weights, self._samples())
            return now, f"score {now:.3f}"
        held_out = HeldOut.from_bytes(self._own(HELD_OUT_FILE), plan.features, plan.classes)
        matrix = weights.tensors["output"].astype(np.float64) * 2.0**-plan.weight_bits
        share, moved = held_out.explained(matrix)
        if moved > _BEYOND_TELLING:
            return max(
                -1.0, min(1.0, share)
            ), f"{held_out.rows} held-out rows, with noise, tell nothing of it"
        return share, (
            f"{share:.3f} of the squared error of {held_out.rows} held-out rows explained, by moments with"
            f" noise that moves this by {moved:.3f}"
        )

    def _samples(self) -> Samples:
        try:
            return exposed.from_bytes(_read(self.samples))
        except BadData as bad:  # the data owner's fault: it can be mended while the agent goes on
            raise BadObject(f"{self.samples}: {bad}") from bad


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
