"""What a member wants with each of the datasets or models that it has, and which of the wallet's each one is.

A name is bound to a serial number of the wallet by a note in the journal, before the transaction that takes
the number. From then on what was published of it cannot change.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from typing import Literal

from agents.core.ids import Address, CoupleId, DatasetId
from agents.core.market import Market
from agents.roles.acts import LeftUndone, Note
from agents.roles.results import BoundEntry, TaskResult

DatasetState = Literal["offered", "closed", "gone"]
ModelState = Literal["trained", "stopped", "paused"]
BoundKind = Literal["dataset", "model"]


def version_of(facts: str) -> str:
    """Names what cannot change of a dataset or a model once it is published."""
    return sha256(facts.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class OfferedDataset:
    """A dataset that a data owner has, as it is wanted now.

    Attributes:
        name: as its owner has it.
        cloud_owners: for each subset, who gets a replica.
        serial: which of the wallet's datasets it is, from 1; 0 as long as it is not bound to one.
        facts: what of it cannot change once it is published, as JSON.
        state: closed takes no new requests; gone does nothing new at all.
        by_hand: whether its owner approves each couple.
        replicas: of each subset; 0 for as many as the terms allow.
        spares: for each subset, all cloud owners in the order in which they are asked when one is lost.
        a_day: how many are, at most, for a subset in a day.
        cooldown: seconds before one that is lost to a subset is asked for it again.
    """

    name: str
    cloud_owners: tuple[tuple[Address, ...], ...]
    serial: int = 0
    facts: str = ""
    state: DatasetState = "offered"
    by_hand: bool = False
    replicas: int = 0
    spares: tuple[tuple[Address, ...], ...] = ()
    a_day: int = 4
    cooldown: int = 7 * 24 * 3600

    @property
    def version(self) -> str:
        """Names the facts; empty if there are none."""
        return version_of(self.facts) if self.facts else ""


@dataclass(frozen=True)
class DatasetRef:
    """A dataset as a person names it: by its id, or by its owner and its owner's name for it.

    Attributes:
        digits: the first hexadecimal digits of the id.
        owner: the first hexadecimal digits of the owner's address, where a name is given.
        name: the owner's name for it.
    """

    digits: str = ""
    owner: str = ""
    name: str = ""

    def may_be(self, ds: DatasetId) -> bool:
        """Whether a dataset's id fits."""
        full = f"{ds:064x}"
        if self.name:
            return full.startswith(self.owner)
        return full.startswith(self.digits) or (len(self.digits) > _ADDRESS and int(self.digits, 16) == ds)

    def __str__(self) -> str:
        """As it was given."""
        return f"{self.owner}:{self.name}" if self.name else self.digits


_ADDRESS = 40


@dataclass(frozen=True)
class WantedModel:
    """A model that a model owner has, as it is wanted now.

    Attributes:
        name: as its owner has it.
        dataset: which one it is trained on; None for the first that the policy allows.
        serial: which of the wallet's models it is, from 1; 0 as long as it is not bound to one.
        ds: what it was bound to.
        facts: what of it cannot change once it is published, as JSON.
        quorum: reports that must agree, if more than a strict majority.
        spare_rounds: how many rounds are paid for beyond those of its plan, to run void ones again.
        state: stopped ends after the round under way; paused begins nothing and ends nothing.
        wait_for_cover: seconds for which a subset may have nobody before the couple is ended.
    """

    name: str
    dataset: DatasetRef | None = None
    serial: int = 0
    ds: DatasetId | None = None
    facts: str = ""
    quorum: int = 0
    spare_rounds: int = 1
    state: ModelState = "trained"
    wait_for_cover: int = 2 * 24 * 3600

    @property
    def version(self) -> str:
        """Names the facts; empty if there are none."""
        return version_of(self.facts) if self.facts else ""


# --- bindings ---


def bindings(results: Mapping[str, TaskResult], kind: BoundKind, on_chain: int) -> dict[int, BoundEntry]:
    """What is bound, by serial.

    Args:
        results: of the journal.
        kind: of what.
        on_chain: how many of the wallet's there are on the market: each of them may be bound, or not.
    """
    found = {}
    for serial in count(1):
        bound = results.get(f"{kind}/{serial}")
        if isinstance(bound, BoundEntry):
            found[serial] = bound
        elif serial > on_chain:
            return found
    raise AssertionError("there are more numbers")


def bound_facts(results: Mapping[str, TaskResult], kind: BoundKind, name: str) -> str:
    """What cannot change of the thing that has a name; empty if there is none."""
    every = (result for key, result in results.items() if key.startswith(f"{kind}/"))
    return next((one.facts for one in every if isinstance(one, BoundEntry) and one.name == name), "")


def bind(kind: BoundKind, serial: int, entry: BoundEntry) -> Note:
    """The note that binds a name."""
    return Note(f"{kind}/{serial}", entry)


def next_serial(on_chain: int, bound: Iterable[int]) -> int:
    """The first that nothing has, on the market or in the journal."""
    return max((on_chain, *bound)) + 1


def datasets_of(market: Market, owner: Address) -> int:
    """How many datasets a data owner has made."""
    return sum(dataset.owner == owner for dataset in market.datasets.values())


def models_of(market: Market, owner: Address) -> int:
    """How many models a model owner has made."""
    return sum(model.owner == owner for model in market.models.values())


def requests_on(market: Market, owner: Address) -> Iterator[tuple[int, CoupleId]]:
    """All requests that a data owner ever had, numbered from 1."""
    known = (couple for couple in market.couples.values() if couple.ds in market.datasets)
    mine = (couple.id for couple in known if market.dataset_of(couple).owner == owner)
    return enumerate(mine, 1)


# --- what is told ---


@dataclass(frozen=True)
class PausedEntry(LeftUndone):
    """A file that says nothing that can be done: what it is about rests, and nothing else."""

    file: str
    problem: str = field(compare=False)

    @property
    def key(self) -> str:
        """The file and what is wrong with it: another fault is news."""
        return f"{self.file}: {self.problem}"

    @property
    def words(self) -> str:
        """What is wrong."""
        return f"{self.file}: {self.problem}"


@dataclass(frozen=True)
class AwaitsDecision(LeftUndone):
    """A request that its data owner approves or declines itself."""

    number: int
    name: str
    tc: CoupleId

    @property
    def key(self) -> str:
        """The couple."""
        return f"by hand/{self.tc:x}"

    @property
    def words(self) -> str:
        """What to do."""
        return (
            f"request {self.number} on {self.name} waits for you: "
            f"holdfast data-owner approve {self.number}, or decline {self.number}"
        )


@dataclass(frozen=True)
class Ambiguous(LeftUndone):
    """A dataset that is named so that several may be meant."""

    model: str
    dataset: str
    candidates: tuple[DatasetId, ...]

    @property
    def key(self) -> str:
        """The model and what it names."""
        return f"{self.model}/{self.dataset}"

    @property
    def words(self) -> str:
        """Which ones there are."""
        found = ", ".join(f"{ds:064x}" for ds in self.candidates)
        return f"model {self.model} names dataset {self.dataset}, and there are {found}: write more of it"
