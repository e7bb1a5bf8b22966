"""Hosts on one machine: network namespaces on one bridge, where the machine allows them.

A host has an address, names of the others, users of its own, and a link that can be cut. Where there may be
no namespaces a host is an address of the loopback network, and being cut off is being stopped: all its
processes stand still for that time.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.nodes.network import ROOT, running

BRIDGE = "holdfast0"
NETWORK = "10.77.0"
FIRST_USER = 52_010
_NAMES = Path("/etc/netns")


@dataclass
class Host:
    """One machine of an organisation.

    Attributes:
        name: of the organisation.
        address: IPv4.
        namespace: of the network; empty if there are none here.
        users: whether each role can have a numeric user of its own.
        processes: what runs on it, by name.
    """

    name: str
    address: str
    namespace: str
    users: bool
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def command(self, words: Sequence[str], user: int = 0) -> list[str]:
        """A command as it is run here, by a user (0: whoever runs this program)."""
        inside = ["ip", "netns", "exec", self.namespace] if self.namespace else []
        as_user = (
            ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if self.runs_as(user) else []
        )
        return [*inside, *as_user, *words]

    def runs_as(self, user: int) -> bool:
        """Whether a process of this user would be another user's than ours."""
        return self.users and user != 0

    @contextmanager
    def serving(
        self, name: str, words: Sequence[str], log: Path, environment: Mapping[str, str], user: int = 0
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Runs a program here for the length of a ``with`` block."""
        with running(self.command(words, user), log, environment) as process:
            self.processes[name] = process
            try:
                yield process
            finally:
                del self.processes[name]

    def cut(self) -> None:
        """Nobody reaches it any more, and it reaches nobody."""
        self._link("down", signal.SIGSTOP)

    def mend(self) -> None:
        """It is back."""
        self._link("up", signal.SIGCONT)

    def _link(self, state: str, otherwise: signal.Signals) -> None:
        if self.namespace:
            _ip("link", "set", f"v-{self.name}", state)
            return
        for process in self.processes.values():
            os.killpg(process.pid, otherwise)


@dataclass(frozen=True)
class Isolation:
    """How far hosts are apart on this machine.

    Attributes:
        namespaces: each host has a network of its own.
        users: each role has a user of its own.
    """

    namespaces: bool
    users: bool


@contextmanager
def hosts(names: Sequence[str], services: Mapping[str, str]) -> Iterator[tuple[dict[str, Host], Isolation]]:
    """Hosts of these names, on one network.

    Args:
        names: of the organisations.
        services: names to the organisation on whose host they are, as a name server would know them.
    """
    apart = Isolation(namespaces=_namespaces_work(), users=_users_work())
    with ExitStack() as undo:
        if apart.namespaces:
            _ip("link", "add", BRIDGE, "type", "bridge")
            undo.callback(_ip, "link", "del", BRIDGE)
            _ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
            _ip("link", "set", BRIDGE, "up")
        base = NETWORK if apart.namespaces else "127.0.1"
        made = {
            name: Host(name, f"{base}.{place}", f"hf-{name}" if apart.namespaces else "", apart.users)
            for place, name in enumerate(names, start=11)
        }
        table = _table(made, services)
        for host in made.values():
            if apart.namespaces:
                undo.enter_context(_namespace(host, table))
        yield made, apart


def _table(made: Mapping[str, Host], services: Mapping[str, str]) -> str:
    """What each host knows of names."""
    lines = ["127.0.0.1 localhost", *(f"{host.address} {name}" for name, host in made.items())]
    return "\n".join([*lines, *(f"{made[host].address} {name}" for name, host in services.items())]) + "\n"


@contextmanager
def _namespace(host: Host, table: str) -> Iterator[None]:
    """A network of its own, with one link to the bridge, and its own table of names."""
    outer, inner = f"v-{host.name}", f"w-{host.name}"
    with ExitStack() as undo:
        _ip("netns", "add", host.namespace)
        undo.callback(_ip, "netns", "del", host.namespace)
        folder = _NAMES / host.namespace
        folder.mkdir(parents=True, exist_ok=True)
        undo.callback(shutil.rmtree, folder, ignore_errors=True)
        (folder / "hosts").write_text(table)
        _ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        _ip("link", "set", inner, "netns", host.namespace)
        _ip("link", "set", outer, "master", BRIDGE)
        _ip("link", "set", outer, "up")
        for words in (("addr", "add", f"{host.address}/24", "dev", inner), ("link", "set", inner, "up")):
            _ip("-n", host.namespace, *words)
        _ip("-n", host.namespace, "link", "set", "lo", "up")
        yield


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=20)


def _namespaces_work() -> bool:
    """Whether we may make networks: root may, mostly."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    probe = f"hf-probe-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", probe], check=False, capture_output=True, timeout=20)
    if made.returncode != 0:
        return False
    bridge = f"hfp{os.getpid() % 10**6}"
    linked = subprocess.run(["ip", "link", "add", bridge, "type", "bridge"], check=False, capture_output=True)
    if linked.returncode == 0:
        _ip("link", "del", bridge)
    _ip("netns", "del", probe)
    return linked.returncode == 0


def _users_work() -> bool:
    """Whether another user can run the agents of this checkout: all folders above have to let it through."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        return False
    words = [*_as_user(FIRST_USER), sys.executable, "-c", "import agents"]
    return subprocess.run(words, check=False, capture_output=True, cwd=ROOT, timeout=60).returncode == 0


def _as_user(user: int) -> list[str]:
    return ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
