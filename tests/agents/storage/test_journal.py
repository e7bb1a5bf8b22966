"""The journal: facts that are there once they are recorded, and never change.

Rules: A4.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.roles.acts import Fact
from agents.storage.journal import Journal, read_facts

FACT: Fact = {"digest": "00ff", "rows": 3, "score": 0.25, "missing": [1, 2], "stop": False}


def test_a_recorded_fact_is_there_for_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record("job/1", FACT)
    journal.close()
    assert dict(Journal(tmp_path / "journal.sqlite")) == {"job/1": FACT}


def test_a_recorded_fact_outlives_a_process_that_never_closed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record("job/1", FACT)
    assert dict(Journal(tmp_path / "journal.sqlite")) == {"job/1": FACT}


def test_the_first_fact_stands(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record("job/1", {"digest": "first"})
    journal.record("job/1", {"digest": "second"})
    assert journal["job/1"] == {"digest": "first"}
    assert Journal(tmp_path / "journal.sqlite")["job/1"] == {"digest": "first"}


def test_it_is_a_mapping_of_its_facts() -> None:
    journal = Journal(":memory:")
    assert (len(journal), list(journal), journal.get("job/1")) == (0, [], None)
    journal.record("job/1", FACT)
    journal.record("job/2", {})
    assert (len(journal), list(journal), "job/2" in journal) == (2, ["job/1", "job/2"], True)
    with pytest.raises(KeyError):
        journal["job/3"]


def test_others_can_read_along(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.record("job/1", FACT)
    assert read_facts(path) == {"job/1": FACT}
    journal.record("job/2", {})
    assert set(read_facts(path)) == {"job/1", "job/2"}
    journal.close()
    assert set(read_facts(path)) == {"job/1", "job/2"}


@pytest.mark.parametrize("name", ["my data", "50%", "what?", "a#b", "50%20"])
def test_others_can_read_along_at_any_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "journal.sqlite"
    path.parent.mkdir()
    Journal(path).record("job/1", FACT)
    assert read_facts(path) == {"job/1": FACT}
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_journal_that_is_not_there_yet_has_no_facts(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    assert read_facts(path) == {}
    assert not path.exists()
    path.touch()
    assert read_facts(path) == {}
