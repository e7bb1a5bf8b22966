"""Whole histories of a market as its contract would log them, for tests that need no chain.

    story = Story(cheats={(1, 2): Cheat.MAKES_MODEL_UP})
    story.distribute()
    story.approve(rounds=6)
    for _ in range(6):
        story.round()
    story.complete()
    outcome = story.outcome()

Every event follows from the rules of the contract, so that an audit of an honest telling finds nothing. A
cheat in a party is played by `round` and `distribute`; what the market makes of it are the contract's rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from eth_utils.address import to_checksum_address

from agents.audit.replay import audit
from agents.core import events as e
from agents.core.assets import Couple, Instance, Report
from agents.core.enums import FlagReason, InstanceStatus, JobStatus, Role
from agents.core.hashing import (
    chain_link,
    data_receipt,
    draw_round,
    receipt_domain,
    round_seed,
    set_bits,
    training_receipt,
)
from agents.core.ids import (
    Address,
    InstanceId,
    couple_id,
    dataset_id,
    instance_id,
    model_id,
    replica_of,
    subset_of,
)
from agents.core.market import Market
from agents.core.mined import Mined
from agents.demo.outcome import Cheat, DemoOutcome, Participant, Scores

ETHER = 10**18
SECONDS = 4
ENDS_AT = 4_102_444_800
STARTED_AT = 1_767_225_600  # 2026-01-01
CHAIN_ID = 1337
GAS = {"updateTJ": 62_000, "settleRound": 141_000, "startRound": 58_000, "drawRound": 71_000}


def address(name: str) -> Address:
    """An address for a name."""
    return Address(to_checksum_address(sha256(name.encode()).digest()[:20]))


CONTRACT = address("the market")

TERMS = e.DatasetTerms(
    subsets=4,
    subsets_per_round=2,
    max_replicas=3,
    round_price=ETHER // 100,
    job_price=ETHER // 1000,
    instance_bond=ETHER // 100,
    miss_penalty=ETHER // 400,
    couple_bond=ETHER // 10,
    answer_window_seconds=86_400,
    draw_window_seconds=3_600,
    report_window_seconds=120,
    settle_window_seconds=120,
    couple_window_seconds=604_800,
    ends_at=ENDS_AT,
)

ALL_CHEATS = {
    (0, 2): Cheat.COPIES_DATA_RECEIPT,
    (1, 2): Cheat.MAKES_MODEL_UP,
    (2, 3): Cheat.COPIES_TRAINING_RECEIPT,
    (3, 3): Cheat.FALLS_SILENT,
}
"""One of each, by subset and replica; the copiers come after somebody to copy from."""

STRATA = ((80, 0), (0, 133), (80, 0), (0, 133))
"""Of two classes, by subset: each holds one class alone, and half of it."""

SCORES = Scores(
    "accuracy",
    0.3714,
    (0.9231, 0.9441, 0.9580, 0.9650, 0.9720, 0.9720),
    0.9790,
    0.6294,
    ("scikit-learn LogisticRegression", 0.9790),
)


@dataclass
class Story:
    """A market that is told event by event.

    Attributes:
        cheats: by subset and replica, from 0 and from 1.
        names: by subset and replica, where another name than ``cloud owner N`` is wanted.
    """

    terms: e.DatasetTerms = TERMS
    cheats: Mapping[tuple[int, int], str] = field(default_factory=dict)
    names: Mapping[tuple[int, int], str] = field(default_factory=dict)
    history: list[e.Logged] = field(default_factory=list)
    transactions: list[Mined] = field(default_factory=list)
    market: Market = field(default_factory=Market)
    balance: int = 0
    now: int = STARTED_AT
    rounds: int = 0

    def __post_init__(self) -> None:
        self.data_owner, self.model_owner = address("data owner"), address("model owner")
        self.ds, self.mod = dataset_id(self.data_owner, 1), model_id(self.model_owner, 1)
        self.tc = couple_id(self.model_owner, 1)
        self.domain = receipt_domain(CHAIN_ID, CONTRACT)
        per_subset = range(1, self.terms.max_replicas + 1)
        self.cis = [instance_id(self.ds, s, r) for s in range(self.terms.subsets) for r in per_subset]

    # --- who ---

    @property
    def parties(self) -> tuple[Participant, ...]:
        """All of them; cloud owner i holds the i-th replica."""
        return (
            Participant("data owner", self.data_owner),
            *(self.party(ci) for ci in self.cis),
            Participant("model owner", self.model_owner),
        )

    def party(self, ci: InstanceId) -> Participant:
        """The cloud owner of a replica."""
        place = subset_of(ci), replica_of(ci)
        number = self.cis.index(ci) + 1
        name = self.names.get(place, f"cloud owner {number}")
        return Participant(name, address(f"cloud owner {number}"), place[0], self.cheats.get(place, ""))

    def owner(self, ci: InstanceId) -> Address:
        """The address of a replica's cloud owner."""
        return self.party(ci).address

    def plays(self, ci: InstanceId, cheat: Cheat) -> bool:
        """Whether a replica's cloud owner cheats so."""
        return self.party(ci).cheat == cheat

    @property
    def couple(self) -> Couple:
        """The train couple."""
        return self.market.couples[self.tc]

    # --- what is told ---

    def send(self, sender: Address, functions: str, *events: e.MarketEvent, gas: int = 0) -> None:
        """One transaction in a block of its own; `functions` are the names of its calls."""
        self.now += SECONDS
        names = tuple(functions.split())
        block = len(self.transactions) + 1
        hash_ = sha256(b"transaction %d" % block).digest()
        gas = gas or sum(GAS.get(name, 90_000) for name in names) + 11 * block
        self.transactions.append(Mined(hash_, block, sender, names, gas, True))
        for index, event in enumerate(events):
            self._log(e.Logged(event, block, sha256(b"block %d" % block).digest(), self.now, index, hash_))

    def say(self, event: e.MarketEvent) -> None:
        """One more event in the last transaction."""
        last = self.transactions[-1]
        block_hash = sha256(b"block %d" % last.block).digest()
        self._log(e.Logged(event, last.block, block_hash, self.now, len(self.history), last.hash))

    def _log(self, logged: e.Logged) -> None:
        event = logged.event
        if isinstance(event, e.Deposited):
            self.balance += event.amount
        if isinstance(event, e.Withdrawn):
            self.balance -= event.amount
        self.history.append(logged)
        self.market.apply(logged)

    # --- distribution ---

    def register(self, member: Address, role: Role, coins: int, call: str) -> None:
        """A member with an opening balance."""
        key = sha256(member.encode()).digest() * 2
        self.send(member, call, e.MemberCreated(member, role, key), e.Deposited(member, coins))

    def distribute(self) -> None:
        """From nobody to a pool of replicas; a copier of data receipts is found and rejected."""
        self.register(self.data_owner, Role.DATA_OWNER, ETHER, "createDO")
        self.register(self.model_owner, Role.MODEL_OWNER, ETHER, "createMO")
        for ci in self.cis:
            self.register(self.owner(ci), Role.CLOUD_OWNER, ETHER // 50, "createCO")
        named = [e.InstanceCreated(ci, self.owner(ci), bytes(96)) for ci in self.cis]
        created = e.DatasetCreated(self.ds, self.data_owner, self.terms, bytes(32), bytes(32))
        self.send(self.data_owner, "createDS createCI", created, *named, gas=1_400_000)
        for ci in self.cis:
            self.join(ci)
        verdicts = [self._verified(ci) for ci in self.cis]
        self.send(self.data_owner, "verifyCI", *verdicts, gas=520_000)

    def join(self, ci: InstanceId) -> None:
        """A cloud owner declares that it holds its data."""
        nonce = sha256(b"data nonce %d" % ci).digest()
        subset = subset_of(ci)
        digest = sha256(b"subset %d" % subset).digest()
        receipt = data_receipt(self.domain, self.ds, subset, self.owner(ci), digest, nonce)
        if self.plays(ci, Cheat.COPIES_DATA_RECEIPT):
            first = self.market.instances[self._siblings(ci)[0]]
            receipt, nonce = first.data_hash, first.nonce
        self.send(self.owner(ci), "joinCI", e.InstanceJoined(ci, self.owner(ci), receipt, nonce))

    def _siblings(self, ci: InstanceId) -> list[InstanceId]:
        return [other for other in self.cis if subset_of(other) == subset_of(ci) and other != ci]

    def _verified(self, ci: InstanceId) -> e.MarketEvent:
        if self.plays(ci, Cheat.COPIES_DATA_RECEIPT):
            return e.InstanceRejected(ci, self.data_owner)
        return e.InstanceVerified(ci, self.data_owner)

    # --- training ---

    def approve(self, rounds: int = 6) -> None:
        """The model owner asks and the data owner agrees."""
        self.rounds = rounds
        escrow = rounds * self.terms.escrow_per_round
        self.send(
            self.model_owner,
            "createMod requestTC",
            e.ModelCreated(self.mod, self.model_owner, "logistic", bytes(32), bytes(32)),
            e.CoupleRequested(
                self.tc, self.model_owner, self.ds, self.mod, rounds, self._link(b"mo", 0), 0, escrow
            ),
        )
        self.send(
            self.data_owner, "approveTC", e.CoupleApproved(self.tc, self.data_owner, self._link(b"do", 0))
        )

    def _link(self, who: bytes, round_: int) -> bytes:
        return chain_link(sha256(b"secret of " + who).digest(), self.rounds, round_)

    def round(self) -> None:
        """A whole round: every drawn replica plays its part, every subset is settled."""
        self.start()
        self.draw()
        self.report()
        if self.couple.rem:
            self.now = self.couple.deadline
        for subset in set_bits(self.couple.current.drawn):
            self.settle(subset)

    def start(self) -> None:
        """The model owner opens its seed."""
        number = self.couple.round + 1
        seed, weights = self._link(b"mo", number), sha256(b"weights %d" % number).digest()
        started = e.RoundStarted(self.tc, self.model_owner, number, seed, weights, bytes(32))
        self.send(self.model_owner, "startRound", started)

    def draw(self) -> None:
        """The data owner opens its seed."""
        couple = self.couple
        link = self._link(b"do", couple.round)
        seed = round_seed(couple.mo_tip, link, self.tc, couple.round)
        terms = self.terms
        drawn, _ = draw_round(seed, couple.drawn_this_epoch, terms.subsets, terms.subsets_per_round)
        jobs = sum(len(self.market.pool_of(self.ds, subset)) for subset in set_bits(drawn))
        told = e.RoundDrawn(self.tc, self.data_owner, couple.round, link, drawn, jobs)
        self.send(self.data_owner, "drawRound", told)

    def summoned(self) -> list[Instance]:
        """The replicas that the open round asks."""
        drawn = set_bits(self.couple.current.drawn)
        return [instance for subset in drawn for instance in self.market.summoned(self.couple, subset)]

    def report(self, only: Callable[[InstanceId], bool] = lambda _: True) -> None:
        """Every drawn replica answers as its cloud owner plays."""
        for instance in self.summoned():
            if only(instance.id) and not self.plays(instance.id, Cheat.FALLS_SILENT):
                report = self._report(instance)
                told = e.JobReported(
                    self.tc,
                    report.ci,
                    report.cloud_owner,
                    self.couple.round,
                    report.hash,
                    report.nonce,
                    report.sealed_location,
                )
                self.send(report.cloud_owner, "updateTJ", told)

    def _report(self, instance: Instance) -> Report:
        couple, ci, owner = self.couple, instance.id, instance.cloud_owner
        if self.plays(ci, Cheat.COPIES_TRAINING_RECEIPT):
            first = self.market.reports_of(couple, subset_of(ci))[0]
            return Report(ci, owner, first.hash, first.nonce, first.sealed_location)
        nonce = sha256(b"nonce %d %d" % (couple.round, ci)).digest()
        made_up = sha256(b"made up by %d" % ci).digest()
        digest = made_up if self.plays(ci, Cheat.MAKES_MODEL_UP) else self.digest(subset_of(ci))
        hash_ = training_receipt(self.domain, self.tc, couple.round, ci, owner, digest, nonce)
        return Report(ci, owner, hash_, nonce, bytes(96))

    def digest(self, subset: int) -> bytes:
        """What honest training on a subset gives in the open round."""
        return sha256(b"model %d %d" % (self.couple.round, subset)).digest()

    def flag(self, ci: InstanceId) -> None:
        """A replica's cloud owner cannot train; more than half of these leave it to be closed."""
        couple, decides = self.couple, self.couple.flags_left == 0
        reason = FlagReason.WEIGHTS_UNAVAILABLE
        self.send(self.owner(ci), "flagTJ", e.JobFlagged(self.tc, ci, self.owner(ci), couple.round, reason))
        if decides:
            self.say(e.RoundVoided(self.tc, self.owner(ci), couple.round))

    # --- settlement: as contracts/market/Settlement.sol does it ---

    def settle(self, subset: int, settler: Address | None = None) -> None:
        """Opens the honest digest of a drawn subset."""
        couple, settler = self.couple, settler or self.model_owner
        jobs = self.market.summoned(couple, subset)
        verdicts = {job.id: self._verdict(couple, job, self.digest(subset)) for job in jobs}
        self.send(settler, "settleRound")
        pot = sum(self._punish(ci, verdict, settler) for ci, verdict in verdicts.items())
        agreeing = [ci for ci, verdict in verdicts.items() if verdict is JobStatus.ACCEPTED]
        for ci in agreeing:
            self._judge(ci, JobStatus.ACCEPTED, self.terms.job_price + pot // len(agreeing))
        share = self.terms.round_price // self.terms.subsets_per_round
        self.say(e.SubsetSettled(self.tc, settler, couple.round, subset, self.digest(subset), share))
        self._close_if_over()

    def void(self, subset: int) -> None:
        """Nobody settled a drawn subset in time, or could."""
        record = self.couple.current
        if not record.flagged_out:
            self.now = self.market.settle_deadline(self.couple)
        jobs = [job.id for job in self.market.summoned(self.couple, subset)]
        self.send(self.model_owner, "closeRound")
        if self.market.pays_who_reported(self.couple, subset):
            for ci in filter(record.reports.__contains__, jobs):
                self._judge(ci, JobStatus.VOID, self.terms.job_price)
        if not record.flagged_out:
            for ci in jobs:
                if not record.answered(ci):
                    self._punish(ci, JobStatus.MISSED, self.model_owner)
        share = self.market.void_share_of(self.couple, subset)
        self.say(e.SubsetVoided(self.tc, self.model_owner, self.couple.round, subset, share))
        self._close_if_over()

    def _close_if_over(self) -> None:
        if not self.couple.pending:
            self.say(e.RoundClosed(self.tc, self.couple.round))

    def _verdict(self, couple: Couple, job: Instance, digest: bytes) -> JobStatus:
        if job.id in couple.current.flags:
            return JobStatus.FLAGGED
        report = couple.current.reports.get(job.id)
        if report is None:
            return JobStatus.MISSED
        opened = training_receipt(
            self.domain, self.tc, couple.round, job.id, job.cloud_owner, digest, report.nonce
        )
        return JobStatus.ACCEPTED if opened == report.hash else JobStatus.FAULTY

    def _punish(self, ci: InstanceId, verdict: JobStatus, settler: Address) -> int:
        """Slashes the faulty and the silent; returns what of it is for the accepted."""
        if verdict not in (JobStatus.FAULTY, JobStatus.MISSED):
            return 0
        instance, faulty = self.market.instances[ci], verdict is JobStatus.FAULTY
        taken = instance.bond if faulty else min(instance.bond, self.terms.miss_penalty)
        leaves = faulty or instance.bond - taken < self.terms.miss_penalty
        if leaves and instance.status is InstanceStatus.VERIFIED:
            self.say(e.InstanceRetiring(ci, settler))
        self._judge(ci, verdict, taken)
        return max(0, taken - self.terms.job_price) if faulty else 0

    def _judge(self, ci: InstanceId, verdict: JobStatus, amount: int) -> None:
        self.say(e.JobJudged(self.tc, ci, self.couple.round, verdict, amount))

    # --- the end ---

    def complete(self) -> None:
        """The model owner ends training."""
        couple = self.couple
        ended = e.CoupleCompleted(self.tc, self.model_owner, sha256(b"final").digest(), couple.escrow)
        self.send(self.model_owner, "completeTC", ended)

    def abort(self) -> None:
        """The data owner withheld its seed."""
        self.now = self.couple.deadline
        self.send(self.model_owner, "expireDraw", e.CoupleAborted(self.tc, self.model_owner))

    def withdraw(self, member: Address, amount: int) -> None:
        """A member takes coins out."""
        self.send(member, "withdraw", e.Withdrawn(member, amount))

    def outcome(self, **changes: object) -> DemoOutcome:
        """What the demo would hand to the report; `changes` are fields of it."""
        scores = replace(SCORES, market=SCORES.market[: self._closed()])
        outcome = DemoOutcome(
            dataset_name="breast_cancer",
            notes=("569 rows, 30 columns; 143 rows were set aside for the test.",),
            model="logistic",
            network="ganache",
            chain_id=CHAIN_ID,
            contract=CONTRACT,
            settings={"subsets": "4", "replicas": "3", "rounds": "6", "seed": "0"},
            parties=self.parties,
            ds=self.ds,
            tc=self.tc,
            subset_rows=tuple(sum(counts) for counts in STRATA[: self.terms.subsets]),
            history=tuple(self.history),
            audit=audit(self.history, self.domain),
            differences=(),
            contract_balance=self.balance,
            transactions=tuple(self.transactions),
            scores=scores,
            started_at=STARTED_AT,
            seconds=74.2,
        )
        return replace(outcome, **changes)  # type: ignore[arg-type]

    def _closed(self) -> int:
        couple = self.market.couples.get(self.tc)
        return sum(record.closed for record in couple.rounds.values()) if couple else 0


def told(rounds: int = 6, **settings: object) -> Story:
    """A market from its first member to its last round; `settings` are fields of the `Story`."""
    story = Story(**settings)  # type: ignore[arg-type]
    story.distribute()
    story.approve(rounds)
    for _ in range(rounds):
        story.round()
    story.complete()
    return story
