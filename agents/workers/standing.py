"""Where a data owner stands: what it promised, what was spent of it, what it cost, who can learn what."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from agents.core.errors import BadInput, BadObject, StopAgent
from agents.learning.data.description import Description, parse_description
from agents.learning.privacy.levels import GUARANTEES, LEARNS
from agents.learning.privacy.lifetime import Lifetime
from agents.learning.privacy.maps import ShownMap
from agents.learning.privacy.trial import Trial
from agents.storage.files import read
from agents.workers.accounts import Accounts

DESCRIPTION_FILE, PROMISE_FILE = "description.json", "promise.json"
"""In a data owner's home: what it published of its dataset, and what is for its own eyes."""


@dataclass(frozen=True)
class Promise:
    """What a data owner keeps of its offer.

    Attributes:
        identity: 32 bytes, of the offer in the ledger of people.
        trial: on its own rows.
    """

    identity: bytes
    trial: Trial

    def to_bytes(self) -> bytes:
        """A JSON document."""
        return json.dumps({"identity": self.identity.hex(), "trial": self.trial.to_json()}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Promise:
        """What `to_bytes` made.

        Raises:
            StopAgent: it is damaged.
        """
        try:
            facts = json.loads(data)
            return cls(bytes.fromhex(facts["identity"]), Trial.from_json(facts["trial"]))
        except (ValueError, LookupError, TypeError) as error:
            raise StopAgent(f"{PROMISE_FILE} is damaged: restore it from a backup") from error


@dataclass(frozen=True)
class OfferStanding:
    """Where a data owner stands.

    Attributes:
        dataset: its public description.
        trial: on its own rows.
        lifetime: of the people in it, over all datasets.
        maps: of which model owners have exact sums.
    """

    dataset: Description
    trial: Trial
    lifetime: Lifetime
    maps: tuple[ShownMap, ...]

    @classmethod
    def of(cls, dataset: Description, promise: Promise, accounts: Accounts) -> OfferStanding:
        """What the ledger of people says.

        Raises:
            StopAgent: it knows nothing of the dataset.
        """
        lifetime, maps = accounts.standing(promise.identity)
        return cls(dataset, promise.trial, lifetime, tuple(maps))

    def lines(self) -> Iterator[str]:
        """A line each."""
        level = self.dataset.level
        yield f"level {level}: {GUARANTEES[level]}"
        yield from self._spent()
        yield from self._cost()
        for who, what in LEARNS[level].items():
            yield f"{who} can learn: {what}"

    def _spent(self) -> Iterator[str]:
        given, lifetime = self.dataset.guarantee, self.lifetime
        if given is not None:
            rows = "one row" if given.rows_of_a_person == 1 else f"up to {given.rows_of_a_person} rows"
            yield (
                f"promised in this dataset: epsilon {given.epsilon} at delta 10^-{given.delta_digits}, to a "
                f"person with {rows} of {self.dataset.rows}"
            )
            after = f"epsilon {lifetime.largest}" if lifetime.largest else "no other dataset"
            yield (
                f"spent of these people's lifetime, over all datasets: epsilon {lifetime.epsilon_spent:.2f} "
                f"of {lifetime.epsilon}; left: rho {float(lifetime.left):.4f} of "
                f"{float(lifetime.budget):.4f}, enough for {after}. Couples cost nothing more"
            )
        elif self.dataset.level in ("dataset", "round"):
            numbers = sum(shown.numbers for shown in self.maps)
            most = self.dataset.rows * self.dataset.features // 4
            yield f"shown of these people in exact sums: {numbers} numbers, of {most} that tell no rows apart"

    def _cost(self) -> Iterator[str]:
        trial = self.trial
        if trial.noisy is not None:
            yield (
                f"what it costs, tried on your own rows and not published: {trial.metric} {trial.noisy:.3f} "
                f"with noise, {trial.everything:.3f} without"
            )
        if trial.exposed is None:
            yield "no row is exposed"
        else:
            yield (
                f"the {trial.exposed_rows} exposed rows are given away: a model of these alone has "
                f"{trial.metric} {trial.exposed:.3f}, one of all rows {trial.everything:.3f}"
            )


def standing_of(folder: Path, ledger: Path, lifetime: int) -> OfferStanding:
    """Where a data owner stands with one dataset.

    Args:
        folder: of what its agent made of the dataset.
        ledger: of people.
        lifetime: epsilon for all offers of the same people together.

    Raises:
        BadInput: nothing is offered from there.
        StopAgent: what it keeps is damaged.
    """
    described, promised = read(folder / DESCRIPTION_FILE), read(folder / PROMISE_FILE)
    if described is None or promised is None or not ledger.exists():
        raise BadInput(f"{folder}: no dataset is offered from there: let its agent run first")
    try:
        dataset = parse_description(described)
    except BadObject as bad:
        raise StopAgent(f"{folder / DESCRIPTION_FILE} is damaged: restore it from a backup") from bad
    accounts = Accounts(ledger, lambda: int(time.time()), lifetime=lifetime)
    return OfferStanding.of(dataset, Promise.from_bytes(promised), accounts)
