"""A whole life of a market whose members have nothing in common but the chain and a bucket on an S3 server.

Each has a user of its own there, under the policy that `holdfast store grants` prints.

Rules: V16, V20.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.core.enums import CouplePhase
from agents.core.ids import Address
from agents.vault.grants import bucket_policy
from agents.vault.store import MAX_OBJECT_BYTES, ObjectStore
from testing.s3_server import S3Server, arn_of, s3_server, store_of
from testing.world import World, address_of

MEMBERS = ["data owner", "cloud owner 0", "cloud owner 1", "cloud owner 2", "model owner"]
KEPT = 10 * 24 * 3600


def user_of(name: str) -> str:
    return name.replace(" ", "-")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3"), list(map(user_of, MEMBERS))) as running:
        users: dict[Address, str] = {address_of(name): arn_of(user_of(name)) for name in MEMBERS}
        running.let(bucket_policy(running.url, users))
        yield running


class Apart(World):
    """A world whose members share no store in memory."""

    server: S3Server

    def store_of(self, name: str) -> ObjectStore:
        author = bytes.fromhex(address_of(name)[2:])
        partial = self.folder / name / "partial"
        return store_of(self.server, user_of(name), author, partial, MAX_OBJECT_BYTES)


def test_they_train_over_a_bucket_and_leave_in_it_what_is_needed(server: S3Server, tmp_path: Path) -> None:
    Apart.server = server
    world = Apart(tmp_path)
    world.play()
    assert world.couple.phase is CouplePhase.COMPLETED
    assert not world.store.objects, "nothing went through memory"
    before = counts(server)
    assert min(before.values()) > 1
    let_pass(world)
    assert counts(server) == dict.fromkeys(MEMBERS, 1) | {
        "data owner": before["data owner"] - 1  # the dataset is over, its replicas are about to be
    }
    let_pass(world)
    assert counts(server) == dict.fromkeys(MEMBERS, 1), "canaries"


def counts(server: S3Server) -> dict[str, int]:
    """How many objects each member has."""
    return {name: server.objects_of(address_of(name)) for name in MEMBERS}


def let_pass(world: World) -> None:
    """All act until nobody has anything to do, long after."""
    world.chain.now += KEPT
    while sum(agent.step() for agent in world.agents):
        pass
