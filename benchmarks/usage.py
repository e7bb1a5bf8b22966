"""What a chain's programs and we ourselves take of the machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event, Thread

import psutil

from benchmarks.profile import Json

SAMPLE_SECONDS = 0.25
_MIB = 2**20


@dataclass(frozen=True, slots=True)
class Usage:
    """What was used between two moments.

    Attributes:
        node_cores: mean number of cores that the chain's programs kept busy.
        node_memory: their greatest resident memory, in MiB.
        client_cores: the same of this process.
        client_memory: the same of this process.
    """

    node_cores: float
    node_memory: float
    client_cores: float
    client_memory: float

    def json(self) -> dict[str, Json]:
        """Rounded, for the report."""
        return {
            "node_cores": round(self.node_cores, 2),
            "node_memory_mib": round(self.node_memory),
            "client_cores": round(self.client_cores, 2),
            "client_memory_mib": round(self.client_memory),
        }


class Meter:
    """Measures for the length of a ``with`` block; `usage` is known after it."""

    def __init__(self, groups: Sequence[int]) -> None:
        self._node = [
            process
            for group in groups
            for process in (psutil.Process(group), *psutil.Process(group).children(recursive=True))
        ]
        self._client = psutil.Process()
        self._peaks = [0.0, 0.0]
        self._ended = Event()
        self._thread = Thread(target=self._sample, daemon=True)
        self._usage: Usage | None = None

    def __enter__(self) -> Meter:
        self._before = (time.monotonic(), _cpu(self._node), _cpu([self._client]))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        began, node, client = self._before
        wall = time.monotonic() - began
        self._usage = Usage(
            (_cpu(self._node) - node) / wall,
            self._peaks[0],
            (_cpu([self._client]) - client) / wall,
            self._peaks[1],
        )

    @property
    def usage(self) -> Usage:
        """What was used, once the block is over."""
        assert self._usage is not None
        return self._usage

    def _sample(self) -> None:
        while True:
            for place, processes in enumerate((self._node, [self._client])):
                self._peaks[place] = max(self._peaks[place], _memory(processes))
            if self._ended.wait(SAMPLE_SECONDS):
                return


def _cpu(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _memory(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for process in processes:
        try:
            total += process.memory_info().rss / _MIB
        except psutil.NoSuchProcess:
            continue
    return total
