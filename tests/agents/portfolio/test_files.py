"""Files of a portfolio: read when they change, refused alone, written whole.

Rules: A101.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agents.core.errors import BadInput
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import (
    EntryFiles,
    accept,
    accepted,
    check_name,
    parsed,
    read_entry,
    set_wanted,
    write_entry,
)
from agents.portfolio.terms import Terms
from testing.world import address_of

OWNERS = tuple(address_of(f"cloud owner {number}") for number in range(3))
FAIR = DatasetEntry(table="fair.csv", cloud_owners=OWNERS)


def folder(home: Path) -> Path:
    (home / "datasets").mkdir(exist_ok=True)
    return home / "datasets"


@pytest.mark.parametrize(
    "entry",
    [
        FAIR,
        DatasetEntry(
            table="t", cloud_owners=OWNERS, terms=Terms(round_price=7), keep=("id",), requests="hand"
        ),
        DatasetEntry(table="t", cloud_owners=OWNERS, table_schema=Path("s.json"), new_people=True),
        ModelEntry(samples=Path("x.samples"), dataset="0xabcdef:fair", rounds=3, wanted="stopped"),
    ],
)
def test_what_is_written_is_what_is_read(tmp_path: Path, entry: DatasetEntry | ModelEntry) -> None:
    path = write_entry(tmp_path, "fair", entry)
    assert path.parent.name in ("datasets", "models")
    assert read_entry(tmp_path, "fair", type(entry)) == entry
    accept(tmp_path, "fair", entry)
    assert accepted(tmp_path, "fair", type(entry)) == entry


def test_files_are_picked_up_changed_and_gone_while_an_agent_looks(tmp_path: Path) -> None:
    files = EntryFiles(tmp_path, DatasetEntry)
    assert files.look() == {}
    write_entry(tmp_path, "fair", FAIR)
    first = files.look()["fair"]
    assert first == FAIR
    assert files.look()["fair"] is first, "what did not change is not read again"
    set_wanted(tmp_path, "fair", DatasetEntry, "closed")
    assert files.look()["fair"] == FAIR.model_copy(update={"wanted": "closed"})
    (tmp_path / "datasets" / "fair.toml").unlink()
    assert files.look() == {}


def test_other_files_are_none_of_its_business(tmp_path: Path) -> None:
    for name in (".fair.toml.swp", ".hidden.toml", "notes.txt"):
        (folder(tmp_path) / name).write_text("x")
    (folder(tmp_path) / "fair").mkdir()
    assert EntryFiles(tmp_path, DatasetEntry).look() == {}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"table =", "Invalid value (at end of document)"),
        (b'table = "a"\n\ntable = "b"', "Cannot overwrite a value (at "),
        (b"\xff", "not UTF-8"),
        (b'table = "a"', "cloud_owners: Field required"),
        (b'table = "a"\ncloud_owners = ["bob"]', "cloud_owners: 'bob' is no address"),
        (b'table = "a"\ntabel = "b"', "cloud_owners: Field required"),
        (b"seed = true", "seed: true and false are no values for it"),
        (b"terms = {job_price = true}", "terms: true and false are no values for it"),
        (b"wanted = true", "wanted: true and false are no values for it"),
        (b"x = " + b"[" * 100_000, "TOML inline arrays/tables are nested"),
        (b"#" * (2**20 + 1), "it has 1048577 bytes, and such a file has at most 1048576"),
    ],
)
def test_a_broken_file_says_what_is_wrong_and_leaves_others_alone(
    tmp_path: Path, text: bytes, problem: str
) -> None:
    write_entry(tmp_path, "fair", FAIR)
    (folder(tmp_path) / "broken.toml").write_bytes(text)
    found = EntryFiles(tmp_path, DatasetEntry).look()
    assert found["fair"] == FAIR
    said = found["broken"]
    assert isinstance(said, str)
    assert "\n" not in said
    if not problem.startswith("TOML"):
        assert said.startswith(problem)


@pytest.mark.parametrize("name", ["Fair", "1st", "-a", "a_b", "a" * 33, "é", "a.b"])
def test_a_name_is_of_small_letters_digits_and_hyphens(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="is no name: take a small letter"):
        check_name(name)
    (folder(tmp_path) / f"{name}.toml").write_text("")
    (said,) = EntryFiles(tmp_path, DatasetEntry).look().values()
    assert "is no name" in str(said)
    assert check_name("a") == "a"
    assert check_name("fair-2" + "a" * 26) == "fair-2" + "a" * 26


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (folder(tmp_path) / "fair.toml").symlink_to(tmp_path)
    assert "cannot be read" in str(EntryFiles(tmp_path, DatasetEntry).look()["fair"])


def test_a_file_that_goes_away_while_it_is_looked_for_is_there_next_time(tmp_path: Path) -> None:
    write_entry(tmp_path, "fair", FAIR)
    files = EntryFiles(tmp_path, DatasetEntry)
    (tmp_path / "datasets" / "gone.toml").symlink_to(tmp_path / "nothing")
    assert files.look() == {}, "what could not be seen is not taken for gone"
    (tmp_path / "datasets" / "gone.toml").unlink()
    assert files.look() == {"fair": FAIR}


def test_what_is_wanted_is_changed_and_nothing_else(tmp_path: Path) -> None:
    owners = ", ".join(f'"{owner}"' for owner in OWNERS)
    path = folder(tmp_path) / "fair.toml"
    path.write_text(f'# mine\ntable = "t"\ncloud_owners = [{owners}]\n[terms]\nround_price = 3\n')
    set_wanted(tmp_path, "fair", DatasetEntry, "closed")
    assert path.read_text().startswith('wanted = "closed"\n# mine\n')
    set_wanted(tmp_path, "fair", DatasetEntry, "offered")
    assert path.read_text().startswith('wanted = "offered"\n# mine\n')
    assert path.read_text().count("wanted") == 1
    path.write_text("table =")
    with pytest.raises(BadInput, match=r"fair\.toml: Invalid value"):
        set_wanted(tmp_path, "fair", DatasetEntry, "closed")
    assert path.read_text() == "table ="


def test_a_name_that_there_is_not_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is none yet"):
        read_entry(tmp_path, "fair", DatasetEntry)
    write_entry(tmp_path, "other", FAIR)
    with pytest.raises(BadInput, match="there are other"):
        set_wanted(tmp_path, "fair", DatasetEntry, "closed")
    write_entry(tmp_path, "fair", FAIR)
    (folder(tmp_path) / "fair.toml").write_text("x")
    with pytest.raises(BadInput, match=r"datasets/fair\.toml: "):
        read_entry(tmp_path, "fair", DatasetEntry)


def test_what_was_accepted_is_needed_by_the_work(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"entry\.toml is gone: write datasets/fair\.toml anew"):
        accepted(tmp_path, "fair", DatasetEntry)


def test_accepting_the_same_writes_nothing(tmp_path: Path) -> None:
    accept(tmp_path, "fair", FAIR)
    path = tmp_path / "datasets" / "fair" / "entry.toml"
    os.utime(path, (1, 1))
    accept(tmp_path, "fair", FAIR)
    assert path.stat().st_mtime == 1


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("wine", "wine"),
        ("postgresql://u@h/d", "postgresql://u@h/d"),
        ("data/t.csv", "HOME/data/t.csv"),
        ("/data/t.csv", "/data/t.csv"),
    ],
)
def test_paths_are_from_the_home(tmp_path: Path, table: str, found: str) -> None:
    entry = FAIR.model_copy(update={"table": table, "privacy": Path("r.json")}).at(tmp_path)
    assert entry.table == found.replace("HOME", str(tmp_path))
    assert entry.privacy == tmp_path / "r.json"
    assert entry.table_schema is None


def test_the_facts_are_what_cannot_change(tmp_path: Path) -> None:
    facts = FAIR.facts()
    assert FAIR.changed_since(facts) == ""
    for harmless in ({"wanted": "closed"}, {"cloud_owners": OWNERS[::-1]}, {"requests": "hand"}):
        assert FAIR.model_copy(update=harmless).changed_since(facts) == ""
    for key, value in (("table", "x"), ("seed", 1), ("terms", Terms(round_price=1)), ("spare_places", 1)):
        assert FAIR.model_copy(update={key: value}).changed_since(facts) == key
    changed = FAIR.model_copy(update={"table_schema": Path("s.json")})
    assert changed.changed_since(facts) == "schema", "as a file calls it"


def test_a_file_may_name_the_schema_as_people_do(tmp_path: Path) -> None:
    owners = ", ".join(f'"{owner}"' for owner in OWNERS)
    entry = parsed(DatasetEntry, f'table = "t"\ncloud_owners = [{owners}]\nschema = "s.json"')
    assert entry.table_schema == Path("s.json")
