"""The chain's time, in the agent and in the processes that work for it.

Rules: A97.
"""

from __future__ import annotations

import os

from agents.chain.chain_time import ChainTime


def test_is_that_of_the_last_block() -> None:
    time = ChainTime()
    assert time() == 0
    time.set(1_700_000_000)
    time.set(1_700_000_012)
    assert time() == 1_700_000_012
    time.set(2**40)
    assert time() == 2**40


def test_is_the_same_in_a_process_that_was_forked_before() -> None:
    time = ChainTime()
    asked, answered = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.read(asked[0], 1)
        os.write(answered[1], time().to_bytes(8, "big"))
        os._exit(0)
    time.set(77)
    os.write(asked[1], b"?")
    assert int.from_bytes(os.read(answered[0], 8), "big") == 77
    os.waitpid(child, 0)
