"""An agent network whose data owner and model owner have what lies in their homes, and may be killed."""

from __future__ import annotations

from pathlib import Path

from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.history import EventStream
from agents.chain.sender import Sender
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.files import write_entry
from agents.portfolio.parties import DatasetPortfolio, ModelPortfolio
from agents.portfolio.terms import Terms
from agents.portfolio.workers import DatasetsWorker, ModelsWorker
from agents.roles.acts import Identity, Party
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.runtime.executor import InlineExecutor
from agents.runtime.runner import Runner
from agents.storage.journal import Journal
from agents.workers.base import Tools, Worker
from testing.agent_network import AgentNetwork, NetworkAgent
from testing.policies import LETS_TRAIN, TRAINS
from testing.world import in_plain_text

SHORT = Terms(
    answer_window_seconds=1_000,
    draw_window_seconds=300,
    report_window_seconds=600,
    settle_window_seconds=300,
    couple_window_seconds=100_000,
    offer_seconds=1_000_000,
)


class PortfolioNetwork(AgentNetwork):
    """The same company; nothing is offered or wanted until a file says so."""

    def __init__(self, client: MarketClient, folder: Path) -> None:
        super().__init__(client, folder)
        for agent in (self.data_owner, self.model_owner):
            self.start(agent)

    def _data_owner(self, identity: Identity, tools: Tools) -> tuple[Party, Worker]:
        role = DatasetPortfolio(DataOwner(identity, (), LETS_TRAIN), tools.home.folder)
        return role, DatasetsWorker(tools, identity.derive)

    def _model_owner(self, identity: Identity, tools: Tools) -> tuple[Party, Worker]:
        role = ModelPortfolio(ModelOwner(identity, (), TRAINS), tools.home.folder)
        return role, ModelsWorker(tools, identity.receipt_domain)

    def start(self, agent: NetworkAgent) -> None:
        """A new process: of the last one nothing is left but its home and the chain."""
        if not isinstance(agent.runner.journal, Journal):
            raise AssertionError
        agent.runner.journal.close()
        key = agent.executor.worker.tools.key  # type: ignore[attr-defined]
        tools = Tools(agent.home, self.store, key, self.now, agent.identity.receipt_domain)
        role, worker = agent.make(agent.identity, tools)
        database = ChainDatabase(":memory:")
        agent.sender, agent.executor = Sender(self.client, agent.wallet, database), InlineExecutor(worker)
        stream = EventStream(self.client, database)
        journal = Journal(agent.home.path("journal.sqlite"))
        clock = lambda: float(self.now())  # noqa: E731
        agent.runner = Runner(role, agent.executor, stream, agent.sender, journal, clock)

    def offer(self, name: str, table: str = "wine", **given: object) -> None:
        """Writes a dataset's file."""
        owners = tuple(agent.address for agent in self.cloud_owners)
        fields = {"table": table, "cloud_owners": owners, "subsets": 3, "subsets_per_round": 1}
        entry = DatasetEntry(**(fields | {"secrecy": "none", "terms": SHORT} | given))  # type: ignore[arg-type]
        write_entry(self.data_owner.home.folder, name, entry)

    def want(self, name: str, dataset: str, table: str = "wine", rounds: int = 1) -> None:
        """Writes a model's file, on a dataset of the data owner's."""
        plan = self.folder / f"{name}.json"
        plan.write_bytes(in_plain_text(table, rounds).canonical_bytes())
        samples = self.data_owner.home.path(f"datasets/{dataset}/exposed.samples")
        named = f"{self.data_owner.address}:{dataset}"
        entry = ModelEntry(samples=samples, plan=plan, dataset=named)
        write_entry(self.model_owner.home.folder, name, entry)
