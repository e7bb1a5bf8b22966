"""Events in words: every event has some, and nothing in a name or a string breaks the line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agents.core import events as e
from agents.core.enums import FlagReason, JobStatus, Role
from agents.core.escaping import printable
from agents.core.events import EVENTS, MarketEvent
from agents.core.market import Market
from agents.demo.narrate import is_bad_news, narrate
from testing.histories import ETHER, TERMS, Story, address, told

STORY = told(rounds=1)
CI, TC = STORY.cis[0], STORY.tc
DO, MO, CO = STORY.data_owner, STORY.model_owner, STORY.owner(STORY.cis[0])
NAMES = {DO: "Alice", MO: "Bob", CO: "Carol"}
WORD = bytes(32)

LINES: list[tuple[MarketEvent, str]] = [
    (e.Deposited(DO, ETHER), "Alice pays in 1"),
    (e.Withdrawn(MO, ETHER // 400), "Bob takes out 0.0025"),
    (e.MemberCreated(CO, Role.CLOUD_OWNER, WORD * 2), "Carol joins the market"),
    (
        e.DatasetCreated(STORY.ds, DO, TERMS, WORD, WORD),
        "Alice offers a dataset: 4 subsets, 2 drawn a round, up to 3 replicas",
    ),
    (e.InstanceCreated(CI, CO, WORD), "Carol is named for a replica of subset 0"),
    (e.InstanceJoined(CI, CO, WORD, WORD), "Carol declares that it holds subset 0"),
    (e.InstanceRefused(CI, CO), "Carol refuses subset 0"),
    (e.InstanceVerified(CI, DO), "Carol is verified for subset 0"),
    (e.InstanceRejected(CI, DO), "Carol is REJECTED: its receipt does not open to subset 0"),
    (e.InstanceRetiring(CI, CO), "Carol leaves the pool"),
    (e.InstanceRetired(CI, CO, ETHER // 100), "Carol is released with 0.01"),
    (e.ModelCreated(STORY.mod, MO, "ridge", WORD, WORD), "Bob publishes the plan of a ridge model"),
    (
        e.CoupleRequested(TC, MO, STORY.ds, STORY.mod, 9, WORD, 0, 2 * ETHER),
        "Bob asks to train up to 9 rounds and locks 2",
    ),
    (e.CoupleApproved(TC, DO, WORD), "Alice approves"),
    (e.CoupleDeclined(TC, DO), "Alice declines"),
    (e.CoupleCancelled(TC, MO), "Bob cancels the request"),
    (
        e.RoundStarted(TC, MO, 2, WORD, WORD, WORD),
        "round 2: Bob opens its seed and publishes the weights",
    ),
    (e.RoundDrawn(TC, DO, 2, WORD, 0b1010, 6), "round 2: subsets 1, 3 are drawn, 6 replicas train"),
    (e.JobReported(TC, CI, CO, 2, WORD, WORD, WORD), "round 2: Carol reports (rem 0)"),
    (
        e.JobFlagged(TC, CI, CO, 2, FlagReason.WEIGHTS_MISMATCH),
        "round 2: Carol flags: weights mismatch",
    ),
    (e.RoundVoided(TC, CO, 2), "round 2 is void: more than half of its jobs were flagged"),
    (
        e.CoupleAborted(TC, MO),
        "the data owner withheld its seed: its bond is the model owner's",
    ),
    (e.CoupleCompleted(TC, MO, WORD, 5), "training is over: <0.000001 of the escrow come back"),
    (e.SubsetSettled(TC, MO, 2, 3, WORD, 7), "round 2: subset 3 is settled by Bob"),
    (
        e.JobJudged(TC, CI, 2, JobStatus.ACCEPTED, ETHER // 1000),
        "round 2: Carol is paid 0.001",
    ),
    (
        e.JobJudged(TC, CI, 2, JobStatus.FAULTY, ETHER // 100),
        "round 2: Carol reported a model that nobody else got and LOSES 0.01",
    ),
    (
        e.JobJudged(TC, CI, 2, JobStatus.MISSED, 0),
        "round 2: Carol stayed silent and LOSES 0",
    ),
    (
        e.JobJudged(TC, CI, 2, JobStatus.VOID, ETHER // 1000),
        "round 2: Carol is paid 0.001: too many others flagged for a verdict",
    ),
    (e.SubsetVoided(TC, MO, 2, 3, 0), "round 2: subset 3 is void: nobody settled it"),
    (e.RoundClosed(TC, 2), "round 2 is closed"),
]


def test_tells_encrypted_weights_that_are_given_out_again_from_new_ones() -> None:
    story = told(rounds=1)
    model = story.market.models[story.mod]
    story.market.models[story.mod] = replace(model, model_type="encrypted-logistic")
    before = story.couple.rounds[1].model_hash

    def words(model_hash: bytes) -> str:
        return narrate(e.RoundStarted(TC, MO, 2, WORD, model_hash, WORD), story.market, NAMES)

    assert words(before) == "round 2: Bob opens its seed and publishes the same encrypted weights again"
    assert words(b"\1" * 32) == "round 2: Bob opens its seed and publishes encrypted weights"


@pytest.mark.parametrize(("event", "line"), LINES, ids=[type(event).__name__ for event, _ in LINES])
def test_tells_an_event_in_one_line(event: MarketEvent, line: str) -> None:
    assert narrate(event, STORY.market, NAMES) == line


def test_has_words_for_every_event() -> None:
    assert {type(event) for event, _ in LINES} == set(EVENTS.values())


def test_has_words_for_every_reason_to_flag() -> None:
    lines = [
        narrate(e.JobFlagged(TC, CI, CO, 1, reason), STORY.market, NAMES).partition("flags: ")[2]
        for reason in FlagReason
    ]
    assert all(lines)
    assert len(set(lines)) == len(FlagReason)


def test_has_no_words_for_what_is_no_event() -> None:
    with pytest.raises(TypeError, match="no words for 'hello'"):
        narrate("hello", STORY.market, NAMES)  # type: ignore[arg-type]


def test_calls_a_stranger_by_its_address() -> None:
    stranger = address("a stranger")
    assert narrate(e.Deposited(stranger, 0), Market(), {}) == f"{stranger[:10]} pays in 0"


def test_counts_down_what_is_still_to_come() -> None:
    story, counts = Story(), []
    story.distribute()
    story.approve()
    story.start()
    story.draw()
    seen = len(story.history)
    story.report()
    mirror = Market(story.history[:seen])
    for logged in story.history[seen:]:
        mirror.apply(logged)
        counts.append(narrate(logged.event, mirror, {}).partition("(rem ")[2])
    assert counts == ["5)", "4)", "3)", "2)", "1)", "0)"]


BAD = {e.InstanceRejected, e.RoundVoided, e.CoupleAborted, e.SubsetVoided}


@pytest.mark.parametrize("event", [event for event, _ in LINES], ids=[line for _, line in LINES])
def test_bad_news_is_that_somebody_was_caught(event: MarketEvent) -> None:
    if isinstance(event, e.JobJudged):
        assert is_bad_news(event) == (event.verdict in (JobStatus.FAULTY, JobStatus.MISSED))
    else:
        assert is_bad_news(event) == (type(event) in BAD)


@pytest.mark.parametrize("letter", ["\n", "\r", "\x1b[31m", "\x00", "\u202e", "\u2028"])
def test_an_event_cannot_break_its_line(letter: str) -> None:
    event = e.ModelCreated(STORY.mod, MO, f"ridge{letter}", WORD, WORD)
    line = narrate(event, STORY.market, {MO: f"Bob{letter}"})
    assert line == printable(f"Bob{letter} publishes the plan of a ridge{letter} model")
    assert line.isprintable()
