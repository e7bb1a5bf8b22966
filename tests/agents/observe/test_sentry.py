"""The process beside an agent: who asks is answered, and an agent that hangs is ended in time.

Rules: A1.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agents.core.errors import BadInput
from agents.observe import sentry as module
from agents.observe.sentry import Sentry

pytestmark = pytest.mark.forks


@contextmanager
def listening() -> Iterator[Sentry]:
    sentry = Sentry("127.0.0.1:0")
    try:
        yield sentry
    finally:
        sentry.close()


def ask(sentry: Sentry, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{sentry.port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def ask_until(sentry: Sentry, path: str, wanted: int) -> str:
    """What it says once it answers so; what was published is on its way for a moment."""
    until = time.monotonic() + 5
    while (found := ask(sentry, path))[0] != wanted:
        assert time.monotonic() < until, found
        time.sleep(0.01)
    return found[1]


def test_says_what_the_agent_said_last() -> None:
    with listening() as sentry:
        assert ask(sentry, "/health") == (200, "ok\n")
        assert ask(sentry, "/ready") == (503, "it is starting\n")
        sentry.publish("", b"holdfast_x 1\n")
        assert ask_until(sentry, "/ready", 200) == "ok\n"
        assert ask(sentry, "/metrics?x=1") == (200, "holdfast_x 1\n")
        sentry.publish("the store: \x1b[31m no\nanswer", b"")
        assert ask_until(sentry, "/ready", 503) == "the store: \\x1b[31m no\\x0aanswer\n"
        assert ask(sentry, "/else")[0] == 404


def test_a_loop_that_does_not_turn_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STILL_SECONDS", 0.05)
    with listening() as sentry:
        assert "has not turned for 0 s" in ask_until(sentry, "/health", 503)


def test_who_asks_and_says_nothing_keeps_nobody_waiting() -> None:
    with listening() as sentry, socket.create_connection(("127.0.0.1", sentry.port)):
        assert ask(sentry, "/health")[0] == 200


def test_more_than_it_reads_is_dropped() -> None:
    sentry = Sentry()
    assert (sentry.port, sentry.listens) == (0, False)
    for _ in range(200):
        sentry.publish("", bytes(10_000))
    sentry.close()
    sentry.publish("", b"nobody is there")


@pytest.mark.parametrize("listen", ["nonsense", "127.0.0.1:", "127.0.0.1:99999", "203.0.113.1:1", ":x"])
def test_a_place_where_nobody_can_listen_is_one_line(listen: str) -> None:
    with pytest.raises(BadInput, match=f"^listen: {listen}: .*: name a free one, as 127.0.0.1:9464$"):
        Sentry(listen)


def test_a_port_that_is_taken_is_one_line() -> None:
    with listening() as sentry, pytest.raises(BadInput, match="Address already in use"):
        Sentry(f"127.0.0.1:{sentry.port}")


AGENT = """
import signal, sys, time
from agents.observe import sentry
sentry.HARD_SECONDS = 0.3
guard = sentry.Sentry()
signal.signal(signal.SIGTERM, lambda *_: None)
print(guard._pid, flush=True)
if sys.argv[1] == "hangs":
    import ctypes
    ctypes.PyDLL(None).sleep(60)     # holds the interpreter: no handler and no thread of it runs
if sys.argv[1] == "ends":
    time.sleep(0.05)
    guard.close()
if sys.argv[1] == "dies":
    time.sleep(60)
"""


def agent(how: str) -> tuple[subprocess.Popen[str], int]:
    """An agent that has begun, and its sentry's process id."""
    program = subprocess.Popen([sys.executable, "-c", AGENT, how], stdout=subprocess.PIPE, text=True)
    assert program.stdout is not None
    return program, int(program.stdout.readline())


def is_gone(pid: int) -> bool:
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1]:
        if time.monotonic() > until:
            return False
        time.sleep(0.01)
    return True


def test_an_agent_that_hangs_in_a_library_is_killed() -> None:
    program, pid = agent("hangs")
    program.send_signal(signal.SIGTERM)
    assert program.wait(10) == -signal.SIGKILL
    assert is_gone(pid)


def test_a_sentry_ends_with_an_agent_that_ends() -> None:
    program, pid = agent("ends")
    assert program.wait(10) == 0
    assert is_gone(pid)


def test_a_sentry_ends_with_an_agent_that_is_killed_and_not_by_signals_of_the_terminal() -> None:
    program, pid = agent("dies")
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(pid, number)
    time.sleep(0.1)
    os.kill(pid, 0)
    program.kill()
    program.wait(10)
    assert is_gone(pid)
