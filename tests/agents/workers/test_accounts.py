"""Accounts of people: what was shown of them in any dataset, at any market, under any address.

Rules: N16, N17, N18, N19.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadInput, StopAgent
from agents.learning.data.tables import Table, load_table
from agents.learning.privacy.accounting import rho_for
from agents.learning.privacy.lifetime import Lifetime, Spent
from agents.learning.privacy.maps import ShownMap
from agents.storage.people import PeopleLedger
from agents.workers.accounts import Accounts

WINE, DIABETES = load_table("wine"), load_table("diabetes")
RHO = {epsilon: rho_for(epsilon, 1e-5) for epsilon in (1, 2, 4)}


@pytest.fixture
def accounts(tmp_path: Path) -> Accounts:
    return Accounts(tmp_path / "people.sqlite", lambda: 1_700_000_000)


def identity(number: int) -> bytes:
    return bytes([number]) * 32


def spends(epsilon: int) -> object:
    def spend(lifetime: Lifetime) -> Spent:
        assert replace(lifetime, digits=5).largest >= epsilon, "the rest is asked first"
        return Spent(epsilon, RHO[epsilon], 5)

    return spend


def private(accounts: Accounts, number: int, table: Table, epsilon: int) -> Spent | None:
    return accounts.offer(identity(number), table, None, "private", spends(epsilon))  # type: ignore[arg-type]


def test_offers_of_the_same_people_add_up(accounts: Accounts) -> None:
    private(accounts, 1, WINE, 2)
    fewer = replace(WINE, features=WINE.features[:100, ::-1], target=WINE.target[:100])
    private(accounts, 2, fewer, 2)
    private(accounts, 3, DIABETES, 4)
    for number, spent in ((1, 2 * RHO[2]), (2, 2 * RHO[2]), (3, RHO[4])):
        lifetime, maps = accounts.standing(identity(number))
        assert lifetime.rho_spent == spent
        assert (lifetime.digits, maps) == (5, [])


def test_an_offer_that_is_there_costs_nothing_more(accounts: Accounts) -> None:
    first = private(accounts, 1, WINE, 4)

    def spend(lifetime: Lifetime) -> Spent:
        raise AssertionError("it was paid")

    again = accounts.offer(identity(1), WINE, None, "private", spend)
    assert first == again == Spent(4, RHO[4], 5)
    assert accounts.standing(identity(1))[0].rho_spent == RHO[4]


def test_agents_that_offer_at_once_spend_one_lifetime(accounts: Accounts) -> None:
    """Of four homes with one ledger one gets what there is, and the others are told."""
    with ThreadPoolExecutor(4) as homes:
        asked = [
            homes.submit(accounts.offer, identity(number), WINE, None, "private", takes_four)
            for number in range(1, 5)
        ]
    problems = [one.exception() for one in asked]
    assert sum(problem is None for problem in problems) == 1
    assert all(isinstance(problem, BadInput | None) for problem in problems)


def takes_four(lifetime: Lifetime) -> Spent:
    replace(lifetime, digits=5).another()
    return Spent(4, RHO[4], 5)


def test_what_is_refused_is_not_entered(accounts: Accounts) -> None:
    def spend(lifetime: Lifetime) -> Spent:
        raise BadInput("too small")

    with pytest.raises(BadInput, match="too small"):
        accounts.offer(identity(1), WINE, None, "private", spend)
    with pytest.raises(StopAgent, match="knows nothing of this dataset: restore it from a backup"):
        accounts.standing(identity(1))


def test_levels_of_the_same_people_do_not_mix(accounts: Accounts) -> None:
    accounts.offer(identity(1), WINE, None, "dataset")
    with pytest.raises(BadInput, match="were offered at level dataset before"):
        private(accounts, 2, WINE, 1)
    private(accounts, 3, DIABETES, 1)
    with pytest.raises(BadInput, match="were promised noise for life"):
        accounts.offer(identity(4), DIABETES, None, "round")


def test_a_table_with_a_row_more_is_not_offered_again(accounts: Accounts) -> None:
    """The difference of the sums would be that row."""
    less = replace(WINE, features=WINE.features[1:], target=WINE.target[1:])
    accounts.offer(identity(1), less, None, "dataset")
    with pytest.raises(BadInput, match="differs in 1 rows from one that was offered before"):
        accounts.offer(identity(2), WINE, None, "dataset")
    accounts.offer(
        identity(3), replace(WINE, features=WINE.features[:90], target=WINE.target[:90]), None, "none"
    )
    accounts.offer(identity(4), less, None, "round")


def test_whose_people_are_said_to_be_new_is_written_down(accounts: Accounts) -> None:
    accounts.offer(identity(1), WINE, None, "dataset")
    private(replace(accounts, new_people=True), 2, WINE, 4)
    assert accounts.standing(identity(2))[0].rho_spent == RHO[4]
    ledger = PeopleLedger(accounts.path)
    with ledger.alone() as page:
        assert [offer.declared_new for offer in page.offers()] == [False, True]
    ledger.close()


def test_persons_by_name_go_before_cells(accounts: Accounts) -> None:
    accounts.offer(identity(1), WINE, ("ann", "bob"), "dataset")
    accounts.offer(identity(2), WINE, ("carl",), "private", lambda _: Spent(4, RHO[4], 5))
    with pytest.raises(BadInput, match="were offered at level dataset before"):
        accounts.offer(identity(3), DIABETES, ("bob",), "private", lambda _: Spent(4, RHO[4], 5))


def test_maps_are_counted_over_all_datasets_of_the_same_people(accounts: Accounts) -> None:
    """114 rows of 13 columns: 370 numbers. A map of 147 fits twice, whoever asks for it."""
    accounts.offer(identity(1), WINE, None, "dataset")
    accounts.offer(identity(2), replace(WINE, name="again"), None, "dataset")
    shown = [ShownMap(f"clip {clip}", 14, 3) for clip in range(3)]
    assert accounts.show(identity(1), shown[0], 114, 13) == ""
    assert accounts.show(identity(1), shown[0], 114, 13) == "", "it was shown before"
    assert accounts.show(identity(2), shown[0], 114, 13) == "", "of the same rows, in another dataset"
    problem = "its map and those of earlier plans have more than a quarter as many numbers as 114 rows"
    assert accounts.show(identity(1), shown[1], 114, 13) == problem
    assert accounts.show(identity(2), shown[2], 114, 13) == problem
    assert [one.numbers for one in accounts.standing(identity(1))[1]] == [147, 147]
    assert accounts.show(identity(1), shown[0], 114, 13) == ""
    with pytest.raises(StopAgent, match="knows nothing of this dataset"):
        accounts.show(identity(9), shown[0], 114, 13)


def test_a_table_of_many_rows_is_entered_in_a_moment(accounts: Accounts) -> None:
    """29 digests a row, kept whole."""
    rng = np.random.default_rng(0)
    long = replace(WINE, features=rng.normal(size=(2_000, 13)), target=rng.integers(0, 3, 2_000))
    private(accounts, 1, long, 1)
    private(accounts, 2, replace(long, features=rng.normal(size=(2_000, 13))), 4)
    assert accounts.path.stat().st_size < 40 * 8 * 4_000
