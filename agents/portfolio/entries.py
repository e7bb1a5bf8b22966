"""What a member says of one dataset that it offers, or of one model that it wants.

Paths are taken from the home, where they are not absolute. What is fixed cannot change once the dataset or
the model is published; the rest may, while the agent runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import AliasChoices, BeforeValidator, Field, field_validator, model_validator

from agents.core.events import DatasetTerms
from agents.core.ids import Address
from agents.learning.data.samples import PredictionTask
from agents.learning.data.tables import BUILT_IN
from agents.learning.families.registry import FAMILIES, Balance
from agents.learning.plans.defaults import MOST_ROUNDS
from agents.learning.privacy.levels import Secrecy
from agents.portfolio.checking import Checked, Flag
from agents.portfolio.terms import Terms
from agents.roles.policy import MOST_REPLICAS, MemberAddress, each
from agents.roles.portfolio import DatasetRef

MAX_SUBSETS = 256
MAX_REPLICAS = MOST_REPLICAS
_ID = r"^(0x)?[0-9a-fA-F]{6,64}$"
_NAMED = r"^0x[0-9a-fA-F]{6,40}:[a-z][a-z0-9-]{0,31}$"


class PortfolioEntry(Checked):
    """What every file of a portfolio has.

    Attributes:
        fixed: names of what cannot change once it is published.
        paths: names of what are paths.
    """

    fixed: ClassVar[tuple[str, ...]] = ()
    paths: ClassVar[tuple[str, ...]] = ()
    word: ClassVar[str] = ""

    def facts(self) -> str:
        """What cannot change, as JSON."""
        return json.dumps(self.model_dump(mode="json", include=set(self.fixed)), sort_keys=True)

    def changed_since(self, facts: str) -> str:
        """The first of what cannot change that has, as a file calls it; empty if nothing has."""
        then, now = json.loads(facts), json.loads(self.facts())
        return next((_called(name) for name in self.fixed if then.get(name) != now[name]), "")

    def at(self, home: Path) -> Self:
        """The same with paths that are good anywhere."""
        given = {name: value for name in self.paths if (value := getattr(self, name)) is not None}
        return self.model_copy(update={name: _from(home, value) for name, value in given.items()})

    def written(self) -> dict[str, Any]:
        """What a file has to say to say the same."""
        told = self.model_dump(mode="json", exclude_defaults=True)
        return {_called(name): value for name, value in told.items() if name in type(self).model_fields}


E = TypeVar("E", bound=PortfolioEntry)


class DatasetEntry(PortfolioEntry):
    """A dataset that a data owner offers."""

    fixed = (
        *("table", "target", "task", "merge_rare", "query", "group", "keep", "table_schema"),
        *("subsets", "replicas", "spare_places", "subsets_per_round", "seed", "secrecy", "privacy", "terms"),
    )
    paths = ("table", "table_schema", "privacy")
    word = "published"

    table: str = Field(description="A table's file, a database's address, or a built-in table.")
    cloud_owners: Annotated[tuple[MemberAddress, ...], BeforeValidator(each), Flag("--cloud-owner")] = Field(
        description="Address of a cloud owner; once for each."
    )
    target: str | None = Field(default=None, description="The target's column; by default the last.")
    task: PredictionTask | None = Field(
        default=None, description="classification or regression; by default as the target looks."
    )
    merge_rare: int | None = Field(default=None, ge=2, description="Classes of fewer rows become one.")
    query: str | None = Field(default=None, description="A SELECT, where the table is a database.")
    group: str | None = Field(default=None, description="Column that says whose row it is.")
    keep: Annotated[tuple[str, ...], BeforeValidator(each)] = Field(
        default=(), description="Column to keep, though it looks like an identifier; once for each."
    )
    table_schema: Annotated[Path | None, Flag("--schema")] = Field(
        default=None,
        validation_alias=AliasChoices("table_schema", "schema"),
        description="JSON file that says what the columns are: nothing is guessed.",
    )
    subsets: int = Field(default=4, ge=1, le=MAX_SUBSETS, description="How many subsets (m).")
    replicas: int = Field(default=3, ge=1, le=MAX_REPLICAS, description="Replicas of each subset (n).")
    spare_places: int = Field(
        default=0, ge=0, lt=MAX_REPLICAS, description="Places of each subset beyond those, to heal it."
    )
    subsets_per_round: Annotated[int | None, Flag("--per-round")] = Field(
        default=None, ge=1, le=MAX_SUBSETS, description="Subsets a round draws (k); by default half."
    )
    seed: int = Field(default=0, ge=0, description="Of the partition and the split.")
    secrecy: Secrecy = Field(
        default="dataset",
        description="What it promises, the most first: private, dataset, round or none.",
    )
    privacy: Path | None = Field(
        default=None,
        description="At level private: a JSON file of the columns' public ranges.",
    )
    new_people: bool = Field(
        default=False, description="The table's people are in no other that was offered; it is written down."
    )
    terms: Annotated[Terms, Flag("--terms")] = Terms()
    heal_a_day: int = Field(
        default=4, ge=0, le=255, description="Cloud owners to name for a subset in a day, when one is lost."
    )
    heal_cooldown_seconds: int = Field(
        default=7 * 24 * 3600, ge=1, description="Seconds before one that is lost to a subset is asked again."
    )
    requests: Literal["policy", "hand"] = Field(
        default="policy", description="Who answers requests: the policy alone (policy), or you too (hand)."
    )
    wanted: Annotated[Literal["offered", "closed"], Flag(None)] = "offered"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.cloud_owners)) < self.replicas:
            raise ValueError(f"{self.replicas} replicas need as many different cloud owners")
        if (self.subsets_per_round or 1) > self.subsets:
            raise ValueError(f"subsets_per_round is over the {self.subsets} subsets")
        if self.replicas + self.spare_places > MAX_REPLICAS:
            raise ValueError(f"replicas and spare_places are over the {MAX_REPLICAS} places of a subset")
        return self

    @model_validator(mode="after")
    def _level_fits(self) -> Self:
        if self.secrecy == "private" and self.privacy is None:
            raise ValueError(
                "secrecy is private: name a JSON file of the columns' public ranges with --privacy"
            )
        if self.secrecy != "private" and self.privacy is not None:
            raise ValueError(f"privacy is for level private: secrecy is {self.secrecy}, which has no noise")
        return self

    @property
    def dealt(self) -> tuple[tuple[Address, ...], ...]:
        """For each subset, who gets a replica: cloud owners in turn, so that each has as few as can be."""
        owners = list(dict.fromkeys(self.cloud_owners))
        return tuple(
            tuple(
                owners[(subset * self.replicas + replica) % len(owners)] for replica in range(self.replicas)
            )
            for subset in range(self.subsets)
        )

    @property
    def spares(self) -> tuple[tuple[Address, ...], ...]:
        """For each subset, all cloud owners, those to whom it is dealt first."""
        owners = tuple(dict.fromkeys(self.cloud_owners))
        starts = (subset * self.replicas % len(owners) for subset in range(self.subsets))
        return tuple(owners[start:] + owners[:start] for start in starts)

    @property
    def dataset_terms(self) -> DatasetTerms:
        """The terms of the dataset."""
        per_round = self.subsets_per_round or (self.subsets + 1) // 2
        return self.terms.of(self.subsets, per_round, self.replicas + self.spare_places)


class ModelEntry(PortfolioEntry):
    """A model that a model owner wants."""

    fixed = ("model", "rounds", "seed", "balance", "plan", "dataset", "quorum", "spare_rounds")
    paths = ("samples", "plan")
    word = "asked for"

    samples: Path = Field(description="The samples that the data owner exposed.")
    model: str | None = Field(default=None, description=f"One of {', '.join(FAMILIES)}.")
    rounds: int | None = Field(
        default=None,
        ge=1,
        le=2**16 - 2,
        description=f"Rounds of training; by default until it has settled, {MOST_ROUNDS} at most.",
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Of a network's initial weights.")
    balance: Balance = Field(
        default="data", description="Classes as frequent as in the data, or all alike: data or even."
    )
    plan: Path | None = Field(default=None, description="A training plan of your own (JSON).")
    dataset: str | None = Field(
        default=None,
        pattern=f"{_ID}|{_NAMED}",
        description="A dataset: its id, the first digits of it, or 0xOWNER:NAME; by default the first that "
        "the policy allows.",
    )
    quorum: int = Field(
        default=0, ge=0, le=MAX_REPLICAS, description="Reports that must agree; 0: a strict majority."
    )
    spare_rounds: int = Field(default=1, ge=0, le=1000, description="Rounds paid for in case some are void.")
    wait_for_cover: int = Field(
        default=2 * 24 * 3600, ge=0, description="Seconds for which a subset may have no replica."
    )
    wanted: Annotated[Literal["trained", "stopped"], Flag(None)] = "trained"

    @field_validator("model")
    @classmethod
    def _is_known(cls, model: str | None) -> str | None:
        if model not in (None, *FAMILIES):
            raise ValueError(f"{model!r} is no model: choose one of {', '.join(FAMILIES)}")
        return model

    @property
    def ref(self) -> DatasetRef | None:
        """The dataset that is meant, if one is."""
        if self.dataset is None:
            return None
        owner, _, name = self.dataset.lower().removeprefix("0x").partition(":")
        return DatasetRef(owner=owner, name=name) if name else DatasetRef(digits=owner)


def _called(name: str) -> str:
    """A key as a file calls it."""
    return "schema" if name == "table_schema" else name


def _from(home: Path, path: Path | str) -> Path | str:
    """A path that does not depend on where a program runs; what is none as it is."""
    if isinstance(path, Path):
        return home.absolute() / path
    is_name = path in BUILT_IN or "://" in path or path == "-"
    return path if is_name else str(home.absolute() / path)
