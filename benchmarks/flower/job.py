"""The job as a user of Flower would write it. Runs in Flower's own environment, in a process of its own.

    .venv-flower/bin/python benchmarks/flower/job.py FOLDER

It reads the files of `benchmarks.flower.spec.prepare` in the folder, and writes ``flower.json``. The clients
train with the market's own trainer; the server samples clients, averages with Flower's own FedAvgM and scores
each round on the model owner's samples.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

STARTED = time.monotonic()

import numpy as np  # noqa: E402 -- imports are timed: who starts a job waits for them
from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict  # noqa: E402
from flwr.clientapp import ClientApp  # noqa: E402
from flwr.serverapp import Grid, ServerApp  # noqa: E402
from flwr.serverapp.strategy import FedAvgM  # noqa: E402
from flwr.simulation import run_simulation  # noqa: E402

from agents.learning.data import exposed  # noqa: E402
from agents.learning.data.samples import Samples  # noqa: E402
from agents.learning.families.affine import LogisticPlan, PlainLogistic  # noqa: E402
from agents.learning.integers.design_matrix import design_matrix  # noqa: E402
from agents.learning.integers.weights import Weights  # noqa: E402

CLIENT_CPUS = 1
"""Of each client: so many train at once as there are cores, which is faster than Flower's default of two."""


def main(folder: Path) -> None:
    """Trains, and writes how long it took and how well each round did."""
    plan = LogisticPlan.model_validate_json((folder / "plan.json").read_bytes())
    clients = len(list(folder.glob("subset-*.samples")))
    drawn = int(json.loads((folder / "job.json").read_text())["drawn"])
    scores: list[float] = []
    begun = time.monotonic()
    run_simulation(
        server(plan, _samples(folder / "validation.samples"), drawn / clients, scores),
        client(folder, plan),
        clients,
        backend_config={
            "client_resources": {"num_cpus": CLIENT_CPUS, "num_gpus": 0.0},
            "init_args": {"_node_ip_address": "127.0.0.1"},
        },
    )
    ended = time.monotonic()
    told = {"import_seconds": begun - STARTED, "run_seconds": ended - begun, "scores": scores}
    (folder / "flower.json").write_text(json.dumps(told))


def server(plan: LogisticPlan, validation: Samples, fraction: float, scores: list[float]) -> ServerApp:
    """The server: `scores` is given the score before round 1 and after each round."""
    app = ServerApp()

    def evaluate(_: int, arrays: ArrayRecord) -> MetricRecord:
        rows = design_matrix(validation.features, plan.clip)
        found = float(((rows @ arrays["output"].numpy()).argmax(axis=1) == validation.target).mean())
        scores.append(found)
        return MetricRecord({"accuracy": found})

    def run(grid: Grid, context: Context) -> None:
        del context
        strategy = FedAvgM(
            fraction_train=fraction,
            fraction_evaluate=0.0,
            server_learning_rate=float(plan.server.step),
            server_momentum=float(plan.server.momentum),
        )
        first = PlainLogistic(plan).initial_weights().tensors["output"] / 2.0**plan.weight_bits
        arrays = ArrayRecord({"output": Array(first)})
        strategy.start(grid, arrays, plan.rounds, evaluate_fn=evaluate)

    app.main()(run)
    return app


def client(folder: Path, plan: LogisticPlan) -> ClientApp:
    """The clients: each trains on the subset of its number."""
    app, family = ClientApp(), PlainLogistic(plan)

    def train(message: Message, context: Context) -> Message:
        samples = _samples(folder / f"subset-{context.node_config['partition-id']}.samples")
        sent = message.content["arrays"]["output"].numpy()
        unit = 2.0**plan.weight_bits
        weights = Weights({"output": np.rint(sent * unit).astype(np.int64)}, plan.weight_bits)
        trained = family.local_steps(weights, samples).tensors["output"] / unit
        content = RecordDict(
            {
                "arrays": ArrayRecord({"output": Array(trained)}),
                "metrics": MetricRecord({"num-examples": len(samples)}),
            }
        )
        return Message(content=content, reply_to=message)

    register: Callable[[Callable[[Message, Context], Message]], object] = app.train()
    register(train)
    return app


def _samples(file: Path) -> Samples:
    return exposed.from_bytes(file.read_bytes())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
