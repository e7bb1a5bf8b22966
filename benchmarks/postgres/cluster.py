"""A PostgreSQL cluster of our own on a private socket, as durable as is its default. It ends with the run."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agents.core.errors import HoldfastError
from benchmarks.profile import Skipped

ROOT = Path(__file__).resolve().parents[2]
SQL = Path(__file__).parent / "sql"
CHAPTERS = ("schema", "ledger", "distribution", "training", "settlement")
USER = "holdfast"
TEMPLATE = "market"

_DEBIAN = Path("/usr/lib/postgresql")
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_COMMAND_SECONDS = 120.0


class SqlError(HoldfastError):
    """What PostgreSQL said of a statement that it refused."""


@dataclass(frozen=True)
class Cluster:
    """A running cluster.

    Attributes:
        programs: folder of initdb, postgres, psql and pgbench.
        socket: folder of its socket; nobody else can enter it, and no port is open.
    """

    programs: Path
    socket: Path

    @property
    def version(self) -> str:
        """As PostgreSQL tells it."""
        return self.query("postgres", "SHOW server_version")

    @property
    def durability(self) -> dict[str, str]:
        """The settings that decide what a commit waits for."""
        names = ("fsync", "synchronous_commit", "full_page_writes", "wal_sync_method", "commit_delay")
        return {name: self.query("postgres", f"SHOW {name}") for name in names}

    def command(self, program: str, *arguments: str) -> list[str]:
        """How a client program is called so that it finds the cluster."""
        return [str(self.programs / program), "-h", str(self.socket), "-U", USER, *arguments]

    def query(self, database: str, *statements: str) -> str:
        """What statements return, unadorned; each is a transaction of its own.

        Raises:
            SqlError: one was refused; those after it did not run.
        """
        flags = [flag for statement in statements for flag in ("-c", statement)]
        return self._psql(database, *flags)

    def load(self, database: str, script: Path) -> None:
        """Runs a file of statements as one transaction.

        Raises:
            SqlError: a statement was refused; none of the file's took effect.
        """
        self._psql(database, "-1", "-f", str(script))

    @contextmanager
    def market(self) -> Iterator[str]:
        """The name of a database with a fresh market, dropped in the end."""
        name = f"run_{time.monotonic_ns()}"
        self.query("postgres", f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        try:
            yield name
        finally:
            self.query("postgres", f"DROP DATABASE {name} WITH (FORCE)")

    def _psql(self, database: str, *arguments: str) -> str:
        flags = ("-d", database, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=terse")
        done = run(self.command("psql", *flags, *arguments))
        if done.returncode:
            raise SqlError(done.stderr.strip())
        return done.stdout.strip()


@contextmanager
def running_cluster(folder: Path, *, durable: bool = True) -> Iterator[Cluster]:
    """A fresh cluster with an empty market as a template, for the length of a ``with`` block.

    Args:
        folder: for its files, which are gone in the end. PostgreSQL does not run as root: then it runs as the
            user ``postgres`` and keeps its files in a temporary folder.
        durable: as PostgreSQL is by default; otherwise nothing waits for the disk, which is for tests.

    Raises:
        Skipped: PostgreSQL is not installed, or cannot be run by this user.
    """
    programs = installed()
    owner = _owner()
    folder.mkdir(parents=True, exist_ok=True)
    base = None if owner else folder
    with tempfile.TemporaryDirectory(prefix="pg-", dir=base) as data, _short_folder() as socket:
        if owner:
            for path in (Path(data), socket):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        with _server(programs, owner, Path(data) / "cluster", socket, durable) as running:
            running.query("postgres", f"CREATE DATABASE {TEMPLATE}")
            for chapter in CHAPTERS:
                running.load(TEMPLATE, SQL / f"{chapter}.sql")
            yield running


def installed() -> Path:
    """The folder of PostgreSQL's programs: those on the path, or where Debian puts them.

    Raises:
        Skipped: they are not installed.
    """
    needed = ("initdb", "postgres", "psql", "pgbench")
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(_DEBIAN.glob("*/bin"), key=lambda path: _number(path.parent.name), reverse=True)
    for folder in folders:
        if all((folder / program).exists() for program in needed):
            return folder
    raise Skipped("PostgreSQL is not installed: apt-get install postgresql postgresql-contrib")


def _number(version: str) -> float:
    return float(version) if version.replace(".", "", 1).isdigit() else 0.0


def _owner() -> pwd.struct_passwd | None:
    """As whom the server runs, if we may not run it ourselves.

    Raises:
        Skipped: we are root, and there is no user ``postgres``.
    """
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise Skipped("PostgreSQL does not run as root, and there is no user postgres to run it") from None


@contextmanager
def _short_folder() -> Iterator[Path]:
    """A folder in /tmp: the path of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="pg-", dir="/tmp") as name:
        yield Path(name)


@contextmanager
def _server(
    programs: Path, owner: pwd.struct_passwd | None, data: Path, socket: Path, durable: bool
) -> Iterator[Cluster]:
    """The server itself; `tools/while-alive` ends it however we end."""
    as_owner = (
        ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"] if owner else []
    )
    settled = ["-U", USER, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
    made = run([*as_owner, str(programs / "initdb"), "-D", str(data), *settled], cwd=socket)
    if made.returncode:
        raise Skipped(f"initdb failed: {made.stderr.strip().splitlines()[-1]}")
    running = Cluster(programs, socket)
    settings = ["-c", "listen_addresses=", *([] if durable else ["-c", "fsync=off"])]
    command = [*as_owner, str(programs / "postgres"), "-D", str(data), "-k", str(socket), *settings]
    with (data.parent / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(ROOT / "tools" / "while-alive"), *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=socket,
            start_new_session=True,
        )
        try:
            _await_answer(running, server)
            yield running
        finally:
            assert server.stdin is not None
            server.stdin.close()
            server.wait(_STOP_SECONDS)


def _await_answer(running: Cluster, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while run(running.command("psql", "-d", "postgres", "-X", "-c", "SELECT 1")).returncode:
        if server.poll() is not None or time.monotonic() > deadline:
            raise Skipped("PostgreSQL did not start")
        time.sleep(0.1)


def run(
    command: Sequence[str], cwd: Path | None = None, seconds: float = _COMMAND_SECONDS
) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, with what it says."""
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, cwd=cwd)
