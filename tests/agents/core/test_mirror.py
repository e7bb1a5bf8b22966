"""The agents' enums, events and calls say what the market's interface says.

Rules: A18.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from enum import IntEnum
from typing import Any, get_type_hints

import pytest
from eth_abi.abi import encode

from agents.core import calls, enums
from agents.core.assets import Report
from agents.core.calls import Call
from agents.core.enums import FlagReason, Role
from agents.core.events import EVENTS, DatasetTerms
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId
from testing.compiler import compiled

INTERFACE = "contracts/interfaces/IMarketplace.sol"
ENUMS = {
    name: kind
    for name, kind in vars(enums).items()
    if isinstance(kind, type) and kind.__module__ == enums.__name__
}
IDS = {"ds": DatasetId, "ci": InstanceId, "mod": ModelId, "tc": CoupleId}


def snake(name: str) -> str:
    """The Python name of a Solidity name."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def abi(kind: str) -> dict[str, dict[str, Any]]:
    """The interface's events, functions or errors, by name."""
    answer = compiled(INTERFACE, "abi")["contracts"][INTERFACE]["IMarketplace"]["abi"]
    return {entry["name"]: entry for entry in answer if entry["type"] == kind}


def nodes(kind: str) -> Iterator[dict[str, Any]]:
    """The definitions of one kind in all chapters."""
    for source in compiled(INTERFACE, "abi")["sources"].values():
        for contract in source["ast"]["nodes"]:
            yield from (node for node in contract.get("nodes", ()) if node["nodeType"] == kind)


def mirrored(parameter: dict[str, Any]) -> Any:
    """The Python type that stands for a parameter's."""
    declared, name = parameter["type"], parameter["name"]
    _, _, internal = parameter["internalType"].partition(" ")
    if parameter["internalType"].startswith("enum"):
        return getattr(enums, internal.rpartition(".")[2])
    if declared == "tuple":
        assert internal.endswith(".DatasetTerms")
        return DatasetTerms
    if declared.startswith("uint"):
        return IDS.get(name, int)
    return {"address": Address, "string": str}.get(declared, bytes)


def described(message: type[Any]) -> list[tuple[str, Any]]:
    """A dataclass's fields, in order, with their types."""
    hints = get_type_hints(message)
    return [(field.name, hints[field.name]) for field in fields(message)]


# --- enums ---


def test_all_enums_are_mirrored() -> None:
    assert {node["name"] for node in nodes("EnumDefinition")} == set(ENUMS)


@pytest.mark.parametrize("mirror", ENUMS.values())
def test_an_enum_has_the_interfaces_members_in_order(mirror: type[IntEnum]) -> None:
    (node,) = (node for node in nodes("EnumDefinition") if node["name"] == mirror.__name__)
    names = [snake(member["name"]).upper() for member in node["members"]]
    assert [(member.name, member.value) for member in mirror] == [(name, i) for i, name in enumerate(names)]


# --- events ---


def test_all_events_are_mirrored() -> None:
    assert set(abi("event")) == set(EVENTS)


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_has_the_interfaces_fields(name: str) -> None:
    inputs = abi("event")[name]["inputs"]
    assert described(EVENTS[name]) == [(snake(field["name"]), mirrored(field)) for field in inputs]


def test_every_event_says_whose_it_is() -> None:
    for name, event in abi("event").items():
        assert event["inputs"][0]["indexed"], f"{name} cannot be looked for by its first field"
        assert not event["anonymous"]


def test_the_terms_are_the_interfaces() -> None:
    (struct,) = (node for node in nodes("StructDefinition") if node["name"] == "DatasetTerms")
    assert described(DatasetTerms) == [(snake(member["name"]), int) for member in struct["members"]]


# --- calls ---

OWNER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
DS, CI, MOD, TC = DatasetId(1), InstanceId(2), ModelId(3), CoupleId(4)
HASH, LOCATION = b"\x11" * 32, b"a location"
TERMS = DatasetTerms(*range(1, 15))
CALLS = (
    calls.register(Role.DATA_OWNER, b"k" * 64, 5),
    calls.register(Role.CLOUD_OWNER, b"k" * 64),
    calls.register(Role.MODEL_OWNER, b"k" * 64),
    calls.deposit(7),
    calls.withdraw(7),
    calls.create_ds(TERMS, HASH, LOCATION),
    calls.create_ci(DS, [0, 1], [OWNER, OWNER], [LOCATION, LOCATION]),
    calls.join_ci(CI, HASH, HASH),
    calls.refuse_ci(CI),
    calls.verify_ci([CI], [True]),
    calls.retire_ci(CI),
    calls.release_ci(CI),
    calls.create_mod("linear", HASH, LOCATION),
    calls.request_tc(MOD, DS, 9, HASH, 2),
    calls.approve_tc(TC, HASH),
    calls.decline_tc(TC),
    calls.cancel_tc(TC),
    calls.start_round(TC, HASH, HASH, LOCATION),
    calls.draw_round(TC, HASH),
    calls.update_tj(TC, CI, 1, HASH, HASH, LOCATION),
    calls.flag_tj(TC, CI, 1, FlagReason.PLAN_REFUSED),
    calls.settle_round(TC, 3, HASH, [Report(CI, OWNER, HASH, HASH, LOCATION)]),
    calls.close_round(TC, [0, 3]),
    calls.complete_tc(TC, HASH),
    calls.expire_request(TC),
    calls.expire_draw(TC),
    calls.expire_tc(TC),
)


def types(parameters: list[dict[str, Any]]) -> list[str]:
    """The parameters' types with tuples spelt out."""
    return [
        parameter["type"].replace("tuple", f"({','.join(types(parameter['components']))})")
        if "components" in parameter
        else parameter["type"]
        for parameter in parameters
    ]


def test_every_transaction_can_be_called() -> None:
    writes = {
        name
        for name, entry in abi("function").items()
        if entry["stateMutability"] in ("nonpayable", "payable")
    }
    assert {call.function for call in CALLS} == writes


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.function)
def test_a_call_fits_its_function(call: Call) -> None:
    function = abi("function")[call.function]
    assert encode(types(function["inputs"]), call.arguments) or not call.arguments
    assert call.value == 0 or function["stateMutability"] == "payable"
