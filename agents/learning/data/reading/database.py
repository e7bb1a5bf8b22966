"""The rows of a query to a PostgreSQL database, as the server itself writes them as CSV."""

from __future__ import annotations

import getpass
import io
import os
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import pg8000.native

from agents.core.errors import BadData
from agents.learning.data.reading.cells import Column
from agents.learning.data.reading.delimited import read_delimited

MAX_BYTES = 256 * 2**20
"""The rows, as text, are at most so large."""

_PORT = 5432
_SECONDS = 600.0
_SETTINGS = ("datestyle TO 'ISO'", "timezone TO 'UTC'", "extra_float_digits TO 1")
_KNOWN = ("host", "port", "sslmode")
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Address:
    """Where a database is.

    Attributes:
        host: a name, or the folder of a socket.
        encryption: ``disable``, ``require``, or ``verify-full``: the server's certificate is checked, too.
    """

    user: str
    host: str
    port: int
    database: str
    encryption: str


def read_query(address: str, query: str) -> tuple[str, list[Column], list[str]]:
    """The name of the database, the columns of a query's rows, and notes.

    The rows are put in order by all they hold, so that the same rows always make the same table. The query
    runs in a read-only transaction. The password is the variable PGPASSWORD.

    Args:
        address: postgresql://user@host:port/database, also with ?sslmode=..., or ?host=/folder/of/the/socket.
        query: a SELECT.

    Raises:
        BadData: one line: the address, the server or the query is wrong, or there are too many rows.
    """
    where = parse_address(address)
    rows = _Bounded()
    try:
        connection = _connect(where)
        try:
            for setting in _SETTINGS:
                connection.run(f"SET {setting}")
            connection.run("START TRANSACTION READ ONLY")
            connection.execute_unnamed(_copy(query), stream=rows)
        finally:
            connection.close()
    except (pg8000.native.Error, OSError) as error:
        raise BadData(f"database {where.database}: {_said(error)}") from error
    # The delimiter is known, whatever the names of columns look like.
    columns, notes = read_delimited(where.database, b"sep=,\n" + rows.getvalue(), spelled=False)
    return where.database, columns, notes


def parse_address(address: str) -> Address:
    """Where a database is, from its URL.

    Raises:
        BadData: it is no such address, or holds a password.
    """
    try:
        parts = urlsplit(address)
        port, given = (
            parts.port,
            dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))),
        )
    except ValueError as error:
        raise BadData(f"no address of a database ({error}): write postgresql://user@host/database") from error
    if parts.password is not None:
        raise BadData(
            "the address of a database holds a password: give it as the variable PGPASSWORD instead"
        )
    unknown = given.keys() - set(_KNOWN)
    if unknown:
        raise BadData(
            f"the address of a database has {min(unknown)!r}: only {', '.join(_KNOWN)} are understood"
        )
    return _address(parts, port, given)


def _address(parts: SplitResult, port: int | None, given: dict[str, str]) -> Address:
    host = given.get("host") or unquote(parts.hostname or "") or os.environ.get("PGHOST") or "localhost"
    near = host.startswith("/") or host in _LOCAL
    mode = given.get("sslmode") or ("disable" if near else "verify-full")
    if mode not in ("disable", "require", "verify-full"):
        raise BadData(f"sslmode is {mode!r}: choose disable, require or verify-full")
    number = given.get("port") or port or os.environ.get("PGPORT") or _PORT
    if not str(number).isdigit():
        raise BadData(f"the port of a database is {number!r}: give its number")
    user = unquote(parts.username or "") or os.environ.get("PGUSER") or getpass.getuser()
    return Address(user, host, int(number), unquote(parts.path.lstrip("/")) or user, mode)


def _connect(where: Address) -> pg8000.native.Connection:
    checks: ssl.SSLContext | bool = False
    if where.encryption != "disable":
        checks = ssl.create_default_context()
        if where.encryption == "require":
            checks.check_hostname = False
            checks.verify_mode = ssl.CERT_NONE
    socket = f"{where.host.rstrip('/')}/.s.PGSQL.{where.port}" if where.host.startswith("/") else None
    return pg8000.native.Connection(
        where.user,
        host=where.host,
        port=where.port,
        unix_sock=socket,
        database=where.database,
        password=os.environ.get("PGPASSWORD"),
        ssl_context=checks,
        timeout=_SECONDS,
        application_name="holdfast",
    )


def _copy(query: str) -> str:
    select = query.strip().rstrip(";")
    ordered = f'SELECT * FROM (\n{select}\n) AS t ORDER BY t::text COLLATE "C"'
    return f"COPY ({ordered}) TO STDOUT (FORMAT csv, HEADER)"


def _said(error: BaseException) -> str:
    """What a server said, or why none did, in one line; the driver may hide it behind a later error."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(cause)
    told = [one.args[0] for one in chain if isinstance(one, pg8000.native.DatabaseError)]
    words = [str(one["M"]) for one in told if isinstance(one, dict)] or [str(one) for one in chain]
    return " ".join(": ".join(dict.fromkeys(words)).split())


class _Bounded(io.BytesIO):
    """Bytes up to a limit."""

    def write(self, data: object, /) -> int:
        """Takes bytes.

        Raises:
            BadData: they are too many.
        """
        assert isinstance(data, bytes | bytearray | memoryview)
        if self.tell() + len(data) > MAX_BYTES:
            raise BadData(f"the query's rows are larger than {MAX_BYTES >> 20} MiB: select fewer")
        return super().write(data)
