"""How the peers and growth are told."""

from __future__ import annotations

from typing import Any

from benchmarks.growth.fit import Growth
from benchmarks.report.figures import figures
from benchmarks.report.peers import flower, growth, peers, postgres
from tests.benchmarks.support import lives_on_postgres, spread

RUN: dict[str, Any] = {"command_seconds": spread(12, 11, 13), "job_seconds": spread(7)}
FOUND: dict[str, Any] = {
    "postgres": {
        "version": "15",
        "seconds": 4.0,
        "durability": {"fsync": "on"},
        "calls": lives_on_postgres(spread(300, 290, 310), 15),
        "bundled": lives_on_postgres(spread(400), 11)
        | {"without_waiting_for_the_disk": lives_on_postgres(spread(900), 11)},
    },
    "flower": {
        "job": {"subsets": 4},
        "flower": RUN,
        "replicas_3": RUN | {"over_flower": {kind: spread(0.9) for kind in RUN}},
        "scores": {"flower": [0.4, 0.98], "replicas_3": [0.4, 0.97]},
    },
    "growth": {
        "gas_rounds": {"what": "gas", "unit": "rounds"} | Growth({1: 1e6, 1_000: 1e9}).json(),
        "rebuilding": {"what": "seconds", "unit": "events"} | Growth({10: 0.1, 100: 0.1}).json(),
        "auditing": {"what": "seconds", "unit": "events"} | Growth({10: 1.0, 100: 10.0}).json(),
    },
}


def test_tells_lives_on_postgres() -> None:
    row, bundled, unwaiting = postgres(FOUND).rows
    assert row[:4] == ("each call a transaction", "300 (290 to 310)", "15", "4,500")
    assert row[-3:] == ("100", "160", "350")
    assert bundled[:2] == ("in the market's bundles", "400")
    assert unwaiting[:2] == ("in the market's bundles, not waiting for the disk", "900")


def test_sets_the_market_beside_flower() -> None:
    theirs, ours = flower(FOUND).rows
    assert theirs == ("Flower", "12.0 (11.0 to 13.0)", "7.0", "", "", "0.980")
    assert ours[0] == "the market, replicas 3"
    assert ours[3:] == ("0.90", "0.90", "0.970")


def test_tells_exponents() -> None:
    assert growth(FOUND).rows == (
        ("gas of a life", "rounds", "1 to 1,000", "1.00", "1.00"),
        ("rebuilding", "events", "10 to 100", "0.00", "0.00"),
        ("auditing", "events", "10 to 100", "1.00", "1.00"),
    )


def test_each_row_has_a_cell_for_each_column() -> None:
    for table in peers(FOUND):
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_tells_nothing_of_what_was_not_measured() -> None:
    assert [table.rows for table in peers({"postgres": {"skipped": "not installed"}})] == [(), (), ()]


def test_draws_growth() -> None:
    assert list(figures(FOUND | {"postgres": {}})) == ["bench-growth"]
