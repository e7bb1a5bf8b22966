"""How a model owner asks for one of its models: choose a dataset, plan, pay, request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.core.assets import Dataset
from agents.core.calls import create_mod, request_tc
from agents.core.ids import Address, DatasetId, couple_id, model_id
from agents.core.market import Market
from agents.roles import awaiting
from agents.roles.acts import Act, AgainstPolicy, Identity, Send, Situation, Unaffordable
from agents.roles.common import seed_link
from agents.roles.policy import Breach, ModelOwnerPolicy, Stakes
from agents.roles.portfolio import Ambiguous, WantedModel, bind, models_of, next_serial
from agents.roles.results import BoundEntry, DraftedPlan
from agents.roles.tasks.model_owner import DraftPlan, LearnName


@dataclass(frozen=True)
class ModelRequest:
    """A model that no couple was asked for yet.

    Attributes:
        policy: on whose data it may be trained, and for how much.
        wanted: the model.
        taken: serials of the wallet's models that have a name.
    """

    identity: Identity
    policy: ModelOwnerPolicy
    wanted: WantedModel
    taken: frozenset[int] = frozenset()

    def acts(self, situation: Situation, stakes: Stakes) -> Iterator[Act]:
        """What is due now; `stakes` are of all the models."""
        if self.wanted.state != "trained":
            yield from self._begun(situation)
            return
        found, unclear = self._candidates(situation)
        yield from unclear
        for dataset in found:
            breach = next(self._breaches(dataset), None)
            if breach is None:
                yield from self._request_on(situation, dataset, stakes)
                return
            yield AgainstPolicy(f"dataset {dataset.id:x}", breach)

    def awaits(self, situation: Situation) -> str:
        """For what of others it waits, in words."""
        if self.wanted.state != "trained":
            return ""
        for dataset in self._candidates(situation)[0]:
            if next(self._breaches(dataset), None) is None:
                return awaiting.for_replicas(situation.market, dataset)
        if self.wanted.ds is not None:
            return f"dataset {self.wanted.ds:x} to be offered"
        if self.wanted.dataset is not None:
            return f"dataset {self.wanted.dataset} to be offered"
        return "a dataset that its policy allows"

    # --- on which dataset ---

    def _candidates(self, situation: Situation) -> tuple[list[Dataset], list[Act]]:
        """The datasets that it may be trained on, and what keeps some from being told."""
        market, wanted = situation.market, self.wanted
        if wanted.ds is not None:
            return [market.datasets[wanted.ds]] if wanted.ds in market.datasets else [], []
        if wanted.dataset is None:
            return list(market.datasets.values()), []
        fits = [dataset for dataset in market.datasets.values() if wanted.dataset.may_be(dataset.id)]
        unclear: list[Act] = []
        if wanted.dataset.name:
            tasks = [_name_task(dataset, wanted.name) for dataset in fits]
            names = [situation.result(task) for task in tasks]
            unclear = [task for task, known in zip(tasks, names, strict=True) if known is None]
            named = zip(fits, names, strict=True)
            fits = [one for one, known in named if known is not None and known.name == wanted.dataset.name]
        if len(fits) > 1:
            return [], [Ambiguous(wanted.name, str(wanted.dataset), tuple(one.id for one in fits))]
        return fits, unclear

    def _breaches(self, dataset: Dataset) -> Iterator[Breach]:
        """What of a dataset the policy rules out for good."""
        policy = self.policy.toward(dataset.owner)
        if self.wanted.dataset is None and self.wanted.ds is None:
            yield from policy.on_member(dataset.owner)
        yield from policy.on_terms(dataset.terms)

    # --- asking ---

    def _request_on(self, situation: Situation, dataset: Dataset, stakes: Stakes) -> Iterator[Act]:
        market = situation.market
        if market.covered(dataset.id) < dataset.terms.subsets:
            return
        task = plan_task(dataset, self.wanted)
        plan = situation.result(task)
        if plan is None:
            yield task
            return
        rounds = plan.rounds + self.wanted.spare_rounds
        escrow = rounds * dataset.terms.escrow_per_round
        breach = next(stakes.on_lock(dataset.owner, escrow), None)
        if breach:
            yield AgainstPolicy(f"dataset {dataset.id:x}", breach)
            return
        made = models_of(market, self.identity.address)
        serial = self.wanted.serial or next_serial(made, self.taken)
        mod = model_id(self.identity.address, serial)
        tc = couple_id(self.identity.address, couples_of(market, self.identity.address) + 1)
        tip = seed_link(self.identity, tc, rounds, 0)
        request = Send(request_tc(mod, dataset.id, rounds, tip, self.wanted.quorum), escrow)
        if not self.wanted.serial:
            yield self._bound(situation, serial, dataset.id, request)
            return
        yield from self._create(market, plan)
        if mod in market.models or made + 1 == serial:
            stakes.lock(dataset.owner, escrow)
            yield request

    def _bound(self, situation: Situation, serial: int, ds: DatasetId, request: Send) -> Act:
        """The note that gives the model its serial, once there are the coins to go on."""
        has = situation.market.balances.get(self.identity.address, 0) + situation.coins
        if request.locks > has:
            return Unaffordable(request, self.identity.address, has)
        bound = BoundEntry(name=self.wanted.name, facts=self.wanted.facts, ds=f"{ds:x}")
        return bind("model", serial, bound)

    def _begun(self, situation: Situation) -> Iterator[Act]:
        """A serial that is bound is used: the ones after it wait for it."""
        dataset = situation.market.datasets.get(self.wanted.ds) if self.wanted.ds else None
        plan = situation.result(plan_task(dataset, self.wanted)) if dataset else None
        if plan is not None and self.wanted.serial:
            yield from self._create(situation.market, plan)

    def _create(self, market: Market, plan: DraftedPlan) -> Iterator[Act]:
        """The market numbers models in the order in which they come: each waits for the one before."""
        if models_of(market, self.identity.address) + 1 == self.wanted.serial:
            yield Send(create_mod(plan.model_type, plan.hash, plan.location))


def plan_task(dataset: Dataset, wanted: WantedModel) -> DraftPlan:
    """The task of planning a model for a dataset."""
    return DraftPlan(
        dataset.id,
        dataset.metadata_hash,
        dataset.metadata_location,
        report_window_seconds=dataset.terms.report_window_seconds,
        deadline=dataset.terms.ends_at,
        version=wanted.version,
        entry=wanted.name,
    )


def couples_of(market: Market, owner: Address) -> int:
    """How many couples a model owner has asked for."""
    return sum(couple.model_owner == owner for couple in market.couples.values())


def _name_task(dataset: Dataset, entry: str) -> LearnName:
    return LearnName(dataset.id, dataset.metadata_hash, dataset.metadata_location, entry=entry)
