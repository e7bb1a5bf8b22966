"""How servers are reached: which authorities are trusted, which proxy, and what is in their URLs."""

from __future__ import annotations

import ipaddress
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from agents.core.errors import BadInput


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine itself, which no proxy reaches."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class HttpAccess:
    """How a server is reached.

    Attributes:
        ca: a PEM file of authorities that are trusted beside the usual ones.
        proxy: URL of an HTTP proxy; without it the environment's ``HTTPS_PROXY`` and ``HTTP_PROXY`` count.
            Neither is ever used for this machine itself.
    """

    ca: Path | None = None
    proxy: str | None = None

    def context(self) -> ssl.SSLContext:
        """What TLS trusts: the system's authorities and the own ones.

        Raises:
            BadInput: the file of the own ones cannot be read, or holds none.
        """
        context = ssl.create_default_context()
        if self.ca is not None:
            try:
                context.load_verify_locations(cafile=self.ca)
            except ssl.SSLError:
                raise BadInput(f"{self.ca} holds no certificate: name a PEM file of authorities") from None
            except OSError as problem:
                raise BadInput(f"{self.ca}: {problem.strerror}: name a PEM file of authorities") from None
        return context

    def is_by_proxy(self, url: str) -> bool:
        """Whether a proxy makes the connection to a URL's server."""
        host = urlsplit(url).hostname or ""
        if is_this_machine(host):
            return False
        return self.proxy is not None or bool(requests.utils.get_environ_proxies(url))

    def proxies(self) -> dict[str, str] | None:
        """As requests wants them; None where the environment decides.

        Raises:
            BadInput: the proxy is no URL.
        """
        if self.proxy is None:
            return None
        proxy = expanded(self.proxy)
        if urlsplit(proxy).scheme not in ("http", "https") or not urlsplit(proxy).hostname:
            raise BadInput("a proxy must be a URL such as http://proxy.example:3128")
        return {"http": proxy, "https": proxy}


def expanded(url: str) -> str:
    """A URL with the values of the variables that it names as ``${NAME}``: so no file need hold a token.

    Raises:
        BadInput: one of them is not in the environment, or empty.
    """

    def value(found: re.Match[str]) -> str:
        name = found.group(1)
        if not os.environ.get(name):
            raise BadInput(f"a URL has ${{{name}}}, and {name} is not in the environment: set it")
        return os.environ[name]

    return _VARIABLE.sub(value, url)
