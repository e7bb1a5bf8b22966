"""What an agent's home tells of the market and of what it has there: with no node, while it runs or after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from agents.chain.home_view import read_home
from agents.core.errors import BadInput
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, dataset_id, model_id
from agents.core.market import Market
from agents.roles.acts import Identity, Situation
from agents.roles.portfolio import bindings, datasets_of, models_of
from agents.roles.results import BoundEntry, TaskResult
from agents.storage.journal import read_results

JOURNAL_FILE = "journal.sqlite"
CHAIN_FILE = "chain.sqlite"
_LEAST_DIGITS = 6
T = TypeVar("T")


@dataclass(frozen=True)
class KnownHome:
    """A home, as its files are now.

    Attributes:
        address: whose home it is.
        now: the time of the last block that was read, in seconds.
        results: of its journal.
    """

    home: Path
    address: Address
    market: Market
    now: int
    results: Mapping[str, TaskResult]

    @classmethod
    def read(cls, home: Path) -> KnownHome:
        """Reads a home.

        Raises:
            BadInput: its agent has read nothing yet, or its database is damaged.
            StorageFailed: it cannot be read.
        """
        view = read_home(home / CHAIN_FILE)
        if view is None or not view.member:
            raise BadInput(f"{home}: its agent has read nothing of the market yet: let it run first")
        return cls(home, view.member, view.market, view.upto.timestamp, read_results(home / JOURNAL_FILE))

    @property
    def situation(self) -> Situation:
        """As a role would decide on it."""
        return Situation(self.market, self.results, self.now)

    @property
    def identity(self) -> Identity:
        """The owner's, without any secret."""
        return Identity(self.address, b"", _no_secret, b"")

    @property
    def datasets(self) -> dict[int, BoundEntry]:
        """Its datasets that have a name, by serial."""
        return bindings(self.results, "dataset", datasets_of(self.market, self.address))

    @cached_property
    def names(self) -> dict[int, str]:
        """How its owner calls datasets, models and couples, by their ids."""
        return names_of(self.market, self.address, self.results)

    def called(self, asset: int) -> str:
        """An asset for people: ``fair (7099ab..)``."""
        name = self.names.get(asset)
        return f"{name} ({shortened(asset)})" if name else shortened(asset)

    # --- what a person means ---

    def dataset(self, text: str) -> DatasetId:
        """The dataset that is meant by a name, an id or the first digits of one.

        Raises:
            BadInput: there is none, or more than one.
        """
        return DatasetId(self._one("dataset", text, self.market.datasets))

    def couple(self, text: str) -> CoupleId:
        """The couple; see `dataset`."""
        return CoupleId(self._one("couple", text, self.market.couples))

    def instance(self, text: str) -> InstanceId:
        """The owner's instance; see `dataset`. Its name is its dataset's, its subset and its replica."""
        mine = [one.id for one in self.market.instances_at(self.address)]
        return InstanceId(self._one("instance", text, mine))

    def member(self, text: str) -> Address:
        """The member; see `dataset`."""
        found = [one for one in self.market.members if _begins(int(one, 16), text, 40)]
        return _single("member", text, found, [str(one) for one in found])

    def _one(self, what: str, text: str, among: Iterable[int]) -> int:
        every = list(among)
        named = [asset for asset in every if self.names.get(asset) == text]
        found = named or [asset for asset in every if _begins(asset, text, 64)]
        return _single(what, text, found, [f"{self.names.get(one, '')} {one:064x}".strip() for one in found])


def names_of(market: Market, owner: Address, results: Mapping[str, TaskResult]) -> dict[int, str]:
    """How an owner calls its datasets, models and couples, by their ids.

    Args:
        market: the mirror.
        owner: of them.
        results: of the journal of its agent.
    """
    datasets = bindings(results, "dataset", datasets_of(market, owner))
    models = bindings(results, "model", models_of(market, owner))
    mods = {int(model_id(owner, serial)): one.name for serial, one in models.items()}
    couples = {int(one.id): mods[one.mod] for one in market.couples.values() if one.mod in mods}
    return {int(dataset_id(owner, serial)): one.name for serial, one in datasets.items()} | mods | couples


def shortened(asset: int) -> str:
    """An id for people, where there is no room for all of it."""
    return f"{asset:064x}"[:_LEAST_DIGITS] + ".."


def _begins(number: int, text: str, digits: int) -> bool:
    """Whether a number's digits begin so; one with few digits has to be all of it."""
    given = text.lower().removeprefix("0x")
    if not given or set(given) - set("0123456789abcdef"):
        return False
    if len(given) >= _LEAST_DIGITS and f"{number:0{digits}x}".startswith(given):
        return True
    return int(given, 16) == number


def _single(what: str, text: str, found: list[T], shown: list[str]) -> T:
    if len(found) == 1:
        return found[0]
    if found:
        raise BadInput(f"{text!r} may be each of {', '.join(sorted(shown))}: write more of it")
    raise BadInput(
        f"no {what} is called {text!r}: give its name, its id, or at least {_LEAST_DIGITS} digits of that"
    )


def _no_secret(purpose: bytes) -> bytes:
    raise AssertionError(f"no wallet is open: {purpose!r}")
