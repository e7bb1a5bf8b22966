"""Policies: each line at its bound and one beside it, what is counted as at stake, lines for one member.

Rules: A38, A74, A75.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from agents.core.amounts import ETHER
from agents.core.events import DatasetTerms
from agents.core.ids import Address
from agents.portfolio.terms import Terms
from agents.roles.policy import (
    ANYONE,
    CloudOwnerPolicy,
    DataOwnerPolicy,
    ModelOwnerPolicy,
    Policy,
    Stakes,
    over,
)
from testing.script import identity

NORTH, SOUTH = identity("north").address, identity("south").address
TERMS = Terms().of(4, 2, 3)

Lines = CloudOwnerPolicy | ModelOwnerPolicy


@pytest.mark.parametrize("policy", [CloudOwnerPolicy(), ModelOwnerPolicy()])
def test_the_default_terms_break_no_default_policy(policy: Lines) -> None:
    assert list(policy.on_terms(TERMS)) == []


@pytest.mark.parametrize(
    ("kind", "line", "term", "of"),
    [
        (CloudOwnerPolicy, "max_report_window_seconds", "report_window_seconds", 1),
        (CloudOwnerPolicy, "max_settle_window_seconds", "settle_window_seconds", 1),
        (CloudOwnerPolicy, "max_bond_jobs", "instance_bond", TERMS.job_price),
        (CloudOwnerPolicy, "max_penalty_jobs", "miss_penalty", TERMS.job_price),
        (ModelOwnerPolicy, "max_round_price", "round_price", 1),
        (ModelOwnerPolicy, "max_job_price", "job_price", 1),
        (ModelOwnerPolicy, "max_answer_window_seconds", "answer_window_seconds", 1),
        (ModelOwnerPolicy, "max_draw_window_seconds", "draw_window_seconds", 1),
        (ModelOwnerPolicy, "max_report_window_seconds", "report_window_seconds", 1),
        (ModelOwnerPolicy, "max_settle_window_seconds", "settle_window_seconds", 1),
    ],
)
def test_one_more_than_a_line_allows_breaks_it(kind: type[Lines], line: str, term: str, of: int) -> None:
    policy = kind(max_hold_seconds=2**40) if kind is CloudOwnerPolicy else kind()
    most = getattr(policy, line) * of
    assert [breach.line for breach in policy.on_terms(replace(TERMS, **{term: most}))] == []
    (breach,) = policy.on_terms(replace(TERMS, **{term: most + 1}))
    assert breach.line == line
    assert str(breach).startswith(f"{line}: {most + 1} ")
    assert str(most) in breach.why


@pytest.mark.parametrize(
    ("kind", "line", "term"),
    [
        (CloudOwnerPolicy, "min_report_window_seconds", "report_window_seconds"),
        (CloudOwnerPolicy, "min_settle_window_seconds", "settle_window_seconds"),
        (ModelOwnerPolicy, "min_draw_window_seconds", "draw_window_seconds"),
    ],
)
def test_one_less_than_a_line_asks_for_breaks_it(kind: type[Lines], line: str, term: str) -> None:
    least = getattr(kind(), line)
    assert list(kind().on_terms(replace(TERMS, **{term: least}))) == []
    (breach,) = kind().on_terms(replace(TERMS, **{term: least - 1}))
    assert breach.line == line


def test_a_job_pays_at_least_so_much() -> None:
    policy = CloudOwnerPolicy.model_validate({"min_job_price": "0.002 ether"})
    (breach,) = policy.on_terms(TERMS)
    assert str(breach) == f"min_job_price: {TERMS.job_price} wei a job, at least {2 * 10**15} are asked for"


def test_a_bond_is_held_so_long_after_leaving() -> None:
    """Four windows of the contract's longest were 776 days."""
    longest = 2**24 - 1
    terms = replace(
        TERMS, draw_window_seconds=longest, report_window_seconds=longest, settle_window_seconds=longest
    )
    assert terms.unbonding_seconds // 86_400 == 776
    lines = [breach.line for breach in CloudOwnerPolicy().on_terms(terms)]
    assert lines == ["max_report_window_seconds", "max_settle_window_seconds", "max_hold_seconds"]
    held = terms.unbonding_seconds
    patient = CloudOwnerPolicy(
        max_report_window_seconds=longest, max_settle_window_seconds=longest, max_hold_seconds=held
    )
    assert list(patient.on_terms(terms)) == []
    assert [b.line for b in patient.model_copy(update={"max_hold_seconds": held - 1}).on_terms(terms)] == [
        "max_hold_seconds"
    ]


@pytest.mark.parametrize("kind", [DataOwnerPolicy, CloudOwnerPolicy, ModelOwnerPolicy])
def test_by_default_it_deals_with_nobody(kind: type[Policy]) -> None:
    assert [breach.line for breach in kind().on_member(NORTH)] == ["members"]
    assert list(kind(members=(NORTH,)).on_member(NORTH)) == []
    assert [breach.line for breach in kind(members=(NORTH,)).on_member(SOUTH)] == ["members"]
    assert list(kind(members=(ANYONE,)).on_member(SOUTH)) == []


def test_members_may_be_written_without_a_checksum() -> None:
    assert Policy.model_validate({"members": NORTH.lower()}).members == (NORTH,)


# --- coins at stake ---


def test_what_is_locked_counts_with_each_and_in_all() -> None:
    stakes = Stakes.of(Policy(at_stake=10, at_stake_each=6), [(NORTH, 3), (NORTH, 1), (SOUTH, 4)])
    assert [breach.line for breach in stakes.on_lock(NORTH, 2)] == []
    assert [breach.line for breach in stakes.on_lock(NORTH, 3)] == ["at_stake_each", "at_stake"]
    stakes.lock(NORTH, 1)
    assert [breach.line for breach in stakes.on_lock(SOUTH, 2)] == ["at_stake"]


def test_many_addresses_hold_no_more_than_one() -> None:
    """A hundred strangers, each within what one may hold."""
    stakes = Stakes(Policy(members=(ANYONE,), at_stake=50, at_stake_each=5))
    for number in range(100):
        stranger: Address = identity(f"sybil {number}").address
        if not any(stakes.on_lock(stranger, 5)):
            stakes.lock(stranger, 5)
    assert sum(stakes.locked.values()) == 50


def test_as_many_as_there_may_be_is_no_room_for_one_more() -> None:
    assert list(over("max_couples", 2, 3, "couples")) == []
    (breach,) = over("max_couples", 3, 3, "couples")
    assert str(breach) == "max_couples: there are 3 couples already, at most 3 are allowed"


# --- lines for one member ---


def test_a_line_may_be_another_for_one_member() -> None:
    table = {"max_bond_jobs": 80, "at_stake_each": "1 ether"}
    told = {"members": [NORTH, SOUTH], "with_member": {NORTH.lower(): table}}
    policy = CloudOwnerPolicy.model_validate(told)
    assert policy.toward(NORTH).max_bond_jobs == 80
    assert policy.toward(SOUTH).max_bond_jobs == 50
    stakes = Stakes(policy)
    assert list(stakes.on_lock(NORTH, ETHER)) == []
    assert [breach.line for breach in stakes.on_lock(SOUTH, ETHER)] == ["at_stake_each"]


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"at_stake": 5}, "has 'at_stake': a table may have at_stake_each, max_bond_jobs"),
        ({"members": 5}, "has 'members'"),
        ({"max_instances": 5}, "has 'max_instances'"),
        ({"max_couples_each": 5}, "has 'max_couples_each'"),
        ({"max_bond_jobs": -1}, "greater than or equal to 0"),
        ({"max_bond_jobs": "many"}, "is no amount"),
        ({"max_hold_seconds": 0}, "max_hold_seconds = 0: Input should be greater than or equal to 1"),
    ],
)
def test_a_table_of_a_member_has_lines_that_can_be_of_one(table: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        CloudOwnerPolicy.model_validate({"with_member": {NORTH: table}})


def test_a_table_is_of_an_address() -> None:
    with pytest.raises(ValidationError, match="is no address"):
        CloudOwnerPolicy.model_validate({"with_member": {"north": {}}})


def test_terms_that_no_policy_knows_are_terms_all_the_same() -> None:
    """The lines of a policy are named after the terms: none is misspelt."""
    terms = set(DatasetTerms.__dataclass_fields__)
    for kind in (CloudOwnerPolicy, ModelOwnerPolicy):
        for line in kind.model_fields:
            if line.endswith("_window_seconds"):
                assert line.partition("_")[2] in terms


def test_a_member_has_one_table() -> None:
    with pytest.raises(ValidationError, match="has two tables"):
        CloudOwnerPolicy.model_validate({"with_member": {NORTH: {}, NORTH.lower(): {}}})
