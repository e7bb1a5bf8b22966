"""A data owner's accounts of people: what it has shown of them, and what it may show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agents.core.errors import StopAgent
from agents.learning.data.tables import Table
from agents.learning.privacy.levels import Secrecy
from agents.learning.privacy.lifetime import (
    LIFETIME_EPSILON,
    Lifetime,
    Spent,
    check_levels,
    map_from_json,
    map_to_json,
)
from agents.learning.privacy.maps import ShownMap, least_difference, too_many_numbers
from agents.learning.privacy.people import Prints, difference, prints_of, same_people
from agents.storage.people import KeptOffer, LedgerPage, PeopleLedger


@dataclass(frozen=True)
class Accounts:
    """The ledger of people, as a data owner uses it.

    Attributes:
        path: of the ledger.
        clock: seconds since 1970.
        new_people: whether the owner says that a table's people are in no other one.
        lifetime: epsilon for all offers of the same people together; less if they were promised less.
    """

    path: Path
    clock: Callable[[], int]
    new_people: bool = False
    lifetime: int = LIFETIME_EPSILON

    def offer(
        self,
        identity: bytes,
        table: Table,
        persons: tuple[str, ...] | None,
        level: Secrecy,
        spend: Callable[[Lifetime], Spent] | None = None,
    ) -> Spent | None:
        """Enters an offer, before anything of it is shown. One that is there already costs nothing more.

        Args:
            identity: 32 bytes, of all that decides about what is shown.
            table: as it was read.
            persons: values of the column that tells people apart.
            level: that is promised.
            spend: at level private, what of a lifetime the offer takes.

        Raises:
            BadInput: it would break what these people were promised.
        """
        with self._ledger() as ledger:
            with ledger.alone() as page:
                kept = page.offered(identity)
            if kept is not None:
                return Spent.from_json(kept.terms) if kept.terms else None
            prints = prints_of(table, ledger.key, persons)
            with ledger.alone() as page:
                return self._enter(page, identity, table, prints, level, spend)

    def _enter(
        self,
        page: LedgerPage,
        identity: bytes,
        table: Table,
        prints: Prints,
        level: Secrecy,
        spend: Callable[[Lifetime], Spent] | None,
    ) -> Spent | None:
        every = {offer.id: offer for offer in page.offers()}
        met = [
            offer.id for offer in every.values() if not self.new_people and same_people(prints, offer.prints)
        ]
        before = [every[other] for other in page.same_people(met)]
        width, outputs = table.features.shape[1], len(table.class_names) or 1
        near = [
            difference(prints, other.prints)
            for other in before
            if other.level in ("dataset", "round") and other.prints.columns == prints.columns
        ]
        levels: list[Secrecy] = [other.level for other in before]
        check_levels(level, levels, min(near, default=None), least_difference(width, outputs))
        spent = spend(self._lifetime(before)) if spend else None
        page.add(
            KeptOffer(
                id=0,
                identity=identity,
                name=table.name,
                level=level,
                rows=len(table.target),
                width=width,
                terms=spent.to_json() if spent else "",
                at=self.clock(),
                declared_new=self.new_people,
                prints=prints,
            ),
            met,
        )
        return spent

    def show(self, identity: bytes, shown: ShownMap, rows: int, columns: int) -> str:
        """Enters a map that a plan is about to be shown; what was shown of it before costs nothing more.

        Args:
            identity: of the offer.
            shown: the map.
            rows: of the dataset, that are trained on.
            columns: of it.

        Returns:
            Why it may not be shown; empty if it may, and is entered.

        Raises:
            StopAgent: the ledger knows no such offer.
        """
        with self._ledger() as ledger, ledger.alone() as page:
            offer, others = self._people(page, identity)
            before = [map_from_json(facts) for _, _, facts in page.shown(others)]
            new = replace(shown, name=f"{identity.hex()}/{shown.name}")
            problem = too_many_numbers(rows, columns, new, before)
            if not problem:
                page.show(offer.id, new.name, map_to_json(new), self.clock())
            return problem

    def standing(self, identity: bytes) -> tuple[Lifetime, list[ShownMap]]:
        """What was spent of the lifetime of an offer's people, and which maps they were shown in.

        Raises:
            StopAgent: the ledger knows no such offer.
        """
        with self._ledger() as ledger, ledger.alone() as page:
            _, others = self._people(page, identity)
            every = {offer.id: offer for offer in page.offers()}
            maps = [map_from_json(facts) for _, _, facts in page.shown(others)]
            return self._lifetime([every[other] for other in others]), maps

    def _lifetime(self, offers: list[KeptOffer]) -> Lifetime:
        spent = tuple(Spent.from_json(offer.terms) for offer in offers if offer.terms)
        promised = min((self.lifetime, *(one.lifetime for one in spent)))
        return Lifetime(promised, max((one.digits for one in spent), default=0), spent)

    def _people(self, page: LedgerPage, identity: bytes) -> tuple[KeptOffer, list[int]]:
        """An offer, and all of the same people."""
        offer = page.offered(identity)
        if offer is None:
            raise StopAgent(f"{self.path} knows nothing of this dataset: restore it from a backup")
        return offer, page.same_people([offer.id])

    @contextmanager
    def _ledger(self) -> Iterator[PeopleLedger]:
        with closing(PeopleLedger(self.path)) as ledger:
            yield ledger
