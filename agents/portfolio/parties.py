"""Parties whose portfolio is in files: before each decision they look what is wanted now."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Generic

from agents.core.ids import DatasetId
from agents.portfolio.decisions import HandDecisions
from agents.portfolio.entries import DatasetEntry, E, ModelEntry
from agents.portfolio.files import EntryFiles, accept
from agents.roles.acts import Act, Identity, LeftUndone, Situation
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.portfolio import (
    OfferedDataset,
    PausedEntry,
    WantedModel,
    bindings,
    datasets_of,
    models_of,
)
from agents.roles.results import BoundEntry
from agents.roles.terms import weaknesses

log = logging.getLogger(__name__)


class _Entries(Generic[E]):
    """The files of a home, held against what is bound."""

    def __init__(self, home: Path, kind: type[E]) -> None:
        self._home, self._kind = home, kind
        self._files = EntryFiles(home, kind)
        self._good: dict[str, E] = {}

    def now(self, bound: Mapping[int, BoundEntry]) -> tuple[dict[str, E], set[str], list[LeftUndone]]:
        """What is wanted by name, the names of files that say nothing good, and what is told of these."""
        facts = {entry.name: entry.facts for entry in bound.values()}
        good: dict[str, E] = {}
        paused: list[LeftUndone] = []
        found = self._files.look()
        for name, entry in found.items():
            problem = entry if isinstance(entry, str) else self._changed(name, entry, facts)
            if problem or isinstance(entry, str):
                paused.append(PausedEntry(self._files.shown(name), problem))
                continue
            good[name] = entry
            if self._good.get(name) is not entry:
                accept(self._home, name, entry)
                self.took(name, entry)
        self._good = good
        return good, found.keys() - good.keys(), paused

    def _changed(self, name: str, entry: E, facts: Mapping[str, str]) -> str:
        key = entry.changed_since(facts[name]) if name in facts else ""
        return f"{key} changed since it was {entry.word}: {_AGAIN[self._kind.word]}" if key else ""

    def took(self, name: str, entry: E) -> None:
        """An entry is new, or another one."""
        log.info("%s: %s", self._files.shown(name), getattr(entry, "wanted", ""))


_AGAIN = {"published": "publish it under another name", "asked for": "train it under another name"}


class _OfferedEntries(_Entries[DatasetEntry]):
    def took(self, name: str, entry: DatasetEntry) -> None:
        """Its owner is warned of terms under which a cheat would be free."""
        super().took(name, entry)
        for weakness in weaknesses(entry.dataset_terms):
            log.warning("%s: %s", name, weakness)


class _WantedEntries(_Entries[ModelEntry]):
    def __init__(self, home: Path, *, alone: bool) -> None:
        super().__init__(home, ModelEntry)
        self._alone = alone

    def took(self, name: str, entry: ModelEntry) -> None:
        """Its owner is told at once of what would come to nothing."""
        super().took(name, entry)
        samples = entry.at(self._home).samples
        if not samples.exists():
            log.warning("%s: there are no samples at %s yet: get them from the data owner", name, samples)
        if self._alone and entry.dataset is None:
            log.warning("%s: names no dataset, and no members are set: it deals with nobody", name)


class DatasetPortfolio:
    """A data owner whose datasets are in files.

    Args:
        role: what it decides with; it needs no datasets.
        home: where the files are.
    """

    def __init__(self, role: DataOwner, home: Path) -> None:
        self._role = role
        self._entries = _OfferedEntries(home, DatasetEntry)
        self._decisions = HandDecisions(home)

    @property
    def identity(self) -> Identity:
        """See `Party`."""
        return self._role.identity

    def decide(self, situation: Situation) -> list[Act]:
        """See `Party`."""
        role, told = self.now(situation)
        return [*role.decide(situation), *told]

    def awaits(self, situation: Situation) -> str:
        """See `Party`."""
        role, _ = self.now(situation)
        return role.awaits(situation) or ("" if role.offered else _NOTHING_OFFERED)

    def now(self, situation: Situation) -> tuple[DataOwner, list[LeftUndone]]:
        """The data owner with what it offers now, and what is told of the files."""
        made = datasets_of(situation.market, self.identity.address)
        bound = bindings(situation.results, "dataset", made)
        good, _, told = self._entries.now(bound)
        serials = {entry.name: serial for serial, entry in bound.items()}
        known = [
            offered_as(entry.name, good.get(entry.name), serial, entry.facts)
            for serial, entry in sorted(bound.items())
        ]
        new = [
            offered_as(name, entry, 0, entry.facts()) for name, entry in good.items() if name not in serials
        ]
        decided = self._decisions.look()
        return replace(self._role, offered=(*known, *new), taken=frozenset(bound), decided=decided), told


_NOTHING_OFFERED = "a dataset to offer: holdfast data-owner publish"
_NOTHING_WANTED = "a model to train: holdfast model-owner train"


def offered_as(name: str, entry: DatasetEntry | None, serial: int, facts: str) -> OfferedDataset:
    """A dataset as its file wants it; without one that is good it does nothing new."""
    if entry is None:
        return OfferedDataset(name, (), serial, facts, "gone")
    by_hand = entry.requests == "hand"
    return OfferedDataset(
        name,
        entry.dealt,
        serial,
        facts,
        entry.wanted,
        by_hand,
        entry.replicas,
        entry.spares,
        entry.heal_a_day,
        entry.heal_cooldown_seconds,
    )


class ModelPortfolio:
    """A model owner whose models are in files.

    Args:
        role: what it decides with; it needs no models.
        home: where the files are.
    """

    def __init__(self, role: ModelOwner, home: Path) -> None:
        self._role = role
        self._entries = _WantedEntries(home, alone=not role.policy.members)

    @property
    def identity(self) -> Identity:
        """See `Party`."""
        return self._role.identity

    def decide(self, situation: Situation) -> list[Act]:
        """See `Party`."""
        role, told = self.now(situation)
        return [*role.decide(situation), *told]

    def awaits(self, situation: Situation) -> str:
        """See `Party`."""
        role, _ = self.now(situation)
        return role.awaits(situation) or ("" if role.wanted else _NOTHING_WANTED)

    def now(self, situation: Situation) -> tuple[ModelOwner, list[LeftUndone]]:
        """The model owner with what it wants now, and what is told of the files."""
        made = models_of(situation.market, self.identity.address)
        bound = bindings(situation.results, "model", made)
        good, broken, told = self._entries.now(bound)
        names = {entry.name for entry in bound.values()}
        known = [
            _wanted(entry, good.get(entry.name), serial, broken) for serial, entry in sorted(bound.items())
        ]
        new = [
            _asked(name, entry, 0, None, entry.facts())
            for name, entry in good.items()
            if name not in names and entry.wanted == "trained"
        ]
        return replace(self._role, wanted=(*known, *new), taken=frozenset(bound)), told


def _wanted(bound: BoundEntry, entry: ModelEntry | None, serial: int, broken: set[str]) -> WantedModel:
    ds = DatasetId(int(bound.ds, 16))
    if entry is None:  # a file that is gone ends what it began; one that says nothing good holds it
        state = "paused" if bound.name in broken else "stopped"
        return WantedModel(bound.name, None, serial, ds, bound.facts, state=state)  # type: ignore[arg-type]
    return _asked(bound.name, entry, serial, ds, bound.facts)


def _asked(name: str, entry: ModelEntry, serial: int, ds: DatasetId | None, facts: str) -> WantedModel:
    return WantedModel(
        name,
        entry.ref,
        serial,
        ds,
        facts,
        entry.quorum,
        entry.spare_rounds,
        entry.wanted,
        entry.wait_for_cover,
    )
