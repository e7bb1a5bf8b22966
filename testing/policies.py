"""Policies of members who know one another: they deal with all, on the terms of tests, which are in haste."""

from __future__ import annotations

from agents.roles.policy import ANYONE, CloudOwnerPolicy, DataOwnerPolicy, ModelOwnerPolicy

_MUCH = 2**96

LETS_TRAIN = DataOwnerPolicy(members=(ANYONE,), at_stake=_MUCH, at_stake_each=_MUCH)
HOLDS = CloudOwnerPolicy(
    members=(ANYONE,),
    at_stake=_MUCH,
    at_stake_each=_MUCH,
    min_report_window_seconds=1,
    min_settle_window_seconds=1,
)
TRAINS = ModelOwnerPolicy(
    members=(ANYONE,),
    at_stake=_MUCH,
    at_stake_each=_MUCH,
    max_round_price=_MUCH,
    max_job_price=_MUCH,
    min_draw_window_seconds=1,
)
