"""The read model as JSON."""

from __future__ import annotations

import json
import math

import pytest

from agents.core.enums import InstanceStatus
from agents.core.ids import InstanceId
from agents.core.jsonable import jsonable
from agents.readmodel.jobs import Cell, Replica, replicas_of
from agents.readmodel.rounds import Standing
from testing.histories import Story, address


def test_a_record_tells_its_fields_in_their_order() -> None:
    member = address("a cloud owner")
    replica = Replica(
        member, InstanceId(2**200), 0, 1, InstanceStatus.VERIFIED, (Cell(3, Standing.ACCEPTED, 7),)
    )
    assert json.dumps(jsonable(replica)) == json.dumps(
        {
            "member": member,
            "ci": hex(2**200),
            "subset": 0,
            "replica": 1,
            "status": "verified",
            "cells": [{"round": 3, "standing": "accepted", "amount": 7}],
        }
    )


def test_bytes_are_hexadecimal_and_keys_are_text() -> None:
    assert jsonable({1: b"\x0a\xff", "none": None, "yes": True}) == {"1": "0x0aff", "none": None, "yes": True}


def test_what_is_no_number_is_null() -> None:
    assert jsonable([0.5, math.nan, -math.inf]) == [0.5, None, None]


def test_nothing_is_an_empty_list() -> None:
    assert jsonable(replicas_of(Story().market, Story().ds, Story().tc)) == []


def test_refuses_what_json_cannot_say() -> None:
    with pytest.raises(TypeError, match="no JSON"):
        jsonable({1, 2})
