"""The rows of a query to a real PostgreSQL; what needs one is skipped without it.

Rules: P10, P15, P18.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from agents.core.errors import BadData
from agents.learning.data.reading import database
from agents.learning.data.reading.database import Address, parse_address
from agents.learning.data.tables import load_table
from benchmarks.postgres.cluster import USER, Cluster, running_cluster
from benchmarks.profile import Skipped

VISITS = """
CREATE TABLE visits AS SELECT
    i AS patient_id, i * 7 % 13 + 0.125 AS dose, (i * 11 % 17)::float8 / 3 AS lab, i % 3 = 0 AS smokes,
    DATE '2024-01-01' + i % 40 AS seen, TIMESTAMPTZ '2024-01-01 12:00+02' AT TIME ZONE 'UTC' AS at,
    CASE WHEN i % 4 = 0 THEN 'NA' WHEN i % 4 = 1 THEN NULL WHEN i % 4 = 2 THEN '#1, "x"' ELSE 'EU'
    END AS region,
    CASE WHEN i / 3 % 2 = 0 THEN 'sick' ELSE 'well' END AS state
FROM generate_series(1, 60) AS i
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    try:
        with running_cluster(tmp_path_factory.mktemp("pg"), durable=False) as running:
            running.query("postgres", "CREATE DATABASE clinic")
            running.query("clinic", VISITS)
            yield running
    except Skipped as why:
        pytest.skip(str(why))


@pytest.fixture
def address(cluster: Cluster) -> str:
    return f"postgresql://{USER}@/clinic?host={cluster.socket}"


def test_rows_of_a_query_are_a_table(address: str) -> None:
    table = load_table(address, "state", query="SELECT * FROM visits;")
    assert table.name == "clinic"
    assert table.feature_names == (
        *("dose", "lab", "smokes=t", "seen"),
        *('region=#1, "x"', "region=EU", "region=NA"),
    )
    assert table.features.shape == (60, 7)
    assert np.isin(7 / 3, table.features[:, 1]), "to the last bit"
    assert table.class_names == ("sick", "well")
    assert table.notes == (
        "column 'patient_id' dropped: it numbers the rows",
        "column 'smokes': 2 categories one-hot encoded",
        "column 'seen': year, month, day read as days since 1970 ('2024-01-02' is 19724)",
        "column 'at' dropped: it is constant",
        "column 'region': 3 categories one-hot encoded, 15 missing values set to '#1, \"x\"'",
    )


def test_the_same_rows_in_another_order_are_the_same_table(address: str) -> None:
    first, second = (
        load_table(address, "state", query=f"SELECT dose, lab, state FROM visits ORDER BY patient_id {order}")
        for order in ("ASC", "DESC")
    )
    assert first.features.tolist() == second.features.tolist()
    assert first.target.tolist() == second.target.tolist()


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT nothing FROM visits", 'database clinic: column "nothing" does not exist'),
        ("SELECT * FROM visits -- all of them", None),
        ("DELETE FROM visits RETURNING *", 'database clinic: syntax error at or near "FROM"'),
        ("SELECT setval('s', 9)", "database clinic: cannot execute nextval() in a read-only transaction"),
        ("SELECT 1) TO STDOUT; DROP TABLE visits; --", "database clinic: "),
        ("SELECT 1 AS a, 2 AS a", "clinic: the header names column 'a' twice: rename one"),
        ("SELECT * FROM visits WHERE false", "clinic: no rows below the header"),
        ("", "database clinic: "),
    ],
)
def test_a_query_can_only_read(cluster: Cluster, address: str, query: str, message: str | None) -> None:
    cluster.query("clinic", "CREATE SEQUENCE IF NOT EXISTS s")
    query = query.replace("setval('s', 9)", "nextval('s')")
    if message is None:
        assert load_table(address, query=query).features.shape[0] == 60
        return
    with pytest.raises(BadData) as refused:
        load_table(address, query=query)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)
    assert cluster.query("clinic", "SELECT count(*) FROM visits") == "60"


def test_refuses_more_rows_than_it_could_hold(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MAX_BYTES", 1 << 20)
    with pytest.raises(BadData, match=r"^the query's rows are larger than 1 MiB: select fewer$"):
        load_table(address, query="SELECT i, 'x' FROM generate_series(1, 1000000) AS i")


@pytest.mark.parametrize("place", ["nowhere", "{}?host=/nowhere", "{}@127.0.0.1:1"])
def test_a_server_that_is_not_there_is_one_line(place: str) -> None:
    address = "postgresql://" + place.format(USER if "@" in place else "")
    if place == "nowhere":
        address = "postgresql://127.0.0.1:1/nowhere"
    with pytest.raises(BadData, match=r"^database \w*: .*(refused|No such file)"):
        load_table(address, query="SELECT 1")


def test_a_user_who_is_not_there_is_one_line(cluster: Cluster) -> None:
    with pytest.raises(BadData, match=r'^database clinic: role "nobody at all" does not exist$'):
        load_table(f"postgresql://nobody%20at%20all@/clinic?host={cluster.socket}", query="SELECT 1")


ME = getpass.getuser()


@pytest.mark.parametrize(
    ("address", "where"),
    [
        ("postgresql://", Address(ME, "localhost", 5432, ME, "disable")),
        ("postgresql://ann@/clinic", Address("ann", "localhost", 5432, "clinic", "disable")),
        ("postgres://ann@db.example:77/a%20b", Address("ann", "db.example", 77, "a b", "verify-full")),
        ("postgresql://db.example/x?sslmode=require", Address(ME, "db.example", 5432, "x", "require")),
        ("postgresql:///x?host=/run/pg&port=9", Address(ME, "/run/pg", 9, "x", "disable")),
        ("postgresql://[::1]/x", Address(ME, "::1", 5432, "x", "disable")),
    ],
)
def test_addresses_are_as_postgresql_writes_them(
    address: str, where: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER"):
        monkeypatch.delenv(name, raising=False)
    assert parse_address(address) == where


def test_what_an_address_lacks_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGHOST", "db.example")
    monkeypatch.setenv("PGPORT", "7")
    monkeypatch.setenv("PGUSER", "bob")
    assert parse_address("postgresql:///x") == Address("bob", "db.example", 7, "x", "verify-full")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("postgresql://ann:secret@db/x", "holds a password: give it as the variable PGPASSWORD instead"),
        ("postgresql://db:abc/x", "no address of a database (Port could not be cast"),
        ("postgresql://db/x?sslmode=perhaps", "sslmode is 'perhaps': choose disable, require or verify-full"),
        ("postgresql://db/x?port=many", "the port of a database is 'many': give its number"),
        ("postgresql://db/x?options=-c", "has 'options': only host, port, sslmode are understood"),
        ("postgresql://db/x?host", "no address of a database (bad query field"),
    ],
)
def test_refuses_a_wrong_address_in_one_line_without_its_password(address: str, message: str) -> None:
    with pytest.raises(BadData) as refused:
        load_table(address, query="SELECT 1")
    assert message in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_database_and_a_query_need_each_other(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"^a database needs a query: say which rows with a SELECT$"):
        load_table("postgresql://db/x")
    with pytest.raises(BadData, match=r"^a query needs a database: give its address"):
        load_table(tmp_path / "t.csv", query="SELECT 1")
    with pytest.raises(BadData, match=r"^a query needs a database: give its address"):
        load_table("wine", query="SELECT 1")
