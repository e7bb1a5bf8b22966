"""Where an agent writes, sends or stores: each such place has a name, and is passed before and after.

Nothing of the product knows of this. What it does is watched where it has to pass: SQLite's connection, the
system's calls for files, the store, the node and the worker. A place is called by what is done and by the
first function outside of the storage, the store and the node that does it::

    model owner / commit runtime.supervisor.Supervisor._keep / before

Forcing a file to the disk is none: a process that is killed loses nothing that it wrote (a machine without
power does).
"""

from __future__ import annotations

import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, ParamSpec, TypeVar
from unittest.mock import patch

import rlp

from agents.chain.mined import called_functions
from agents.chain.transport import Provider
from agents.roles.acts import Task
from agents.roles.results import TaskResult
from agents.storage import database
from agents.storage.journal import Journal
from agents.vault.store import MAX_OBJECT_BYTES, Data, ObjectId, ObjectStore
from agents.workers.base import Worker

P = ParamSpec("P")
T = TypeVar("T")

_SEAMS = (
    *("agents.storage.", "agents.vault."),
    *(f"agents.chain.{name}" for name in ("database", "endpoint", "node", "peer", "transactions")),
)
_CALLS = ("replace", "link", "unlink", "mkdir", "rmdir")
_DATA = 7
"""The place of a transaction's data among its fields."""


@dataclass(frozen=True)
class Death:
    """Where to be killed: at a point, when it is passed for so many times from now on (0: the next)."""

    point: str
    passes: int


@dataclass
class Points:
    """What an agent passes.

    Args:
        role: of the agent: points of two roles are two.
        tell: is called with the point before the process ends itself there.

    Attributes:
        passed: since it was cleared.
        death: where the process ends itself, if anywhere; `everywhere`: other points where it does.
    """

    role: str
    tell: Callable[[str], None]
    passed: list[str] = field(default_factory=list)
    death: Death | None = None
    everywhere: frozenset[str] = frozenset()

    def begin(self, death: Death | None, everywhere: frozenset[str]) -> None:
        """A new list of what is passed."""
        self.passed, self.death, self.everywhere = [], death, everywhere

    @contextmanager
    def effect(self, seam: str, detail: str = "") -> Iterator[None]:
        """Something is done in the block that leaves a trace outside of this process.

        What fails leaves none: a folder that is there already, a file that is not.
        """
        name = " ".join(filter(None, (self.role, "/", seam, _caller(sys._getframe(2)), detail)))
        self._point(f"{name} / before")
        at = len(self.passed)
        try:
            yield
        except Exception:
            del self.passed[at - 1 :]
            raise
        self._point(f"{name} / after")

    def around(self, seam: str, do: Callable[P, T], detail: str = "") -> Callable[P, T]:
        """The same function; it is an effect."""

        def watched(*args: P.args, **kwargs: P.kwargs) -> T:
            with self.effect(seam, detail):
                return do(*args, **kwargs)

        return watched

    def _point(self, name: str) -> None:
        self.passed.append(name)
        death = self.death
        now = death and death.point == name and self.passed.count(name) == death.passes + 1
        if now or name in self.everywhere:
            self.tell(name)
            os.kill(os.getpid(), signal.SIGKILL)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """All that this process writes in the block passes here; nothing is forced to the disk."""
        with (
            patch.dict(vars(os), {name: self.around(name, getattr(os, name)) for name in _CALLS}),
            patch.multiple(os, open=self._open, fsync=lambda _: None),
            patch.object(database, "_SETTINGS", ("journal_mode = WAL", "synchronous = OFF")),
            patch.object(sqlite3, "connect", partial(sqlite3.connect, factory=_connections(self))),
            patch.object(Journal, "record", self._record),
        ):
            yield

    def _open(self, path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        if flags & os.O_CREAT:
            with self.effect("create"):
                return _OPEN(path, flags, *args, **kwargs)
        return _OPEN(path, flags, *args, **kwargs)

    @property
    def _record(self) -> Callable[[Journal, str, TaskResult], None]:
        def record(journal: Journal, key: str, result: TaskResult) -> None:
            with self.effect("record", type(result).__name__):
                _RECORD(journal, key, result)

        return record


_OPEN, _RECORD = os.open, Journal.record


def _caller(frame: FrameType | None) -> str:
    """The first function of the agents that is behind no seam."""
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("agents.") and not module.startswith(_SEAMS):
            return f"{module.removeprefix('agents.')}.{frame.f_code.co_qualname}"
        frame = frame.f_back
    return "the beginning"


def _connections(points: Points) -> type[sqlite3.Connection]:
    class Watched(sqlite3.Connection):
        """Commits are points, and so are tables that are made, which SQLite commits by itself."""

        def __exit__(self, *exception: Any) -> Any:
            if not self.in_transaction or exception[0]:
                return super().__exit__(*exception)
            with points.effect("commit"):
                return super().__exit__(*exception)

        def executescript(self, script: str) -> sqlite3.Cursor:
            with points.effect("tables"):
                return super().executescript(script)

        def execute(self, query: str, *args: Any) -> sqlite3.Cursor:
            if self.in_transaction or not query.startswith("CREATE"):
                return super().execute(query, *args)
            with points.effect("tables"):
                return super().execute(query, *args)

    return Watched


@dataclass
class WatchedNode:
    """A node to which transactions are sent by name."""

    node: Provider
    points: Points
    names: Mapping[bytes, str]

    def make_request(self, method: str, params: Any) -> Mapping[str, Any]:
        """See `Provider`."""
        if method != "eth_sendRawTransaction":
            return self.node.make_request(method, params)
        data = rlp.decode(bytes.fromhex(params[0][2:])[1:])[_DATA]
        functions = sorted(set(called_functions(data, self.names)))
        with self.points.effect("send", "+".join(functions)):
            return self.node.make_request(method, params)


@dataclass
class WatchedStore:
    """A store that is written to by name."""

    store: ObjectStore
    points: Points

    def put(self, data: Data) -> ObjectId:
        """See `ObjectStore`."""
        with self.points.effect("put"):
            return self.store.put(data)

    def delete(self, object_id: ObjectId) -> None:
        """See `ObjectStore`."""
        with self.points.effect("delete"):
            self.store.delete(object_id)

    def get(self, object_id: ObjectId, most: int = MAX_OBJECT_BYTES) -> bytes:
        """See `ObjectStore`."""
        return self.store.get(object_id, most)

    def fetch(self, object_id: ObjectId, file: Path, most: int = MAX_OBJECT_BYTES) -> None:
        """See `ObjectStore`."""
        self.store.fetch(object_id, file, most)

    def holds(self, object_id: ObjectId) -> bool:
        """See `ObjectStore`."""
        return self.store.holds(object_id)

    def by(self, author: bytes) -> ObjectStore:
        """See `ObjectStore`."""
        return self.store.by(author)


@dataclass
class WatchedWorker:
    """A worker whose tasks are begun and done."""

    worker: Worker
    points: Points

    def perform(self, task: Task[TaskResult]) -> TaskResult:
        """See `Worker`."""
        with self.points.effect("work", type(task).__name__):
            return self.worker.perform(task)
