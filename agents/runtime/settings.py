"""How an agent is set up: each setting stands here once, with its type, its default, its bounds and its help.

The options of the commands, the variables of the environment and the keys of a settings file are made from
these models by `agents.runtime.options`. Amounts are in wei, times in seconds. What a member has, its
datasets or its models, is in files of their own: `agents.portfolio.entries`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator

from agents.chain.access import HttpAccess
from agents.chain.evidence import Means
from agents.chain.fees import FeeLimits
from agents.core.amounts import Wei
from agents.learning.privacy.lifetime import LIFETIME_EPSILON
from agents.output.logs import LogFormat, LogLevel
from agents.portfolio.checking import Checked, Flag
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.terms import Terms, read_terms
from agents.roles.policy import CloudOwnerPolicy, DataOwnerPolicy, ModelOwnerPolicy, checksummed, each
from agents.roles.retention import KEEP_SECONDS
from agents.runtime.executor import ExecutorLimits
from agents.runtime.password import new_password, read_password
from agents.vault.bucket import Access
from agents.vault.places import StorePlace
from agents.vault.store import MAX_OBJECT_BYTES


def _text(given: object) -> object:
    """A path may be given as one."""
    return str(given) if isinstance(given, Path) else given


def _unless_auto(given: object) -> object:
    """None for the word that leaves it to the agent."""
    return None if given == "auto" else given


# --- whoever reads the market, has a wallet, or is a member ---


class DeploymentSettings(Checked):
    """Which market it is."""

    deployment: Path = Field(
        default=Path("build/deployment/ganache-cli.json"),
        description="The file that `brownie run deploy` wrote.",
    )


class MarketSettings(DeploymentSettings):
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

    @property
    def node_access(self) -> HttpAccess:
        """How nodes are reached."""
        return HttpAccess(self.node_ca, self.node_proxy)


class HomeSettings(Checked):
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


class StoreSettings(Checked):
    """Where the objects are. Credentials are no settings: they are where AWS's tools have them."""

    store: Annotated[str, BeforeValidator(_text)] = Field(
        default="build/store", description="The object store: a folder, or s3://BUCKET/PREFIX."
    )
    store_endpoint: str | None = Field(
        default=None, pattern="^https?://", description="URL of the S3 server; by default AWS's own."
    )
    store_region: str = Field(default=Access.region, description="Region of the bucket.")
    store_ca: Path | None = Field(
        default=None, description="PEM file of authorities to trust beside the system's."
    )
    store_proxy: str | None = Field(default=None, description="URL of a proxy; by default HTTPS_PROXY.")
    store_read: Annotated[tuple[str, ...], BeforeValidator(each)] = Field(
        default=(), description="Another member's store, to read: s3:// or https://; once for each."
    )
    store_object_mb: int = Field(
        default=MAX_OBJECT_BYTES >> 20, ge=1, description="MiB of the largest object."
    )
    store_min_rate: int = Field(
        default=Access.min_rate, ge=1, description="Bytes a second; a store that is slower does not answer."
    )
    store_keep_seconds: int = Field(
        default=KEEP_SECONDS, ge=0, description="How long objects are kept that are done with."
    )

    @model_validator(mode="after")
    def _store_is_known(self) -> Self:
        self.store_place  # noqa: B018  # it says what is wrong
        return self

    @property
    def store_place(self) -> StorePlace:
        """The store."""
        access = Access(
            self.store_endpoint, self.store_region, self.store_ca, self.store_proxy, self.store_min_rate
        )
        return StorePlace(self.store, access, self.store_read, self.store_object_mb << 20)


class MemberSettings(MarketSettings, WalletSettings, StoreSettings):
    """What every command of a member needs."""

    timeout_seconds: float = Field(
        default=10.0, gt=0, le=600, description="Seconds after which a request counts as unanswered."
    )


class OwnStoreSettings(HomeSettings, StoreSettings):
    """Where a member's own objects are, and what is noted of them."""


# --- agents ---


class AgentSettings(MemberSettings):
    """What every agent needs."""

    opening_deposit: Wei = Field(default=0, ge=0, description="Wei to pay in when it registers.")
    poll_seconds: Annotated[float | None, BeforeValidator(_unless_auto), Field(gt=0, le=600)] = Field(
        default=None,
        description="Seconds between two looks at the chain; auto, the default: 7.5 while nothing is due.",
    )
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
    listen: str = Field(
        default="",
        description="Host and port for /health, /ready and /metrics, as 127.0.0.1:9464; by default none.",
    )
    log_level: LogLevel = Field(
        default="info", description="What to say: debug, info, warning (only what goes wrong) or error."
    )
    log_format: LogFormat = Field(default="text", description="Lines of text, or json for machines.")


class PruneSettings(OwnStoreSettings, MarketSettings):
    """What tells what of a member's objects is done with."""

    timeout_seconds: float = MemberSettings.model_fields["timeout_seconds"].default


class LedgerSettings(Checked):
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


class CloudOwnerSettings(CloudOwnerPolicy, AgentSettings):
    """A cloud owner's."""


class ModelOwnerSettings(ModelOwnerPolicy, AgentSettings):
    """A model owner's."""


class PublishSettings(DatasetEntry, LedgerSettings, HomeSettings):
    """A dataset that is to be offered, as a command is told of it."""

    terms: Annotated[Terms, BeforeValidator(read_terms)] = Field(
        default=Terms(), description="JSON file of prices, bonds and windows."
    )


class TrainSettings(ModelEntry, HomeSettings):
    """A model that is to be trained, as a command is told of it."""


class DataOwnerPolicySettings(DataOwnerPolicy, HomeSettings):
    """A data owner's policy alone."""


class CloudOwnerPolicySettings(CloudOwnerPolicy, HomeSettings):
    """A cloud owner's policy alone."""


class ModelOwnerPolicySettings(ModelOwnerPolicy, HomeSettings):
    """A model owner's policy alone."""


ROLES = (DataOwnerSettings, CloudOwnerSettings, ModelOwnerSettings)
"""The settings of all agents."""

EVERYTHING = (*ROLES, PublishSettings, TrainSettings)
"""What any command may be told is in one of them."""
