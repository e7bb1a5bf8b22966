"""The journal: facts that are there once they are recorded, and never change.

Rules: A4, A17.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.core.errors import StorageFailed
from agents.roles.acts import Fact
from agents.storage.journal import Journal, read_facts

LARGE: Fact = {"digest": "f" * 20_000}
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


# --- a disk that refuses ---


def full(path: Path) -> Journal:
    """A journal that has taken all that fits on its disk."""
    journal = Journal(path)
    journal._database.rows("PRAGMA max_page_count = 4")
    journal.record("job/1", FACT)
    with pytest.raises(StorageFailed) as failed:
        journal.record("job/2", LARGE)
    assert str(failed.value) == (
        f"the database {path} failed: database or disk is full: free some space, then start again"
    )
    return journal


def test_a_fact_that_does_not_fit_is_not_recorded(tmp_path: Path) -> None:
    journal = full(tmp_path / "journal.sqlite")
    assert dict(journal) == {"job/1": FACT}
    assert read_facts(tmp_path / "journal.sqlite") == {"job/1": FACT}


def test_a_full_journal_loses_nothing_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    full(tmp_path / "journal.sqlite").close()
    restarted = Journal(tmp_path / "journal.sqlite")
    assert dict(restarted) == {"job/1": FACT}
    restarted.record("job/2", LARGE)
    restarted.close()
    assert dict(Journal(tmp_path / "journal.sqlite")) == {"job/1": FACT, "job/2": LARGE}


def test_a_journal_that_is_none_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_text("this is not a database, but a text that is long enough to look at" * 9)
    for reads in (Journal, read_facts):
        with pytest.raises(StorageFailed) as failed:
            reads(path)
        assert str(failed.value) == (
            f"the database {path} failed: file is not a database: restore it from a backup, then start again"
        )


def test_a_journal_in_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="unable to open database file"):
        Journal(tmp_path / "none" / "journal.sqlite")
