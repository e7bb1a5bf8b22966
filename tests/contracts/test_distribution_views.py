# The views of what does not exist are zero; the others are read in the tests of each transaction.
#
# Rules: D26

from __future__ import annotations

from agents.core.enums import InstanceStatus
from agents.core.ids import DatasetId, InstanceId, dataset_id, instance_id
from testing.backend import TERMS
from testing.contracts.market import LiveDataset, LiveMarket

NOBODY = "0x" + "00" * 20


def test_a_dataset_that_is_none(market: LiveMarket) -> None:
    for ds in (DatasetId(0), dataset_id(market.data_owner.address, 9)):
        assert not any(market.contract.datasetTerms(ds))
        nothing = LiveDataset(market, ds, TERMS)
        assert nothing.pool == (0, 0)
        assert nothing.instances(0) == []


def test_a_subset_that_is_none(market: LiveMarket, dataset: LiveDataset) -> None:
    for index in (1, 256, 2**256 - 1):
        assert dataset.instances(index) == []


def test_an_instance_that_is_none(market: LiveMarket, dataset: LiveDataset) -> None:
    for ci in (
        InstanceId(0),
        InstanceId(dataset.ds),
        instance_id(dataset.ds, 0, 4),
        instance_id(dataset.ds, 1, 1),
    ):
        assert dataset.standing(ci) == (NOBODY, InstanceStatus.NONE, 0, 0, 0, 0)
