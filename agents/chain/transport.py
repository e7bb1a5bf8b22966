"""JSON-RPC over HTTP: one request, and each way in which a server can fail to answer it.

web3's transport is not used: it takes the answer to another request for ours, waits for as long as bytes keep
dripping in, and folds HTTP's status codes into one error.
"""

from __future__ import annotations

import email.utils
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from agents.chain.access import HttpAccess, expanded, is_this_machine
from agents.chain.answers import NodeBusy, NodeRefused, NodeShut, plain
from agents.core.errors import BadInput, NodeUnavailable

MOST_BYTES = 2**27
"""Of one answer: several times what a provider gives for its longest list of logs."""

_CHUNK = 2**16
_ANSWERED = (
    400,
    404,
    413,
    422,
)  # what providers give beside a JSON-RPC error, for a question that is too large
_SHUT = (401, 403)
_BUSY = 429
_GRACE = 1.25
_USUAL = HttpAccess()
PAUSES, _A_MOMENT = (0.0, 0.05, 0.1, 0.2), 1.0


class Provider(Protocol):
    """What carries requests: `Http`, or any of web3's providers."""

    def make_request(self, method: str, params: Any) -> Mapping[str, Any]:
        """Sends one request and returns the node's response, errors included."""


class _Momentary(NodeUnavailable):
    """What may be otherwise in the next moment, and costs nothing to ask again."""


class Http:
    """A server behind a URL.

    Args:
        url: with ``http://`` or ``https://``; ``${NAME}`` in it is read from the environment.
        timeout_seconds: for the whole of an answer, and for each silence in it.
        access: what is trusted, and the proxy.
        sleep: waits for so many seconds.

    Raises:
        BadInput: the URL is none, or what it is reached by cannot be read.
    """

    def __init__(
        self,
        url: str,
        timeout_seconds: float,
        access: HttpAccess = _USUAL,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        url = expanded(url)
        host = _host(url)
        if host is None:
            raise BadInput("the node's address must be a URL such as http://127.0.0.1:8545")
        self.host = host
        self._url = url
        self._timeout = timeout_seconds
        self._sleep = sleep
        self._numbers = count(1)
        self._session = _Session(access.context())
        self._session.trust_env = not is_this_machine(host)  # a proxy is for other machines
        self._proxies = access.proxies() if self._session.trust_env else None

    def make_request(self, method: str, params: Any) -> Mapping[str, Any]:
        """Sends one request and returns the node's response, JSON-RPC's errors included.

        What a gateway, a connection or one server of several fails at in a moment is tried again in the next:
        a step of an agent is many requests, and one that fails ends it. All of them may be made twice: what
        sends a transaction sends the same bytes.

        Raises:
            NodeUnavailable: no answer, or none as a node gives it. Its message holds no part of the URL.
        """
        number = next(self._numbers)
        request = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        body, until = json.dumps(request).encode(), time.monotonic() + _A_MOMENT
        for pause in PAUSES:
            try:
                return self._answer(body, number)
            except _Momentary:
                if time.monotonic() > until:
                    raise
            self._sleep(pause)
        return self._answer(body, number)

    def _answer(self, body: bytes, number: int) -> Mapping[str, Any]:
        """What comes to one request sent once."""
        try:
            status, headers, content = self._post(body)
        except (OSError, urllib3.exceptions.HTTPError) as error:  # requests' are OSErrors
            raise _Momentary(_reason(error)) from None
        answer = _json(content)
        _require_welcome(status, headers, answer)
        if not isinstance(answer, dict):
            raise _Momentary("no JSON-RPC")
        if answer.get("id") != number and "error" not in answer:  # errors that concern no request have none
            raise _Momentary("the answer to another request")
        if not answer.keys() & {"result", "error"}:
            raise _Momentary("neither a result nor an error")
        return answer

    def _post(self, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        deadline = time.monotonic() + self._timeout
        headers = {"Content-Type": "application/json"}
        with self._session.post(
            self._url,
            body,
            headers=headers,
            timeout=self._timeout,
            stream=True,
            allow_redirects=False,
            proxies=self._proxies,
        ) as response:
            return response.status_code, response.headers, b"".join(_parts(response, deadline))


class _Session(requests.Session):
    """Of requests that have to be answered in time, and where we ask.

    requests' own waits for each byte of a header anew, and reads where a redirect leads to without being told
    to follow it, however long the answer.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, _Adapter(context))

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Nowhere: a redirect is no answer of a node."""
        del resp
        return None


class _Adapter(HTTPAdapter):
    """Connections whose answers begin in time, and that trust what they are told to."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        """See `HTTPAdapter`."""
        super().init_poolmanager(*arguments, **options, ssl_context=self._context)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> urllib3.ProxyManager:
        """See `HTTPAdapter`."""
        manager: urllib3.ProxyManager = super().proxy_manager_for(proxy, **options, ssl_context=self._context)
        manager.pool_classes_by_scheme = _POOLS
        return manager


class _Prompt(urllib3.connection.HTTPConnection):
    """A connection that is shut if the answer's header is not whole in the time for one silence."""

    def getresponse(self) -> urllib3.HTTPResponse:  # type: ignore[override]  # as urllib3's own
        """See `HTTPConnection`."""
        sock = self.sock
        longest = _GRACE * (sock.gettimeout() or 0.0)  # mere silence ends before that
        guard = threading.Timer(longest, _shut, (sock,))
        guard.daemon = True
        guard.start()
        try:
            return super().getresponse()
        finally:
            guard.cancel()


class _PromptTls(_Prompt, urllib3.connection.HTTPSConnection):
    """The same over TLS."""


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Prompt


class _PoolTls(urllib3.HTTPSConnectionPool):
    ConnectionCls = _PromptTls


_POOLS = {"http": _Pool, "https": _PoolTls}


def _shut(sock: socket.socket) -> None:
    """Whoever reads from it finds its end; also below TLS, which is in use by who reads."""
    with suppress(OSError):
        socket.socket.shutdown(sock, socket.SHUT_RDWR)


def _reason(error: BaseException) -> str:
    """Why there was no answer, in words without any part of the URL: of TLS, what Python says of it."""
    inside: object = error
    while isinstance(inside, BaseException):
        if isinstance(inside, ssl.SSLCertVerificationError):
            return f"the certificate is not trusted ({inside.verify_message.rstrip('.')}): see --node-ca"
        inside = getattr(inside, "reason", None) or next(iter(inside.args), None)
    return type(error).__name__


def _host(url: str) -> str | None:
    """Of an HTTP URL; None if it is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") and url.isascii() else None


def _parts(response: requests.Response, deadline: float) -> Iterator[bytes]:
    """The body as it comes in."""
    left = MOST_BYTES
    while part := response.raw.read1(_CHUNK, decode_content=True):
        yield part
        left -= len(part)
        if left < 0:
            raise NodeUnavailable(f"an answer of over {MOST_BYTES >> 20} MiB")
        if time.monotonic() > deadline:
            raise NodeUnavailable("an answer that does not end")


def _json(body: bytes) -> object:
    """What the body says; None if it is no JSON."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _require_welcome(status: int, headers: Mapping[str, str], answer: object) -> None:
    """Lets the answers pass that a node gave to the question itself.

    Raises:
        NodeBusy, NodeShut, NodeRefused, NodeUnavailable: by the status.
    """
    if status == _BUSY:
        raise NodeBusy(f"HTTP {status}", _seconds(headers.get("Retry-After")))
    if status in _SHUT:
        raise NodeShut(f"HTTP {status}")
    if status in _ANSWERED:
        if not (isinstance(answer, dict) and "error" in answer):
            said = plain(answer or "no reason given")
            raise NodeRefused(f"HTTP {status}: {said}", said)
    elif status >= requests.codes.server_error:
        raise _Momentary(f"HTTP {status}")
    elif status != requests.codes.ok:
        raise NodeUnavailable(f"HTTP {status}")


def _seconds(header: str | None) -> float | None:
    """How long a ``Retry-After`` asks to wait: seconds, or a date (RFC 9110, 10.2.3)."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        until = email.utils.parsedate_to_datetime(header)
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):  # OverflowError: a year or a time zone that there is not
        return None
