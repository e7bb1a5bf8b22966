"""The read model as a whole: what it says does not hang on how its events came, nor on who asks."""

from __future__ import annotations

import ast
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

import pytest

from agents import readmodel
from agents.core import events as e
from agents.core.hashing import set_bits
from agents.core.jsonable import Json, jsonable
from agents.core.market import Market
from agents.readmodel.accounts import accounts_of
from agents.readmodel.jobs import mismatches, replicas_of
from agents.readmodel.ledger import movement_of
from agents.readmodel.projections import Projections
from agents.readmodel.statements import Statement
from testing.histories import ALL_CHEATS, ETHER, Story, address, told


def flagged_out() -> Story:
    """A round that most cannot train: one that did is paid, its subset is void."""
    story = opened()
    reporting, *flagging = [job.id for job in story.assigned()]
    story.report(only=lambda ci: ci == reporting)
    for ci in flagging[:4]:
        story.flag(ci)
    for subset in set_bits(story.couple.pending):
        story.void(subset)
    return story


def opened() -> Story:
    """A market whose first round is drawn."""
    story = Story()
    story.distribute()
    story.approve(2)
    story.start()
    story.draw()
    return story


def withheld() -> Story:
    """A market whose data owner does not draw, and whose model owner takes its coins out."""
    story = Story()
    story.distribute()
    story.approve(2)
    story.round()
    story.start()
    story.abort()
    story.withdraw(story.model_owner, ETHER // 2)
    return story


def cheated() -> Story:
    return told(6, cheats=ALL_CHEATS)


STORIES = [cheated, flagged_out, withheld]


def everything(made: Projections, story: Story) -> Json:
    """All that can be asked."""
    market = made.market
    return jsonable(
        {
            "statements": made.statements.all(),
            "accounts": accounts_of(market, made.ledger),
            "rounds": made.rounds.of(story.tc),
            "faults": made.faults.proven(),
            "replicas": replicas_of(market, story.ds, story.tc),
            "mismatches": list(mismatches(market, story.domain)),
            "sheet": made.balance_sheet(story.balance),
        }
    )


@pytest.mark.parametrize("tell", STORIES)
def test_events_that_come_one_by_one_tell_the_same_as_all_at_once(tell: Callable[[], Story]) -> None:
    story = tell()
    market = Market()
    made, seen = Projections(market, story.domain), 0
    for _, transaction in groupby(story.history, key=lambda logged: logged.transaction):
        for logged in transaction:
            market.apply(logged)
            made.apply(logged)
            seen += 1
        assert everything(made, story) == everything(
            Projections.of(story.history[:seen], story.domain), story
        )


def test_asking_changes_nothing() -> None:
    story = cheated()
    made = Projections.of(story.history, story.domain)
    nobody = address("nobody")
    first = everything(made, story)
    assert made.statements.of(nobody) == Statement()
    assert made.statements.sold_by(nobody) == made.ledger.flows_of(nobody).left == 0
    assert everything(made, story) == first


@pytest.mark.parametrize("tell", STORIES)
def test_the_ledger_leaves_what_the_mirror_holds_after_every_event(tell: Callable[[], Story]) -> None:
    story = tell()
    made = Projections.of((), story.domain)
    for logged in story.history:
        made.market.apply(logged)
        made.apply(logged)
        assert all(account.adds_up for account in accounts_of(made.market, made.ledger).values())
        assert made.balance_sheet(0).total == made.market.total()


@pytest.mark.parametrize("tell", STORIES)
def test_what_one_member_gets_another_gives(tell: Callable[[], Story]) -> None:
    made = Projections.of(tell().history, b"")
    flows = [made.ledger.flows_of(member) for member in made.ledger.members]
    assert sum(own.earned for own in flows) == sum(own.spent for own in flows)
    assert sum(own.compensated for own in flows) == sum(own.forfeited for own in flows)
    assert sum(own.left for own in flows) == made.market.total()


@pytest.mark.parametrize("tell", STORIES)
def test_a_statement_tells_the_ledgers_amounts(tell: Callable[[], Story]) -> None:
    made = Projections.of(tell().history, b"")
    for member, said in made.statements.all().items():
        own = made.ledger.flows_of(member)
        amounts = (said.paid_in, said.taken_out, said.earned, said.forfeited)
        assert amounts == (own.paid_in, own.taken_out, own.earned, own.forfeited)


def test_what_a_member_locks_stays_its_own() -> None:
    story = opened()
    happened = {type(one.event) for one in story.history}
    moving = {type(one.event) for one in story.history if movement_of(one.event, story.market)}
    assert moving == {e.Deposited}
    assert {e.InstanceJoined, e.CoupleRequested, e.CoupleApproved} <= happened


def test_a_couple_that_is_not_there_has_no_rounds() -> None:
    story = Story()
    assert Projections.of((), story.domain).rounds.of(story.tc) == ()


def test_it_knows_of_nothing_but_the_market() -> None:
    """Neither who shows it nor what was planted: it imports the core and itself alone."""
    allowed = ("agents.core", "agents.readmodel")
    for file in Path(readmodel.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("agents"):
                assert node.module.startswith(allowed), f"{file.name} imports {node.module}"
