"""One data owner with two datasets and one model owner with two models, on a real node, killed in between.

Rules: A100, A101.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from agents.core.enums import CouplePhase
from agents.core.ids import dataset_id, model_id
from agents.portfolio.models import latest_weights
from testing.node_market import deploy, fresh_client
from testing.portfolio_network import PortfolioNetwork


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortfolioNetwork]:
    with fresh_client() as client:
        deploy(client.node)
        yield PortfolioNetwork(client, tmp_path_factory.mktemp("homes"))


def test_two_datasets_become_two_models_though_both_owners_are_killed(network: PortfolioNetwork) -> None:
    network.offer("fair")
    network.want("tumour", "fair")
    network.play(lambda: bool(network.market.couples))
    network.offer("other", "breast-cancer", subsets=4)
    (network.data_owner.home.folder / "datasets" / "broken.toml").write_text("table =")
    network.want("second", "other", "breast-cancer")
    for agent in (network.data_owner, network.model_owner):
        network.start(agent)
    network.play(lambda: len(network.market.couples) == 2)
    for agent in (network.data_owner, network.model_owner):
        network.start(agent)
    network.play(lambda: {c.phase for c in network.market.couples.values()} == {CouplePhase.COMPLETED})

    do, mo, market = network.data_owner, network.model_owner, network.market
    assert list(market.datasets) == [dataset_id(do.address, 1), dataset_id(do.address, 2)]
    assert [(c.ds, c.mod) for c in market.couples.values()] == [
        (dataset_id(do.address, 1), model_id(mo.address, 1)),
        (dataset_id(do.address, 2), model_id(mo.address, 2)),
    ]
    for name in ("tumour", "second"):
        round_, path = latest_weights(mo.home.folder, name)
        assert round_ in {couple.round for couple in market.couples.values()}
        assert path.is_relative_to(mo.home.path(f"models/{name}"))
    assert network.audit().ok
