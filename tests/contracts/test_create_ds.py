# createDS
# ├── when the caller is not a DO: refused
# ├── when subsets, subsets a round or replicas are out of bounds: refused
# ├── when a window is zero: refused
# ├── when the bond is below a job's price or the penalty for silence: refused
# ├── when the offer would end now or before: refused
# └── else the terms stand as given, under the DO's next serial, and no subset has an instance
#
# Rules: D1, D2, D3, D4, D5

from __future__ import annotations

from dataclasses import astuple, replace
from hashlib import sha256
from typing import Any

import pytest

from agents.core.enums import Role
from agents.core.events import DatasetCreated, DatasetTerms
from agents.core.ids import dataset_id
from testing.backend import TERMS
from testing.contracts import clock
from testing.contracts.ledger_checks import moves_coins
from testing.contracts.logs import events
from testing.contracts.market import LOCATION, LiveDataset, LiveMarket
from testing.contracts.reverts import reverts_with

METADATA = sha256(b"metadata").digest()
WIDEST = DatasetTerms(
    subsets=256,
    subsets_per_round=256,
    max_replicas=16,
    round_price=2**96 - 1,
    job_price=2**96 - 2,
    instance_bond=2**96 - 2,
    miss_penalty=2**96 - 2,
    couple_bond=2**96 - 3,
    answer_window_seconds=2**24 - 1,
    draw_window_seconds=2**24 - 2,
    report_window_seconds=2**24 - 3,
    settle_window_seconds=2**24 - 4,
    couple_window_seconds=2**32 - 1,
    ends_at=2**40 - 1,
)
LEANEST = replace(
    TERMS,
    max_replicas=1,
    round_price=0,
    job_price=0,
    instance_bond=0,
    miss_penalty=0,
    couple_bond=0,
    answer_window_seconds=1,
    draw_window_seconds=1,
    report_window_seconds=1,
    settle_window_seconds=1,
    couple_window_seconds=1,
)
WINDOWS = [name for name in DatasetTerms.__dataclass_fields__ if name.endswith("_window_seconds")]


def create(market: LiveMarket, terms: DatasetTerms = TERMS, by: Any = None) -> Any:
    return market.contract.createDS(astuple(terms), METADATA, LOCATION, {"from": by or market.data_owner})


@pytest.mark.parametrize("terms", [TERMS, WIDEST, LEANEST], ids=["usual", "widest", "leanest"])
def test_creates_a_dataset(market: LiveMarket, terms: DatasetTerms) -> None:
    ds = dataset_id(market.data_owner.address, 1)
    with moves_coins(market, {}):
        tx = create(market, terms)
    assert tx.return_value == ds
    assert events(tx) == [DatasetCreated(ds, market.data_owner, terms, METADATA, LOCATION)]
    assert DatasetTerms(*map(int, market.contract.datasetTerms(ds))) == terms
    offer = LiveDataset(market, ds, terms)
    assert offer.pool == (0, 0)
    assert offer.instances(0) == offer.instances(terms.subsets - 1) == []


def test_serials_count_each_owners_own(market: LiveMarket) -> None:
    other = market.cloud_owners[15]
    market.register(other, Role.DATA_OWNER)
    for owner, serial in ((market.data_owner, 1), (market.data_owner, 2), (other, 1), (market.data_owner, 3)):
        assert create(market, by=owner).return_value == dataset_id(owner.address, serial)


@pytest.mark.parametrize("role", [Role.NONE, Role.CLOUD_OWNER, Role.MODEL_OWNER])
def test_refuses_whoever_is_no_data_owner(market: LiveMarket, role: Role) -> None:
    if role:
        market.register(market.stranger, role)
    with reverts_with("Members_WrongRole", market.stranger, role, Role.DATA_OWNER):
        create(market, by=market.stranger)


@pytest.mark.parametrize(
    ("subsets", "per_round", "replicas"),
    [
        (0, 0, 3),
        (0, 1, 3),
        (257, 1, 3),
        (65_535, 1, 3),
        (4, 0, 3),
        (4, 5, 3),
        (4, 2, 0),
        (4, 2, 17),
        (4, 2, 255),
    ],
)
def test_refuses_a_shape_out_of_bounds(
    market: LiveMarket, subsets: int, per_round: int, replicas: int
) -> None:
    terms = replace(TERMS, subsets=subsets, subsets_per_round=per_round, max_replicas=replicas)
    with reverts_with("Distribution_BadShape", subsets, per_round, replicas):
        create(market, terms)


@pytest.mark.parametrize("window", WINDOWS)
def test_refuses_a_window_of_no_time(market: LiveMarket, window: str) -> None:
    with reverts_with("Distribution_ZeroWindow"):
        create(market, replace(TERMS, **{window: 0}))


@pytest.mark.parametrize(("bond", "price", "penalty"), [(99, 100, 40), (39, 0, 40), (0, 1, 1)])
def test_refuses_a_bond_that_covers_too_little(
    market: LiveMarket, bond: int, price: int, penalty: int
) -> None:
    terms = replace(TERMS, instance_bond=bond, job_price=price, miss_penalty=penalty)
    with reverts_with("Distribution_BondTooSmall", bond, price, penalty):
        create(market, terms)


def test_a_bond_may_just_cover_price_and_penalty(market: LiveMarket) -> None:
    terms = replace(TERMS, instance_bond=100, job_price=100, miss_penalty=100)
    ds = create(market, terms).return_value
    assert market.contract.datasetTerms(ds)["instanceBond"] == 100


def test_refuses_an_offer_that_ends_at_once(market: LiveMarket) -> None:
    ends_at = clock.now() + 1_000
    with reverts_with("Distribution_Ended", ends_at, ends_at):
        clock.at(ends_at, lambda: create(market, replace(TERMS, ends_at=ends_at)))


def test_an_offer_may_last_a_second(market: LiveMarket) -> None:
    ends_at = clock.now() + 1_000
    tx = clock.at(ends_at - 1, lambda: create(market, replace(TERMS, ends_at=ends_at)))
    assert market.contract.datasetTerms(tx.return_value)["endsAt"] == ends_at
