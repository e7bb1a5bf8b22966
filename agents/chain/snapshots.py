"""The mirror on the disk, now and then, so that a start does not play the whole history again.

A snapshot is of all events up to a block. It is of the code that made it, which is named by a digest of its
source: one of another version is dropped and made anew from the events, which are the truth. What is taken
back or mended below it drops it too (`agents.chain.archive`).
"""

from __future__ import annotations

import inspect
import io
import logging
import pickle
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from typing import Any

from agents.chain.database import ChainDatabase
from agents.core import assets, enums, events, fit, market
from agents.core.errors import BadObject
from agents.core.market import Market

log = logging.getLogger(__name__)

EVERY_EVENTS = 5_000
"""At least so many events lie between two snapshots, ..."""

SHARE = 4
"""... and one in so many of all that were played: what is written stays a small part of what is read."""

KEPT = 2
"""Snapshots: a re-org that takes back the last one falls back to the one before."""

_OURS = tuple(module.__name__ for module in (assets, enums, events, market))
_OTHERS = {("collections", "defaultdict"), ("builtins", "int"), ("builtins", "set"), ("builtins", "getattr")}


class Snapshots:
    """Snapshots of one market's mirror.

    Args:
        database: keeps them.

    Raises:
        StorageFailed: it cannot be read or written. So may every method.
    """

    def __init__(self, database: ChainDatabase) -> None:
        self._database = database
        self._played = 0
        self._at_last = 0

    def latest(self) -> tuple[Market, int]:
        """The last mirror that this code made, and the block up to which it is; an empty one, and -1."""
        found, block, self._played = latest_snapshot(self._database.rows)
        self._at_last = self._played
        return found, block

    def played(self, events: int) -> None:
        """So many more events are in the mirror."""
        self._played += events

    @property
    def is_due(self) -> bool:
        """Whether enough events came since the last one."""
        return self._played - self._at_last >= max(EVERY_EVENTS, self._played // SHARE)

    def keep(self, mirror: Market, block: int) -> None:
        """Keeps the mirror of all events up to a block, and of older ones the last."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM snapshot WHERE code != ?", (_code(),))
            values = (block, self._played, _code(), pickle.dumps(mirror, pickle.HIGHEST_PROTOCOL))
            connection.execute("INSERT OR REPLACE INTO snapshot VALUES (?, ?, ?, ?)", values)
            last = "SELECT block FROM snapshot ORDER BY block DESC LIMIT ?"
            connection.execute(f"DELETE FROM snapshot WHERE block NOT IN ({last})", (KEPT,))
        self._at_last = self._played


def latest_snapshot(rows: Callable[..., list[Any]]) -> tuple[Market, int, int]:
    """As `Snapshots.latest`, with the number of its events.

    Args:
        rows: of a query and its values.
    """
    query = "SELECT block, events, market FROM snapshot WHERE code = ? ORDER BY block DESC"
    for block, count, data in rows(query, _code()):
        try:
            return _read(data), block, count
        except BadObject as bad:
            log.info("the snapshot of block %d is left aside: %s", block, bad)
    return Market(), -1, 0


class _Reader(pickle.Unpickler):
    """Makes what a mirror is made of, and nothing else: the file may be from anywhere."""

    def find_class(self, module: str, name: str) -> Any:
        """See `pickle.Unpickler`."""
        if module in _OURS or (module, name) in _OTHERS:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of a mirror")


def _read(data: bytes) -> Market:
    """The mirror in a snapshot.

    Raises:
        BadObject: it is damaged.
    """
    try:
        found = _Reader(io.BytesIO(data)).load()
    except Exception as error:  # a damaged pickle fails in as many ways as there are bytes
        raise BadObject(f"it is damaged ({type(error).__name__})") from error
    if not isinstance(found, Market):
        raise BadObject("it is no mirror")
    return found


@cache
def _code() -> bytes:
    """Names the code that makes a mirror of events, 32 bytes."""
    sources = (inspect.getsource(module) for module in (assets, enums, events, fit, market))
    return sha256("\0".join(sources).encode()).digest()
