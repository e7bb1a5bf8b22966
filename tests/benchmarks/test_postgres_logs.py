"""What is read of pgbench's words."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.postgres.cluster import installed
from benchmarks.postgres.lives import (
    BUNDLED,
    Unbalanced,
    latencies_in,
    latencies_of_statements_in,
    rate_in,
)
from benchmarks.profile import Skipped

TOLD = """\
latency average = 5.1 ms
tps = 210.250000 (without initial connection time)
SQL script 1: calls.sql
statement latencies in milliseconds and failures:
         0.001           0 \\set life :life + 1
         7.276           0 SELECT create_do(:owner, :key, 20000000);
         9.500           0 SELECT settle_round(:model_owner, :tc, 0), complete_tc(:model_owner, :tc, :hash);
         1.500           0 WITH offer AS (SELECT create_ds(:owner) AS ds) SELECT create_ci(:owner) FROM offer
"""


def test_reads_the_rate() -> None:
    assert rate_in(TOLD) == 210.25


def test_no_rate_is_an_error() -> None:
    with pytest.raises(Unbalanced, match="no rate"):
        rate_in("pgbench: error")


def test_reads_each_statement() -> None:
    assert latencies_of_statements_in(TOLD) == [7.276, 9.5, 1.5]


def test_a_statement_is_named_by_its_calls() -> None:
    assert BUNDLED.statements == (
        "create_do",
        "create_co",
        "create_mo",
        "create_ds+create_ci",
        "join_ci",
        "request_tc+create_mod",
        "verify_ci+approve_tc",
        "start_round",
        "draw_round",
        "update_tj",
        "settle_round+complete_tc",
    )


def test_reads_latencies() -> None:
    log = "0 1 42626 0 1700000000 12\n1 1 37275 0 1700000000 15\n"
    assert list(latencies_in(log)) == [42.626, 37.275]


def test_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("benchmarks.postgres.cluster._DEBIAN", tmp_path)
    with pytest.raises(Skipped, match="apt-get install postgresql"):
        installed()
