"""Many lives with one beginning: where somebody is to be killed, the life goes on in a fork of the process.

The fork has the chain as it is; the homes and the objects are copied, and all agents are started on the copy.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

from assurance.crashes.deaths import Place
from assurance.crashes.life import Life, Outcome, Passed


@dataclass(frozen=True)
class Survived:
    """What came of a life in which somebody was killed.

    Attributes:
        problems: in what it differs from the undisturbed one, a line each; none if it does not.
        seconds: that it took.
    """

    place: Place
    problems: list[str]
    seconds: float


def undisturbed() -> tuple[Outcome, list[Passed]]:
    """A life in which nobody is killed, and all that was passed in it."""
    with tempfile.TemporaryDirectory() as folder:
        life = Life(Path(folder))
        return life.play(), life.passed


def live(places: Sequence[Place], expected: Outcome, jobs: int = 0) -> Iterator[Survived]:
    """A life for each place.

    Args:
        places: where somebody is killed.
        expected: the outcome of the undisturbed life.
        jobs: how many lives go on at once; by default one a core.
    """
    with tempfile.TemporaryDirectory() as folder:
        trunk = _Trunk(Path(folder), places, expected, jobs or os.cpu_count() or 1)
        Life(Path(folder) / "trunk", before=trunk.fork).play()
        yield from trunk.ended()


@dataclass
class _Trunk:
    folder: Path
    places: Sequence[Place]
    expected: Outcome
    jobs: int
    _running: dict[Connection, tuple[Place, int, Path]] = field(default_factory=dict)
    _ended: list[Survived] = field(default_factory=list)
    _is_fork: bool = False

    def fork(self, life: Life) -> None:
        """Before a turn: forks a life for each place in it."""
        for place in () if self._is_fork else self.places:
            if place.turn == life.turns + 1:
                self._wait_for(self.jobs - 1)
                self._branch(life, place)

    def ended(self) -> list[Survived]:
        """All that came to their end, by then all."""
        self._wait_for(0)
        return self._ended

    def _branch(self, life: Life, place: Place) -> None:
        copy = Path(tempfile.mkdtemp(dir=self.folder))
        life.copy(copy)
        ours, theirs = Pipe(duplex=False)
        pid = os.fork()
        if pid == 0:
            try:
                self._is_fork = True
                theirs.send_bytes(json.dumps(self._lived(life, place, copy)).encode())
            finally:
                os._exit(0)
        theirs.close()
        self._running[ours] = place, pid, copy

    def _lived(self, life: Life, place: Place, copy: Path) -> tuple[list[str], float]:
        begun = time.monotonic()
        life.move(copy)
        problems = _problems(life, place, self.expected)
        if not life.killed:  # an agent that starts there does it otherwise than one that was there before
            with tempfile.TemporaryDirectory(dir=self.folder) as folder:
                problems = _alone(Path(folder), place, self.expected)
        return problems, time.monotonic() - begun

    def _wait_for(self, most: int) -> None:
        while len(self._running) > most:
            for connection in wait(list(self._running)):
                assert isinstance(connection, Connection)
                place, pid, copy = self._running.pop(connection)
                try:
                    problems, seconds = json.loads(connection.recv_bytes())
                except EOFError:
                    problems, seconds = ["the life broke off"], 0.0
                os.waitpid(pid, 0)
                connection.close()
                shutil.rmtree(copy)
                self._ended.append(Survived(place, problems, seconds))


def _alone(folder: Path, place: Place, expected: Outcome) -> list[str]:
    """The whole life, with one death."""

    def kill(life: Life) -> None:
        if life.turns + 1 == place.turn:
            life.deaths[place.role] = place.death

    life = Life(folder, before=kill)
    problems = _problems(life, None, expected)
    return problems if life.killed else [*problems, "nobody was killed"]


def _problems(life: Life, place: Place | None, expected: Outcome) -> list[str]:
    if place is not None:
        life.deaths[place.role] = place.death
    try:
        return life.play().differs_from(expected)
    except Exception as problem:  # noqa: BLE001  # whatever it is, it is what we look for
        return [f"{type(problem).__name__}: {problem}"]
