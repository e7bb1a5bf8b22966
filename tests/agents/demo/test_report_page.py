"""The page, and both files written.

Rules: A63, P64.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.core.errors import StorageFailed
from agents.demo.outcome import Cheat, DemoOutcome, Promised, Scores, Work
from agents.demo.report import summary, write_report
from agents.demo.report.page import page
from agents.learning.evaluate import Alternative
from agents.learning.judgement import Forecast, judge, reliability
from agents.learning.privacy.levels import GUARANTEES, LEARNS
from testing.histories import ALL_CHEATS, SCORES, STRATA, Story, told

HOSTILE = """<img src=x onerror="alert(1)"> '); & {{ 7*7 }} $x^2$"""
VOID = {"meta", "link", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Reads a page: checks that tags nest, collects its text, ids, links and the tags it uses."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.source = source
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.titles: list[str] = []
        self.words: list[str] = []
        self.feed(source)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert not name.startswith("on"), f"a script in {tag}"
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href"):
                self.links.append(value or "")
            if name == "title":
                self.titles.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def read(outcome: DemoOutcome) -> Page:
    return Page(page(outcome, summary(outcome)))


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves the time to draw where a test looks at something else."""
    for name in ("accuracy_plot", "gas_plot"):
        monkeypatch.setattr(f"agents.demo.report.page.{name}", lambda _: "")


@pytest.fixture(scope="module")
def cheated() -> Page:
    names = ("malignant", "benign")
    return read(told(6, cheats=ALL_CHEATS).outcome(strata=STRATA, strata_names=names))


def test_needs_nothing_but_itself(cheated: Page) -> None:
    assert all(link.startswith("#") for link in cheated.links)
    assert not {"script", "link", "iframe", "object"} & cheated.tags
    assert not re.search(r"url\((?!#)|@import", cheated.source)


def test_links_lead_somewhere_and_ids_are_unique(cheated: Page) -> None:
    assert len(cheated.ids) == len(set(cheated.ids))
    assert {link.removeprefix("#") for link in cheated.links} <= set(cheated.ids)


def test_tells_the_headlines(cheated: Page) -> None:
    for words in (
        "97.2 %",
        "4 of 4",
        "Nothing was found.",
        "Conserved.",
        "Every row above adds up to the wei.",
        "No honest member was slashed.",
        "This model was trained in plain text between sealed envelopes.",
        "No subset holds every class.",
    ):
        assert words in cheated.text


WORK = Work("BFV", 8192, 218, "dataset", {2: 4, 4: 4}, 393_440, 393_448, 262_648, 33, 0.038, 0.509, 0.628)


@pytest.mark.usefixtures("no_plots")
def test_tells_who_saw_what_of_encrypted_training() -> None:
    scores = replace(SCORES, market=SCORES.market[:4], updates=(2, 4))
    found = read(told(4).outcome(work=WORK, scores=scores))
    for words in (
        "BFV with polynomials of degree 8,192 and a modulus of 218 bits",
        "a ciphertext scores 50.9\xa0%; always saying the most frequent class scores 62.8\xa0%",
        "2 sums of results, each over 4 subsets",
        "393 kB",
        "263 kB",
        "38 ms",
        "median of 33 jobs",
        "after round 2 and 4. In between it stands still.",
        "after 4 rounds and 2 sums",
        "can train the same model itself",
    ):
        assert words in re.sub("[ \n]+", " ", " ".join(found.words))
    assert "in plain text" not in found.text
    assert "sums of single subsets" not in found.text
    assert {link.removeprefix("#") for link in found.links} <= set(found.ids)


@pytest.mark.usefixtures("no_plots")
def test_tells_what_sums_over_rounds_show() -> None:
    text = read(told(2).outcome(work=replace(WORK, sums="round", summed={1: 2, 2: 2}))).text
    assert "each over 2 subsets" in text
    assert "The sums were over the subsets of a round" in text


@pytest.mark.usefixtures("no_plots")
def test_tells_that_nothing_was_summed() -> None:
    outcome = told(1).outcome(
        work=replace(WORK, summed={}), scores=replace(SCORES, market=(0.4,), updates=())
    )
    text = read(outcome).text
    assert "0 sums of results; its own model" in text
    assert "when a sum of all its parts is there. In between" in text


@pytest.mark.usefixtures("no_plots")
def test_tells_who_saw_what_in_plain_text() -> None:
    plain = replace(WORK, scheme="", degree=0, modulus_bits=0, sums="", keys_bytes=0, held_score=0.96)
    text = read(told(2).outcome(work=plain)).text
    assert "A cloud owner that keeps the last weights it was given scores 96.0" in text
    assert "keys, fetched once" not in text
    assert "with the ciphertext for weights" not in text


PROMISED = Promised(
    level="dataset",
    guarantee=GUARANTEES["dataset"],
    learns=LEARNS["dataset"],
    standing=("level dataset: ...",),
    epsilon=None,
    delta_digits=None,
    epsilon_spent=None,
    epsilon_left=None,
    exposed_rows=86,
    exposed_score=0.973,
    all_rows_score=0.982,
    private_epsilon=4,
    private_score=0.961,
    private_refused="",
    ranges_from_rows=False,
)


@pytest.mark.usefixtures("no_plots")
def test_tells_what_was_promised_and_what_level_private_would_give() -> None:
    text = read(told(2).outcome(work=WORK, promised=PROMISED)).text
    for words in (
        "Level dataset",
        "Who knows all rows but one has that one.",
        "the rows of its subsets, in plain; not the model",
        "The 86 rows that the model owner was shown are given away: least squares on these alone scores 97.3",
        "epsilon 4 allows and none is shown, a linear model of this table would score 96.1",
    ):
        assert words in text
    refused = replace(
        PROMISED, private_epsilon=None, private_score=None, private_refused="60 rows of 13 columns"
    )
    text = read(told(2).outcome(work=WORK, promised=refused)).text
    assert "At level private this table cannot be offered: 60 rows of 13 columns" in text


@pytest.mark.usefixtures("no_plots")
@pytest.mark.parametrize(
    ("left", "words"), [(2, "may have epsilon 2."), (0, "no other dataset of theirs can be")]
)
def test_tells_what_level_private_cost(left: int, words: str) -> None:
    plain = replace(WORK, scheme="", degree=0, modulus_bits=0, keys_bytes=0)
    private = replace(
        PROMISED,
        level="private",
        guarantee=GUARANTEES["private"],
        learns=LEARNS["private"],
        epsilon=4,
        delta_digits=5,
        epsilon_spent=4.0,
        epsilon_left=left,
        exposed_rows=0,
        exposed_score=None,
        ranges_from_rows=not left,
    )
    text = read(told(2).outcome(work=plain, promised=private)).text
    assert "Trained without sending weights" in text
    assert "No row was shown. Without noise least squares on the same rows scores 98.2" in text
    assert "Rows are divided by place and seed alone" in text
    assert words in text
    assert ("were read off the table" in text) is not left
    assert "are given away" not in text
    assert "in plain text between" not in text


def test_shows_the_evidence_in_full(cheated: Page) -> None:
    story = told(6, cheats=ALL_CHEATS)
    judged = next(one for one in story.history if "FAULTY" in str(one.event))
    record = story.couple.rounds[judged.event.round]  # type: ignore[union-attr]
    report = record.reports[judged.event.ci]  # type: ignore[union-attr]
    for shown in (judged.transaction, report.hash, report.nonce, story.domain):
        assert "0x" + shown.hex() in cheated.text


def test_shows_exact_amounts_and_addresses_on_demand(cheated: Page) -> None:
    assert "10000000000000000 wei" in cheated.titles
    assert Story().data_owner in cheated.titles


def test_shows_each_verdict_in_words_too(cheated: Page) -> None:
    for words in ("accepted", "faulty", "missed", "not drawn", "not in the pool"):
        assert re.search(rf"{words}(?= )", cheated.text)


@pytest.mark.usefixtures("no_plots")
def test_says_what_was_not_caught_and_why() -> None:
    found = read(told(1, cheats={(s, 3): Cheat.COPIES_TRAINING_RECEIPT for s in range(4)}).outcome())
    assert "2 of 4" in found.text
    assert "the chain shows 2 of them" in found.text
    assert "It was never drawn, so it had nothing to cheat with." in found.text


@pytest.mark.usefixtures("no_plots")
def test_says_that_a_cheat_was_drawn_and_nothing_is_seen() -> None:
    story = Story(cheats={(s, 3): Cheat.FALLS_SILENT for s in range(4)})
    story.distribute()
    story.approve(1)
    story.start()
    story.draw()
    assert "though it was drawn 1 time." in read(story.outcome()).text


@pytest.mark.usefixtures("no_plots")
def test_says_what_is_wrong() -> None:
    story = Story()
    story.distribute()
    story.approve(2)
    story.round()
    story.start()
    story.abort()
    outcome = story.outcome(differences=("balance of 0xabc: 3, not 4",), contract_balance=7)
    outcome.market.balances[story.model_owner] += 1
    text = read(outcome).text
    for words in (
        "1 honest member was slashed or rejected.",
        "Where the contract’s views differ",
        "balance of 0xabc: 3, not 4",
        "Not conserved.",
        "Not every row above adds up.",
        "Other faults that the chain shows",
        "Did not open its seed in time.",
    ):
        assert words in text


@pytest.mark.usefixtures("no_plots")
def test_tells_a_run_without_rounds() -> None:
    story = Story()
    story.distribute()
    story.approve(1)
    story.complete()
    text = read(story.outcome()).text
    assert "No round was completed: nothing was trained." in text
    assert "No round was started, so nothing was drawn." in text
    assert "No cheat was planted." in text


def test_tells_a_run_without_anything() -> None:
    assert "0 transactions took 0 gas" in read(Story().outcome(subset_rows=(), notes=())).text


@pytest.mark.usefixtures("no_plots")
def test_tells_a_regression() -> None:
    scores = Scores("R2", -0.4, (-0.123,), 0.48, -2.5, ("scikit-learn Ridge", float("nan")))
    text = read(told(1).outcome(scores=scores)).text
    assert "\N{MINUS SIGN}0.123" in text
    assert "R2 is 1 for a perfect model" in text
    assert "\N{EM DASH}" in text


def judged_scores(**changes: Any) -> Scores:
    chances = np.tile([0.9, 0.1], (20, 1))
    one = judge("the market", Forecast(np.zeros(20, np.int64), chances), np.arange(20) % 2)
    bins = tuple(reliability(chances, np.arange(20) % 2))
    return replace(SCORES, judged=(one,), reliability=bins, settled=False, **changes)


def test_tells_what_the_score_alone_does_not() -> None:
    better = Alternative("encrypted-features", 0.9, 0.5)
    outcome = told(1).outcome(scores=judged_scores(better=better), strata_names=("sick", "well"))
    text = read(outcome).text
    assert "Not settled" in text
    assert "says “sick” to everybody" in text
    assert "Another family would do better: encrypted-features" in text
    assert "balanced accuracy" in text
    assert "Can its chances be believed?" in text


def test_tells_that_a_model_has_settled() -> None:
    text = read(told(1).outcome(scores=replace(SCORES, settled=True))).text
    assert "The model has settled" in text
    assert "In other measures" not in text


@pytest.mark.usefixtures("no_plots")
def test_hostile_names_stay_text() -> None:
    story = told(2, cheats={(0, 2): HOSTILE}, names={(0, 1): HOSTILE, (0, 2): HOSTILE})
    outcome = story.outcome(
        dataset_name=HOSTILE,
        notes=(HOSTILE,),
        model=HOSTILE,
        network=HOSTILE,
        settings={HOSTILE: HOSTILE},
        differences=(HOSTILE,),
        strata=STRATA,
        strata_names=(HOSTILE, HOSTILE),
        scores=Scores("accuracy", 0.5, (0.6, 0.7), 0.8, 0.4, (HOSTILE, 0.8)),
    )
    found = read(outcome)
    assert "img" not in found.tags
    assert re.sub(r"\s+", " ", HOSTILE) in found.text
    assert any(HOSTILE in title for title in found.titles)


def test_hostile_function_names_stay_text_in_the_plot() -> None:
    story = told(1)
    hostile = story.transactions[0].__class__(bytes(32), 1, story.data_owner, (HOSTILE,), 9, True)
    assert "img" not in read(story.outcome(transactions=(hostile,))).tags


def test_is_the_same_each_time() -> None:
    outcome = told(2, cheats=ALL_CHEATS).outcome()
    assert page(outcome, summary(outcome)) == page(outcome, summary(outcome))


# --- files ---


@pytest.mark.usefixtures("no_plots")
def test_writes_both_files(tmp_path: Path) -> None:
    outcome = told(1).outcome()
    folder = tmp_path / "build" / "demo"
    write_report(outcome, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["report.html", "report.json"]
    assert json.loads((folder / "report.json").read_text()) == json.loads(json.dumps(summary(outcome)))
    assert (folder / "report.html").read_text().startswith("<!doctype html>")
    assert (folder / "report.json").stat().st_mode & 0o777 == 0o644


@pytest.mark.usefixtures("no_plots")
def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_report(told(1).outcome(), tmp_path)
    old = (tmp_path / "report.json").read_text()

    def fail(*_: str, **__: int) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StorageFailed, match="disk is full"):
        write_report(told(2).outcome(), tmp_path)
    assert (tmp_path / "report.json").read_text() == old
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "report.json"]
