"""Portfolios of one thing, which has the wallet's first serial already."""

from __future__ import annotations

from agents.core.ids import Address
from agents.roles.portfolio import OfferedDataset, WantedModel


def one_dataset(cloud_owners: tuple[tuple[Address, ...], ...]) -> tuple[OfferedDataset, ...]:
    """A dataset of which each subset goes to these."""
    return (OfferedDataset("fair", cloud_owners, 1),)


def one_model(quorum: int = 0, spare_rounds: int = 1) -> tuple[WantedModel, ...]:
    """A model on the first dataset that the policy allows."""
    return (WantedModel("tumour", serial=1, quorum=quorum, spare_rounds=spare_rounds, wait_for_cover=0),)
