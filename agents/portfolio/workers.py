"""Workers that do the work of whichever entry a task is of, and keep what goes wrong with one to itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from agents.core.errors import BadInput, SkipJob, StopAgent, StorageFailed
from agents.learning.data.schema.document import read_schema
from agents.learning.privacy.lifetime import LIFETIME_EPSILON
from agents.learning.privacy.policy import read_policy
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import FOLDERS, accepted
from agents.roles.acts import Task
from agents.roles.results import TaskResult
from agents.roles.tasks.objects import ForgetObjects, LookAfter
from agents.storage.files import Home
from agents.storage.people import LEDGER_FILE
from agents.workers.base import Tools, Worker, forget_objects, look_after
from agents.workers.data_owner import DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker


@dataclass(frozen=True)
class DatasetsWorker:
    """Does a data owner's work: each dataset has a folder of its own, the ledger of people is of them all.

    Attributes:
        tools: of the member.
        derive: see `DataOwnerWorker`, as the others.
    """

    tools: Tools
    derive: Callable[[bytes], bytes]
    max_keys_mb: int = 256
    lifetime_epsilon: int = LIFETIME_EPSILON
    ledger: Path | None = None

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """Does one task; see `Worker`."""
        return _performed(self.tools, self.of, task)

    def of(self, name: str) -> DataOwnerWorker:
        """The worker of one dataset.

        Raises:
            BadInput: there is none of this name, or a file that it names cannot be read.
        """
        home = self.tools.home.folder
        entry = accepted(home, name, DatasetEntry)
        return dataset_worker(
            entry.at(home),
            _tools_of(self.tools, DatasetEntry, name),
            self.derive,
            max_keys_mb=self.max_keys_mb,
            lifetime_epsilon=self.lifetime_epsilon,
            ledger=self.ledger or home / LEDGER_FILE,
        )


def dataset_worker(
    entry: DatasetEntry,
    tools: Tools,
    derive: Callable[[bytes], bytes],
    *,
    ledger: Path,
    max_keys_mb: int = 256,
    lifetime_epsilon: int = LIFETIME_EPSILON,
) -> DataOwnerWorker:
    """The worker of a dataset whose paths are good anywhere.

    Raises:
        BadInput: a file that it names cannot be read.
    """
    return DataOwnerWorker(
        tools,
        entry.table,
        entry.target,
        entry.subsets,
        entry.seed,
        entry.dataset_terms,
        derive,
        entry.secrecy,
        None if entry.privacy is None else read_policy(entry.privacy),
        max_keys_mb,
        entry.task,
        entry.merge_rare,
        entry.query,
        entry.group,
        entry.keep,
        None if entry.table_schema is None else read_schema(entry.table_schema),
        entry.new_people,
        lifetime_epsilon,
        ledger,
    )


@dataclass(frozen=True)
class ModelsWorker:
    """Does a model owner's work: each model has a folder of its own.

    Attributes:
        tools: of the member.
        receipt_domain: of the market.
        max_result_mb: see `ModelOwnerWorker`.
    """

    tools: Tools
    receipt_domain: bytes
    max_result_mb: int = 64

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """Does one task; see `Worker`."""
        return _performed(self.tools, self.of, task)

    def of(self, name: str) -> ModelOwnerWorker:
        """The worker of one model.

        Raises:
            BadInput: there is none of this name.
        """
        home = self.tools.home.folder
        entry = accepted(home, name, ModelEntry).at(home)
        return ModelOwnerWorker(
            _tools_of(self.tools, ModelEntry, name),
            entry.samples,
            self.receipt_domain,
            entry.model,
            entry.rounds,
            entry.seed,
            entry.plan,
            self.max_result_mb,
            entry.balance,
        )


def folder_of_entry(home: Path, kind: type[DatasetEntry] | type[ModelEntry], name: str) -> Home:
    """What the agent makes of an entry is in a folder of its own."""
    return Home(home / FOLDERS[kind] / name)


def _tools_of(tools: Tools, kind: type[DatasetEntry] | type[ModelEntry], name: str) -> Tools:
    """The tools for one entry."""
    return replace(tools, home=folder_of_entry(tools.home.folder, kind, name), member_home=tools.home)


def _performed(tools: Tools, of: Callable[[str], Worker], task: Task[TaskResult]) -> TaskResult:
    """Does a task, mostly of one entry. A wrong input or a lost file of one is no reason for others to stop.

    Raises:
        SkipJob: it is tried again later: a person may have put it right.
        StorageFailed: the disk is that of all.
    """
    if isinstance(task, LookAfter):
        return look_after(tools, task)
    if isinstance(task, ForgetObjects):
        return forget_objects(tools, task)
    try:
        return of(task.entry).perform(task)
    except StorageFailed:
        raise
    except (BadInput, StopAgent) as problem:
        raise SkipJob(f"{task.entry}: {problem}") from problem
