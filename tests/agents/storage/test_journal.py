"""The journal: results that are there once they are recorded, and never change.

Rules: A4, A17, A106.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from agents.core.errors import BadInput, StopAgent, StorageFailed
from agents.roles.results import AgreedResult, PublishedWeights
from agents.storage.journal import Journal, read_results

RESULT = PublishedWeights(
    hash=b"\x00\xff", location=b"", model=b"\x01", score=0.25, stop=False, summed=2, missing=(1, 2)
)
OTHER = AgreedResult(digest=b"\x02", agreeing=3)
LARGE = AgreedResult(digest=b"\xff" * 10_000, agreeing=3)


def test_a_recorded_result_is_there_for_the_next_process(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record("weights/1", RESULT)
    journal.close()
    assert dict(Journal(tmp_path / "journal.sqlite")) == {"weights/1": RESULT}


def test_a_recorded_result_outlives_a_process_that_never_closed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    journal.record("weights/1", RESULT)
    assert dict(Journal(tmp_path / "journal.sqlite")) == {"weights/1": RESULT}


def test_the_first_result_stands(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    second = RESULT.model_copy(update={"score": 0.5})
    journal.record("weights/1", RESULT)
    journal.record("weights/1", second)
    assert journal["weights/1"] == RESULT != second
    assert Journal(tmp_path / "journal.sqlite")["weights/1"] == RESULT


def test_it_is_a_mapping_of_its_results() -> None:
    journal = Journal(":memory:")
    assert (len(journal), list(journal), journal.get("weights/1")) == (0, [], None)
    journal.record("weights/1", RESULT)
    journal.record("results/2", OTHER)
    assert (len(journal), list(journal), "results/2" in journal) == (2, ["weights/1", "results/2"], True)
    with pytest.raises(KeyError):
        journal["weights/3"]


def test_others_can_read_along(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    journal = Journal(path)
    journal.record("weights/1", RESULT)
    assert read_results(path) == {"weights/1": RESULT}
    journal.record("results/2", OTHER)
    assert set(read_results(path)) == {"weights/1", "results/2"}
    journal.close()
    assert set(read_results(path)) == {"weights/1", "results/2"}


@pytest.mark.parametrize("name", ["my data", "50%", "what?", "a#b", "50%20"])
def test_others_can_read_along_at_any_path(tmp_path: Path, name: str) -> None:
    path = tmp_path / name / "journal.sqlite"
    path.parent.mkdir()
    Journal(path).record("weights/1", RESULT)
    assert read_results(path) == {"weights/1": RESULT}
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def test_a_journal_that_is_not_there_yet_has_no_results(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    assert read_results(path) == {}
    assert not path.exists()
    path.touch()
    assert read_results(path) == {}


# --- what is damaged or not its own ---


def test_it_keeps_what_it_always_kept(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).record("weights/1", RESULT)
    ((key, text),) = sqlite3.connect(path).execute("SELECT key, fact FROM facts")
    assert key == "weights/1"
    assert text == (
        '{"hash": "00ff", "location": "", "model": "01", "score": 0.25, "stop": false, '
        '"settled": false, "summed": 2, "missing": [1, 2]}'
    )


BAD: list[tuple[str | bytes, str | bytes]] = [
    ("weights/1", "{"),
    ("weights/1", "[]"),
    ("weights/1", "{}"),
    ("weights/1", '{"digest": "00", "agreeing": 3}'),
    ("weights/1", b"\xff\xfe"),
    ("job/1", '{"flag": 9, "why": "no such reason"}'),
    ("job/1", '{"flag": 0, "why": "two answers", "digest": "00"}'),
    ("results/1", '{"digest": "0g", "agreeing": 3}'),
    ("results/1", '{"digest": "00", "agreeing": "3"}'),
    ("payment/1", "{}"),
    ("", "{}"),
    (b"\xff", "{}"),
]


@pytest.mark.parametrize(("key", "text"), BAD)
def test_an_entry_that_is_no_result_is_one_line(tmp_path: Path, key: str | bytes, text: str | bytes) -> None:
    path = tmp_path / "journal.sqlite"
    Journal(path).close()
    with sqlite3.connect(path) as database:
        database.execute("INSERT INTO facts VALUES (?, ?)", (key, text))
    named = key if isinstance(key, str) else repr(key)
    with pytest.raises(StopAgent) as stopped:
        Journal(path)
    with pytest.raises(BadInput) as refused:
        read_results(path)
    for line in (str(stopped.value), str(refused.value)):
        assert line.startswith(f"{path}: {named} is damaged or of another program (")
        assert "\n" not in line
    assert str(stopped.value).endswith("): restore the file from a backup")
    assert str(refused.value).endswith("): read it with the version that wrote it")


# --- a disk that refuses ---


def full(path: Path) -> Journal:
    """A journal that has taken all that fits on its disk."""
    journal = Journal(path)
    journal._database.rows("PRAGMA max_page_count = 4")
    journal.record("weights/1", RESULT)
    with pytest.raises(StorageFailed) as failed:
        journal.record("results/2", LARGE)
    assert str(failed.value) == (
        f"the database {path} failed: database or disk is full: free some space, then start again"
    )
    return journal


def test_a_result_that_does_not_fit_is_not_recorded(tmp_path: Path) -> None:
    journal = full(tmp_path / "journal.sqlite")
    assert dict(journal) == {"weights/1": RESULT}
    assert read_results(tmp_path / "journal.sqlite") == {"weights/1": RESULT}


def test_a_full_journal_loses_nothing_and_goes_on_when_there_is_space(tmp_path: Path) -> None:
    full(tmp_path / "journal.sqlite").close()
    restarted = Journal(tmp_path / "journal.sqlite")
    assert dict(restarted) == {"weights/1": RESULT}
    restarted.record("results/2", LARGE)
    restarted.close()
    assert dict(Journal(tmp_path / "journal.sqlite")) == {"weights/1": RESULT, "results/2": LARGE}


def test_a_journal_that_is_none_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "journal.sqlite"
    path.write_text("this is not a database, but a text that is long enough to look at" * 9)
    for reads in (Journal, read_results):
        with pytest.raises(StorageFailed) as failed:
            reads(path)
        assert str(failed.value) == (
            f"the database {path} failed: file is not a database: restore it from a backup, then start again"
        )


def test_a_journal_in_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="unable to open database file"):
        Journal(tmp_path / "none" / "journal.sqlite")


def test_a_long_journal_has_no_more_at_hand_than_a_short_one(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite", at_hand=3)
    for number in range(20):
        journal.record(f"results/{number}", OTHER)
        assert f"results/{number}/none" not in journal
    assert len(journal._recent) == 3
    assert [journal[f"results/{number}"] for number in range(20)] == [OTHER] * 20
    assert len(journal._recent) == 3
    assert len(journal) == 20
    journal.record("results/0", OTHER.model_copy(update={"agreeing": 9}))
    assert journal["results/0"] == OTHER, "the first stands, though it is not at hand"


def test_what_was_not_there_is_once_it_is_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.sqlite")
    assert journal.get("results/1") is None
    journal.record("results/1", OTHER)
    assert journal.get("results/1") == OTHER
