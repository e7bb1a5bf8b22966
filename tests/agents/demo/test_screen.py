"""The demo on a screen: names are text, and on a terminal the last line says where training stands."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from agents.core import events as e
from agents.core.enums import JobStatus
from agents.core.events import MarketEvent
from agents.core.ids import Address
from agents.core.market import Market
from agents.demo.screen import Screen
from agents.roles.results import PublishedWeights
from agents.roles.tasks.model_owner import weights_key
from agents.storage.journal import Journal
from testing.histories import Story, told

STORY = told(rounds=2)
DO, CI, TC = STORY.data_owner, STORY.cis[0], STORY.tc
RED, GREEN = "\x1b[1;31m", "\x1b[32m"


def screen(journal: Path, names: dict[Address, str] | None = None, *, terminal: bool = False) -> Screen:
    """A screen of 200 columns whose console writes to memory."""
    console = Console(
        file=io.StringIO(),
        width=200,
        highlight=False,
        force_terminal=terminal,
        color_system="standard" if terminal else None,
    )
    return Screen(console, names or {}, TC, journal)


def text(on: Screen) -> str:
    """All that a screen has shown."""
    file = on._console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


def status(on: Screen, market: Market) -> str:
    """What the last line says once an event has led to this market."""
    on.tell(e.RoundClosed(TC, 1), market)
    console = Console(file=io.StringIO(), width=200)
    with console.capture() as captured:
        console.print(on._status())
    return " ".join(captured.get().split())


@pytest.mark.parametrize("name", ["[bold red]Mallory[/]", "[/]", "[link=http://x]y", "\\[", ":smile: [[["])
def test_names_are_text_whatever_they_contain(tmp_path: Path, name: str) -> None:
    on = screen(tmp_path / "none", {DO: name})
    with on:
        on.tell(e.Deposited(DO, 1), STORY.market)
    assert text(on) == f"{name} pays in <0.000001\n"


@pytest.mark.parametrize(
    ("event", "style"),
    [
        (e.JobJudged(TC, CI, 1, JobStatus.FAULTY, 1), RED),
        (e.InstanceRejected(CI, DO), RED),
        (e.InstanceVerified(CI, DO), GREEN),
        (e.RoundClosed(TC, 1), GREEN),
        (e.CoupleApproved(TC, DO, bytes(32)), ""),
    ],
)
def test_good_and_bad_news_have_colours(tmp_path: Path, event: MarketEvent, style: str) -> None:
    on = screen(tmp_path / "none", terminal=True)
    on.tell(event, STORY.market)
    (line,) = text(on).splitlines()
    assert line.startswith(style)
    assert ("\x1b" in line) == bool(style)


def test_says_what_is_no_event_as_text(tmp_path: Path) -> None:
    on = screen(tmp_path / "none")
    on.say("[b]Mallory[/b] was killed")
    assert text(on) == "[b]Mallory[/b] was killed\n"


def test_shows_no_last_line_in_a_file(tmp_path: Path) -> None:
    on = screen(tmp_path / "none")
    with on:
        assert not on._live.is_started
    assert text(on) == ""


def test_shows_a_last_line_on_a_terminal_and_takes_it_away(tmp_path: Path) -> None:
    on = screen(tmp_path / "none", terminal=True)
    with on:
        assert on._live.is_started
    assert not on._live.is_started


def test_counts_members_until_there_is_a_couple(tmp_path: Path) -> None:
    story = Story()
    story.distribute()
    assert status(screen(tmp_path / "none"), story.market) == "14 members"


def scoring(score: float) -> PublishedWeights:
    """Weights of such a score."""
    return PublishedWeights(
        hash=bytes(32), location=bytes(32), model=bytes(32), score=score, stop=False, summed=0, missing=()
    )


def test_says_round_rem_score_and_escrow(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record(weights_key(TC, 0), scoring(0.5))
    journal.record(weights_key(TC, 1), scoring(0.87654))
    story = Story()
    story.distribute()
    story.approve(rounds=5)
    on = screen(tmp_path / "journal.sqlite")
    assert status(on, story.market) == "approved round 0 of 5 rem 0 score 0.500 escrow 0.08"
    story.round()
    story.start()
    story.draw()
    assert status(on, story.market) == "training round 2 of 5 rem 6 score 0.877 escrow 0.064"
    journal.close()


def test_leaves_out_a_score_that_is_not_known_yet(tmp_path: Path) -> None:
    line = status(screen(tmp_path / "none"), STORY.market)
    assert line == "completed round 2 of 2 rem 0 escrow 0"
