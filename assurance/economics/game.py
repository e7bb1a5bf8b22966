"""One couple on the market itself, each party playing a strategy, and what each has at the end.

What a party has is its coins on the chain and in the ledger, less what it had, the gas of its calls and the
training that it did; a model owner also has the results that it can read. At the end all coins are free: the
couple is over and every instance released.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from random import Random

from agents.core import calls
from agents.core.calls import Call
from agents.core.enums import CouplePhase as Phase
from agents.core.enums import InstanceStatus
from agents.core.events import MarketEvent
from agents.core.hashing import set_bits
from agents.core.ids import Address, InstanceId, subset_of
from agents.roles.acts import Identity
from assurance.economics.setting import DEPOSIT, Setting
from assurance.economics.strategies import CloudStrategy, DataStrategy, Lies, ModelStrategy
from assurance.economics.theory import measured
from testing.evm import Evm
from testing.evm_script import EvmScript
from testing.local_evm import PURSE
from testing.script import FORGED, identity


class Game(EvmScript):
    """A market with one couple, and the books of what its members spent.

    Attributes:
        outsider: whether a stranger does all that anyone may do: settles, closes, ends, releases.
        gas: used, by member: of each call what the snapshot says of its kind, or more if it used more: the
            EVM finds warm what calls before have touched. `trainings` likewise.
        learnt: the (round, subset) of which the model owner can read a right result.
    """

    def __init__(
        self,
        setting: Setting,
        clouds: dict[int, CloudStrategy] | None = None,
        data: DataStrategy | None = None,
        model: ModelStrategy | None = None,
        *,
        outsider: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(Evm(), setting.replicas, setting.rounds, setting.quorum)
        self.setting, self.outsider = setting, outsider
        self.data, self.model = data or DataStrategy(), model or ModelStrategy()
        self.terms, self.balance = setting.dataset_terms, DEPOSIT
        secret = b"game %d " % seed
        self.mo = replace(self.mo, derive=lambda purpose: sha256(secret + purpose).digest())
        self.seed = seed
        chance = Random(seed)
        places = range(setting.subsets * setting.replicas)
        self.cos = [identity(f"cloud owner {number}") for number in places]
        self.clouds = {self.cos[number].address: strategy for number, strategy in (clouds or {}).items()}
        for co in self.cos:
            lies = chance.random() < setting.dishonest
            self.clouds.setdefault(co.address, Lies() if lies else CloudStrategy())
        self.gas: Counter[Address] = Counter()
        self.calls: Counter[tuple[Address, str]] = Counter()
        self.trainings: Counter[Address] = Counter()
        self.learnt: set[tuple[int, int]] = set()

    # --- what it comes to ---

    def play(self) -> Game:
        """From the first registration to the last release."""
        self.register()
        self.offer()
        for subset in range(self.terms.subsets):
            self.name(*self.cos[subset * self.replicas : (subset + 1) * self.replicas], subsets=[subset])
            for ci in self.cis(subset):
                self.join(ci)
            self.data.verifies(self, self.cis(subset))
        if self.market.covered(self.ds) == self.terms.subsets:
            self._train()
        self.now = self.terms.ends_at + 1
        for ci, instance in list(self.market.instances.items()):
            if instance.status not in _OVER:
                self.send(self._anyone(self.owner(ci)), calls.release_ci(ci))
        return self

    def payoff(self, *parties: Identity) -> int:
        """What these have more than at the start, in wei."""
        return sum(self._payoff(party) for party in parties)

    @property
    def replicas(self) -> int:
        """Of each subset."""
        return self.setting.replicas

    # --- what the strategies need ---

    def send(self, sender: Identity, call: Call) -> list[MarketEvent]:
        events = super().send(sender, call)
        self.calls[sender.address, call.function] += 1
        first = self.calls[sender.address, call.function] == 1
        usual = snapshot(call.function, self.replicas, first=first)
        self.gas[sender.address] += max(self.evm.gas_used, usual)
        return events

    def readable(self, ci: InstanceId) -> bool:
        """Whether the model owner let this instance read the round's weights."""
        return self.model.shows(self, ci)

    def train(self, ci: InstanceId) -> None:
        """Spends the cost of training."""
        self.trainings[self.owner(ci).address] += 1

    def deliver(self, ci: InstanceId) -> None:
        """Lets the model owner read what was trained."""
        self.learnt.add((self.couple.round, subset_of(ci)))

    # --- the couple ---

    def _train(self) -> None:
        self.request()
        if not self.data.approves(self):
            self.send(self.do, calls.decline_tc(self.tc))
            return
        self.approve()
        while self.phase is Phase.APPROVED and self.model.goes_on(self):
            if not self._round():
                return
            self.data.between(self)
        if self.model.completes:
            self.send(self.mo, calls.complete_tc(self.tc, bytes(32)))
        else:
            self.now = self.couple.window_ends_at + 1
            self.send(self._anyone(self.do), calls.expire_tc(self.tc))

    def _round(self) -> bool:
        """Whether the couple outlived it."""
        self.start()
        if not self.data.draws(self):
            self.now = self.couple.deadline + 1
            self.send(self._anyone(self.mo), calls.expire_draw(self.tc))
            return False
        self.draw()
        asked = [ci for subset in self.drawn for ci in self.assigned(subset)]
        for ci in sorted(asked, key=lambda ci: self._cloud(ci).turn(self, ci)):
            if self.phase is Phase.TRAINING:
                self._cloud(ci).answers(self, ci)
        if self.phase is Phase.TRAINING:
            self.now = self.couple.deadline + 1
        if self.phase is Phase.SETTLING:
            self._settle()
        if self.phase in (Phase.SETTLING, Phase.OVERDUE):
            self._close()
        return True

    def _settle(self) -> None:
        """The model owner settles, or in the second half of the window whoever trained; if it can be done."""
        opened = []
        for subset in set_bits(self.couple.pending):
            digest = self._believed(subset)
            if digest is None or not self._comes_to_be_settled(subset):
                continue
            by = self.mo
            if not self.model.settles:
                self.now = self.couple.deadline + self.terms.settle_window_seconds // 2 + 1
                by = next(self.owner(ci) for ci in self.assigned(subset) if self._reported(ci, digest))
            self.settle(subset, digest, by=self._anyone(by))
            opened.append(subset)
        for subset in opened:
            for instance in self.dataset.subsets[subset].places:
                self._cloud(instance).hears(self, instance)

    def _comes_to_be_settled(self, subset: int) -> bool:
        """Whether anybody settles at all: the same luck however the members play."""
        luck = Random(f"{self.seed} {self.couple.round} {subset}")
        return luck.random() < self.setting.settled

    def _believed(self, subset: int) -> bytes | None:
        """The digest that enough reports open to."""
        needed = self.market.quorum_of(self.couple, subset)
        for digest in (self.model_digest(subset), FORGED):
            if sum(self._reported(ci, digest) for ci in self.assigned(subset)) >= needed:
                return digest
        return None

    def _reported(self, ci: InstanceId, digest: bytes) -> bool:
        report = self.couple.current.reports.get(ci)
        return report is not None and report.hash == self.receipt(ci, digest)[0]

    def _close(self) -> None:
        if self.phase is not Phase.OVERDUE:
            self.now = self.market.settle_deadline(self.couple) + 1
        self.send(self._anyone(self.mo), calls.close_round(self.tc, set_bits(self.couple.pending)))

    def _anyone(self, usual: Identity) -> Identity:
        """Who does what anyone may do."""
        return self.stranger if self.outsider else usual

    def _cloud(self, ci: InstanceId) -> CloudStrategy:
        return self.clouds[self.owner(ci).address]

    def _payoff(self, party: Identity) -> int:
        address, setting = party.address, self.setting
        if address not in self.gas:  # it never did anything
            return 0
        coins = self.evm.balance(address) - PURSE + int(self.evm.view("balanceOf", address, hint=int))
        spent = self.gas[address] * setting.gas_price + self.trainings[address] * setting.training_cost
        results = len(self.learnt) * setting.result_value if address == self.mo.address else 0
        return coins - spent + results


def snapshot(function: str, replicas: int, *, first: bool) -> int:
    """The gas of a call as it was measured on a chain; 0 of one that was not."""
    names = (f"{function}.n{replicas}", f"{function}.{'first' if first else 'later'}", function)
    return next((measured()[name] for name in names if name in measured()), 0)


_OVER = (InstanceStatus.RETIRED, InstanceStatus.REFUSED, InstanceStatus.REJECTED)
