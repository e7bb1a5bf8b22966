"""Who plays: members by role, who of them is honest, and what each of them knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from random import Random

from agents.core.hashing import chain_link, training_receipt
from agents.core.ids import Address, CoupleId, InstanceId
from testing.fake_market import FakeMarket
from testing.world import address_of

LINKS = 9
"""How many rounds a seed chain serves, whatever was asked for."""


@dataclass(frozen=True)
class Participants:
    """The members of one play.

    Attributes:
        liars: cloud owners that may report anything, flag at will or stay silent; the others report what they
            trained, or nothing.
    """

    data_owners: tuple[Address, ...]
    cloud_owners: tuple[Address, ...]
    model_owners: tuple[Address, ...]
    strangers: tuple[Address, ...]
    liars: frozenset[Address]

    @classmethod
    def of(cls, rng: Random) -> Participants:
        """Of the cloud owners none, few or most lie."""
        members = {role: _members(role, count) for role, count in _PLAYERS.items()}
        liars = frozenset(rng.sample(members["CO"], rng.choice((0, 1, 2, 2, 3, 5))))
        return cls(members["DO"], members["CO"], members["MO"], members["nobody"], liars)

    @property
    def everybody(self) -> tuple[Address, ...]:
        """All who may send a call."""
        return self.data_owners + self.cloud_owners + self.model_owners + self.strangers


_PLAYERS = {"DO": 2, "CO": 7, "MO": 2, "nobody": 2}


@cache
def _members(role: str, count: int) -> tuple[Address, ...]:
    return tuple(address_of(f"{role} {number}") for number in range(count))


def secret(*about: object) -> bytes:
    """32 bytes that only who knows what they are about can name."""
    return sha256("/".join(map(str, about)).encode()).digest()


LIE = secret("what liars have agreed to say")


@cache
def digest_of(tc: CoupleId, round_: int, subset: int) -> bytes:
    """What an honest cloud owner trains."""
    return secret("model", tc, round_, subset)


def link(party: str, tc: CoupleId, round_: int) -> bytes:
    """A link of the chain to which the DO or the MO has committed; round 0 is its tip."""
    chain = _chain(party, tc)
    return chain[min(round_, LINKS)]


@cache
def _chain(party: str, tc: CoupleId) -> tuple[bytes, ...]:
    return tuple(chain_link(secret(party, tc), LINKS, round_) for round_ in range(LINKS + 1))


@cache
def report_of(tc: CoupleId, round_: int, ci: InstanceId, co: Address, digest: bytes) -> tuple[bytes, bytes]:
    """A receipt that opens to ``digest``, and its nonce."""
    nonce = secret("nonce", tc, round_, ci, digest.hex())
    return training_receipt(FakeMarket.domain, tc, round_, ci, co, digest, nonce), nonce
