"""Whom a member deals with and for how much: checked before any coin is locked and any work begun.

A line of a policy that a counterparty or its terms break is a `Breach`, which names the line. By default a
member deals with nobody. Addresses are free, so what counts is coins and datasets: what one member may hold
bounds no stranger, what all of them together may hold does.

The lines are settings of the agents as they stand here (`agents.runtime.settings`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Self

from eth_utils.address import is_address, to_checksum_address
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic.fields import FieldInfo

from agents.core.amounts import ETHER, Wei, read_amount
from agents.core.events import DatasetTerms
from agents.core.ids import Address

ANYONE: Final = "anyone"
"""In the place of addresses: whoever comes."""

DAY: Final = 24 * 3600
MOST_REPLICAS: Final = 16
MAX_OBJECT_MB: Final = 256
"""What an object store takes."""


@dataclass(frozen=True)
class Breach:
    """What breaks a policy.

    Attributes:
        line: of the policy.
        why: what it is, and what the line allows.
    """

    line: str
    why: str = field(compare=False)

    def __str__(self) -> str:
        """One line."""
        return f"{self.line}: {self.why}"


# --- the lines ---


def checksummed(text: str) -> Address:
    """An address as it is written with a checksum.

    Raises:
        ValueError: the text is none.
    """
    if not is_address(text):
        raise ValueError(f"{text!r} is no address: give 0x and 40 hexadecimal digits")
    return Address(to_checksum_address(text))


def each(given: object) -> object:
    """One text is a list of one."""
    return (given,) if isinstance(given, str) else given


def _member(text: str) -> str:
    return ANYONE if text == ANYONE else checksummed(text)


Members = Annotated[tuple[Annotated[str, AfterValidator(_member)], ...], BeforeValidator(each)]
MemberAddress = Annotated[Address, AfterValidator(checksummed)]
Count = Annotated[int, Field(ge=0)]
Seconds = Annotated[int, Field(ge=1)]
Megabytes = Annotated[int, Field(ge=1, le=MAX_OBJECT_MB)]
Coins = Annotated[Wei, Field(ge=0)]


def is_of_coins(policy: Policy, line: str) -> bool:
    """Whether a line is an amount of coins."""
    metadata = type(policy).model_fields[line].metadata
    return any(isinstance(one, BeforeValidator) and one.func is read_amount for one in metadata)


def _check(line: FieldInfo, what: str, value: int) -> None:
    """Whether a line may have a value.

    Raises:
        ValueError: it may not.
    """
    try:
        TypeAdapter(Annotated[line.annotation, *line.metadata]).validate_python(value)
    except ValidationError as error:
        raise ValueError(f"{what}: {error.errors(include_url=False)[0]['msg']}") from None


class Policy(BaseModel):
    """What every role's policy has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    members: Members = Field(
        default=(), description="Address of a member that it deals with, once for each; or: anyone."
    )
    at_stake: Coins = Field(default=ETHER, description="Most to have locked at a time, in all.")
    at_stake_each: Coins = Field(
        default=ETHER // 5, description="Most to have locked at a time with one member."
    )
    with_member: dict[MemberAddress, dict[str, Coins]] = Field(
        default={}, description="Lines that are others for one member, in a table of its address."
    )

    @field_validator("with_member", mode="before")
    @classmethod
    def _once(cls, tables: object) -> object:
        names = [str(name).lower() for name in tables] if isinstance(tables, Mapping) else []
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"{name} has two tables: make one of them")
        return tables

    @field_validator("with_member")
    @classmethod
    def _known(cls, tables: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
        lines = cls.of_each()
        for member, table in tables.items():
            for line in table.keys() - set(lines):
                raise ValueError(f"{member} has {line!r}: a table may have {', '.join(lines)}")
            for line, value in table.items():
                _check(cls.model_fields[line], f"{member} has {line} = {value}", value)
        return tables

    @classmethod
    def lines(cls) -> list[str]:
        """Their names."""
        kind = next(kind for kind in cls.__mro__ if kind in _KINDS)
        return list(kind.model_fields)

    @classmethod
    def of_each(cls) -> list[str]:
        """Those that may be others for one member."""
        return sorted(line for line in set(cls.lines()) - _OF_ALL if not line.endswith(_SIZE))

    def toward(self, member: Address) -> Self:
        """The policy as it is for one member."""
        return self.model_copy(update=self.with_member.get(member, {}))

    def on_member(self, member: Address) -> Iterator[Breach]:
        """Whether it deals with a member."""
        if member not in self.members and ANYONE not in self.members:
            yield Breach("members", f"{member} is not one of them")


class DataOwnerPolicy(Policy):
    """Whom a data owner lets train.

    A strict majority of the places is always allowed as a quorum. Where all have to agree a single cloud
    owner that lies leaves its subset void, and the model owner pays it for that, as all that reported.
    """

    at_stake_each: Coins = Field(
        default=3 * ETHER // 10, description="Most to have locked at a time for one model owner."
    )
    max_couples: Count = Field(
        default=20, description="Couples to approve on the dataset, ever: each is a look at the data."
    )
    max_couples_each: Count = Field(default=3, description="Couples to approve for one model owner.")
    max_rounds: Seconds = Field(default=1000, lt=2**16, description="Rounds that a couple may have.")
    max_keys_mb: Megabytes = Field(default=256, description="MiB of a plan's keys.")
    max_quorum: Count = Field(
        default=0,
        le=MOST_REPLICAS,
        description="Most agreeing replicas that a model owner may ask for; 0: a strict majority.",
    )


class CloudOwnerPolicy(Policy):
    """Whose replicas a cloud owner holds, and on which terms."""

    min_job_price: Coins = Field(default=0, description="Least that a job may pay.")
    max_bond_jobs: Count = Field(default=50, description="Most that a bond may be, in jobs' pay.")
    max_penalty_jobs: Count = Field(default=10, description="Most that a miss may cost, in jobs' pay.")
    min_report_window_seconds: Seconds = Field(default=600, description="Least time to train and answer.")
    max_report_window_seconds: Seconds = Field(
        default=7 * DAY, description="Most time until others have answered."
    )
    min_settle_window_seconds: Seconds = Field(default=600, description="Least time to be settled in.")
    max_settle_window_seconds: Seconds = Field(default=7 * DAY, description="Most time until it is paid.")
    max_hold_seconds: Seconds = Field(
        default=30 * DAY, description="How long a bond may be held after leaving."
    )
    max_package_mb: Megabytes = Field(default=64, description="MiB of a data package.")
    max_keys_mb: Megabytes = Field(default=256, description="MiB of a plan's keys.")
    max_weights_mb: Megabytes = Field(default=64, description="MiB of a round's weights.")
    max_instances: Count = Field(default=100, description="Replicas to hold.")
    max_instances_each: Count = Field(default=20, description="Replicas to hold of one data owner.")

    def on_terms(self, terms: DatasetTerms) -> Iterator[Breach]:
        """What of a dataset's terms breaks it."""
        yield from at_least("min_job_price", terms.job_price, self.min_job_price, "wei a job")
        bond, penalty = (jobs * terms.job_price for jobs in (self.max_bond_jobs, self.max_penalty_jobs))
        yield from at_most("max_bond_jobs", terms.instance_bond, bond, "wei of bond")
        yield from at_most("max_penalty_jobs", terms.miss_penalty, penalty, "wei for a miss")
        for name in ("report", "settle"):
            yield from _window(self, terms, name)
        yield from at_most("max_hold_seconds", terms.unbonding_seconds, self.max_hold_seconds, "seconds")


class ModelOwnerPolicy(Policy):
    """On whose data a model owner trains, and for how much."""

    at_stake_each: Coins = Field(
        default=ETHER // 2, description="Most to have locked at a time with one data owner."
    )
    max_round_price: Coins = Field(
        default=ETHER // 10, description="Most that the data owner may take for a round."
    )
    max_job_price: Coins = Field(
        default=ETHER // 100, description="Most that a cloud owner may take for a job."
    )
    max_result_mb: Megabytes = Field(default=64, description="MiB of a job's result.")
    max_answer_window_seconds: Seconds = Field(
        default=7 * DAY, description="How long a request may wait for its answer."
    )
    min_draw_window_seconds: Seconds = Field(
        default=60, description="Least time for the data owner to open a seed."
    )
    max_draw_window_seconds: Seconds = Field(default=DAY, description="Most time for it.")
    max_report_window_seconds: Seconds = Field(
        default=7 * DAY, description="Most time for cloud owners to answer."
    )
    max_settle_window_seconds: Seconds = Field(default=7 * DAY, description="Most time to settle a round.")

    def on_terms(self, terms: DatasetTerms) -> Iterator[Breach]:
        """What of a dataset's terms breaks it."""
        yield from at_most("max_round_price", terms.round_price, self.max_round_price, "wei a round")
        yield from at_most("max_job_price", terms.job_price, self.max_job_price, "wei a job")
        for name in ("answer", "draw", "report", "settle"):
            yield from _window(self, terms, name)


_OF_ALL = frozenset({"members", "at_stake", "max_couples", "max_instances", "with_member"})
_SIZE = "_mb"
"""At the end of a line of which whoever fetches knows no member."""
_KINDS = (DataOwnerPolicy, CloudOwnerPolicy, ModelOwnerPolicy, Policy)


# --- coins at stake ---


@dataclass
class Stakes:
    """Coins that are locked, and what else may be.

    Attributes:
        policy: how much.
        locked: wei, by the member on whose account they are.
    """

    policy: Policy
    locked: dict[Address, int] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: Policy, locked: Iterable[tuple[Address, int]]) -> Self:
        """What is locked now: each sum, and with whom."""
        stakes = cls(policy)
        for member, amount in locked:
            stakes.lock(member, amount)
        return stakes

    def lock(self, member: Address, amount: int) -> None:
        """Counts so many wei more."""
        self.locked[member] = self.locked.get(member, 0) + amount

    def on_lock(self, member: Address, amount: int) -> Iterator[Breach]:
        """What locking so many wei more with a member would break."""
        with_it, most = self.locked.get(member, 0) + amount, self.policy.toward(member).at_stake_each
        yield from at_most("at_stake_each", with_it, most, f"wei at stake with {member}")
        in_all = sum(self.locked.values()) + amount
        yield from at_most("at_stake", in_all, self.policy.at_stake, "wei at stake in all")


@dataclass
class Dealings:
    """What a member has agreed to: coins that are locked, and how often with whom.

    Attributes:
        stakes: the coins, with those of what it agrees to while it decides.
        before: of replicas or couples on the chain, by the other member.
        numbers: of them and of those that it agrees to while it decides.
    """

    stakes: Stakes
    before: Counter[Address]
    numbers: Counter[Address] = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = self.before.copy()

    def agree(self, member: Address, amount: int) -> None:
        """One more, for so many wei."""
        self.stakes.lock(member, amount)
        self.numbers[member] += 1


# --- comparing ---


def over(line: str, count: int, most: int, of: str) -> Iterator[Breach]:
    """A breach if there are as many as there may be already; `of` says what is counted."""
    if count >= most:
        yield Breach(line, f"there are {count} {of} already, at most {most} are allowed")


def at_most(line: str, value: int, most: int, of: str) -> Iterator[Breach]:
    """A breach if a value is over what a line of the policy allows; `of` says what it is."""
    if value > most:
        yield Breach(line, f"{value} {of}, at most {most} are allowed")


def at_least(line: str, value: int, least: int, of: str) -> Iterator[Breach]:
    """A breach if a value is below what a line of the policy asks for; `of` says what it is."""
    if value < least:
        yield Breach(line, f"{value} {of}, at least {least} are asked for")


def _window(policy: Any, terms: DatasetTerms, name: str) -> Iterator[Breach]:
    """Whether one of the windows is as long as the policy wants it."""
    term = f"{name}_window_seconds"
    value = getattr(terms, term)
    yield from at_least(f"min_{term}", value, getattr(policy, f"min_{term}", 0), "seconds")
    yield from at_most(f"max_{term}", value, getattr(policy, f"max_{term}"), "seconds")
