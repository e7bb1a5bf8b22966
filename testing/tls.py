"""A server on this machine, and an authority of one's own that vouches for it."""

from __future__ import annotations

import ssl
from pathlib import Path

from testing.authority import Authority


class LocalAuthority(Authority):
    """An authority that nobody trusts yet.

    Attributes:
        pem: the file that a client is to be given.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__("an authority of a test")
        self._folder, self.pem = folder, folder / "authority.pem"
        self.pem.write_bytes(self.certificate)

    def server(self) -> ssl.SSLContext:
        """What a server on 127.0.0.1 needs."""
        certificate, key = self._folder / "server.pem", self._folder / "server.key"
        self.issue(["127.0.0.1", "localhost"], certificate, key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context
