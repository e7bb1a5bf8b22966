"""What a proxy, a provider or the network puts in the place of an answer."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from typing import NoReturn

from testing.faults.seam import Answer, Fault, Forward, Params, Reply, WireFaultError, by_chance, on

_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"


def html(chance: float = 0.1, status: int = 200) -> Fault:
    """A page comes, with this status."""
    return _reply(chance, Reply(status, (("Content-Type", "text/html"),), _PAGE))


def half_answers(chance: float = 0.1) -> Fault:
    """The connection ends in the middle of an answer."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        raise WireFaultError(Reply(answer=forward(method, params), whole=False))

    return by_chance(chance, spoil)


def wrong_ids(chance: float = 0.1) -> Fault:
    """The answer to another request comes."""

    def spoil(_f: Forward, _m: str, _p: Params, _r: Random) -> Answer:
        raise WireFaultError(Reply(answer={"result": "0x1"}, wrong_id=True))

    return by_chance(chance, spoil)


def dropped(chance: float = 0.1) -> Fault:
    """The connection is closed: before the request was done, or after."""

    def spoil(forward: Forward, method: str, params: Params, rng: Random) -> Answer:
        if rng.random() < 0.5:
            forward(method, params)
        raise WireFaultError(Reply(status=0))

    return by_chance(chance, spoil)


def slow(chance: float = 0.02, seconds: float = 1.0) -> Fault:
    """The request is done, and the answer comes after so many seconds."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        raise WireFaultError(Reply(answer=forward(method, params), seconds=seconds))

    return by_chance(chance, spoil)


def busy(chance: float = 0.1, wait: int | None = None, *, as_date: bool = False) -> Fault:
    """HTTP 429, with or without ``Retry-After``."""

    def spoil(_f: Forward, _m: str, _p: Params, _r: Random) -> Answer:
        headers: tuple[tuple[str, str], ...] = ()
        if wait is not None:
            until = format_datetime(datetime.now(UTC) + timedelta(seconds=wait), usegmt=True)
            headers = (("Retry-After", until if as_date else str(wait)),)
        raise WireFaultError(Reply(429, headers, b"slow down"))

    return by_chance(chance, spoil)


def shut(chance: float = 0.02, status: int = 403) -> Fault:
    """We are not let in."""
    return _reply(chance, Reply(status, (), b"{}"))


def small_ranges_by_status(blocks: int = 5, status: int = 400) -> Fault:
    """Logs of more blocks at once are refused with a status other than 200."""

    def spoil(forward: Forward, method: str, params: Params, _: Random) -> Answer:
        query = params[0]
        if "toBlock" in query and int(query["toBlock"], 16) - int(query["fromBlock"], 16) >= blocks:
            told = {"code": -32600, "message": f"eth_getLogs is limited to a {blocks} range"}
            raise WireFaultError(Reply(status, (), json.dumps({"error": told}).encode()))
        return forward(method, params)

    return on("eth_getLogs", 1.0, spoil)


def _reply(chance: float, reply: Reply) -> Fault:
    def spoil(_f: Forward, _m: str, _p: Params, _r: Random) -> NoReturn:
        raise WireFaultError(reply)

    return by_chance(chance, spoil)
