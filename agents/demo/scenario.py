"""Who takes part in a demo, and with what terms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.core.errors import BadInput
from agents.demo.cheats import DataReceiptCopier, LazyWorker, SilentCloudOwner, TrainingReceiptCopier
from agents.demo.outcome import Cheat
from agents.learning.data.samples import PredictionTask
from agents.learning.data.schema.document import Schema
from agents.learning.families.registry import Balance
from agents.learning.plans.defaults import MOST_ROUNDS
from agents.learning.privacy.levels import Secrecy
from agents.portfolio.entries import MAX_REPLICAS, MAX_SUBSETS
from agents.portfolio.terms import Terms
from agents.roles.cloud_owner import CloudOwner
from agents.workers.cloud_owner import CloudOwnerWorker
from agents.workers.model_owner import NOISY_MODEL


@dataclass(frozen=True)
class Conduct:
    """How a cloud owner behaves: honestly, or with its role or its worker replaced by a cheating one."""

    cheat: Cheat | None = None
    role: type[CloudOwner] = CloudOwner
    worker: type[CloudOwnerWorker] = CloudOwnerWorker


MOST_CLOUD_OWNERS = 64
_SLOW = ("encrypted-features", "encrypted-cubic", "encrypted-network")
_SLOWER = 4
HONEST = Conduct()
CHEATS = (
    Conduct(Cheat.COPIES_DATA_RECEIPT, role=DataReceiptCopier),
    Conduct(Cheat.MAKES_MODEL_UP, worker=LazyWorker),
    Conduct(Cheat.COPIES_TRAINING_RECEIPT, role=TrainingReceiptCopier),
    Conduct(Cheat.FALLS_SILENT, role=SilentCloudOwner),
)


@dataclass(frozen=True)
class DemoMember:
    """A member of the demo before there is a market.

    Attributes:
        name: for people; `folder` is the same for its home.
        secret: its wallet's key, 32 bytes.
        subset: of a cloud owner.
    """

    name: str
    secret: bytes
    subset: int | None = None
    conduct: Conduct = HONEST

    @property
    def folder(self) -> str:
        """The name as a folder's."""
        return self.name.replace(" ", "-")


@dataclass(frozen=True)
class Scenario:
    """What `make demo` is told.

    Attributes:
        data: path of a table's file, or name of a built-in table. `target` is its column, by default the
            last.
        rounds: of training; by default until the model has settled, `MOST_ROUNDS` at most.
        model: family; by default what suits the target, trained on encrypted weights.
        seed: of keys, partition, split and draws: the same seed gives the same run.
        task: what the target is, if its looks do not tell.
        merge_rare: classes with fewer rows are made one.
        query: which rows, if `data` is the address of a database.
        group: the column that says whose row it is: rows of one person stay together.
        keep: columns to keep, though they look like an identifier, or give the target away.
        schema: what the columns are; by default made of the data.
        work_seconds: in which a round's jobs are done on this machine: the report window is at least so long.
        plan: file of a plan of the model owner's own, in the place of a default one.
        level: that the data owner promises; by default what the model can keep.
        privacy: at level private, file of the columns' public ranges; by default those that the table shows.
        balance: how frequent classes are taken to be, ``data`` or ``even``.
    """

    data: str = "breast-cancer"
    target: str | None = None
    subsets: int = 4
    replicas: int = 3
    rounds: int | None = None
    model: str | None = None
    seed: int = 0
    network: str = "ganache"
    task: PredictionTask | None = None
    merge_rare: int | None = None
    query: str | None = None
    group: str | None = None
    keep: tuple[str, ...] = ()
    schema: Schema | None = None
    work_seconds: int = 0
    plan: Path | None = None
    level: Secrecy | None = None
    privacy: Path | None = None
    balance: Balance = "data"

    def __post_init__(self) -> None:
        for name, value, most in (
            ("subsets", self.subsets, MAX_SUBSETS),
            ("replicas", self.replicas, MAX_REPLICAS),
            ("rounds", self.most_rounds, 1000),
        ):
            if not 1 <= value <= most:
                raise BadInput(f"{name} is {value}: choose 1 to {most}")
        if self.subsets * self.replicas > MOST_CLOUD_OWNERS:
            raise BadInput(
                f"{self.subsets} subsets of {self.replicas} replicas: the demo runs each cloud owner as a "
                f"process of its own, at most {MOST_CLOUD_OWNERS}: choose fewer"
            )
        if self.merge_rare is not None and self.merge_rare < 2:
            raise BadInput(f"merge_rare is {self.merge_rare}: choose 2 or more")
        if not 0 <= self.seed < 2**63:
            raise BadInput(f"seed is {self.seed}: choose 0 or more, below 2^63")
        if self.privacy is not None and self.secrecy != "private":
            raise BadInput(f"ranges are for level private: secrecy is {self.secrecy}, which has no noise")

    @property
    def planned(self) -> str | None:
        """The family of the model owner's plan; None for the usual one."""
        return NOISY_MODEL if self.model is None and self.level == "private" else self.model

    @property
    def most_rounds(self) -> int:
        """Coins are locked for so many."""
        return MOST_ROUNDS if self.rounds is None else self.rounds

    @property
    def secrecy(self) -> Secrecy:
        """What the data owner promises: sums over the dataset, where they keep single rows."""
        if self.level is not None:
            return self.level
        if self.model == NOISY_MODEL:
            return "private"
        keeps = self.model is None or (self.model.startswith("encrypted-") and self.model not in _SLOW)
        return "dataset" if keeps else "none"

    @property
    def data_owner(self) -> DemoMember:
        """The hospital with the data."""
        return DemoMember("data owner", self._secret("data owner"))

    @property
    def model_owner(self) -> DemoMember:
        """Who wants a model."""
        return DemoMember("model owner", self._secret("model owner"))

    @property
    def cloud_owners(self) -> tuple[DemoMember, ...]:
        """One for each replica, subset by subset; in each of the first subsets the second one cheats.

        A subset keeps an honest majority: with fewer than three replicas nobody is planted to cheat.
        """
        return tuple(self._cloud_owners())

    @property
    def everybody(self) -> tuple[DemoMember, ...]:
        """All members."""
        return (self.data_owner, *self.cloud_owners, self.model_owner)

    @property
    def terms(self) -> Terms:
        """Prices by default; windows of seconds; whoever misses twice has to leave.

        All cloud owners share this machine, and a job of some families takes it for seconds.
        """
        bond = Terms().instance_bond
        slack = 20 + len(self.cloud_owners)
        answering = slack // 2 - 2
        reporting = max(answering * (_SLOWER if self.model in _SLOW else 1), self.work_seconds)
        couple = max(3600, 2 * (self.most_rounds + 2) * reporting)
        return Terms(
            miss_penalty=bond * 2 // 5,
            answer_window_seconds=20 * slack,
            draw_window_seconds=4 * slack,
            report_window_seconds=reporting,
            settle_window_seconds=4 * slack,
            couple_window_seconds=couple,
            offer_seconds=4 * couple,
        )

    @property
    def jobs(self) -> int:
        """Of a round."""
        return (self.subsets + 1) // 2 * self.replicas

    def _cloud_owners(self) -> Iterator[DemoMember]:
        for subset in range(self.subsets):
            for replica in range(self.replicas):
                name = f"cloud owner {subset * self.replicas + replica + 1}"
                planted = replica == 1 and self.replicas >= 3 and subset < len(CHEATS)
                conduct = CHEATS[subset] if planted else HONEST
                yield DemoMember(name, self._secret(name), subset, conduct)

    def _secret(self, name: str) -> bytes:
        return hashlib.sha256(f"holdfast demo {self.seed} {name}".encode()).digest()
