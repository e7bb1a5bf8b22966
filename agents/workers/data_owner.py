"""A data owner's work: split, pack, review plans."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from agents.core.derivation import digest_of, on_market
from agents.core.errors import BadInput, BadObject, BadPlan, CannotSplit, StopAgent
from agents.core.events import DatasetTerms
from agents.core.ids import DatasetId
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.data.description import Description, describe, parse_description
from agents.learning.data.grouped_split import split_groups
from agents.learning.data.mask_keys import keys_of
from agents.learning.data.prepare import Prepared, partition, strata_of
from agents.learning.data.samples import Int64Array, PredictionTask, Samples
from agents.learning.data.schema.departures import Departed
from agents.learning.data.schema.document import Schema
from agents.learning.data.skew import check_skew
from agents.learning.data.split import split
from agents.learning.data.subset import Subset, SubsetNoise
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import family_of
from agents.learning.family import Family
from agents.learning.plans.noise import Noise
from agents.learning.privacy.accounting import delta_digits, rho_for
from agents.learning.privacy.held_out import HeldOut
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.lifetime import LIFETIME_EPSILON, Lifetime, Spent
from agents.learning.privacy.offer import Offer, divided, offer, wanted_epsilon
from agents.learning.privacy.policy import PrivacyPolicy
from agents.learning.privacy.review import objection
from agents.learning.privacy.trial import try_out
from agents.learning.work import check_rows, check_window
from agents.roles.acts import Task
from agents.roles.results import PackedReplica, PlanReview, RefusedKey, SplitDataset, TaskResult
from agents.roles.tasks.data_owner import PackReplica, ReviewPlan, SplitData
from agents.roles.tasks.objects import ForgetObjects, LookAfter
from agents.storage.people import LEDGER_FILE
from agents.vault.keys import PublicKey
from agents.vault.packages import put_sealed
from agents.workers.accounts import Accounts
from agents.workers.base import Tools, fetch_plan, forget_objects, keys_id, look_after, package_context
from agents.workers.standing import DESCRIPTION_FILE, PROMISE_FILE, OfferStanding, Promise

log = logging.getLogger(__name__)

EXPOSED_FILE = "exposed.samples"
SCHEMA_FILE = "schema.json"
_KEYS_FILE = "reviewed.keys"

_DEALT_APART = "with noise rows are divided by place alone: those of one group are in all parts"


@dataclass(frozen=True)
class DataOwnerWorker:
    """Cuts a table into packages.

    Attributes:
        table: path of a table's file, address of a database, or name of a built-in table. `target` is its
            column, by default the last.
        subsets: how many.
        seed: of the partition and the split.
        terms: of the dataset; their `ends_at` counts from when the packages are made.
        derive: 32 secret bytes for a purpose, on all markets the same: noise comes from it as it is, and the
            subsets' secrets and mask keys for this market and these rows alone.
        secrecy: the level, by what it guarantees (`agents.learning.privacy.levels`).
        privacy: at level private, the public ranges of the columns and who adds the noise.
        task: what the target is, if its looks do not tell.
        merge_rare: classes with fewer rows are made one.
        query: which rows of a database.
        group: the column that says whose row it is: rows of one person stay together, and the ledger knows
            people by it.
        keep: columns that are features though they look like an identifier, or give the target away.
        table_schema: what the columns are; by default made of the table.
        new_people: whether the people in the table are in no other that was offered.
        lifetime_epsilon: of all offers of the same people together.
        ledger: of people, over all datasets and markets; by default in the home.
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
    group: str | None = None
    keep: tuple[str, ...] = ()
    table_schema: Schema | None = None
    new_people: bool = False
    lifetime_epsilon: int = LIFETIME_EPSILON
    ledger: Path | None = None

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """Does one task; see `Worker`."""
        match task:
            case SplitData():
                return self._split(task)
            case PackReplica():
                return self._pack(task)
            case ReviewPlan():
                return self._review(task)
            case LookAfter():
                return look_after(self.tools, task)
            case ForgetObjects():
                return forget_objects(self.tools, task)
            case _:
                raise StopAgent(f"a data owner does not do {type(task).__name__}")

    def _split(self, task: SplitData) -> SplitDataset:
        """Splits the table. The subsets are kept, so that cloud owners can be given theirs one by one."""
        made = self._divided(task.ds, task.entry)
        for note in made.notes:
            log.info("%s", note)
        if made.schema is not None:
            self.tools.home.write(SCHEMA_FILE, made.schema.text().encode())
        self.tools.home.write(EXPOSED_FILE, exposed.to_bytes(made.prepared.validation))
        for subset in made.subsets:
            self.tools.home.write(_subset_file(task.ds, subset.index), subset.to_bytes())
        metadata = made.description.model_dump_json(exclude_none=True).encode()
        self.tools.home.write(DESCRIPTION_FILE, metadata)
        if made.held_out is not None:
            self.tools.own.put(made.held_out.to_bytes(), task.key)
        dealt = [subset.noise for subset in made.subsets]
        promise = Promise(made.identity, try_out(made.prepared, made.form, dealt))
        self.tools.home.write(PROMISE_FILE, promise.to_bytes())
        for line in OfferStanding.of(made.description, promise, self.accounts).lines():
            log.info("%s", line)
        return SplitDataset(
            terms=replace(self.terms, ends_at=self.tools.clock() + self.terms.ends_at),
            metadata_hash=digest(metadata),
            metadata_location=self.tools.own.put(metadata, task.key).digest,
            digests=tuple(subset.digest() for subset in made.subsets),
        )

    def rehearsed(self) -> tuple[int, Sequence[str]]:
        """Divides the table as `SplitData` would, and keeps and enters nothing.

        Returns:
            How many rows are trained on, and notes for the table's owner.

        Raises:
            BadInput: the table cannot be offered so.
        """
        table = self._table()
        persons = None if table.groups is None else table.groups.persons
        if self.secrecy == "private":
            policy = self._public_ranges(persons)
            rows, columns = len(divided(len(table.target), self.seed)[0]), table.features.shape[1]
            fresh = Lifetime(self.lifetime_epsilon, delta_digits(rows))
            epsilon = wanted_epsilon(policy, rows, columns, fresh.another())
            prepared = offer(table, policy, self.subsets, self.seed, self.derive, epsilon).prepared
            return len(prepared.train), table.notes
        prepared = partition(table, self.seed)
        parts = cut(table, prepared, self.subsets, self.seed)
        return len(prepared.train), (*table.notes, *prepared.notes, *told_of(table, prepared, parts))

    def _pack(self, task: PackReplica) -> PackedReplica | RefusedKey:
        try:
            reader = PublicKey(task.encryption_key)
        except BadObject as bad:
            return RefusedKey(problem=f"it registered {bad}")
        file = _subset_file(task.ds, task.subset)
        data = self.tools.home.read(file)
        if data is None:
            raise StopAgent(f"{self.tools.home.path(file)} is gone: restore it from a backup")
        context = package_context(task.ds, task.subset)
        sealed = put_sealed(self.tools.own.under(task.key), data, reader, context)
        return PackedReplica(sealed_location=sealed.blob)

    @property
    def accounts(self) -> Accounts:
        """What was shown of people, and what may be."""
        path = self.ledger or self.tools.home.path(LEDGER_FILE)
        return Accounts(path, self.tools.clock, self.new_people, self.lifetime_epsilon)

    def _divided(self, ds: DatasetId, name: str) -> _Divided:
        """The table as it is offered: entered in the ledger of people first, and divided then."""
        table = self._table()
        persons = None if table.groups is None else table.groups.persons
        made = (self._with_noise if self.secrecy == "private" else self._exactly)(ds, table, persons)
        return replace(made, description=made.description.model_copy(update={"name": name or None}))

    def _with_noise(self, ds: DatasetId, table: Table, persons: tuple[str, ...] | None) -> _Divided:
        policy = self._public_ranges(persons)
        rows, columns = len(divided(len(table.target), self.seed)[0]), table.features.shape[1]
        digits = delta_digits(rows)

        def offered(epsilon: int) -> Offer:
            return offer(table, policy, self.subsets, self.seed, self.derive, epsilon)

        def spend(lifetime: Lifetime) -> Spent:
            whole = replace(lifetime, digits=max(digits, lifetime.digits))
            epsilon = wanted_epsilon(policy, rows, columns, whole.another())
            offered(epsilon)  # what cannot be offered costs nothing
            return Spent(epsilon, rho_for(epsilon, 10.0**-digits), digits, whole.epsilon)

        secret = self.derive(b"holdfast/ledger").hex()
        identity = self._identity(table, policy.model_dump_json(), secret)
        spent = self.accounts.offer(identity, table, persons, "private", spend)
        assert spent is not None
        made = offered(spent.epsilon)
        subsets, public = self._packed(ds, made.prepared.train, made.parts, made.noise)
        given = self.table_schema  # one that is made of the rows would tell of them
        return _Divided(
            identity,
            describe(table, made.prepared, "private", public, made.guarantee, schema=given),
            made.prepared,
            subsets,
            (*table.notes, *((_DEALT_APART,) if persons else ())),
            given,
            made.guarantee.noise,
            made.held_out,
        )

    def _public_ranges(self, persons: tuple[str, ...] | None) -> PrivacyPolicy:
        policy = self.privacy
        if policy is None:
            raise BadInput("level private needs the public ranges of the columns: name them with --privacy")
        if persons and max(Counter(persons).values()) > policy.rows_of_a_person:
            most = max(Counter(persons).values())
            raise BadInput(
                f'a person has {most} rows: say "rows_of_a_person": {most} in the file that --privacy names'
            )
        return policy

    def _exactly(self, ds: DatasetId, table: Table, persons: tuple[str, ...] | None) -> _Divided:
        prepared = partition(table, self.seed)
        parts = cut(table, prepared, self.subsets, self.seed)
        identity = self._identity(table)
        self.accounts.offer(identity, table, persons, self.secrecy)
        subsets, public = self._packed(ds, prepared.train, parts, (None,) * self.subsets)
        schema = prepared.schema
        if schema is not None and not table.given:
            schema = schema.model_copy(update={"salt": self.derive(b"holdfast/schema-salt").hex()})
        largest = max(map(len, parts))
        return _Divided(
            identity,
            describe(table, prepared, self.secrecy, public, schema=schema, largest=largest),
            prepared,
            subsets,
            (*table.notes, *prepared.notes, *told_of(table, prepared, parts)),
            schema,
        )

    def _identity(self, table: Table, *more: str) -> bytes:
        """32 bytes of all that decides about what is shown of a table."""
        facts = [self.secrecy, self.subsets, self.seed, table.feature_names, table.class_names, *more]
        told = json.dumps(facts, separators=(",", ":")).encode()
        return digest(digest(told) + digest(table.features.tobytes()) + digest(table.target.tobytes()))

    def _table(self) -> Table:
        """The table; where it departs from its schema is told in a line each."""
        try:
            return load_table(
                self.table,
                self.target,
                self.task,
                self.merge_rare,
                self.query,
                group=self.group,
                keep=self.keep,
                schema=self.table_schema,
            )
        except Departed as departed:
            for line in departed.lines:
                log.error("%s", line)
            raise

    def _packed(
        self,
        ds: DatasetId,
        train: Samples,
        parts: Sequence[Int64Array],
        noise: Sequence[SubsetNoise | None],
    ) -> tuple[tuple[Subset, ...], tuple[bytes, ...]]:
        """The subsets with secrets and mask keys of these rows, so divided, on this market alone.

        The public halves of the keys come with them.
        """
        bare = [Subset(index, train.take(rows), b"") for index, rows in enumerate(parts)]
        version = digest_of(b"holdfast dataset", b"%x" % ds, *(subset.digest() for subset in bare))

        def secret(kind: bytes, index: int) -> bytes:
            purpose = b"holdfast/%b/%b/%d" % (kind, version.hex().encode(), index)
            return self.derive(on_market(self.tools.domain, purpose))

        keys = keys_of([secret(b"mask-key", index) for index in range(len(bare))])
        packed = tuple(
            replace(one, secret=secret(b"subset-secret", one.index), keys=keys[one.index], noise=its)
            for one, its in zip(bare, noise, strict=True)
        )
        return packed, keys[0].public

    # --- plans ---

    def _review(self, task: ReviewPlan) -> PlanReview:
        """What a data owner has against a plan.

        It declines what its cloud owners would refuse, what its level does not allow, and what would tell
        too much beside what was shown before.
        """
        store = self.tools.store_of(task.tc)
        try:
            family = family_of(fetch_plan(store, task.plan_location, task.plan_hash))
            dataset = self._description()
            problem = objection(family, dataset)
            check_rows(family.plan, dataset.most_rows, dataset.rows)
            check_window(family.plan, dataset.most_rows, self.terms.report_window_seconds)
            if family.encrypted and not problem:
                store.fetch(keys_id(family.plan), self.tools.home.path(_KEYS_FILE), self.max_keys_mb << 20)
                self.tools.home.remove(_KEYS_FILE)
        except (BadObject, BadPlan) as bad:
            return PlanReview(problem=str(bad))
        return PlanReview(problem=problem or self._too_much(family, dataset))

    def _too_much(self, family: Family, dataset: Description) -> str:
        """What a plan would show beside others; empty if it may: then it is entered in the ledger."""
        if family.sums == "round" and self._draws_one_alone():
            return "some rounds draw one subset alone, so a plan's sums have to be over the dataset"
        shown = family.shown_map if dataset.level in ("dataset", "round") else None
        if shown is None:
            return ""
        if family.sums == "round":
            shown = replace(shown, name=f"{shown.name}/parts", parts=self.subsets)
        why = self.accounts.show(self._promise().identity, shown, dataset.rows, dataset.features)
        return (
            f"these people were shown enough: {why}, and a model owner could tell rows apart" if why else ""
        )

    def _description(self) -> Description:
        return parse_description(self._kept(DESCRIPTION_FILE))

    def _promise(self) -> Promise:
        return Promise.from_bytes(self._kept(PROMISE_FILE))

    def _kept(self, name: str) -> bytes:
        data = self.tools.home.read(name)
        if data is None:
            raise StopAgent(f"{self.tools.home.path(name)} is gone: restore it from a backup")
        return data

    def _draws_one_alone(self) -> bool:
        """Whether some round of an epoch draws a single subset of several."""
        per_round = self.terms.subsets_per_round
        return self.subsets > 1 and 1 in (per_round, self.subsets % per_round)


@dataclass(frozen=True)
class _Divided:
    """A table as it is offered: its description, its rows, its subsets; notes for its owner.

    Attributes:
        identity: in the ledger of people.
        form: of the noise, at level private. `held_out`: what is published of rows held out.
    """

    identity: bytes
    description: Description
    prepared: Prepared
    subsets: Sequence[Subset]
    notes: Sequence[str]
    schema: Schema | None
    form: Noise | None = None
    held_out: HeldOut | None = None


def cut(table: Table, prepared: Prepared, subsets: int, seed: int) -> list[Int64Array]:
    """The training rows of each skewed subset, checked by the independent rule.

    No subset holds all classes, or more than half of one. That no class is more than half of a subset cannot
    always be had, never of two classes. Where rows of one person stay together and are of several classes,
    subsets may hold all classes (`told_of`).

    Raises:
        CannotSplit: these rows cannot be split so.
    """
    strata = strata_of(prepared.train.target, table.task)
    if prepared.groups is None:
        parts = split(strata, subsets, seed)
    else:
        parts = split_groups(strata, prepared.groups.codes, subsets, seed)
    report = check_skew(strata, parts)
    broken = (*report.not_a_partition, *report.half_of_class)
    if broken or (prepared.groups is None and not report.skewed):
        raise CannotSplit(f"{table.name}: {report.violations[0]}: choose another number of subsets")
    return parts


def told_of(table: Table, prepared: Prepared, parts: Sequence[Int64Array]) -> tuple[str, ...]:
    """A note, if subsets hold all classes for the sake of persons that do."""
    if prepared.groups is None:
        return ()
    whole = len(check_skew(strata_of(prepared.train.target, table.task), parts).all_classes)
    return (f"{whole} subsets hold all classes, for rows of one group do",) if whole else ()


def _subset_file(ds: DatasetId, index: int) -> str:
    return f"split/{ds:x}/{index}"
