"""Members as their operators run them: homes, users, and the words that are typed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from agents.core.ids import Address
from assurance.organisations.hosts import Host
from benchmarks.nodes.network import ROOT
from testing.s3_server import secret_of

METRICS_PORT = 9_464
_PATIENCE_SECONDS = 120.0
_NOBODY = Address("")


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    code: int
    out: str
    err: str


@dataclass
class Member:
    """One member: where it is, and as whom.

    Attributes:
        name: in the kit, as ``north/co1``.
        role: as the kit has it.
        user: number of its user.
        folder: of its home, its password and what it is handed.
        rpc: its nodes, the preferred one first.
        port: of its metrics.
        address: of its wallet, once there is one.
    """

    name: str
    role: str
    host: Host
    user: int
    folder: Path
    rpc: tuple[str, ...]
    port: int = METRICS_PORT
    process: subprocess.Popen[bytes] | None = None
    address: Address = _NOBODY

    @property
    def home(self) -> Path:
        """Its agent's own folder."""
        return self.folder / "home"

    @property
    def log(self) -> Path:
        """What its agent says."""
        return self.folder / "log"

    @property
    def short(self) -> str:
        """Its user's name on the object store's server."""
        return self.name.replace("/", "-")

    def move_in(self) -> None:
        """Makes its folder, and a password that only it reads."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.hand_over(self.folder / "password", f"the password of {self.name}\n".encode())
        self._own(self.folder)

    def hand_over(self, path: Path, data: bytes) -> Path:
        """Gives it a file, as a person would by a channel of its own."""
        path.write_bytes(data)
        path.chmod(0o600)
        self._own(path)
        return path

    def types(
        self, *words: str | Path, expect: int | None = 0, at_home: bool = True, **variables: str
    ) -> Done:
        """Types ``holdfast`` and some words.

        Args:
            words: after ``holdfast``.
            at_home: whether the home is named, too.
            expect: exit code; None for any.
            variables: of the environment, beside those that it always has.

        Raises:
            AssertionError: the code is another.
        """
        home = ["--home", str(self.home)] if at_home else []
        command = [HOLDFAST, *map(str, words), *home]
        done = subprocess.run(
            self.host.command(command, self.user),
            env=self._environment() | variables,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
        told = Done(done.returncode, done.stdout, done.stderr)
        said = f"{self.name}: holdfast {' '.join(map(str, words))}: {done.returncode}"
        assert expect is None or done.returncode == expect, f"{said}\n{done.stdout}{done.stderr}"
        return told

    # --- its agent ---

    def start(self) -> None:
        """Starts its agent, as a service would."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.host.command([HOLDFAST, "run", "--home", str(self.home)], self.user),
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.host.processes[self.name] = self.process

    @property
    def runs(self) -> bool:
        """Whether its agent does."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> float:
        """Ends its agent by SIGTERM; in how many seconds it ended."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.terminate()
        self.process.wait(_PATIENCE_SECONDS)
        self.host.processes.pop(self.name, None)
        return time.monotonic() - begun

    def kill(self) -> None:
        """Ends its agent, and all that it began, as a machine that is switched off would."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(_PATIENCE_SECONDS)
        self.host.processes.pop(self.name, None)

    def metric(self, name: str) -> float:
        """The sum of a metric's series, of its agent that runs."""
        with urlopen(f"http://{self.host.address}:{self.port}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        values = [line.rsplit(" ", 1) for line in lines if line.startswith(name) and not line.startswith("#")]
        return sum(float(value) for key, value in values if key.split("{")[0] == name)

    def resident(self) -> int:
        """Bytes of its agent's own process."""
        assert self.process is not None
        fields = Path(f"/proc/{self.process.pid}/statm").read_text().split()
        return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")

    def at(self, host: Host, user: int, folder: Path, port: int) -> Member:
        """The same member on another machine."""
        return replace(self, host=host, user=user, folder=folder, port=port, process=None)

    def _environment(self) -> dict[str, str]:
        settings = {
            "PASSWORD_FILE": str(self.folder / "password"),
            "RPC": " ".join(self.rpc),
            "LISTEN": f"{self.host.address}:{self.port}",
        }
        return {
            "HOME": str(self.folder),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PYTHONDONTWRITEBYTECODE": "1",
            "AWS_ACCESS_KEY_ID": self.short,
            "AWS_SECRET_ACCESS_KEY": secret_of(self.short),
            **{f"HOLDFAST_{name}": value for name, value in settings.items()},
        }

    def _own(self, path: Path) -> None:
        if self.host.runs_as(self.user):
            os.chown(path, self.user, self.user)


def card_of(member: Member) -> dict[str, Any]:
    """What a member sends to whoever convenes."""
    said = member.types("kit", "card", "--name", member.name, "--role", member.role).out
    card: dict[str, Any] = json.loads(said)
    return card


HOLDFAST = str(Path(sys.executable).parent / "holdfast")
