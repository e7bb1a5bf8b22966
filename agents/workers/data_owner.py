"""A data owner's work: split, pack, review plans."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agents.core.errors import BadData, BadObject, BadPlan, CannotSplit, StopAgent
from agents.core.events import DatasetTerms
from agents.core.ids import DatasetId
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.data.description import describe
from agents.learning.data.prepare import Prepared, partition, strata_of
from agents.learning.data.samples import Int64Array, PredictionTask, Samples
from agents.learning.data.skew import check_skew
from agents.learning.data.split import split
from agents.learning.data.subset import SECRET_BYTES, Subset
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import family_of
from agents.learning.family import Family
from agents.roles.acts import PackReplica, ReviewPlan, SplitData, Task
from agents.roles.results import PackedReplica, PlanReview, RefusedKey, SplitDataset, TaskResult
from agents.vault.keys import PublicKey
from agents.vault.packages import put_sealed
from agents.workers.base import Tools, fetch_plan, keys_id, package_context

log = logging.getLogger(__name__)

EXPOSED_FILE = "exposed.samples"

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
        table = load_table(self.table, self.target, self.task, self.merge_rare, self.query)
        prepared = partition(table, self.seed)
        for note in (*table.notes, *prepared.notes):
            log.info("%s", note)
        self.tools.home.write(EXPOSED_FILE, exposed.to_bytes(prepared.validation))
        subsets = [
            Subset(
                index,
                prepared.train.take(rows),
                self.derive(b"holdfast/subset-secret/%x/%d" % (task.ds, index)),
                self._pairs(task.ds, index),
            )
            for index, rows in enumerate(cut(table, prepared, self.subsets, self.seed))
        ]
        for subset in subsets:
            self.tools.home.write(_subset_file(task.ds, subset.index), subset.to_bytes())
        metadata = describe(table, prepared).model_dump_json().encode()
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
                store.get(keys_id(plan))
        except (BadObject, BadPlan) as bad:
            return PlanReview(problem=str(bad))
        samples = self._exposed()
        if (plan.features, plan.classes) != (samples.features.shape[1], samples.classes):
            return PlanReview(problem=f"the plan is for {plan.features} features and {plan.classes} classes")
        return PlanReview(problem=self._shows_too_much(family))

    def _exposed(self) -> Samples:
        try:
            return exposed.from_bytes(self.tools.home.read(EXPOSED_FILE) or b"")
        except BadData as bad:
            path = self.tools.home.path(EXPOSED_FILE)
            raise StopAgent(f"{path} is gone or damaged: restore it from a backup") from bad

    def _shows_too_much(self, family: Family) -> str:
        """What a plan would show that the policy does not allow; empty if nothing."""
        kept: Secrecy = family.sums or "none"
        if _LEAST_FIRST.index(kept) < _LEAST_FIRST.index(self.secrecy):
            return f"the plan shows the model owner {_SHOWS[kept]}: only {_SHOWS[self.secrecy]} are allowed"
        if kept == "round" and self._draws_one_alone():
            return "some rounds draw one subset alone, so a plan's sums have to be over the dataset"
        return ""

    def _draws_one_alone(self) -> bool:
        """Whether some round of an epoch draws a single subset of several."""
        per_round = self.terms.subsets_per_round
        return self.subsets > 1 and 1 in (per_round, self.subsets % per_round)


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
