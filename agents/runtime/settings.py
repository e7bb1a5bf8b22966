"""How an agent is set up: each setting stands here once, with its type, its default, its bounds and its help.

The options of the commands, the variables of the environment and the keys of a settings file are made from
these models by `agents.runtime.options`. Amounts are in wei, times in seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from agents.chain.access import HttpAccess
from agents.chain.evidence import Means
from agents.chain.fees import FeeLimits
from agents.core.amounts import ETHER, Wei
from agents.core.errors import BadData, BadInput
from agents.core.events import DatasetTerms
from agents.core.ids import Address
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.document import Schema, parse_schema
from agents.learning.families.registry import FAMILIES, Balance
from agents.learning.plans.defaults import MOST_ROUNDS
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.lifetime import LIFETIME_EPSILON
from agents.learning.privacy.policy import PrivacyPolicy, read_policy
from agents.roles.policy import (
    MOST_REPLICAS,
    CloudOwnerPolicy,
    DataOwnerPolicy,
    MemberAddress,
    ModelOwnerPolicy,
    checksummed,
    each,
)
from agents.runtime.executor import ExecutorLimits
from agents.runtime.password import new_password, read_password

MAX_SUBSETS = 256
MAX_REPLICAS = MOST_REPLICAS
_MAX_WINDOW = 2**24 - 1
_MAX_AMOUNT = 2**96 - 1


@dataclass(frozen=True)
class Flag:
    """How a setting's option is called if not as the setting is; `name` is None where there is no option."""

    name: str | None


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


S = TypeVar("S", bound=_Settings)


# --- a dataset's terms ---


class Terms(_Settings):
    """The terms of a dataset that do not follow from its shape; see ``IDistribution.DatasetTerms``.

    The defaults: a cheat loses ten times what a job pays; an instance can afford four misses; a data owner
    that withholds a seed loses what ten rounds would have paid it.
    """

    round_price: Wei = Field(default=ETHER // 100, ge=0, le=_MAX_AMOUNT)
    job_price: Wei = Field(default=ETHER // 1000, ge=0, le=_MAX_AMOUNT)
    instance_bond: Wei = Field(default=ETHER // 100, ge=0, le=_MAX_AMOUNT)
    miss_penalty: Wei = Field(default=ETHER // 400, ge=0, le=_MAX_AMOUNT)
    couple_bond: Wei = Field(default=ETHER // 10, ge=0, le=_MAX_AMOUNT)
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


def read_terms_of(fields: Mapping[str, object]) -> Terms:
    """Terms of which some may be given, as a kit has them.

    Raises:
        BadInput: they are none.
    """
    return validated(Terms, fields, lambda name: f"terms: {name}")


def _read_terms(given: object) -> object:
    """Terms that a JSON file holds; what is no name of a file is left as it is."""
    if not isinstance(given, str | Path):
        return given
    try:
        return checked(Terms, **_json_object(Path(given)))
    except BadInput as problem:
        raise BadInput(f"terms {given}: {problem}") from None


def _read_privacy(given: object) -> object:
    """A policy that a JSON file holds; what is no name of a file is left as it is."""
    if not isinstance(given, str | Path):
        return given
    return read_policy(Path(given))


def _read_schema(given: object) -> object:
    """A schema that a JSON file holds; what is no name of a file is left as it is."""
    return read_schema(Path(given)) if isinstance(given, str | Path) else given


def read_schema(file: Path) -> Schema:
    """The schema in a file.

    Raises:
        BadData: one line: it cannot be read, or what is wrong with it.
    """
    try:
        return parse_schema(file.read_bytes(), f"schema {file}")
    except OSError as problem:
        raise BadData(f"schema {file}: {problem.strerror}: name a JSON file of a schema") from None


def _json_object(file: Path) -> dict[str, object]:
    try:
        fields = json.loads(file.read_bytes())
    except OSError as problem:
        raise BadInput(f"{problem.strerror}: name a JSON file of terms") from None
    except (ValueError, RecursionError) as problem:
        raise BadInput(f"{problem}: name a JSON file of terms") from None
    if not isinstance(fields, dict):
        raise BadInput("not a JSON object: name a JSON file of terms")
    return fields


# --- whoever reads the market, has a wallet, or is a member ---


class MarketSettings(_Settings):
    """Where the market is."""

    rpc: Annotated[tuple[str, ...], BeforeValidator(each)] = Field(
        default=("http://127.0.0.1:8545",),
        min_length=1,
        description="URL of a node; once for each, the preferred one first.",
    )
    node_ca: Path | None = Field(
        default=None, description="PEM file of authorities to trust for nodes, beside the system's."
    )
    node_proxy: str | None = Field(
        default=None, description="URL of a proxy to nodes; else HTTPS_PROXY. Never used for this machine."
    )
    deployment: Path = Field(
        default=Path("build/deployment/ganache-cli.json"),
        description="The file that `brownie run deploy` wrote.",
    )

    @property
    def node_access(self) -> HttpAccess:
        """How nodes are reached."""
        return HttpAccess(self.node_ca, self.node_proxy)


class HomeSettings(_Settings):
    """Where an agent keeps what is its own."""

    home: Path = Field(description="The agent's own folder: wallet, journal, private files.")


FILE_SIGNER = "file"


def _some_address(text: str | None) -> str | None:
    return None if text is None else checksummed(text)


class WalletSettings(HomeSettings):
    """Where a wallet is, what opens it (`password`, unless a file has it) and who signs."""

    password_file: Path | None = Field(
        default=None,
        description="File with the wallet's password; else HOLDFAST_PASSWORD, or it is asked for.",
    )
    password: Annotated[SecretStr, Flag(None)] = SecretStr("")  # whoever lists processes sees options

    signer: str = Field(
        default=FILE_SIGNER,
        description="Who signs: file, web3signer+https://HOST, clef+http://HOST:8550 or clef+unix:PATH.",
    )
    signer_address: Annotated[str | None, AfterValidator(_some_address)] = Field(
        default=None, description="Address of the account that another program signs for."
    )
    signer_ca: Path | None = Field(
        default=None, description="PEM file of authorities to trust for the signer, beside the system's."
    )

    @model_validator(mode="after")
    def _names_its_account(self) -> Self:
        if (self.signer == FILE_SIGNER) != (self.signer_address is None):
            raise ValueError(
                "signer and signer_address go together: name the account that the program signs for, and "
                "only where it is not the wallet's file that signs"
            )
        return self

    @property
    def wallet(self) -> Path:
        """The encrypted keystore: the key, or, where another program signs, what other secrets come from."""
        return self.home / ("wallet.json" if self.signer == FILE_SIGNER else "secrets.json")

    def read_password(self) -> str:
        """What opens the wallet.

        Raises:
            BadInput: there is none, or it cannot be read.
        """
        return read_password(self.password_file, self.password.get_secret_value())

    def new_password(self) -> str:
        """What is to open a wallet that is not there yet; errors as `read_password`."""
        return new_password(self.password_file, self.password.get_secret_value())


class MemberSettings(MarketSettings, WalletSettings):
    """What every command of a member needs."""

    store: Path = Field(default=Path("build/store"), description="Folder of the object store.")
    timeout_seconds: float = Field(
        default=10.0, gt=0, le=600, description="Seconds after which a request counts as unanswered."
    )


# --- agents ---


class AgentSettings(MemberSettings):
    """What every agent needs."""

    opening_deposit: Wei = Field(default=0, ge=0, description="Wei to pay in when it registers.")
    poll_seconds: float = Field(default=1.0, gt=0, le=600, description="Seconds to rest when nothing is due.")
    confirmations: int = Field(
        default=0, ge=0, le=64, description="Blocks on top of one before its events count."
    )
    evidence: Means = Field(
        default="auto", description="What shows that events are complete: auto, bloom, receipts or two-nodes."
    )
    workers: int = Field(
        default=ExecutorLimits.workers, ge=1, le=64, description="Jobs at once, each in a process of its own."
    )
    job_seconds: int = Field(
        default=ExecutorLimits.job_seconds, ge=1, description="Seconds after which a job is stopped."
    )
    job_memory_mb: int = Field(
        default=ExecutorLimits.job_memory_mb, ge=1024, description="MiB that a job's process may hold."
    )
    max_fee: Wei = Field(
        default=FeeLimits.usual, gt=0, description="Most to offer for a unit of gas; else a call waits."
    )
    max_fee_urgent: Wei = Field(
        default=FeeLimits.urgent, gt=0, description="The same in the last quarter of a window."
    )
    max_tip: Wei = Field(
        default=FeeLimits.tip, ge=0, description="The most of it that goes to the block's maker."
    )
    quiet: bool = Field(default=False, description="Say only what goes wrong.")


class LedgerSettings(_Settings):
    """Where the ledger of people is, and what it holds people to."""

    lifetime_epsilon: int = Field(
        default=LIFETIME_EPSILON, ge=1, le=16, description="Of all that is ever shown of the same people."
    )
    ledger: Path | None = Field(
        default=None, description="The ledger of people, where several homes share one; else in the home."
    )


class StatusSettings(LedgerSettings, HomeSettings):
    """Of whom a status is told."""


class DataOwnerSettings(DataOwnerPolicy, LedgerSettings, AgentSettings):
    """A data owner's."""

    table: str = Field(description="A table's file, a database's address, or a built-in table.")
    cloud_owners: Annotated[tuple[MemberAddress, ...], Flag("--cloud-owner")] = Field(
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
    table_schema: Annotated[Schema | None, BeforeValidator(_read_schema), Flag("--schema")] = Field(
        default=None, description="JSON file that says what the columns are: nothing is guessed."
    )
    subsets: int = Field(default=4, ge=1, le=MAX_SUBSETS, description="How many subsets (m).")
    replicas: int = Field(default=3, ge=1, le=MAX_REPLICAS, description="Replicas of each subset (n).")
    subsets_per_round: Annotated[int | None, Flag("--per-round")] = Field(
        default=None, ge=1, le=MAX_SUBSETS, description="Subsets a round draws (k); by default half."
    )
    seed: int = Field(default=0, ge=0, description="Of the partition and the split.")
    secrecy: Secrecy = Field(
        default="dataset",
        description="What it promises, the most first: private, dataset, round or none.",
    )
    privacy: Annotated[PrivacyPolicy | None, BeforeValidator(_read_privacy)] = Field(
        default=None,
        description="At level private: a JSON file of the columns' public ranges.",
    )
    new_people: bool = Field(
        default=False, description="The table's people are in no other that was offered; it is written down."
    )
    terms: Annotated[Terms, BeforeValidator(_read_terms)] = Field(
        default=Terms(), description="JSON file of prices, bonds and windows."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(set(self.cloud_owners)) < self.replicas:
            raise ValueError(f"{self.replicas} replicas need as many different cloud owners")
        if (self.subsets_per_round or 1) > self.subsets:
            raise ValueError(f"subsets_per_round is over the {self.subsets} subsets")
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
    def dataset_terms(self) -> DatasetTerms:
        """The terms of the dataset."""
        per_round = self.subsets_per_round or (self.subsets + 1) // 2
        return self.terms.of(self.subsets, per_round, self.replicas)


class CloudOwnerSettings(CloudOwnerPolicy, AgentSettings):
    """A cloud owner's."""


class ModelOwnerSettings(ModelOwnerPolicy, AgentSettings):
    """A model owner's. `number` counts this wallet's models from 1; each has a home of its own."""

    @field_validator("model")
    @classmethod
    def _is_known(cls, model: str | None) -> str | None:
        if model not in (None, *FAMILIES):
            raise ValueError(f"{model!r} is no model: choose one of {', '.join(FAMILIES)}")
        return model

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
        pattern=r"^(0x)?[0-9a-fA-F]{1,64}$",
        description="Id of a dataset, and so its owner; by default the first that the policy allows.",
    )
    quorum: int = Field(
        default=0, ge=0, le=MAX_REPLICAS, description="Reports that must agree; 0: a strict majority."
    )
    spare_rounds: int = Field(default=1, ge=0, le=1000, description="Rounds paid for in case some are void.")
    number: int = Field(default=1, ge=1, lt=2**24, description="Which of this wallet's models it is.")


class DataOwnerPolicySettings(DataOwnerPolicy, HomeSettings):
    """A data owner's policy alone."""


class CloudOwnerPolicySettings(CloudOwnerPolicy, HomeSettings):
    """A cloud owner's policy alone."""


class ModelOwnerPolicySettings(ModelOwnerPolicy, HomeSettings):
    """A model owner's policy alone."""


ROLES = (DataOwnerSettings, CloudOwnerSettings, ModelOwnerSettings)
"""The settings of all agents: what any command may be told is in one of them."""


def checked(kind: type[S], /, **values: object) -> S:
    """Settings of a kind.

    Raises:
        BadInput: one line: which setting is wrong and why.
    """
    return validated(kind, values)


def validated(kind: type[S], values: Mapping[str, object], place: Callable[[str], str] = str) -> S:
    """Settings of a kind, by their names.

    Args:
        kind: of settings.
        values: what was given for each.
        place: where a setting was given, as the message names it.

    Raises:
        BadInput: one line: which setting is wrong and why.
    """
    try:
        return kind(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        setting, *inside = [part for part in first["loc"] if isinstance(part, str) and part != "[key]"] or [
            ""
        ]
        where = " ".join([place(setting), *inside]) + ": " if setting else ""
        raise BadInput(where + first["msg"].removeprefix("Value error, ")) from None
