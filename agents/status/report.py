"""The status of a home: what its agent knows, whether the agent runs or not."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from agents.chain.home_view import HomeView, read_home
from agents.core.errors import BadInput
from agents.core.ids import CoupleId
from agents.core.jsonable import Json, jsonable
from agents.portfolio.entries import ModelEntry
from agents.portfolio.files import FOLDERS
from agents.portfolio.known import CHAIN_FILE, JOURNAL_FILE, names_of
from agents.readmodel.status import AssetNames, MemberStatus, status_of
from agents.storage.journal import read_results

VERSION = 1
"""Of the JSON: a field may be added to it, none is taken away or changes what it means without a new one."""

STILL_SECONDS = 60.0
"""An agent that said nothing for so long hangs."""

State = Literal["READY", "WAITING", "BROKEN"]


@dataclass(frozen=True)
class ModelFiles:
    """The weights of a couple that has ended, and how to load them."""

    tc: CoupleId
    name: str
    weights: Path

    @property
    def lines(self) -> tuple[str, str]:
        """Two lines of Python."""
        return (
            "from safetensors.numpy import load_file",
            f"weights = load_file({str(self.weights)!r})  # int64, in units of 2^-weight_bits of plan.json",
        )


@dataclass(frozen=True)
class HomeStatus:
    """All that is told.

    Attributes:
        state: whether it can act, waits, or cannot; `reason` in one line.
        view: what the agent knows; None if it never ran.
        standing: of its member in the market; None without a view.
        models: the weights of runs that have ended.
        promise: of a data owner, in lines.
        now: by this machine's clock.
    """

    home: Path
    state: State
    reason: str
    now: float
    view: HomeView | None = None
    standing: MemberStatus | None = None
    models: tuple[ModelFiles, ...] = ()
    promise: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """The same for programs; amounts in wei, times in seconds."""
        view, standing = self.view, self.standing
        pulse = view.pulse if view else None
        return {
            "version": VERSION,
            "home": str(self.home),
            "state": self.state,
            "reason": self.reason,
            "running": bool(view and view.running),
            "role": pulse.role if pulse else None,
            "member": view.member if view else None,
            "block": view.upto.number if view else None,
            "block_time": view.upto.timestamp if view else None,
            "block_age": self.now - view.upto.timestamp if view else None,
            "pulse": jsonable(pulse),
            "standing": _standing_json(standing) if standing else None,
            "models": [
                {
                    "couple": hex(one.tc),
                    "name": one.name,
                    "weights": str(one.weights),
                    "lines": list(one.lines),
                }
                for one in self.models
            ],
            "promise": list(self.promise),
        }


def _standing_json(standing: MemberStatus) -> Json:
    """Ids that are keys or stand in lists are hexadecimal, as all others."""
    income = replace(standing.income, by_couple={})
    told = jsonable(replace(standing, income=income, over=()))
    assert isinstance(told, dict)
    return told | {"over": [hex(tc) for tc in standing.over]}


def home_status(home: Path, promise: tuple[str, ...] = (), now: float | None = None) -> HomeStatus:
    """The status of a home.

    Args:
        home: of any role.
        promise: what a data owner promised and spent, in lines.
        now: by this machine's clock.

    Raises:
        BadInput: there is no such home.
        StorageFailed: it cannot be read.
    """
    if not home.is_dir():
        raise BadInput(f"there is no home {home}: name the folder of an agent")
    now = time.time() if now is None else now
    try:
        view = read_home(home / CHAIN_FILE)
    except BadInput as bad:
        return HomeStatus(home, "BROKEN", str(bad), now, promise=promise)
    if view is None:
        return HomeStatus(home, "BROKEN", "no agent has run here yet", now, promise=promise)
    bound = names_of(view.market, view.member, read_results(home / JOURNAL_FILE))
    names = AssetNames(bound)
    standing = status_of(view.market, view.member, view.upto.timestamp, names)
    models = tuple(_models(home / FOLDERS[ModelEntry], standing, bound))
    state, reason = _state(view, standing, models, now)
    return HomeStatus(home, state, reason, now, view, standing, models, promise)


def _state(
    view: HomeView, standing: MemberStatus, models: tuple[ModelFiles, ...], now: float
) -> tuple[State, str]:
    pulse = view.pulse
    if not view.running:
        return _at_rest(standing, models)
    if pulse is None or now - pulse.at > STILL_SECONDS:
        since = f"for {now - pulse.at:.0f} s" if pulse else "yet"
        return "BROKEN", f"its loop has not turned {since}: see its log"
    if pulse.obstacle:
        return "BROKEN", pulse.obstacle
    return (
        ("WAITING", f"for {pulse.awaited}") if pulse.awaited else ("READY", "it acts when something is due")
    )


def _at_rest(standing: MemberStatus, models: tuple[ModelFiles, ...]) -> tuple[State, str]:
    """Of a home in which no agent runs."""
    couples = sum(line.kind == "couple" for line in standing.assets)
    if models and len(standing.over) == couples:
        return "READY", "no agent runs, and none has to: training is over"
    return "BROKEN", "no agent runs on this home: start it, or what is due here is not done"


def _models(folder: Path, standing: MemberStatus, bound: Mapping[int, str]) -> Iterator[ModelFiles]:
    """Of couples that are over: the weights of the last round."""
    for tc in standing.over:
        states = folder / bound.get(tc, "") / "states" / f"{tc:x}"
        rounds = sorted(states.glob("*.weights"), key=_round_of)
        if rounds:
            yield ModelFiles(tc, AssetNames(bound).of(tc), rounds[-1])


def _round_of(file: Path) -> int:
    return int(file.stem) if file.stem.isdecimal() else -1
