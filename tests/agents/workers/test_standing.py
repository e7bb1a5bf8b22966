"""Where a data owner stands, in its log and by a command: guarantee, spent, left, cost, who learns what.

Rules: N21.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from agents.cli import main
from agents.core.errors import BadInput, StopAgent
from agents.demo.ranges import policy_of
from agents.learning.data.tables import load_table
from agents.learning.privacy.levels import LEARNS, Secrecy
from agents.learning.privacy.policy import PrivacyPolicy
from agents.portfolio.entries import DatasetEntry
from agents.portfolio.standing import standings
from agents.portfolio.workers import folder_of_entry
from agents.roles.tasks.data_owner import SplitData
from agents.storage.people import LEDGER_FILE
from agents.workers.data_owner import DataOwnerWorker
from agents.workers.standing import DESCRIPTION_FILE, PROMISE_FILE, Promise, standing_of
from testing.fake_market import TERMS
from testing.workers import DS, FaultyStore, Place
from tests.agents.workers.test_data_owner_worker import derive


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, "data owner", FaultyStore(), now=5_000)


def lines(
    place: Place, level: Secrecy, privacy: PrivacyPolicy | None = None, table: str = "wine"
) -> list[str]:
    home = place.tools.home.folder
    tools = replace(place.tools, home=folder_of_entry(home, DatasetEntry, "fair"))
    ledger = home / LEDGER_FILE
    worker = DataOwnerWorker(tools, table, None, 4, 0, TERMS, derive, level, privacy, ledger=ledger)
    worker.perform(SplitData(DS, entry="fair"))
    return list(standing_of(tools.home.folder, ledger, 4).lines())


def test_at_level_private_it_says_what_is_spent_and_left(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        told = lines(place, "private", policy_of(load_table("breast-cancer"), epsilon=2), "breast-cancer")
    assert caplog.messages == told
    assert told[0].startswith("level private: Nobody's row changes what all model owners together can see")
    assert told[1] == "promised in this dataset: epsilon 2 at delta 10^-5, to a person with one row of 455"
    assert told[2].startswith(
        "spent of these people's lifetime, over all datasets: epsilon 2.00 of 4; left: rho "
    )
    assert told[2].endswith("enough for epsilon 2. Couples cost nothing more")
    assert told[3].startswith("what it costs, tried on your own rows and not published: accuracy 0.9")
    assert told[4] == "no row is exposed"
    assert told[5:] == [f"{who} can learn: {what}" for who, what in LEARNS["private"].items()]


def test_of_a_person_with_many_rows_and_a_lifetime_that_is_over(place: Place) -> None:
    policy = policy_of(load_table("diabetes"), epsilon=4, rows_of_a_person=2)
    told = lines(place, "private", policy, "diabetes")
    assert "to a person with up to 2 rows of 354" in told[1]
    assert told[2].endswith(
        "left: rho 0.0000 of 0.3731, enough for no other dataset. Couples cost nothing more"
    )
    assert "R2 0." in told[3]


@pytest.mark.parametrize("level", ["dataset", "round", "none"])
def test_at_other_levels_it_says_that_exposed_rows_are_given_away(place: Place, level: Secrecy) -> None:
    told = lines(place, level)
    assert told[0].startswith(f"level {level}: ")
    given = next(line for line in told if "exposed rows are given away" in line)
    assert given.startswith("the 28 exposed rows are given away: a model of these alone has accuracy 0.")
    counted = "shown of these people in exact sums: 0 numbers, of 370 that tell no rows apart"
    assert (counted in told) is (level != "none")


def test_a_command_says_it(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    told = lines(place, "dataset")
    with pytest.raises(SystemExit) as end:
        main(["status", "--home", str(place.tools.home.folder)])
    assert not end.value.code
    shown = ["BROKEN  no agent has run here yet", "fair:", *(f"  {line}" for line in told)]
    assert capsys.readouterr().out.splitlines() == shown
    with pytest.raises(SystemExit):
        main(["status", "fair", "--home", str(place.tools.home.folder)])
    assert capsys.readouterr().out.splitlines() == shown


def test_a_home_without_a_dataset_has_no_standing(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no dataset is offered from there: name the home of a data owner"):
        list(standings(tmp_path, None, None, 4))
    with pytest.raises(BadInput, match="datasets/fair: no dataset is offered from there: let its agent run"):
        list(standings(tmp_path, "fair", None, 4))


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b'{"identity": "x", "trial": "{}"}', json.dumps({"identity": "00"}).encode()]
)
def test_a_damaged_promise_is_one_line(damage: bytes) -> None:
    with pytest.raises(StopAgent, match=f"{PROMISE_FILE} is damaged: restore it from a backup"):
        Promise.from_bytes(damage)


def test_a_damaged_description_is_one_line(place: Place) -> None:
    lines(place, "none")
    home = place.tools.home
    home.write(f"datasets/fair/{DESCRIPTION_FILE}", b"{}")
    with pytest.raises(StopAgent, match=f"{DESCRIPTION_FILE} is damaged: restore it from a backup"):
        list(standings(home.folder, "fair", None, 4))
