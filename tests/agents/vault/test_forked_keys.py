"""Agents seal in processes that were forked from theirs: none repeats another's randomness."""

from __future__ import annotations

import os

import pytest

from agents.vault.keys import PublicKey, SecretKey
from agents.vault.sealing import seal

pytestmark = pytest.mark.forks


def test_forked_processes_make_keys_and_nonces_of_their_own() -> None:
    reader = SecretKey.generate().public_key  # the library's generator is seeded before the forks
    ours = seal(reader, b"").blob
    theirs = [in_a_fork(reader) for _ in range(3)]
    blobs = [ours, seal(reader, b"").blob, *theirs]
    assert {len(blob) for blob in blobs} == {len(ours)}
    assert len({blob[1:33] for blob in blobs}) == len(blobs)
    assert len({blob[33:45] for blob in blobs}) == len(blobs)


def in_a_fork(reader: PublicKey) -> bytes:
    """What a process seals that is forked now."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, seal(reader, b"").blob)
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as end:
        blob = end.read()
    os.waitpid(child, 0)
    return blob
