"""SIGTERM ends an agent in time, whatever is in flight: a node, a store or a job that hangs, a locked file.

Rules: A1, A4.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

AGENT = """
import sqlite3, sys, time, urllib.request
from pathlib import Path
from agents.chain.blocks import BlockRef
from agents.chain.history import Batch
from agents.chain.transport import Http
from agents.core.market import Market
from agents.observe.sentry import Sentry
from agents.roles.acts import Task
from agents.runtime import launch
from agents.runtime.executor import ExecutorLimits
from agents.runtime.process_pool import ProcessPool
from agents.runtime.runner import Runner
from agents.storage.journal import Journal
from agents.roles.results import AgreedResult
from testing.script import identity

what, url, folder = sys.argv[1], sys.argv[2], Path(sys.argv[3])
launch.STEP_SECONDS = 0.3

class Chore(Task):
    key = "results/chore"

class All:
    height = coins = 0
    in_flight = False
    identity = identity("somebody")
    def mirror(self): return Market()
    def keep(self, market): pass
    def poll(self, *, resting=False):
        if what == "node":
            begun()
            Http(url, 60).make_request("eth_blockNumber", [])
        return Batch((), False, BlockRef(0, bytes(32), 0), 0)
    def doubt(self, logged): return False
    def distrust(self): pass
    def supply(self, block, events): return False
    def advance(self):
        return []
    def submit(self, intents): return []
    def decide(self, situation):
        if what == "sqlite":
            other = sqlite3.connect(folder / "journal")
            other.execute("BEGIN EXCLUSIVE")
            begun()
            journal.record("results/x", AgreedResult(digest=b"", agreeing=0))
        return [Chore()] if what in ("store", "job") else []
    def awaits(self, situation): return ""
    def perform(self, task):
        begun()
        if what == "store":
            urllib.request.urlopen(url, timeout=60).read()
        while True:
            sum(range(10**7))

def begun():
    print("begun", flush=True)

sentry = Sentry()
journal = Journal(folder / "journal")
around = All()
pool = ProcessPool(around, ExecutorLimits(), time.monotonic, sentry.leave)
with launch.stopped_by_signals() as stop:
    try:
        Runner(around, pool, around, around, journal, time.monotonic).run(stop)
    finally:
        pool.close()
        sentry.close()
print("closed", flush=True)
"""

SECONDS = 8.0
"""Generous: what is waited for is 0.3 s of a step, and a machine that has other things to do."""


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"


@pytest.mark.parametrize("what", ["node", "store", "job", "sqlite"])
def test_an_agent_ends_whatever_hangs(what: str, silent: str, tmp_path: Path) -> None:
    agent = subprocess.Popen(
        [sys.executable, "-c", AGENT, what, silent, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert agent.stdout is not None
    assert agent.stdout.readline() == "begun\n"
    began = time.monotonic()
    agent.send_signal(signal.SIGTERM)
    said, wrong = agent.communicate(timeout=15)
    assert time.monotonic() - began < SECONDS
    assert agent.returncode == 0 or what == "sqlite", wrong
    assert said.endswith("closed\n") or what == "sqlite"
    assert is_gone(agent.pid), "nobody of its group is left"


def is_gone(group: int) -> bool:
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.02)
    return False
