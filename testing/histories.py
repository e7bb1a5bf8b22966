"""Whole histories of a market as its contract would log them, for tests that need no chain.

    story = Story(cheats={(1, 2): Cheat.MAKES_MODEL_UP})
    story.distribute()
    story.approve(rounds=6)
    for _ in range(6):
        story.round()
    story.complete()
    outcome = story.outcome()

Every event follows from the rules in memory (`testing.fake_market`), so an audit of an honest telling finds
nothing. A cheat in a party is played by `round` and `distribute`; what the market makes of it, by the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from eth_utils.address import to_checksum_address

from agents.audit.replay import audit
from agents.core import calls
from agents.core import events as e
from agents.core.assets import Couple, Instance, Report
from agents.core.calls import Call
from agents.core.enums import FlagReason, Role
from agents.core.hashing import (
    chain_link,
    data_receipt,
    receipt_domain,
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
from testing.fake_market import FakeMarket

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


class ToldMarket(FakeMarket):
    """The rules in memory, on another chain and with other names of blocks and transactions."""

    domain = receipt_domain(CHAIN_ID, CONTRACT)

    def emit(self, event: e.MarketEvent) -> None:
        block, transaction = named("block", self.height), named("transaction", self.height)
        self.note(e.Logged(event, self.height, block, self.now, len(self.history), transaction))


def named(kind: str, number: int) -> bytes:
    """A hash for a block or a transaction."""
    return sha256(b"%s %d" % (kind.encode(), number)).digest()


@dataclass
class Story:
    """A market that is told call by call.

    Attributes:
        cheats: by subset and replica, from 0 and from 1.
        names: by subset and replica, where another name than ``cloud owner N`` is wanted.
    """

    terms: e.DatasetTerms = TERMS
    cheats: Mapping[tuple[int, int], str] = field(default_factory=dict)
    names: Mapping[tuple[int, int], str] = field(default_factory=dict)
    chain: ToldMarket = field(default_factory=lambda: ToldMarket(STARTED_AT))
    transactions: list[Mined] = field(default_factory=list)
    rounds: int = 0

    def __post_init__(self) -> None:
        self.data_owner, self.model_owner = address("data owner"), address("model owner")
        self.ds, self.mod = dataset_id(self.data_owner, 1), model_id(self.model_owner, 1)
        self.tc, self.domain = couple_id(self.model_owner, 1), ToldMarket.domain
        per_subset = range(1, self.terms.max_replicas + 1)
        self.cis = [instance_id(self.ds, s, r) for s in range(self.terms.subsets) for r in per_subset]

    @property
    def history(self) -> list[e.Logged]:
        """All that happened."""
        return self.chain.history

    @property
    def market(self) -> Market:
        """What it has come to."""
        return self.chain.mirror

    @property
    def now(self) -> int:
        """The second of the last transaction, or the one to which time was set since."""
        return self.chain.now

    @now.setter
    def now(self, second: int) -> None:
        self.chain.now = second

    @property
    def balance(self) -> int:
        """What the contract holds."""
        events = [logged.event for logged in self.history]
        paid_in = sum(event.amount for event in events if isinstance(event, e.Deposited))
        return paid_in - sum(event.amount for event in events if isinstance(event, e.Withdrawn))

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

    def send(self, sender: Address, *bundle: Call, gas: int = 0) -> None:
        """One transaction in a block of its own."""
        self.now += SECONDS
        self.chain.send_all(sender, bundle)
        block, functions = self.chain.height, tuple(call.function for call in bundle)
        gas = gas or sum(GAS.get(name, 90_000) for name in functions) + 11 * block
        self.transactions.append(Mined(named("transaction", block), block, sender, functions, gas, True))

    # --- distribution ---

    def register(self, member: Address, role: Role, coins: int) -> None:
        """A member with an opening balance."""
        self.send(member, calls.register(role, sha256(member.encode()).digest() * 2, coins))

    def distribute(self) -> None:
        """From nobody to a pool of replicas; a copier of data receipts is found and rejected."""
        self.register(self.data_owner, Role.DATA_OWNER, ETHER)
        self.register(self.model_owner, Role.MODEL_OWNER, ETHER)
        for ci in self.cis:
            self.register(self.owner(ci), Role.CLOUD_OWNER, ETHER // 50)
        subsets, owners = [subset_of(ci) for ci in self.cis], [self.owner(ci) for ci in self.cis]
        create = calls.create_ds(self.terms, bytes(32), bytes(32))
        name = calls.create_ci(self.ds, subsets, owners, [bytes(96)] * len(self.cis))
        self.send(self.data_owner, create, name, gas=1_400_000)
        for ci in self.cis:
            self.join(ci)
        self.send(self.data_owner, calls.verify_ci(self.cis, [*map(self.accepts, self.cis)]), gas=520_000)

    def accepts(self, ci: InstanceId) -> bool:
        """What the data owner says to a replica's receipt."""
        return not self.plays(ci, Cheat.COPIES_DATA_RECEIPT)

    def join(self, ci: InstanceId) -> None:
        """A cloud owner declares that it holds its data."""
        subset, owner, nonce = subset_of(ci), self.owner(ci), sha256(b"data nonce %d" % ci).digest()
        digest = sha256(b"subset %d" % subset).digest()
        receipt = data_receipt(self.domain, self.ds, subset, owner, digest, nonce)
        if self.plays(ci, Cheat.COPIES_DATA_RECEIPT):
            first = self.market.instances[self._siblings(ci)[0]]
            receipt, nonce = first.data_hash, first.nonce
        self.send(owner, calls.join_ci(ci, receipt, nonce))

    def _siblings(self, ci: InstanceId) -> list[InstanceId]:
        return [other for other in self.cis if subset_of(other) == subset_of(ci) and other != ci]

    # --- training ---

    def approve(self, rounds: int = 6) -> None:
        """The model owner asks and the data owner agrees."""
        self.rounds = rounds
        create = calls.create_mod("logistic", bytes(32), bytes(32))
        request = calls.request_tc(self.mod, self.ds, rounds, self._link(b"mo", 0))
        self.send(self.model_owner, create, request)
        self.send(self.data_owner, calls.approve_tc(self.tc, self._link(b"do", 0)))

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
        self.send(self.model_owner, calls.start_round(self.tc, seed, weights, bytes(32)))

    def draw(self) -> None:
        """The data owner opens its seed."""
        self.send(self.data_owner, calls.draw_round(self.tc, self._link(b"do", self.couple.round)))

    def assigned(self) -> list[Instance]:
        """The replicas that the open round asks."""
        drawn = set_bits(self.couple.current.drawn)
        return [instance for subset in drawn for instance in self.market.assigned(self.couple, subset)]

    def report(self, only: Callable[[InstanceId], bool] = lambda _: True) -> None:
        """Every drawn replica answers as its cloud owner plays."""
        for instance in self.assigned():
            if only(instance.id) and not self.plays(instance.id, Cheat.FALLS_SILENT):
                report = self._report(instance)
                answer = calls.update_tj(
                    self.tc,
                    report.ci,
                    self.couple.round,
                    report.hash,
                    report.nonce,
                    report.sealed_location,
                )
                self.send(report.cloud_owner, answer)

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
        reason = FlagReason.WEIGHTS_UNAVAILABLE
        self.send(self.owner(ci), calls.flag_tj(self.tc, ci, self.couple.round, reason))

    def settle(self, subset: int, settler: Address | None = None) -> None:
        """Opens the honest digest of a drawn subset."""
        reports = self.market.reports_of(self.couple, subset)
        settle = calls.settle_round(self.tc, subset, self.digest(subset), reports)
        self.send(settler or self.model_owner, settle)

    def void(self, subset: int) -> None:
        """Nobody settled a drawn subset in time, or could."""
        if not self.couple.current.flagged_out:
            self.now = self.market.settle_deadline(self.couple)
        self.send(self.model_owner, calls.close_round(self.tc, [subset]))

    # --- the end ---

    def complete(self) -> None:
        """The model owner ends training."""
        self.send(self.model_owner, calls.complete_tc(self.tc, sha256(b"final").digest()))

    def abort(self) -> None:
        """The data owner withheld its seed."""
        self.now = self.couple.deadline
        self.send(self.model_owner, calls.expire_draw(self.tc))

    def withdraw(self, member: Address, amount: int) -> None:
        """A member takes coins out."""
        self.send(member, calls.withdraw(amount))

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
