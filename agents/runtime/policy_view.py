"""A policy as people read it: a settings file that says the same, and where each line is from."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from agents.core.amounts import shown_amount
from agents.roles.policy import Policy, is_of_coins

_TABLES = "with_member"


def shown_policy(policy: Policy, places: Mapping[str, str]) -> Iterator[str]:
    """All lines in force, as TOML.

    Args:
        policy: what is in force.
        places: where a line was given that is not there by default.
    """
    names = [name for name in policy.lines() if name != _TABLES]
    told = {name: f"{name} = {_value(policy, name, getattr(policy, name))}" for name in names}
    width = max(map(len, told.values()))
    for name, line in told.items():
        from_ = "default" if name not in places else f"from {places[name]}"
        yield f"{line:{width}}  # {from_}: {type(policy).model_fields[name].description}"
    for member, table in policy.with_member.items():
        yield ""
        yield f"[{_TABLES}.{json.dumps(member)}]"
        yield from (f"{name} = {_value(policy, name, value)}" for name, value in table.items())


def _value(policy: Policy, name: str, value: Any) -> str:
    return json.dumps(shown_amount(value) if is_of_coins(policy, name) else value)
