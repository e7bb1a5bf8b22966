"""How an agent is set up: checked once, at its start. Amounts are in wei, times in seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from agents.core.errors import BadInput
from agents.core.events import DatasetTerms
from agents.core.ids import Address
from agents.roles.terms import MAX_BOND_JOBS
from agents.workers.data_owner import Secrecy

GWEI = 10**9
ETHER = 10**18

MAX_SUBSETS = 256
MAX_REPLICAS = 16
_MAX_WINDOW = 2**24 - 1
_MAX_AMOUNT = 2**96 - 1


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=_Settings)


class Terms(_Settings):
    """The terms of a dataset that do not follow from its shape; see ``IDistribution.DatasetTerms``.

    The defaults: a cheat loses ten times what a job pays; an instance can afford four misses; a data owner
    that withholds a seed loses what ten rounds would have paid it.
    """

    round_price: int = Field(default=ETHER // 100, ge=0, le=_MAX_AMOUNT)
    job_price: int = Field(default=ETHER // 1000, ge=0, le=_MAX_AMOUNT)
    instance_bond: int = Field(default=ETHER // 100, ge=0, le=_MAX_AMOUNT)
    miss_penalty: int = Field(default=ETHER // 400, ge=0, le=_MAX_AMOUNT)
    couple_bond: int = Field(default=ETHER // 10, ge=0, le=_MAX_AMOUNT)
    answer_window_seconds: int = Field(default=24 * 3600, ge=1, le=_MAX_WINDOW)
    draw_window_seconds: int = Field(default=3600, ge=1, le=_MAX_WINDOW)
    report_window_seconds: int = Field(default=6 * 3600, ge=1, le=_MAX_WINDOW)
    settle_window_seconds: int = Field(default=6 * 3600, ge=1, le=_MAX_WINDOW)
    couple_window_seconds: int = Field(default=30 * 24 * 3600, ge=1, le=2**32 - 1)
    offer_seconds: int = Field(default=365 * 24 * 3600, ge=1, le=2**39)

    @model_validator(mode="after")
    def _bond_covers(self) -> Self:
        if self.instance_bond < max(self.job_price, self.miss_penalty):
            raise ValueError("instance_bond must cover job_price and miss_penalty")
        return self

    def of(self, subsets: int, subsets_per_round: int, replicas: int) -> DatasetTerms:
        """The whole terms; `ends_at` counts from when the dataset is made."""
        fields = self.model_dump(exclude={"offer_seconds"})
        return DatasetTerms(subsets, subsets_per_round, replicas, **fields, ends_at=self.offer_seconds)


class AgentSettings(_Settings):
    """What every agent needs.

    Attributes:
        home: the agent's own folder: journal, wallet, private files.
        rpc: URL of a node.
        deployment: the file that `brownie run deploy` wrote.
        store: folder of the object store.
        password: of the wallet in ``home/wallet.json``.
        opening_deposit: paid in when it registers.
        poll_seconds: how long it rests when nothing is due.
        timeout_seconds: after which a request counts as unanswered.
    """

    home: Path
    rpc: str = "http://127.0.0.1:8545"
    deployment: Path
    store: Path
    password: SecretStr = SecretStr("")
    opening_deposit: int = Field(default=0, ge=0)
    poll_seconds: float = Field(default=1.0, gt=0, le=600)
    timeout_seconds: float = Field(default=10.0, gt=0, le=600)

    @property
    def wallet(self) -> Path:
        """The encrypted keystore."""
        return self.home / "wallet.json"


class DataOwnerSettings(AgentSettings):
    """A data owner's.

    Attributes:
        table: a CSV file or the name of a built-in table; `target` is its column, by default the last.
        subsets_per_round: by default half of the subsets, rounded up.
        cloud_owners: whom it hands replicas, dealt in turn: at least as many as `replicas`.
        max_quorum: see `agents.roles.data_owner.Policy`.
        secrecy: the least that a plan must keep from a model owner: it may see sums over the ``dataset``,
            sums over the subsets of a ``round``, or the result of each subset (``none``).
    """

    table: str
    target: str | None = None
    subsets: int = Field(default=4, ge=1, le=MAX_SUBSETS)
    replicas: int = Field(default=3, ge=1, le=MAX_REPLICAS)
    subsets_per_round: int | None = Field(default=None, ge=1, le=MAX_SUBSETS)
    seed: int = Field(default=0, ge=0)
    cloud_owners: tuple[Address, ...]
    couples_per_model_owner: int = Field(default=3, ge=1)
    max_quorum: int = Field(default=0, ge=0, le=16)
    secrecy: Secrecy = "dataset"
    terms: Terms = Terms()

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.cloud_owners)) < self.replicas:
            raise ValueError(f"{self.replicas} replicas need as many different cloud owners")
        if (self.subsets_per_round or 1) > self.subsets:
            raise ValueError(f"subsets_per_round is over the {self.subsets} subsets")
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
    def dataset_terms(self) -> DatasetTerms:
        """The terms of the dataset."""
        per_round = self.subsets_per_round or (self.subsets + 1) // 2
        return self.terms.of(self.subsets, per_round, self.replicas)


class CloudOwnerSettings(AgentSettings):
    """A cloud owner's.

    Attributes:
        max_bond_jobs: it refuses a replica whose bond is more than so many jobs pay.
    """

    max_bond_jobs: int = Field(default=MAX_BOND_JOBS, ge=1, le=_MAX_AMOUNT)


class ModelOwnerSettings(AgentSettings):
    """A model owner's.

    Attributes:
        samples: the file of samples that the data owner exposed.
        plan: a plan of one's own (JSON); without one, a default for `model` and `rounds`.
        dataset: id of the dataset, hexadecimal; by default the first that is offered.
        quorum: reports that must agree, if more than a strict majority.
        spare_rounds: rounds paid for beyond the plan's, in case some are void; unused ones come back.
        number: which of this wallet's models it is: 1 for the first, and a home of its own for each.
    """

    samples: Path
    plan: Path | None = None
    model: str | None = None
    rounds: int = Field(default=8, ge=1, le=2**16 - 2)
    seed: int = Field(default=0, ge=0, lt=2**63)
    dataset: str | None = Field(default=None, pattern=r"^(0x)?[0-9a-fA-F]{1,64}$")
    quorum: int = Field(default=0, ge=0, le=MAX_REPLICAS)
    spare_rounds: int = Field(default=1, ge=0, le=1000)
    number: int = Field(default=1, ge=1, lt=2**24)


def checked(kind: type[S], /, **values: object) -> S:
    """Settings of a kind.

    Raises:
        BadInput: one line: which setting is wrong and why.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = " ".join(str(part) for part in first["loc"])
        reason = first["msg"].removeprefix("Value error, ")
        raise BadInput(f"{where + ': ' if where else ''}{reason}") from None
