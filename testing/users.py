"""Several users of one machine: as they are, in processes of their own, or pretended to in this one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import Pipe
from typing import Any, Protocol, TypeVar

import pytest

from agents.storage import shared

T = TypeVar("T")


class Users(Protocol):
    """Whoever acts, acts as the user that a test names."""

    def act(self, uid: int, do: Callable[[], T]) -> T:
        """What `do` gives, or raises, when this user does it."""


class RealUsers:
    """A process for each act. Only root can have them."""

    def act(self, uid: int, do: Callable[[], T]) -> T:
        """See `Users`."""
        mine, theirs = Pipe(duplex=False)
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
                theirs.send((do(), None))
            except BaseException as error:  # noqa: BLE001  # whatever it is, the test is told
                theirs.send((None, error))
            finally:
                os._exit(0)
        theirs.close()
        result, failure = mine.recv()
        os.waitpid(pid, 0)
        if failure is not None:
            raise failure
        return result  # type: ignore[no-any-return]


@dataclass
class PretendedUsers:
    """One process that says it is this user or that one. Permissions are the real user's.

    Attributes:
        owners: of the folders that each made, by inode.
    """

    owners: dict[int, int] = field(default_factory=dict)

    def act(self, uid: int, do: Callable[[], T]) -> T:
        """See `Users`."""
        with self._as(uid):
            return do()

    @contextmanager
    def _as(self, uid: int) -> Iterator[None]:
        mkdir = os.mkdir

        def makes(path: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
            mkdir(path, mode, dir_fd=dir_fd)
            self.owners[os.stat(path, dir_fd=dir_fd).st_ino] = uid

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(os, "geteuid", lambda: uid)
            patch.setattr(os, "mkdir", makes)
            patch.setattr(shared, "_owner", lambda status: self.owners.get(status.st_ino, status.st_uid))
            yield
