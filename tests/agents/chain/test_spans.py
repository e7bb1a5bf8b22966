"""How many blocks are asked for at once, by what nodes say when it was too many.

Rules: A91.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from agents.chain.answers import NodeBusy, NodeRefused, NodeShut
from agents.chain.blocks import ListedLog
from agents.chain.spans import FIRST_SPAN, GROWS_AFTER, MAX_SPAN, SpanReader, smaller
from agents.core.errors import NodeUnavailable

REFUSALS = [
    ("eth_getLogs is limited to a 10,000 range", 10_000),
    ("eth_getLogs is limited to 1024 block range. Please check the parameter", 1_024),
    ("requested too many blocks from 500 to 20499, maximum is set to 2048", 2_048),
    ("exceed maximum block range: 5000", 5_000),
    ("Max range: 800", 800),
    ("Maximum allowed number of requested blocks is 3500", 3_500),
    ("query exceeds max block range 100000 in 20000 blocks", 5_000),
    ("query returned more than 10000 results. Try with this block range [0x1f4, 0x5db].", 1_000),
    ("this block range should work: [0x1f4, 0x1f8]", 5),
    ("exceeds the range allowed for your plan (20000 > 2000)", 2_000),
    ("eth_getLogs range is too large, max is 1k blocks", 1_000),
    ("block range is too wide (maximum 1024)", 1_024),
    ("up to a 10 block range", 10),
    ("query returned more than 10000 results", 5_000),
    ("response size should not greater than 150000000 bytes", 5_000),
    ("query timeout exceeded", 5_000),
    ("try again in 30 s", 5_000),
    ("", 5_000),
]


@pytest.mark.parametrize(("said", "blocks"), REFUSALS)
def test_reads_how_much_is_allowed(said: str, blocks: int) -> None:
    assert smaller(said, 500, 20_499) == blocks


@pytest.mark.parametrize("said", [said for said, _ in REFUSALS])
@pytest.mark.parametrize("asked", [2, 3, 7, 100, 2_048])
def test_always_asks_for_less(said: str, asked: int) -> None:
    assert 1 <= smaller(said, 1_000_000, 1_000_000 + asked - 1) < asked


@dataclass
class Listing:
    """A node that lists so many blocks at once.

    Attributes:
        asked: how many were asked for, request by request.
        failures: what to answer instead, one after the other.
    """

    allowed: int = MAX_SPAN
    said: str = "too many blocks"
    key: str = "one"
    asked: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    by_hash: list[int] = field(default_factory=list)

    def between(self, first: int, last: int) -> list[ListedLog]:
        self.asked.append(last - first + 1)
        if self.failures:
            raise self.failures.pop(0)
        if last - first >= self.allowed:
            raise NodeRefused(f"the node 127.0.0.1 refused eth_getLogs: {self.said}", self.said)
        return []

    def of_one_block(self, number: int) -> list[ListedLog]:
        self.by_hash.append(number)
        return []


def reader(listing: Listing, **known: int) -> SpanReader:
    return SpanReader(listing, known, lambda *kept: KEPT.append(kept))  # type: ignore[arg-type]


KEPT: list[tuple[str, int]] = []


def test_begins_with_two_thousand_blocks() -> None:
    listing = Listing()
    assert reader(listing).read(1, 10**6) == ([], FIRST_SPAN)
    assert reader(listing).read(1, 7) == ([], 7)
    assert listing.asked == [FIRST_SPAN, 7]


def test_finds_out_in_one_go_what_is_allowed() -> None:
    listing = Listing(allowed=30)
    assert reader(listing).read(1, 10**6) == ([], 7)
    assert listing.asked == [2_000, 500, 125, 31, 7]


def test_a_day_is_read_in_as_many_requests_as_it_takes() -> None:
    listing = Listing(allowed=500, said="limited to a 500 range")
    one, first = reader(listing), 1
    while first <= 20_000:
        _, upto = one.read(first, 20_000)
        first = upto + 1
    assert len(listing.asked) <= 48
    assert listing.asked[:3] == [2_000, 500, 500]


def test_asks_for_more_after_answers() -> None:
    listing = Listing()
    one = reader(listing, one=100)
    for _ in range(2 * GROWS_AFTER + 1):
        one.read(1, 10**6)
    assert listing.asked == [100] * GROWS_AFTER + [151] * GROWS_AFTER + [227]


def test_never_asks_for_more_than_ten_thousand() -> None:
    listing = Listing()
    one = reader(listing, one=MAX_SPAN)
    for _ in range(GROWS_AFTER + 1):
        one.read(1, 10**6)
    assert max(listing.asked) == MAX_SPAN


def test_each_url_has_a_span_of_its_own() -> None:
    listing = Listing()
    one = reader(listing, one=100, two=7)
    one.read(1, 10**6)
    listing.key = "two"
    one.read(1, 10**6)
    listing.key = "three"
    one.read(1, 10**6)
    assert listing.asked == [100, 7, FIRST_SPAN]


def test_what_is_found_is_kept() -> None:
    KEPT.clear()
    reader(Listing(allowed=600)).read(1, 10**6)
    assert KEPT == [("one", 500)]


@pytest.mark.parametrize("said", ["header not found", "BlockOutOfRangeError", "unknown block"])
def test_a_server_that_is_late_is_no_reason_to_ask_for_less(said: str) -> None:
    listing = Listing(failures=[NodeRefused("no", said)])
    one = reader(listing)
    with pytest.raises(NodeRefused):
        one.read(1, 10**6)
    assert one.span == FIRST_SPAN


@pytest.mark.parametrize(
    ("failure", "after"),
    [
        (NodeUnavailable("ReadTimeout"), FIRST_SPAN // 2),
        (NodeBusy("limit exceeded", vague=True), FIRST_SPAN // 2),
        (NodeBusy("HTTP 429"), FIRST_SPAN),
        (NodeShut("HTTP 401"), FIRST_SPAN),
    ],
)
def test_no_answer_may_mean_that_it_was_too_much(failure: Exception, after: int) -> None:
    listing = Listing(failures=[failure])
    one = reader(listing)
    with pytest.raises(type(failure)):
        one.read(1, 10**6)
    assert one.span == after
    assert listing.asked == [FIRST_SPAN], "and it is not asked again at once"


def test_one_block_that_is_refused_is_asked_for_otherwise() -> None:
    listing = Listing(allowed=0)
    assert reader(listing).read(5, 9) == ([], 5)
    assert listing.by_hash == [5]
