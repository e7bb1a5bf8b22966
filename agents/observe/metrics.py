"""The numbers that are shown of an agent, all of them from the start; no id, address or name is a label."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

from agents import __version__
from agents.chain.intents import IntentState
from agents.core.enums import CouplePhase, InstanceStatus
from agents.core.events import EVENTS
from agents.readmodel.income import Cause

METHODS = (
    *("eth_blockNumber", "eth_call", "eth_chainId", "eth_estimateGas", "eth_feeHistory", "eth_gasPrice"),
    *("eth_getBalance", "eth_getBlockByHash", "eth_getBlockByNumber", "eth_getBlockReceipts", "eth_getCode"),
    *("eth_getLogs", "eth_getProof", "eth_getTransactionByHash", "eth_getTransactionCount"),
    *("eth_getTransactionReceipt", "eth_maxPriorityFeePerGas", "eth_sendRawTransaction"),
)
RESULTS = ("answered", "refused", "failed")
"""Of a request: a result, an error or a revert of the node's, or no answer."""

LOCKED = ("bond", "escrow", "couple_bond")
WINDOWS = ("answer", "draw", "report", "settle", "other")
TASKS = (
    *("SplitData", "PackReplica", "ReviewPlan", "OpenPackage", "ForgetReplica", "ForgetKeys", "TrainModel"),
    *("DraftPlan", "CollectResults", "PublishWeights"),
)
TASK_RESULTS = ("done", "failed", "given_up")
TASK_STATES = ("running", "waiting")

_SECONDS = (0.01, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0)
_LONG = (0.1, 1.0, 10.0, 60.0, 300.0, 1_800.0, 7_200.0, 43_200.0)
_NEVER = float("inf")


class Metrics:
    """All series of one agent, in a registry of their own.

    Args:
        role: of the agent, as its command is called.
        nodes: the names of its node's URLs.
    """

    def __init__(self, role: str, nodes: Iterable[str]) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        nodes = tuple(nodes)
        self._gauge("build_info", "Which version runs, as what", ("version", "role")).labels(
            __version__, role
        ).set(1)
        # --- the chain
        self.head = self._gauge("chain_head_block", "The last block that the node shows")
        self.head_time = self._gauge("chain_head_timestamp_seconds", "When the last block was made")
        self.read = self._gauge("events_read_block", "The block up to which all events are known")
        self.gap = self._gauge("events_gap_blocks", "Blocks that are there and cannot be had whole")
        self.lag = self._gauge("node_lag_blocks", "Blocks behind the best of all URLs", ("node",))
        self.requests = self._counter(
            "node_requests_total", "Requests to a node", ("node", "method", "result")
        )
        self.request_seconds = self._histogram(
            "node_request_duration_seconds", "How long a node took", _SECONDS, ("node",)
        )
        self.events = self._counter("events_total", "Events of the market that came", ("event",))
        self.repaired = self._gauge("events_repaired", "Events that came late, since the start")
        self.reorgs = self._counter("reorgs_total", "How often what was read was taken back")
        # --- money
        self.wallet = self._gauge("wallet_balance_ether", "In the wallet")
        self.balance = self._gauge("market_balance_ether", "Free in the market")
        self.locked = self._gauge("locked_ether", "Locked in the market", ("kind",))
        self.earned = self._gauge("earned_ether", "Paid so far, in all", ())
        self.fined = self._gauge("fined_ether", "Taken so far, in all", ("cause",))
        self.gas = self._counter("gas_spent_ether_total", "Spent on gas since the start")
        # --- acting
        self.intents = self._gauge("intents", "What is wanted and not yet in a block", ("state",))
        self.transactions = self._counter("transactions_total", "What came of transactions", ("result",))
        self.confirmation = self._histogram(
            "transaction_confirmation_duration_seconds", "From sent to mined", _LONG
        )
        self.deadline = self._gauge(
            "deadline_remaining_seconds", "Chain time left for what is due first of a kind", ("kind",)
        )
        self.window_left = self._gauge(
            "deadline_window_left_ratio", "Which part of its window is left for what is due first", ("kind",)
        )
        self.tasks = self._gauge("tasks_open", "Work that is wanted", ("state",))
        self.task_results = self._counter("tasks_total", "What came of work", ("task", "result"))
        self.task_seconds = self._histogram("task_duration_seconds", "How long work took", _LONG, ("task",))
        self.task_delay = self._histogram(
            "task_delay_duration_seconds", "From due to begun", _LONG, ("task",)
        )
        self.replicas = self._gauge("replicas", "Replicas held, or given out", ("state",))
        self.couples = self._gauge("couples", "Train couples with a part in them", ("phase",))
        self.waiting = self._gauge("requests_waiting", "Requests to train that have no answer")
        # --- the store, the loop
        self.store_failures = self._counter("store_failures_total", "Work that failed of the object store")
        self.loop = self._gauge("loop_last_timestamp_seconds", "When the loop last turned")
        self.memory = self._gauge("resident_memory_bytes", "Of the agent's own process")
        self.ready = self._gauge("ready", "Whether chain, store and funds let it act")
        self._begin(nodes)

    def text(self) -> bytes:
        """What a scrape is answered with."""
        return generate_latest(self.registry)

    def _begin(self, nodes: tuple[str, ...]) -> None:
        """Makes each series, so that a rule on it has something to look at before anything happens."""
        for node in nodes:
            self.lag.labels(node)
            self.request_seconds.labels(node)
            for method in (*METHODS, "other"):
                for result in RESULTS:
                    self.requests.labels(node, method, result)
        _make(self.events, EVENTS)
        _make(self.locked, LOCKED)
        _make(self.fined, Cause)
        _make(self.intents, (state.value for state in IntentState))
        _make(self.transactions, (state.value for state in IntentState))
        _make(self.tasks, TASK_STATES)
        _make(self.replicas, map(in_lower, InstanceStatus))
        _make(self.couples, map(in_lower, CouplePhase))
        for kind in WINDOWS:
            self.deadline.labels(kind).set(_NEVER)
            self.window_left.labels(kind).set(_NEVER)
        for task in TASKS:
            self.task_seconds.labels(task)
            self.task_delay.labels(task)
            for result in TASK_RESULTS:
                self.task_results.labels(task, result)

    def _gauge(self, name: str, what: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"holdfast_{name}", what, labels, registry=self.registry)

    def _counter(self, name: str, what: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"holdfast_{name}", what, labels, registry=self.registry)

    def _histogram(
        self, name: str, what: str, buckets: tuple[float, ...], labels: tuple[str, ...] = ()
    ) -> Histogram:
        return Histogram(f"holdfast_{name}", what, labels, buckets=buckets, registry=self.registry)


def resident_bytes() -> int:
    """Of this process, in memory (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def in_lower(value: InstanceStatus | CouplePhase) -> str:
    """A state as a label has it."""
    return value.name.lower()


def _make(family: Counter | Gauge, labels: Iterable[str]) -> None:
    for label in labels:
        family.labels(label)
