"""What a demo run leaves behind, before it is told as JSON or as a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from agents.audit.replay import Audit
from agents.core.events import Logged
from agents.core.hashing import receipt_domain
from agents.core.ids import Address, CoupleId, DatasetId
from agents.core.market import Market
from agents.core.mined import Mined
from agents.learning.evaluate import Alternative
from agents.learning.judgement import Bin, Judgement
from agents.learning.privacy.levels import Secrecy
from agents.readmodel.projections import Projections
from agents.report.words import brief


class Cheat(StrEnum):
    """What a cheat was planted to do; ``agents/demo/cheats.py`` has the cheats themselves."""

    COPIES_DATA_RECEIPT = "copies a data receipt"
    MAKES_MODEL_UP = "reports a made-up model"
    COPIES_TRAINING_RECEIPT = "copies a training receipt"
    FALLS_SILENT = "falls silent"


@dataclass(frozen=True)
class Participant:
    """A member of the demo.

    Attributes:
        name: for people, e.g. ``cloud owner 3``. Never on chain.
        subset: of a cloud owner: which subset it was named for.
        cheat: what it was planted to do, a `Cheat`; empty for the honest.
    """

    name: str
    address: Address
    subset: int | None = None
    cheat: str = ""


class Names:
    """The parties by address; whoever is none of them goes by the head and tail of its address."""

    def __init__(self, parties: Iterable[Participant]) -> None:
        self._parties = {party.address: party for party in parties}

    def __getitem__(self, address: Address) -> Participant:
        return self._parties.get(address) or Participant(brief(address), address)

    def __contains__(self, address: Address) -> bool:
        return address in self._parties


@dataclass(frozen=True)
class Scores:
    """The model by round, on rows that no party has seen; accuracy, or R2 for a regression.

    Attributes:
        metric: ``accuracy`` or ``R2``.
        market: after each round, from round 1.
        initial: of the weights before round 1.
        centralised: the same trainer with all the data in one place.
        best_single_subset: the best that one subset alone gives.
        outside: scikit-learn's own model, and its name.
        updates: the rounds after which the weights were new; without it, every round.
        judged: the market's last model and what it is held against, in several measures; the market first.
        reliability: how often it comes true what the market's model is so sure of; of classes alone.
        settled: whether more rounds would have brought nothing; None if nobody looked.
        better: the family that would do better, if one would.
    """

    metric: str
    initial: float
    market: tuple[float, ...]
    centralised: float
    best_single_subset: float
    outside: tuple[str, float]
    updates: tuple[int, ...] | None = None
    judged: tuple[Judgement, ...] = ()
    reliability: tuple[Bin, ...] = ()
    settled: bool | None = None
    better: Alternative | None = None

    @property
    def moved(self) -> tuple[int, ...]:
        """The rounds after which the weights were new."""
        return tuple(range(1, len(self.market) + 1)) if self.updates is None else self.updates


@dataclass(frozen=True)
class Work:
    """How the model was trained, and what the parties held and saw.

    Attributes:
        scheme: of the encryption; empty for training in plain text. `degree` and `modulus_bits` are its size.
        sums: over what the model owner's sums are, ``dataset`` or ``round``; empty where it sees each result.
        summed: for each round that made new weights, of how many subsets' results.
        keys_bytes, weights_bytes, result_bytes: what a cloud owner fetches once, fetches and gives in a job.
        jobs: how many were measured; `step_seconds` is their median.
        held_score: a cloud owner's, with what it was given in the last round for weights.
        guess_score: of always saying the most frequent class, or the mean.
        settled: whether more rounds would have brought nothing; None if the model owner did not look.
    """

    scheme: str
    degree: int
    modulus_bits: int
    sums: str
    summed: dict[int, int]
    keys_bytes: int
    weights_bytes: int
    result_bytes: int
    jobs: int
    step_seconds: float
    held_score: float
    guess_score: float
    settled: bool | None = None


@dataclass(frozen=True)
class Promised:
    """What the data owner promised, and what that cost.

    Attributes:
        level: of secrecy. `guarantee` says it in words, `learns` who can learn what.
        standing: what the data owner's own status says, a line each.
        epsilon, delta_digits: of the dataset, at level private; delta is 10^-delta_digits.
        epsilon_spent: by its people over all datasets; `epsilon_left` is the most that another may have.
        exposed_rows: rows that the model owner was shown whole; `exposed_score` is that of a model of these
            alone, `all_rows_score` of the same of all rows.
        private_epsilon, private_score: what level private gives or would give; why it would not, otherwise.
        ranges_from_rows: whether the demo read the public ranges off the table, for want of others.
    """

    level: Secrecy
    guarantee: str
    learns: dict[str, str]
    standing: tuple[str, ...]
    epsilon: int | None
    delta_digits: int | None
    epsilon_spent: float | None
    epsilon_left: int | None
    exposed_rows: int
    exposed_score: float | None
    all_rows_score: float
    private_epsilon: int | None
    private_score: float | None
    private_refused: str
    ranges_from_rows: bool


@dataclass(frozen=True)
class DemoOutcome:
    """All that the report tells.

    Attributes:
        dataset_name: the table's name; `notes` what was done to read it.
        model: the plan's family.
        settings: what the run was started with, by flag name.
        history: every event, in order; `audit` is what the auditor says of them.
        differences: where the rebuilt market and the contract's own views differ; none if all is well.
        chain_id, contract: which market on which chain; receipts are bound to both.
        contract_balance: wei that the contract holds at the end.
        started_at, seconds: wall-clock time, in seconds since 1970 and in seconds.
        strata: rows of each class, or of each range of a continuous target, by subset; the data owner alone
            knows them. `strata_names` names the classes or ranges. Empty if the report need not show them.
        work: how the model was trained; None if nothing was.
        final_weights, final_salt: SHA-256 of the last weights, and what hides it in the hash on the chain.
        promised: by the data owner; None if the report need not tell.
    """

    dataset_name: str
    notes: tuple[str, ...]
    model: str
    network: str
    chain_id: int
    contract: Address
    settings: dict[str, str]
    parties: tuple[Participant, ...]
    ds: DatasetId
    tc: CoupleId
    subset_rows: tuple[int, ...]
    history: tuple[Logged, ...]
    audit: Audit
    differences: tuple[str, ...]
    contract_balance: int
    transactions: tuple[Mined, ...]
    scores: Scores
    started_at: int
    seconds: float
    strata: tuple[tuple[int, ...], ...] = ()
    strata_names: tuple[str, ...] = ()
    work: Work | None = None
    final_weights: bytes = b""
    final_salt: bytes = b""
    promised: Promised | None = None

    @property
    def receipt_domain(self) -> bytes:
        """What every receipt of this market begins with, 32 bytes."""
        return receipt_domain(self.chain_id, self.contract)

    @property
    def projections(self) -> Projections:
        """What the events tell."""
        return self.audit.projections

    @property
    def market(self) -> Market:
        """The market as its events leave it."""
        return self.audit.market
