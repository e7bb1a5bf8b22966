"""What a data owner may ask for, and what its agent says to a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Final, get_args

from agents.core.errors import BadPlan
from agents.demo.ranges import policy_of
from agents.learning.data import exposed
from agents.learning.data.canonical import digest
from agents.learning.data.description import Description, parse_description
from agents.learning.data.samples import Samples
from agents.learning.data.subset import Subset
from agents.learning.data.tables import Table, load_table
from agents.learning.families.registry import FAMILIES, family_of
from agents.learning.plans.base import Plan, Server
from agents.learning.plans.encrypted import ExactPlan
from agents.learning.plans.noise import Mode
from agents.learning.privacy.levels import LEVELS as LEAST_FIRST
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.policy import PrivacyPolicy
from agents.roles.tasks.data_owner import ReviewPlan, SplitData
from agents.workers.data_owner import EXPOSED_FILE, DataOwnerWorker
from agents.workers.standing import DESCRIPTION_FILE
from assurance.attack.attack import Stage
from testing.workers import DS, TC, FaultyStore, Place, done
from testing.world import WORLD_TERMS

Level = Secrecy
"""What a data owner promises."""

LEVELS: Final[tuple[Level, ...]] = tuple(reversed(LEAST_FIRST))

SUBSETS: Final = WORLD_TERMS.subsets
MOST_TELLING_FIRST: Final = ("", "none", "round", "dataset")
"""Kinds of sums that a model owner may ask for."""

NARROW: Final = 8
"""Random features: under a twelfth of the rows of any table that is played on."""

EPSILON: Final = 4
"""Of level `private`."""


def noise_for(table: Table, mode: Mode = "dealt") -> PrivacyPolicy:
    """What a data owner asks for at level `private`, its table's ranges being known."""
    return policy_of(table, epsilon=EPSILON, noise=mode, colluding=1 if mode == "shared" else 0)


_NUMBERS = count()


@dataclass(frozen=True)
class Asked:
    """A plan that a model owner asked for.

    Attributes:
        plan: the most telling that was let through; else the last that was asked for.
        refusal: why none was let through; empty if one was.
    """

    plan: Plan
    refusal: str


@dataclass(frozen=True)
class DataOwnersAgent:
    """A data owner's agent that has offered its table at a level."""

    place: Place
    worker: DataOwnerWorker

    @property
    def description(self) -> Description:
        """What everybody may know of the dataset."""
        return parse_description(self.place.tools.home.read(DESCRIPTION_FILE) or b"")

    @property
    def exposed(self) -> Samples:
        """What it gives to a model owner outside the market."""
        return exposed.from_bytes(self.place.tools.home.read(EXPOSED_FILE) or b"")

    @property
    def subsets(self) -> tuple[Subset, ...]:
        """As it deals them to cloud owners."""
        home = self.place.tools.home
        return tuple(Subset.from_bytes(home.read(f"split/{DS:x}/{index}") or b"") for index in range(SUBSETS))

    def refusal(self, plan: Plan) -> str:
        """What it has against a plan; empty if nothing."""
        store = self.place.store
        named = plan.with_keys(store.put(b"keys that nobody needs here").digest.hex())
        document = named.canonical_bytes()
        review = ReviewPlan(TC, digest(document), store.put(document).digest)
        return done(self.worker, review).problem


@cache
def agent_of(stage: Stage, level: Level) -> DataOwnersAgent:
    """The agent of a data owner that offers the stage's table, always the same one."""
    return new_agent(stage, level)


def new_agent(stage: Stage, level: Level) -> DataOwnersAgent:
    """Another agent of that data owner, which nobody has asked for anything yet."""
    place = Place(stage.folder / f"agent {next(_NUMBERS)}", "data owner", FaultyStore())
    privacy = noise_for(load_table(stage.table)) if level == "private" else None

    def derive(purpose: bytes) -> bytes:
        return stage.secret(f"data owner {purpose!r}")

    worker = DataOwnerWorker(
        place.tools, stage.table, None, SUBSETS, stage.seed, WORLD_TERMS, derive, level, privacy
    )
    done(worker, SplitData(DS))
    return DataOwnersAgent(place, worker)


def default_for(stage: Stage, family: str) -> Plan:
    """A family's default plan for the stage's table.

    Raises:
        BadPlan: it has none for such data.
    """
    form = agent_of(stage, "none").description
    return FAMILIES[family].default_plan(form.features, form.classes, 8, stage.seed)


def narrow_for(stage: Stage, family: str) -> Plan:
    """The same, with as few random features as are no danger by themselves.

    Raises:
        BadPlan: it has none for such data.
    """
    plan = default_for(stage, family)
    return plan.model_copy(update={"hidden": NARROW}) if family == "encrypted-features" else plan


def asked(stage: Stage, level: Level, plan: Plan) -> Asked:
    """The most telling variant of a plan that the agent lets through, as the first that it sees."""
    agent, last = new_agent(stage, level), Asked(plan, "no such plan")
    guarantee = agent.description.guarantee
    for variant in _variants(plan):
        if guarantee is not None and variant.noise_named is not None:
            variant = variant.with_noise(guarantee.noise)
        last = Asked(variant, agent.refusal(variant))
        if not last.refusal:
            break
    return last


def averaging(plan: Plan) -> Plan:
    """The plan whose weights go out step by step: one that is solved has sums over the dataset only."""
    return plan.model_copy(update={"server": Server(), "probes": 0, "readout": "outputs"})


def _variants(plan: Plan) -> Iterator[Plan]:
    """The plan with each kind of sums that its family knows, the most telling first."""
    field = type(plan).model_fields.get("sums")
    if field is None:
        yield plan
        return
    for sums in sorted(get_args(field.annotation), key=MOST_TELLING_FIRST.index):
        variant = plan.model_copy(update={"sums": sums})
        if sums == "round" and isinstance(plan, ExactPlan):
            variant = averaging(variant)
        try:
            family_of(variant)
        except BadPlan:
            continue
        yield variant
