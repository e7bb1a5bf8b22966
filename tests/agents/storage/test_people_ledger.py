"""The ledger of people on the disk: one file, private, whole after a crash, shared by processes.

Rules: A17, A19, N16.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import StorageFailed
from agents.learning.privacy.people import DIGESTS_A_ROW, Prints
from agents.storage.people import KeptOffer, PeopleLedger

PRINTS = Prints(b"c" * 32, np.arange(2 * DIGESTS_A_ROW, dtype=np.uint64).reshape(2, -1))
OFFER = KeptOffer(0, b"i" * 32, "wine", "dataset", 178, 13, "", 1_700_000_000, False, PRINTS)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[PeopleLedger]:
    found = PeopleLedger(tmp_path / "people.sqlite")
    yield found
    found.close()


def entered(ledger: PeopleLedger, number: int, earlier: list[int]) -> None:
    with ledger.alone() as page:
        page.add(replace(OFFER, identity=bytes([number]) * 32), earlier)


def test_what_is_entered_is_there_for_another_process(ledger: PeopleLedger, tmp_path: Path) -> None:
    persons = replace(PRINTS, persons=np.array([3, 2**63], dtype=np.uint64))
    with ledger.alone() as page:
        page.add(replace(OFFER, prints=persons, declared_new=True), [])
    other = PeopleLedger(tmp_path / "people.sqlite")
    assert other.key == ledger.key
    assert len(other.key) == 32
    with other.alone() as page:
        [offer] = page.offers()
        again = page.offered(OFFER.identity)
        assert page.offered(b"?" * 32) is None
    assert (offer.id, offer.name, offer.level, offer.rows, offer.width) == (1, "wine", "dataset", 178, 13)
    assert offer.declared_new is True
    assert again is not None
    assert (again.id, again.identity) == (1, OFFER.identity)
    assert offer.prints.persons is not None
    np.testing.assert_array_equal(offer.prints.rows, PRINTS.rows)
    assert offer.prints.persons.tolist() == [3, 2**63]
    other.close()


def test_nobody_else_reads_it(ledger: PeopleLedger, tmp_path: Path) -> None:
    entered(ledger, 1, [])
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert set(modes.values()) == {0o600}
    assert "people.sqlite" in modes


def test_people_are_linked_over_any_number_of_offers(ledger: PeopleLedger) -> None:
    for number, earlier in enumerate([[], [], [1], [2, 3], []], start=1):
        entered(ledger, number, earlier)
    with ledger.alone() as page:
        assert page.same_people([1]) == page.same_people([4]) == [1, 2, 3, 4]
        assert page.same_people([5]) == [5]
        assert page.same_people([]) == []


def test_what_was_shown_is_kept_once(ledger: PeopleLedger) -> None:
    entered(ledger, 1, [])
    entered(ledger, 2, [])
    with ledger.alone() as page:
        page.show(1, "a map", "{}", 5)
        page.show(1, "a map", "{ }", 6)
        page.show(2, "a map", "{}", 6)
        assert page.shown([1]) == [(1, "a map", "{}")]
        assert len(page.shown([1, 2])) == 2


def test_a_step_that_breaks_off_leaves_nothing(ledger: PeopleLedger) -> None:
    def breaks_off() -> None:
        with ledger.alone() as page:
            page.add(OFFER, [])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        breaks_off()
    with ledger.alone() as page:
        assert page.offers() == []
        page.add(OFFER, [])


def test_a_damaged_file_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "people.sqlite"
    path.write_bytes(b"no database" * 200)
    with pytest.raises(StorageFailed, match=r"people\.sqlite failed.*: restore it from a backup"):
        PeopleLedger(path)
