"""A data owner's work: split, pack, review plans."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agents.core.errors import BadData, BadObject, BadPlan, CannotSplit, StopAgent
from agents.core.events import DatasetTerms
from agents.core.ids import DatasetId
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.data.description import Description, describe, parse_description
from agents.learning.data.prepare import Prepared, partition, strata_of
from agents.learning.data.samples import Int64Array, PredictionTask, Samples
from agents.learning.data.skew import check_skew
from agents.learning.data.split import split
from agents.learning.data.subset import SECRET_BYTES, Subset, SubsetNoise
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import family_of
from agents.learning.family import Family
from agents.learning.plans.base import Plan
from agents.learning.privacy.offer import offer
from agents.learning.privacy.policy import PrivacyPolicy
from agents.roles.acts import PackReplica, ReviewPlan, SplitData, Task
from agents.roles.results import PackedReplica, PlanReview, RefusedKey, SplitDataset, TaskResult
from agents.vault.keys import PublicKey
from agents.vault.packages import put_sealed
from agents.workers.base import Tools, fetch_plan, keys_id, package_context

log = logging.getLogger(__name__)

EXPOSED_FILE = "exposed.samples"
PREPARATION_FILE = "preparation.json"
DESCRIPTION_FILE = "description.json"

Secrecy = Literal["dataset", "round", "none"]
"""What a data owner lets a model owner see of results: sums over the whole dataset, sums over the subsets of
a round, or each subset's own."""

_LEAST_FIRST: tuple[Secrecy, ...] = ("none", "round", "dataset")
_SHOWS = {
    "none": "each subset's result in plain text",
    "round": "sums over the subsets of a round",
    "dataset": "sums over all subsets",
}


@dataclass(frozen=True)
class DataOwnerWorker:
    """Cuts a table into packages.

    Attributes:
        table: path of a table's file, address of a database, or name of a built-in table. `target` is its
            column, by default the last.
        subsets: how many.
        seed: of the partition and the split.
        terms: of the dataset; their `ends_at` counts from when the packages are made.
        derive: 32 secret bytes for a purpose; the subsets' secrets come from it, and those of pairs of them.
        secrecy: the least that a plan must keep.
        privacy: noise that protects the people in the rows; then only plans with just this noise are
            accepted, and no samples are exposed.
        task: what the target is, if its looks do not tell.
        merge_rare: classes with fewer rows are made one.
        query: which rows of a database.
    """

    tools: Tools
    table: str | Path
    target: str | None
    subsets: int
    seed: int
    terms: DatasetTerms
    derive: Callable[[bytes], bytes]
    secrecy: Secrecy = "dataset"
    privacy: PrivacyPolicy | None = None
    max_keys_mb: int = 256
    task: PredictionTask | None = None
    merge_rare: int | None = None
    query: str | None = None

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """Does one task; see `Worker`."""
        match task:
            case SplitData():
                return self._split(task)
            case PackReplica():
                return self._pack(task)
            case ReviewPlan():
                return self._review(task)
            case _:
                raise StopAgent(f"a data owner does not do {type(task).__name__}")

    def _split(self, task: SplitData) -> SplitDataset:
        """Splits the table. The subsets are kept, so that cloud owners can be given theirs one by one."""
        made = self._divided()
        for note in made.notes:
            log.info("%s", note)
        self.tools.home.write(EXPOSED_FILE, exposed.to_bytes(made.prepared.validation))
        if made.prepared.preparation is not None:
            self.tools.home.write(PREPARATION_FILE, made.prepared.preparation.to_bytes())
        subsets = [
            Subset(
                index,
                made.prepared.train.take(rows),
                self.derive(b"holdfast/subset-secret/%x/%d" % (task.ds, index)),
                self._pairs(task.ds, index),
                noise,
            )
            for index, (rows, noise) in enumerate(zip(made.parts, made.noise, strict=True))
        ]
        for subset in subsets:
            self.tools.home.write(_subset_file(task.ds, subset.index), subset.to_bytes())
        metadata = made.description.model_dump_json(exclude_none=True).encode()
        self.tools.home.write(DESCRIPTION_FILE, metadata)
        return SplitDataset(
            terms=replace(self.terms, ends_at=self.tools.clock() + self.terms.ends_at),
            metadata_hash=digest(metadata),
            metadata_location=self.tools.store.put(metadata).digest,
            digests=tuple(subset.digest() for subset in subsets),
        )

    def _pack(self, task: PackReplica) -> PackedReplica | RefusedKey:
        try:
            reader = PublicKey(task.encryption_key)
        except BadObject as bad:
            return RefusedKey(problem=f"it registered {bad}")
        file = _subset_file(task.ds, task.subset)
        data = self.tools.home.read(file)
        if data is None:
            raise StopAgent(f"{self.tools.home.path(file)} is gone: restore it from a backup")
        sealed = put_sealed(self.tools.store, data, reader, package_context(task.ds, task.subset))
        return PackedReplica(sealed_location=sealed.blob)

    def _divided(self) -> _Divided:
        """The table as it is offered: with noise, or else with skew."""
        table = load_table(self.table, self.target, self.task, self.merge_rare, self.query)
        if self.privacy is not None:
            made = offer(table, self.privacy, self.subsets, self.seed, self.derive)
            description = describe(table, made.prepared, made.guarantee)
            return _Divided(description, made.prepared, made.parts, made.noise, table.notes)
        prepared = partition(table, self.seed)
        parts = cut(table, prepared, self.subsets, self.seed)
        notes = (*table.notes, *prepared.notes)
        return _Divided(describe(table, prepared), prepared, parts, (None,) * self.subsets, notes)

    def _pairs(self, ds: DatasetId, index: int) -> tuple[bytes, ...]:
        """What the replicas of a subset share with those of each other one."""
        return tuple(
            bytes(SECRET_BYTES)
            if other == index
            else self.derive(b"holdfast/pair-secret/%x/%d/%d" % (ds, min(index, other), max(index, other)))
            for other in range(self.subsets)
        )

    # --- plans ---

    def _review(self, task: ReviewPlan) -> PlanReview:
        """What a data owner has against a plan.

        It declines what its cloud owners would refuse, a plan for other data, and one that shows too much.
        """
        store = self.tools.store
        try:
            plan = fetch_plan(store, task.plan_location, task.plan_hash)
            family = family_of(plan)
            if family.encrypted:
                store.get(keys_id(plan), self.max_keys_mb << 20)
        except (BadObject, BadPlan) as bad:
            return PlanReview(problem=str(bad))
        samples = self._exposed()
        if (plan.features, plan.classes) != (samples.features.shape[1], samples.classes):
            return PlanReview(problem=f"the plan is for {plan.features} features and {plan.classes} classes")
        if self.privacy is not None:
            return PlanReview(problem=self._is_not_paid_for(plan))
        if plan.noise_named is not None:
            return PlanReview(problem="the plan's sums come with noise, the dataset's do not")
        return PlanReview(problem=self._shows_too_much(family))

    def _exposed(self) -> Samples:
        try:
            return exposed.from_bytes(self.tools.home.read(EXPOSED_FILE) or b"")
        except BadData as bad:
            path = self.tools.home.path(EXPOSED_FILE)
            raise StopAgent(f"{path} is gone or damaged: restore it from a backup") from bad

    def _description(self) -> Description:
        data = self.tools.home.read(DESCRIPTION_FILE)
        if data is None:
            path = self.tools.home.path(DESCRIPTION_FILE)
            raise StopAgent(f"{path} is gone: restore it from a backup")
        return parse_description(data)

    def _is_not_paid_for(self, plan: Plan) -> str:
        """Why a plan would spend more of the budget than the noise that was dealt; empty if it does not.

        The dataset's one release is paid for when it is offered, and any couple may see it again. All else
        that a plan could make of the rows is not.
        """
        guarantee = self._description().guarantee
        if guarantee is not None and plan.noise_named == guarantee.noise:
            return ""
        asked = "exact results" if plan.noise_named is None else "other noise"
        return f"the plan asks for {asked}: the dataset is shown with its own noise only, in plans of moments"

    def _shows_too_much(self, family: Family) -> str:
        """What a plan would show that the policy does not allow; empty if nothing."""
        kept: Secrecy = family.sums or "none"
        why = family.singles_out(self._description().rows) if self.secrecy != "none" else ""
        if why:
            return f"a model owner who breaks the rules can have single rows of this plan's sums: {why}"
        if _LEAST_FIRST.index(kept) < _LEAST_FIRST.index(self.secrecy):
            return f"the plan shows the model owner {_SHOWS[kept]}: only {_SHOWS[self.secrecy]} are allowed"
        if kept == "round" and self._draws_one_alone():
            return "some rounds draw one subset alone, so a plan's sums have to be over the dataset"
        return ""

    def _draws_one_alone(self) -> bool:
        """Whether some round of an epoch draws a single subset of several."""
        per_round = self.terms.subsets_per_round
        return self.subsets > 1 and 1 in (per_round, self.subsets % per_round)


@dataclass(frozen=True)
class _Divided:
    """A table as it is offered: its rows, those of each subset, the noise of each; notes for its owner."""

    description: Description
    prepared: Prepared
    parts: Sequence[Int64Array]
    noise: Sequence[SubsetNoise | None]
    notes: Sequence[str]


def cut(table: Table, prepared: Prepared, subsets: int, seed: int) -> list[Int64Array]:
    """The training rows of each skewed subset, checked by the independent rule.

    No subset holds all classes, or more than half of one. That no class is more than half of a subset cannot
    always be had, never of two classes.

    Raises:
        CannotSplit: these rows cannot be split so.
    """
    strata = strata_of(prepared.train.target, table.task)
    parts = split(strata, subsets, seed)
    report = check_skew(strata, parts)
    if not report.skewed:
        raise CannotSplit(f"{table.name}: {report.violations[0]}: choose another number of subsets")
    return parts


def _subset_file(ds: DatasetId, index: int) -> str:
    return f"split/{ds:x}/{index}"
