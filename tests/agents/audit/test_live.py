"""The market that the events rebuild is compared with every view of the contract.

Rules: A51, L6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.audit import live as module
from agents.audit.live import audit_deployment, differences
from agents.chain import views
from agents.chain.client import BlockRef, MarketClient
from agents.chain.views import View
from agents.core.enums import CouplePhase, JobStatus, Role
from agents.core.events import Logged
from agents.core.hashing import commitment, set_bits
from agents.core.ids import InstanceId
from agents.core.market import Market
from testing.histories import ALL_CHEATS, Story, told

BLOCKS = 500
FIRST = 3
"""The market's own block; a told history begins in block 1, so it lies three blocks later here."""


@dataclass
class Chain:
    """A client of a contract whose views answer what a mirror of `history` holds, unless they are altered.

    Attributes:
        altered: what a view answers instead, by function and arguments.
        asked: the ranges of blocks whose events were asked for. `read_at` are the blocks of all reads,
            and `questions` what was asked of views.
    """

    story: Story
    seconds_later: int = 0
    missing: int = 0
    altered: dict[tuple[str, tuple[object, ...]], object] = field(default_factory=dict)
    asked: list[tuple[int, int]] = field(default_factory=list)
    read_at: set[int | None] = field(default_factory=set)
    questions: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.deployment = SimpleNamespace(block=FIRST)
        self.history = [replace(logged, block=logged.block + FIRST) for logged in self.story.history]
        self.market = Market(self.history)

    @property
    def client(self) -> MarketClient:
        return cast("MarketClient", self)

    def head(self) -> BlockRef:
        return BlockRef(BLOCKS, bytes(32), self.story.now + self.seconds_later)

    def logs(self, first: int, last: int) -> list[Logged]:
        self.asked.append((first, last))
        return [logged for logged in self.history if first <= logged.block <= last]

    def coins(self, block: int) -> int:
        self.read_at.add(block)
        return self.story.balance - self.missing

    def read(self, view: View[Any], block: int) -> Any:
        (answer,) = self.read_all([view], block)
        return answer

    def read_all(self, asked: Sequence[View[Any]], block: int) -> list[Any]:
        self.read_at.add(block)
        self.questions += [(view.function, view.arguments) for view in asked]
        return [
            self.altered.get((view.function, view.arguments), self.honest(view.function, *view.arguments))
            for view in asked
        ]

    def honest(self, function: str, *arguments: Any) -> Any:
        """What the contract answers: a second writing of its views, from the interface's own words."""
        market = self.market
        match function, *arguments:
            case "receiptDomain", *_:
                return self.story.domain
            case "balanceOf", account:
                return market.balances[account]
            case "roleOf", member:
                return market.members[member].role
            case "datasetTerms", ds:
                return market.datasets[ds].terms
            case "datasetPool", ds:
                return views.Pool(market.datasets[ds].pool_version, market.covered(ds))
            case "instancesOf", ds, subset:
                return tuple(market.datasets[ds].subsets[subset].places)
            case "cloudInstance", ci:
                names = [field.name for field in fields(views.CloudInstance)]
                return views.CloudInstance(*(getattr(market.instances[ci], name) for name in names))
            case "trainCouple", tc:
                return self._couple(tc)
            case "trainJob", tc, ci:
                return self._job(tc, ci)
            case _:
                raise AssertionError(f"no view {function}")

    def _couple(self, tc: Any) -> views.TrainCouple:
        couple = self.market.couples[tc]
        names = [field.name for field in fields(views.TrainCouple)]
        values = {name: getattr(couple, name) for name in names}
        values["phase"] = self.market.phase_of(couple, self.head().timestamp)
        if couple.phase is not CouplePhase.TRAINING:
            values["pending"] = 0
        return views.TrainCouple(**values)

    def _job(self, tc: Any, ci: Any) -> views.TrainJob:
        """As the contract keeps it: only an instance's last answer, overwritten by the next."""
        couple, kept = self.market.couples[tc], views.TrainJob(bytes(27), 0, JobStatus.IDLE)
        for number, record in couple.rounds.items():
            report = record.reports.get(ci)
            if report:
                subset = ci >> 16 & 0xFFFF
                live = number == couple.round and couple.pending >> subset & 1
                made = commitment(report.hash, report.nonce)
                kept = views.TrainJob(made, number, JobStatus.REPORTED if live else JobStatus.VOID)
            if ci in record.flags:
                kept = views.TrainJob(bytes(27), number, JobStatus.FLAGGED)
            if ci in record.verdicts:
                made = kept.commitment if report else bytes(27)
                kept = views.TrainJob(made, number, record.verdicts[ci][0])
        return kept


# --- nothing to find ---


def until_named() -> Story:
    story = Story()
    story.register(story.data_owner, Role.DATA_OWNER, 10**18)
    return story


def until_pool() -> Story:
    story = Story(cheats=ALL_CHEATS)
    story.distribute()
    return story


def until_approved() -> Story:
    story = until_pool()
    story.approve()
    return story


def until_started() -> Story:
    story = until_approved()
    story.start()
    return story


def until_half_reported() -> Story:
    story = until_started()
    story.draw()
    story.report(only=lambda ci: ci & 1 == 1)
    return story


def until_half_settled() -> Story:
    story = until_started()
    story.draw()
    story.report()
    story.now = story.couple.deadline
    story.settle(set_bits(story.couple.current.drawn)[0])
    return story


def until_void() -> Story:
    story = until_half_settled()
    story.void(set_bits(story.couple.pending)[0])
    return story


def until_flagged() -> Story:
    story = until_started()
    story.draw()
    first, *others = [instance.id for instance in story.assigned()]
    story.report(only=lambda ci: ci == first)
    for ci in others[:4]:
        if not story.couple.current.flagged_out:
            story.flag(ci)
    assert story.couple.current.flagged_out
    return story


def until_flagged_out_is_closed() -> Story:
    story = until_flagged()
    for subset in set_bits(story.couple.pending):
        story.void(subset)
    assert story.couple.current.closed
    return story


def until_aborted() -> Story:
    story = until_started()
    story.abort()
    return story


def until_completed() -> Story:
    return told(rounds=6, cheats=ALL_CHEATS)


STORIES: list[Callable[[], Story]] = [
    Story,
    until_named,
    until_pool,
    until_approved,
    until_started,
    until_half_reported,
    until_half_settled,
    until_void,
    until_flagged,
    until_flagged_out_is_closed,
    until_aborted,
    until_completed,
]


@pytest.mark.parametrize("tell", STORIES, ids=[tell.__name__ for tell in STORIES])
def test_a_market_that_says_what_its_events_say_is_found_in_order(tell: Callable[[], Story]) -> None:
    chain = Chain(tell())
    audited = audit_deployment(chain.client)
    assert audited.differences == ()
    assert audited.audit.findings == []
    assert audited.conserved
    assert audited.ok
    assert audited.block == chain.head()
    assert list(audited.history) == chain.history
    assert audited.contract_balance == chain.story.balance


@pytest.mark.parametrize("later", [0, 100, 200, 300, 10_000, 10**9])
@pytest.mark.parametrize("tell", [until_approved, until_started, until_half_reported])
def test_phases_are_compared_as_of_the_blocks_time(tell: Callable[[], Story], later: int) -> None:
    assert audit_deployment(Chain(tell(), seconds_later=later).client).ok


def test_all_is_read_at_one_block() -> None:
    chain = Chain(until_completed())
    audit_deployment(chain.client)
    assert chain.read_at == {BLOCKS}


# --- every view counts ---

VIEWS = [
    "balanceOf",
    "roleOf",
    "datasetTerms",
    "datasetPool",
    "instancesOf",
    "cloudInstance",
    "trainCouple",
    "trainJob",
]


def asked(chain: Chain) -> list[tuple[str, tuple[Any, ...]]]:
    """What an audit asks of the views."""
    list(differences(chain.market, chain.client, chain.head()))
    return chain.questions


def alterations(answer: Any) -> Iterator[Any]:
    """The same answer with one thing altered, in every way."""
    if isinstance(answer, tuple):
        yield from ([answer[::-1]] if len(answer) > 1 else [])
        yield (*answer, 1)
    elif hasattr(answer, "__dataclass_fields__"):
        for field_ in fields(answer):
            value = getattr(answer, field_.name)
            yield replace(answer, **{field_.name: next(alterations(value))})
    elif isinstance(answer, str):
        yield answer[:-1] + ("1" if answer[-1] == "0" else "0")
    elif isinstance(answer, bytes):
        yield bytes([answer[0] ^ 1]) + answer[1:]
    else:
        yield answer + 1


def test_asks_for_every_asset_that_the_events_made() -> None:
    story = until_completed()
    questions = asked(Chain(story))
    assert {function for function, _ in questions} == set(VIEWS)
    assert len(questions) == len(set(questions))
    parties = [party.address for party in story.parties]
    expected: set[tuple[str, tuple[object, ...]]] = {("balanceOf", (account,)) for account in parties}
    expected |= {("roleOf", (account,)) for account in parties}
    expected |= {("datasetTerms", (story.ds,)), ("datasetPool", (story.ds,)), ("trainCouple", (story.tc,))}
    expected |= {("instancesOf", (story.ds, subset)) for subset in range(4)}
    expected |= {("cloudInstance", (ci,)) for ci in story.cis}
    expected |= {("trainJob", (story.tc, ci)) for ci in story.cis}
    assert set(questions) == expected


@pytest.mark.parametrize("function", VIEWS)
def test_finds_every_answer_that_is_altered(function: str) -> None:
    story = until_completed()
    questions = [question for question in asked(Chain(story)) if question[0] == function]
    assert questions
    for _, arguments in questions:
        chain = Chain(story)
        honest = chain.honest(function, *arguments)
        for answer in alterations(honest):
            chain.altered = {(function, arguments): answer}
            audited = audit_deployment(chain.client)
            (line,) = audited.differences
            assert line.endswith(f": {function} says {answer}, the events say {honest}")
            assert not audited.ok
            assert audited.audit.ok
            assert audited.conserved


def test_says_whose_answer_differs() -> None:
    story = until_completed()
    chain, owner = Chain(story), story.data_owner[2:10].lower()
    ci = story.cis[4]
    chain.altered = {
        ("balanceOf", (story.data_owner,)): 1,
        ("instancesOf", (story.ds, 2)): (),
        ("cloudInstance", (ci,)): None,
        ("trainJob", (story.tc, ci)): None,
    }
    names = [line.partition(": ")[0] for line in audit_deployment(chain.client).differences]
    assert names == [story.data_owner, f"{owner}/ds1 subset 2", f"{owner}/ds1/s1r2", f"{owner}/ds1/s1r2"]


def test_jobs_on_another_dataset_are_not_asked_for() -> None:
    story = until_completed()
    chain = Chain(story)
    stranger = replace(chain.market.instances[story.cis[0]], id=InstanceId(story.cis[0] + (1 << 32)))
    chain.market.instances[stranger.id] = stranger
    questions = asked(chain)
    assert ("cloudInstance", (stranger.id,)) in questions
    assert ("trainJob", (story.tc, stranger.id)) not in questions


# --- coins and rules ---


def test_coins_that_were_forced_upon_the_contract_break_nothing() -> None:
    audited = audit_deployment(Chain(until_completed(), missing=-7).client)
    assert (audited.ok, audited.conserved, audited.forced) == (True, True, 7)


def test_missing_coins_are_found() -> None:
    audited = audit_deployment(Chain(until_completed(), missing=1).client)
    assert not audited.conserved
    assert audited.forced == 0
    assert not audited.ok
    assert audited.audit.ok
    assert audited.differences == ()


def test_a_broken_rule_is_found() -> None:
    chain = Chain(until_half_settled())
    removed = chain.history.pop(-2)
    chain.market = Market(chain.history)
    audited = audit_deployment(chain.client)
    assert removed not in audited.history
    assert audited.audit.findings
    assert not audited.ok


# --- pages ---


@pytest.mark.parametrize("span", [1, 2, 7, 100, 497, 498, 499, 2_000])
def test_reads_every_block_once_and_in_order(monkeypatch: pytest.MonkeyPatch, span: int) -> None:
    monkeypatch.setattr(module, "_BLOCKS_A_REQUEST", span)
    chain = Chain(until_completed())
    audited = audit_deployment(chain.client)
    assert list(audited.history) == chain.history
    read = [block for first, last in chain.asked for block in range(first, last + 1)]
    assert read == list(range(FIRST, BLOCKS + 1))
    assert max(last - first + 1 for first, last in chain.asked) == min(span, len(read))
