"""Stand-ins for what benchmarks measure."""

from __future__ import annotations

from typing import Any

from benchmarks.crew import Sendable
from benchmarks.signing import RawTransaction


def sendable(life: int, stage: int) -> Sendable:
    """A transaction whose hash says of which life and stage it is."""
    return Sendable(life, stage, "kind", RawTransaction("0x", f"{life}/{stage}"))


def spread(median: float, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    """As in a report."""
    return {
        "median": median,
        "min": median if least is None else least,
        "max": median if most is None else most,
    }


USAGE = {"node_cores": 0.5, "node_memory_mib": 900, "client_cores": 0.1, "client_memory_mib": 100}


def models(rate: dict[str, Any]) -> dict[str, Any]:
    """What is found of models per second on one chain."""
    best = {
        "wave_size": 10,
        "models_per_second": rate,
        "models_per_second_overall": 1.0,
        "delay_blocks": spread(8, 8, 9),
        "delay_seconds": spread(8.1),
        "transactions_per_model": 11,
        "gas_per_model": spread(883_045, 882_673, 883_081),
        "block_seconds": 1.0,
        "megagas_a_second": 200.0,
        "usage": USAGE,
    }
    return {
        "version": "x/1",
        "nodes": 1,
        "settings": {},
        "best": best,
        "tried": [best, best | {"wave_size": 20}],
    }


def kind(throughput: float) -> dict[str, Any]:
    """What is found of one kind of transaction at one rate."""
    latency = {"mean": 0.6, "p50": 0.6, "p95": 1.2, "p99": 1.3}
    return {"throughput": throughput, "latency": latency, "gas": 50_000}


def rates(throughputs: dict[str, float]) -> dict[str, Any]:
    """What is found of send rates on one chain."""
    at = {
        rate: {
            "kinds": {"createDO": kind(throughput), "createDS": kind(throughput)},
            "sent": 200,
            "succeeded": 199,
            "throughput": throughput,
            "latency": kind(throughput)["latency"],
            "usage": USAGE,
        }
        for rate, throughput in throughputs.items()
    }
    knee = {"kind": "createMod", "transactions_a_second": 8_000, "at_most": 8_000, "tried": [{}]}
    return {"version": "x/1", "nodes": 1, "settings": {}, "rates": at, "knee": knee}


def lives_on_postgres(rate: dict[str, Any], transactions: int) -> dict[str, Any]:
    """What a variant of the central peer comes to."""
    return {
        "lives_per_second": rate,
        "transactions_per_life": transactions,
        "transactions_per_second": rate["median"] * transactions,
        "clients": 32,
        "life_ms": {"p50": spread(100), "p95": spread(160), "p99": spread(350)},
    }


def found() -> dict[str, Any]:
    """A whole run."""
    return {
        "profile": "short",
        "machine": {
            "processor": "A processor",
            "cores": 2,
            "memory_gib": 23.5,
            "kernel": "Linux 6",
            "load_before": [0.1, 0.2, 0.3],
            "python": "3.11.2",
            "node": "v22",
            "go": "go version go1.26.8 linux/amd64",
            "packages": {},
        },
        "models": {
            "anvil": models(spread(200, 190, 210)),
            "validators4": models(spread(40, 38, 42)),
            "validators8": {"skipped": "no Go"},
        },
        "rates": {
            "anvil": rates({"500": 480, "1500": 1_200}),
            "validators1": rates({"500": 470}),
            "validators4": rates({"500": 450}),
            "ganache": {"skipped": "no Ganache"},
        },
        "postgres": {
            "version": "17",
            "calls": lives_on_postgres(spread(300, 290, 310), 15),
            "bundled": lives_on_postgres(spread(400, 380, 420), 11)
            | {"without_waiting_for_the_disk": lives_on_postgres(spread(800), 11)},
        },
        "flower": {
            "replicas_3": {
                "command_seconds": spread(15),
                "job_seconds": spread(12),
                "over_flower": {"command_seconds": spread(1.5, 1.4, 1.6), "job_seconds": spread(1.2)},
            },
            "scores": {"replicas_3": [0.4, 0.98]},
        },
        "growth": {"failed": "the disk is full"},
        "seconds": 321.0,
    }
