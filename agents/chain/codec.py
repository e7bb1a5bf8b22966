"""The market's ABI in both directions: calls out; results, events and errors in.

Raw values become the agents' own types by the type hints of the dataclass that they are for.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import IntEnum
from functools import cache, lru_cache
from typing import Any, cast, get_args, get_origin, get_type_hints

from eth_abi.codec import ABICodec
from eth_abi.decoding import AddressDecoder, ContextFramesBytesIO, StringDecoder, TupleDecoder
from eth_abi.encoding import AddressEncoder, TextStringEncoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import ABIRegistry, BaseEquals
from eth_abi.registry import registry as standard_registry
from eth_utils.abi import (
    collapse_if_tuple,
    event_abi_to_log_topic,
    function_abi_to_4byte_selector,
)
from eth_utils.address import to_checksum_address

from agents.chain.answers import to_hex
from agents.core.calls import Call
from agents.core.errors import BadLog, NodeUnavailable, Refused, WrongNetwork
from agents.core.events import EVENTS, MarketEvent
from agents.core.ids import Address

Entry = Mapping[str, Any]
"""One entry of an ABI: a function, an event or an error."""


class _TextDecoder(StringDecoder):
    """Reads a string that need not be UTF-8: the contract lets anybody put any bytes into one."""

    def __init__(self) -> None:
        super().__init__("backslashreplace")  # type: ignore[no-untyped-call]


_ADDRESSES = BaseEquals("address")  # type: ignore[no-untyped-call]


class _PlainAddressDecoder(AddressDecoder):
    """Reads an address as it stands: `_spelt` spells it."""

    decoder_fn = staticmethod(to_hex)  # type: ignore[assignment]


def _own_types() -> ABIRegistry:
    registry: ABIRegistry = standard_registry.copy()  # type: ignore[no-untyped-call]
    registry.unregister("string")
    registry.register("string", TextStringEncoder, _TextDecoder, label="string")
    registry.unregister("address")
    registry.register(_ADDRESSES, AddressEncoder, _PlainAddressDecoder, label="address")
    return registry


_TYPES = _own_types()
_ABI = ABICodec(_TYPES)

_CHECKSUMS = 4096
"""Of so many addresses the spelling is kept: it is a hash, and events name the same few again and again."""

_SOLIDITY_ERRORS: tuple[Entry, ...] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "message", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


class Codec:
    """Encodes and decodes what the market's ABI describes.

    Raises:
        WrongNetwork: the ABI's events are not those that this version knows.
    """

    def __init__(self, abi: Sequence[Entry]) -> None:
        self._functions = {entry["name"]: entry for entry in abi if entry["type"] == "function"}
        events = [entry for entry in abi if entry["type"] == "event"]
        errors = [*_SOLIDITY_ERRORS, *(entry for entry in abi if entry["type"] == "error")]
        _require_known(events)
        self._events = {event_abi_to_log_topic(entry): _ValuePlaces(entry) for entry in events}  # type: ignore[arg-type]
        self._errors = {_selector(entry): entry for entry in errors}

    def call(self, call: Call) -> bytes:
        """The data of a transaction that makes this call.

        Raises:
            WrongNetwork: the market has no such function.
        """
        return self.request(call.function, call.arguments)

    def request(self, function: str, arguments: Sequence[object]) -> bytes:
        """As `call`, for a function and its arguments."""
        entry = self._function(function)
        return _selector(entry) + _ABI.encode(_types(entry["inputs"]), arguments)

    def result(self, function: str, data: bytes, hint: object) -> Any:
        """What a view returned, as the type ``hint`` says; several values become a dataclass or a tuple.

        Raises:
            NodeUnavailable: the data are no such result.
        """
        outputs = self._function(function)["outputs"]
        try:
            values = _decoded(_types(outputs), data)
            return typed(hint, values[0] if len(outputs) == 1 else values)
        except (DecodingError, OverflowError, ValueError) as error:
            raise NodeUnavailable(f"the node's answer for {function} cannot be decoded") from error

    @property
    def topics(self) -> tuple[bytes, ...]:
        """The first topic of each of the market's events, 32 bytes each."""
        return tuple(self._events)

    def event(self, topics: Sequence[bytes], data: bytes) -> MarketEvent:
        r"""The message in a log.

        What others wrote may be any bytes. A string that is not UTF-8 has its other bytes as ``\xff``.

        Raises:
            BadLog: it is no event of the ABI, or damaged.
        """
        layout = self._events.get(topics[0]) if topics else None
        if layout is None:
            raise BadLog("it is no event of the market")
        try:
            message: MarketEvent = typed(EVENTS[layout.name], layout.values(topics[1:], data))
        except (DecodingError, OverflowError, ValueError) as error:  # ValueError: an enum has no such member
            raise BadLog(f"its data are no {layout.name}") from error
        return message

    def refusal(self, data: bytes) -> Refused:
        """The error that a revert's data name, with its arguments; its selector if the ABI lacks it."""
        if not data:
            return Refused("")
        entry = self._errors.get(data[:4])
        if entry is None:
            return Refused("0x" + data[:4].hex())
        try:
            values = _decoded(_types(entry["inputs"]), data[4:])
        except (DecodingError, OverflowError):
            return Refused(entry["name"])
        return Refused(entry["name"], tuple(map(_readable, entry["inputs"], values)))

    def _function(self, name: str) -> Entry:
        if name not in self._functions:
            raise WrongNetwork(f"the market's ABI has no function {name}: use the right deployment")
        return self._functions[name]


def typed(hint: Any, value: Any) -> Any:
    """``value`` as ABI decoding gives it, as what the type ``hint`` says."""
    return _maker(hint)(value)


@cache
def _maker(hint: Any) -> Callable[[Any], Any]:
    """What makes values of a type, worked out once."""
    if hint is Address:
        return _spelt
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint
    if isinstance(hint, type) and is_dataclass(hint):
        makers = tuple(map(_maker, _hints(hint)))
        return lambda values: hint(*[make(value) for make, value in zip(makers, values, strict=False)])
    if get_origin(hint) is tuple:
        make_item = _maker(get_args(hint)[0])
        return lambda items: tuple(map(make_item, items))
    return _same


def _same(value: Any) -> Any:
    return value


def snake(name: str) -> str:
    """The Python name of a Solidity name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@lru_cache(maxsize=_CHECKSUMS)
def _spelt(address: str) -> Address:
    return Address(to_checksum_address(address))


@cache
def _hints(message: type) -> tuple[Any, ...]:
    hints = get_type_hints(message)
    return tuple(hints[field.name] for field in fields(message))


def _require_known(events: Sequence[Entry]) -> None:
    """Values are matched by their place, so names and order must be ours."""
    theirs = {entry["name"]: [snake(parameter["name"]) for parameter in entry["inputs"]] for entry in events}
    ours = {name: [field.name for field in fields(message)] for name, message in EVENTS.items()}
    if theirs != ours:
        different = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
        raise WrongNetwork(
            f"the deployment is of another version of the market (event {different[0]}): deploy it anew"
        )


class _ValuePlaces:
    """Where an event's values are: worked out once, as a market has few kinds of events and many of each."""

    def __init__(self, entry: Entry) -> None:
        self.name: str = entry["name"]
        self._indexed = [bool(parameter["indexed"]) for parameter in entry["inputs"]]
        self._in_topics = _types([parameter for parameter in entry["inputs"] if parameter["indexed"]])
        self._in_data = _types([parameter for parameter in entry["inputs"] if not parameter["indexed"]])

    def values(self, topics: Sequence[bytes], data: bytes) -> list[Any]:
        """An event's values, in the order in which the event declares them."""
        in_topics = iter(_decoded(self._in_topics, b"".join(topics)))
        in_data = iter(_decoded(self._in_data, data))
        return [next(in_topics if indexed else in_data) for indexed in self._indexed]


def _decoded(types: tuple[str, ...], data: bytes) -> tuple[Any, ...]:
    stream = ContextFramesBytesIO(data)  # type: ignore[no-untyped-call]
    return _decoder(types)(stream)


@cache
def _decoder(types: tuple[str, ...]) -> Callable[[ContextFramesBytesIO], tuple[Any, ...]]:
    """The library would make it anew for each event."""
    decoders = [_TYPES.get_decoder(one) for one in types]
    if any(decoder.is_dynamic for decoder in decoders):
        return cast(
            "Callable[[ContextFramesBytesIO], tuple[Any, ...]]",
            TupleDecoder(decoders=decoders),  # type: ignore[no-untyped-call]
        )
    return lambda stream: tuple([decode(stream) for decode in decoders])  # no pointers to look after


def _readable(parameter: Entry, value: Any) -> Any:
    return to_checksum_address(value) if parameter["type"] == "address" else value


def _types(parameters: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(collapse_if_tuple(dict(parameter)) for parameter in parameters)


def _selector(entry: Entry) -> bytes:
    return bytes(function_abi_to_4byte_selector(entry))  # type: ignore[arg-type]
