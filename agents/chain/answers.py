"""What a node answers, read strictly: a field that is missing or malformed is no answer at all.

A node of another make, a proxy before it or half an answer can put anything in any place. All of it is read
here, so that none of it can be an error of Python elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.core.errors import NodeUnavailable

HASH_BYTES = 32
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")
_MOST_TEXT = 200


class NodeRefused(NodeUnavailable):
    """The node answered, with an error that is no revert: a limit, a bad nonce, a block that it lacks.

    Attributes:
        said: its own words, escaped.
    """

    def __init__(self, message: str, said: str = "") -> None:
        super().__init__(message)
        self.said = said


class NodeBusy(NodeUnavailable):
    """The node asks for a rest: too many requests.

    Attributes:
        wait: for how many seconds; None if it does not say.
        vague: it may as well be that we asked for too much.
    """

    def __init__(self, message: str, wait: float | None = None, *, vague: bool = False) -> None:
        super().__init__(message)
        self.wait = wait
        self.vague = vague


class NodeShut(NodeUnavailable):
    """The node does not let us in: no key, or a wrong one."""


def field(answer: object, name: str) -> Any:
    """A field of an object.

    Raises:
        NodeUnavailable: the answer is no object, or has no such field.
    """
    if not isinstance(answer, (dict, Mapping)) or name not in answer:
        raise NodeUnavailable(f"the node's answer has no {name}")
    return answer[name]


def quantity(value: object) -> int:
    """A number, as ``0x`` and hex digits.

    Raises:
        NodeUnavailable: it is none.
    """
    if not isinstance(value, str) or not _QUANTITY.fullmatch(value):
        raise NodeUnavailable("the node's answer has no number where one should be")
    return int(value, 16)


def data(value: object, length: int | None = None) -> bytes:
    """Bytes, as ``0x`` and two hex digits each; ``length`` of them if it is given.

    Raises:
        NodeUnavailable: it is none, or of another length.
    """
    found = _bytes_of(value)
    if found is None:
        raise NodeUnavailable("the node's answer has no bytes where they should be")
    if length is not None and len(found) != length:
        raise NodeUnavailable(f"the node's answer has {len(found)} bytes where {length} should be")
    return found


def _bytes_of(value: object) -> bytes | None:
    """None if it is not ``0x`` and hex digits alone; a pattern would take longer than reading them."""
    if not isinstance(value, str) or not value.startswith("0x"):
        return None
    try:
        found = bytes.fromhex(value[2:])
    except ValueError:
        return None
    return found if len(value) == 2 + 2 * len(found) else None  # else there are blanks in it


def many(value: object) -> list[Any]:
    """A list.

    Raises:
        NodeUnavailable: it is none.
    """
    if not isinstance(value, list):
        raise NodeUnavailable("the node's answer is no list where one should be")
    return value


def plain(text: object) -> str:
    """What a node wrote, for a line of ours: printable ASCII, and not much of it."""
    return str(text)[:_MOST_TEXT].encode("unicode_escape").decode("ascii")


def from_hex(text: str) -> bytes:
    """The bytes of ``0x`` and hex digits."""
    return bytes.fromhex(text[2:])


def to_hex(value: bytes) -> str:
    """``0x`` and the bytes' hex digits."""
    return "0x" + value.hex()
