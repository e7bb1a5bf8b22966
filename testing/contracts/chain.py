"""The chain on which contracts are tested: of this process, or Brownie's where Brownie runs the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from agents.chain.codec import Entry
from agents.core.events import MarketEvent
from testing.contracts.in_process import EvmChain


class ContractChain(Protocol):
    """Accounts with coins, contracts that they deploy and call, and time that goes as the test says.

    Accounts, contracts and transactions are Brownie's, or behave as these.

    Attributes:
        reverted: what is raised by a transaction or call that reverts; its `revert_msg` names the error.
    """

    reverted: type[Exception]

    @property
    def id(self) -> int: ...

    @property
    def accounts(self) -> Sequence[Any]: ...

    def account(self, address: str) -> Any: ...

    def deploy_market(self) -> Any: ...

    def deploy(self, code: bytes, abi: Sequence[Entry], value: int = 0) -> Any: ...

    def events(self, transaction: Any) -> list[MarketEvent]: ...

    def history(self, contract: Any) -> list[MarketEvent]: ...

    def now(self) -> int: ...

    def travel_to(self, timestamp: int) -> None: ...

    def at(self, timestamp: int, act: Callable[[], Any]) -> Any: ...

    def isolation(self, request: Any, scope: str) -> Iterator[None]: ...


_CHAIN: list[ContractChain] = []


def chain() -> ContractChain:
    """The one that this process uses."""
    if not _CHAIN:
        _CHAIN.append(EvmChain())
    return _CHAIN[0]


def use(other: ContractChain) -> None:
    """From now on this process uses another one."""
    _CHAIN[:] = [other]
