"""The ABI in both directions, for every event, call, view and error of the market.

Rules: A13, A18.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import IntEnum
from typing import Any, get_type_hints

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from agents.chain import views
from agents.chain.codec import Codec
from agents.core import calls
from agents.core.enums import CouplePhase, InstanceStatus, JobStatus, Role
from agents.core.errors import BadLog, NodeUnavailable, WrongNetwork
from agents.core.events import EVENTS, DatasetTerms, MarketEvent, MemberCreated, ModelCreated, Withdrawn
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId
from testing.events_as_logs import as_log

ALICE = Address("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266")
TERMS = DatasetTerms(3, 2, 4, 10**18, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)


def sample(hint: Any, seed: int) -> Any:
    """Some value of a field's type; no two fields of a message have the same."""
    if hint is Address:
        return ALICE
    if hint is bytes:
        return bytes([seed]) * 32
    if hint is str:
        return f"text {seed}"
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return list(hint)[-1]
    return TERMS if hint is DatasetTerms else seed


def sample_event(message: type[MarketEvent]) -> MarketEvent:
    hints = get_type_hints(message)
    return message(*(sample(hints[field.name], 1 + place) for place, field in enumerate(fields(message))))


@pytest.mark.parametrize("message", EVENTS.values(), ids=EVENTS)
def test_decodes_every_event_to_its_message(
    abi: list[dict[str, Any]], codec: Codec, message: type[MarketEvent]
) -> None:
    event = sample_event(message)
    log = as_log(abi, event)
    decoded = codec.event(log.topics, log.data)
    assert decoded == event
    hints = get_type_hints(message)
    for field in fields(message):
        value, hint = getattr(decoded, field.name), hints[field.name]
        if is_dataclass(hint) or (isinstance(hint, type) and issubclass(hint, IntEnum)):
            assert type(value) is hint


def test_an_event_that_the_abi_lacks_is_no_message(codec: Codec) -> None:
    for topics in ([bytes(32)], []):
        with pytest.raises(BadLog, match="it is no event of the market"):
            codec.event(topics, b"")


def test_a_damaged_log_is_no_message(abi: list[dict[str, Any]], codec: Codec) -> None:
    log = as_log(abi, Withdrawn(ALICE, 5))
    for topics, data in ((log.topics, log.data[:-1]), (log.topics[:1], log.data)):
        with pytest.raises(BadLog, match="its data are no Withdrawn"):
            codec.event(topics, data)


def test_an_enum_without_such_a_member_is_no_message(abi: list[dict[str, Any]], codec: Codec) -> None:
    log = as_log(abi, MemberCreated(ALICE, Role.DATA_OWNER, bytes(64)))
    indexed = (log.topics[0], log.topics[1], (9).to_bytes(32, "big"))
    assert codec.event(log.topics, log.data) == MemberCreated(ALICE, Role.DATA_OWNER, bytes(64))
    with pytest.raises(BadLog, match="its data are no MemberCreated"):
        codec.event(indexed, log.data)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"logistic", "logistic"),
        ("modèle ✓".encode(), "modèle ✓"),
        (b"\xff\xfe", r"\xff\xfe"),
        (b"half \xc3", r"half \xc3"),
        (b"surrogate \xed\xa0\x80", r"surrogate \xed\xa0\x80"),
    ],
)
def test_a_string_may_be_any_bytes(
    written: bytes, read: str, abi: list[dict[str, Any]], codec: Codec
) -> None:
    topics = as_log(abi, ModelCreated(ModelId(1), ALICE, "", bytes(32), b"")).topics
    data = encode(["bytes", "bytes32", "bytes"], [written, bytes(32), b"where"])
    message = codec.event(topics, data)
    assert message == ModelCreated(ModelId(1), ALICE, read, bytes(32), b"where")


def test_refuses_an_abi_whose_events_are_not_ours(abi: list[dict[str, Any]]) -> None:
    lacking = [entry for entry in abi if entry.get("name") != "RoundClosed"]
    with pytest.raises(WrongNetwork, match=r"another version of the market \(event RoundClosed\)"):
        Codec(lacking)
    renamed = [
        {**entry, "inputs": [{**parameter, "name": "x"} for parameter in entry["inputs"]]}
        if entry.get("name") == "Deposited"
        else entry
        for entry in abi
    ]
    with pytest.raises(WrongNetwork, match="Deposited"):
        Codec(renamed)


def test_encodes_a_call(codec: Codec) -> None:
    call = calls.create_ds(TERMS, b"h" * 32, b"where")
    terms = (
        "(uint16,uint16,uint8,uint96,uint96,uint96,uint96,uint96,uint24,uint24,uint24,uint24,uint32,uint40)"
    )
    expected = keccak(text=f"createDS({terms},bytes32,bytes)")[:4]
    expected += encode([terms, "bytes32", "bytes"], [call.arguments[0], b"h" * 32, b"where"])
    assert codec.call(call) == expected


def test_refuses_a_call_that_the_market_lacks(codec: Codec) -> None:
    with pytest.raises(WrongNetwork, match="no function mint"):
        codec.call(calls.Call("mint", ()))


ANSWERS: list[tuple[views.View[Any], list[str], list[Any], Any]] = [
    (views.balance_of(ALICE), ["uint256"], [7], 7),
    (views.role_of(ALICE), ["uint8"], [2], Role.CLOUD_OWNER),
    (views.dataset_pool(DatasetId(1)), ["uint256", "uint256"], [4, 3], views.Pool(4, 3)),
    (views.instances_of(DatasetId(1), 0), ["uint256[]"], [[5, 6]], (InstanceId(5), InstanceId(6))),
    (views.phase_of(CoupleId(1)), ["uint8"], [8], CouplePhase.SETTLING),
    (views.receipt_domain(), ["bytes32"], [b"d" * 32], b"d" * 32),
    (
        views.dataset_terms(DatasetId(1)),
        [
            "(uint16,uint16,uint8,uint96,uint96,uint96,uint96,uint96,uint24,uint24,uint24,uint24,uint32,uint40)"
        ],
        [(3, 2, 4, 10**18, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14)],
        TERMS,
    ),
    (
        views.cloud_instance(InstanceId(1)),
        ["(address,uint8,uint32,uint32,uint96,uint40)"],
        [(ALICE, 3, 1, 0, 20, 99)],
        views.CloudInstance(ALICE, InstanceStatus.VERIFIED, 1, 0, 20, 99),
    ),
    (
        views.train_couple(CoupleId(1)),
        [
            "(uint256,uint256,uint8,uint16,uint16,uint16,uint16,uint8,uint32,uint40,uint40,uint96,bytes32,"
            "bytes32,uint256,uint256)"
        ],
        [(1, 2, 7, 3, 4, 5, 6, 8, 9, 10, 11, 12, b"m" * 32, b"d" * 32, 13, 14)],
        views.TrainCouple(
            DatasetId(1),
            ModelId(2),
            CouplePhase.TRAINING,
            *(3, 4, 5, 6, 8, 9, 10, 11, 12),
            b"m" * 32,
            b"d" * 32,
            13,
            14,
        ),
    ),
    (
        views.train_job(CoupleId(1), InstanceId(2)),
        ["(bytes27,uint16,uint8)"],
        [(b"s" * 27, 3, 4)],
        views.TrainJob(b"s" * 27, 3, JobStatus.FAULTY),
    ),
]


@pytest.mark.parametrize(
    ("view", "types", "values", "expected"), ANSWERS, ids=[a[0].function for a in ANSWERS]
)
def test_types_what_every_view_answers(
    codec: Codec, view: views.View[Any], types: list[str], values: list[Any], expected: Any
) -> None:
    assert codec.request(view.function, view.arguments)[:4] != bytes(4)
    answer = codec.result(view.function, encode(types, values), view.hint)
    assert answer == expected
    assert type(answer) is type(expected)


def test_an_answer_of_no_contract_is_the_nodes_fault(codec: Codec) -> None:
    with pytest.raises(NodeUnavailable, match="balanceOf"):
        codec.result("balanceOf", b"", int)


REFUSALS = [
    (b"", "", (), "reverted without a reason"),
    (
        keccak(text="Ledger_InsufficientBalance(address,uint256,uint256)")[:4]
        + encode(["address", "uint256", "uint256"], [ALICE, 5, 1]),
        "Ledger_InsufficientBalance",
        (ALICE, 5, 1),
        f"Ledger_InsufficientBalance({ALICE}, 5, 1)",
    ),
    (
        keccak(text="Training_WrongPhase(uint256,uint8,uint256)")[:4]
        + encode(["uint256", "uint8", "uint256"], [1, 8, 4]),
        "Training_WrongPhase",
        (1, CouplePhase.SETTLING, 4),
        "Training_WrongPhase(1, 8, 4)",
    ),
    (keccak(text="Distribution_LengthMismatch()")[:4], "Distribution_LengthMismatch", (), None),
    (keccak(text="Error(string)")[:4] + encode(["string"], ["no"]), "Error", ("no",), "Error(no)"),
    (keccak(text="Panic(uint256)")[:4] + encode(["uint256"], [0x11]), "Panic", (0x11,), "Panic(17)"),
    (bytes.fromhex("deadbeef"), "0xdeadbeef", (), "0xdeadbeef()"),
    (keccak(text="Panic(uint256)")[:4] + b"short", "Panic", (), "Panic()"),
]


@pytest.mark.parametrize(("data", "error", "arguments", "text"), REFUSALS)
def test_names_the_error_of_a_revert(
    codec: Codec, data: bytes, error: str, arguments: tuple[Any, ...], text: str | None
) -> None:
    refusal = codec.refusal(data)
    assert (refusal.error, refusal.arguments) == (error, arguments)
    assert text is None or str(refusal) == text
