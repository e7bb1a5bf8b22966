"""What checks are given, what they find, and how all of them are gone through."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, Literal

from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.chain.wallet import Keys
from agents.core.errors import HoldfastError
from agents.core.ids import Address
from agents.kit.document import Kit
from agents.kit.names import kit_at
from agents.runtime import launch
from agents.runtime.options import role_at
from agents.runtime.settings import AgentSettings
from agents.vault.store import ObjectStore

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True)
class Finding:
    """One line of a check: how it stands, and what to do if it does not stand well."""

    level: Level
    words: str


def author_of(member: Address) -> bytes:
    """Under which 20 bytes a member puts objects."""
    return bytes.fromhex(member.removeprefix("0x"))


def ok(words: str) -> Finding:
    """All is well."""
    return Finding("ok", words)


def warn(words: str) -> Finding:
    """It works, and may not for long."""
    return Finding("warn", words)


def fail(words: str) -> Finding:
    """It cannot work so."""
    return Finding("FAIL", words)


@dataclass
class Case:
    """An agent as it is set up. What cannot be had is a `HoldfastError` where a check asks for it.

    Attributes:
        settings: in force.
        write: whether something may be put into the store.
        clock: this machine's, in seconds since 1970.
    """

    settings: AgentSettings
    write: bool = False
    clock: Callable[[], float] = field(default=time.time)

    @cached_property
    def kit(self) -> Kit | None:
        """The kit in the home."""
        return kit_at(self.settings.home)

    @cached_property
    def role(self) -> str | None:
        """Of the agent, as its settings file says."""
        return role_at(self.settings.home)

    @cached_property
    def _opened(self) -> Keys | HoldfastError:
        """Tried once: a password is not asked for again by each check."""
        try:
            return launch.unlock(self.settings)
        except HoldfastError as problem:
            return problem

    @property
    def keys(self) -> Keys:
        """The opened wallet."""
        if isinstance(self._opened, HoldfastError):
            raise self._opened
        return self._opened

    @cached_property
    def address(self) -> Address:
        """Of the wallet."""
        return self.keys.address

    @cached_property
    def deployment(self) -> Deployment:
        """Where the market is."""
        return Deployment.load(self.settings.deployment)

    @cached_property
    def client(self) -> MarketClient:
        """The market, through all nodes that are named."""
        settings = self.settings
        return MarketClient.connect(
            settings.rpc, self.deployment, settings.timeout_seconds, settings.node_access
        )

    @cached_property
    def store(self) -> ObjectStore:
        """The object store, as this member has it."""
        return self.store_of(self.address)

    def store_of(self, member: Address) -> ObjectStore:
        """The object store as if this were another member: it should not be let do what that one may."""
        home = self.settings.home
        return self.settings.store_place.of_member(author_of(member), home / launch.PARTIAL_FOLDER)


Check = Callable[[Case], Iterable[Finding]]


def examined(case: Case, checks: dict[str, Check]) -> Iterator[tuple[int, str, Finding]]:
    """All findings of all checks, in order; one that cannot be made is a finding too."""
    for number, (name, check) in enumerate(checks.items(), 1):
        for finding in _findings(case, check):
            yield number, name, finding


def _findings(case: Case, check: Check) -> Iterator[Finding]:
    try:
        yield from check(case)
    except HoldfastError as problem:
        yield fail(str(problem))


def shown_ether(wei: int) -> str:
    """An amount for people: ether, to three digits that count."""
    return f"{wei / _ETHER:.3g} ether"


_ETHER: Final[Any] = 10**18
