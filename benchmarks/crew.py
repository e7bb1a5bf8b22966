"""The transactions of many lives, signed ahead on all cores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain

from agents.chain.codec import Codec
from agents.core.calls import Call
from agents.core.enums import Role
from agents.core.hashing import receipt_domain
from agents.core.ids import Address
from benchmarks.life import ROLES, Life, LifeStep
from benchmarks.signing import RawTransaction, Signer
from benchmarks.site import Site

GAS_LIMIT = 300_000
"""Of every transaction of a life; the dearest takes less than 200,000."""
_CHUNK = 50


@dataclass(frozen=True, slots=True)
class Sendable:
    """A signed step of a life.

    Attributes:
        life: number of the life in its crew.
    """

    life: int
    stage: int
    kind: str
    signed: RawTransaction


def sign_all(site: Site, names: Sequence[str], *, joined: bool) -> list[list[Sendable]]:
    """The transactions of these lives, by stage.

    Args:
        site: the market on its chain.
        names: of the lives; their members are new on the chain.
        joined: in few transactions, or as the paper has them.
    """
    numbered = list(enumerate(names))
    chunks = [numbered[start : start + _CHUNK] for start in range(0, len(numbered), _CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        signed = chain.from_iterable(pool.map(partial(_sign, site, joined), chunks))
        stages: list[list[Sendable]] = []
        for one in sorted(signed, key=lambda one: (one.stage, one.life)):
            while len(stages) <= one.stage:
                stages.append([])
            stages[one.stage].append(one)
    return stages


def addresses(names: Sequence[str]) -> list[Address]:
    """All members of these lives."""
    return [Life(name).address(role) for name in names for role in ROLES]


def steps_of(life: Life, domain: bytes, *, joined: bool) -> tuple[LifeStep, ...]:
    """The life in few transactions, or as the paper has it."""
    return life.joined(domain) if joined else life.apart(domain)


def data_of(codec: Codec, calls: Sequence[Call]) -> bytes:
    """What a transaction that makes these calls says."""
    if len(calls) == 1:
        return codec.call(calls[0])
    return codec.request("multicall", ([codec.call(call) for call in calls],))


def _sign(site: Site, joined: bool, lives: Sequence[tuple[int, str]]) -> list[Sendable]:
    codec = Codec(site.abi)
    domain = receipt_domain(site.chain_id, site.market)
    made: list[Sendable] = []
    for number, name in lives:
        life = Life(name)
        signers = {role: Signer(life.secret(role), site.chain_id, site.gas_price) for role in ROLES}
        nonces = dict.fromkeys(ROLES, 0)
        for step in steps_of(life, domain, joined=joined):
            signed = _signed(site, signers[step.role], nonces[step.role], step, codec)
            nonces[step.role] += 1
            made.append(Sendable(number, step.stage, step.kind, signed))
    return made


def _signed(site: Site, signer: Signer, nonce: int, step: LifeStep, codec: Codec) -> RawTransaction:
    return signer.sign(nonce, site.market, step.value, data_of(codec, step.calls), GAS_LIMIT)


def signer_of(life: Life, role: Role, site: Site) -> Signer:
    """A member's account on this chain."""
    return Signer(life.secret(role), site.chain_id, site.gas_price)
