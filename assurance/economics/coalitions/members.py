"""Who acts with one purse, by which means, and every way in which it can have a subset answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations_with_replacement

from assurance.economics.coalitions.answers import (
    ALIKE,
    ALONE,
    DATA,
    FLAGS,
    LATE,
    SILENT,
    UNREAD,
    Outcome,
)
from assurance.economics.setting import Setting


class Means(StrEnum):
    """What a coalition can do beside answering and letting answer as it likes.

    PLAIN: nothing.
    QUORUM: the model owner, of the coalition or not, asks for more than a strict majority, and the data owner
    grants it.
    DATA: the data owner gives replicas different data, and vouches for them in the block in which the round
    is started, so that no honest one can leave in time: those that hold other data than most can but flag.
    FLAGS: its last flag is mined before reports that are on their way.
    """

    PLAIN = "plain"
    QUORUM = "larger quorum"
    DATA = "different data"
    FLAGS = "flags in front"


@dataclass(frozen=True)
class Coalition:
    """Data owner, model owner and so many of the cloud owners of each subset, or some of them."""

    data: bool
    model: bool
    clouds: int

    @property
    def kind(self) -> str:
        """DO+MO+CO and the like."""
        members = (("DO", self.data), ("MO", self.model), ("CO", self.clouds > 0))
        return "+".join(name for name, takes_part in members if takes_part)

    def means(self) -> Iterator[Means]:
        """Those that are open to it, and give it what others do not.

        A larger quorum also where the honest data owner is careless; one that an honest model owner asks for
        is of use to who can lie. A model owner needs no different data to have honest replicas flag.
        """
        yield Means.PLAIN
        if self.model or self.clouds:
            yield Means.QUORUM
        if self.data and not self.model:
            yield Means.DATA
        if self.model:
            yield Means.FLAGS

    def quorums(self, means: Means, replicas: int) -> range:
        """What the model owner may ask for; 0 is a strict majority."""
        return range(replicas // 2 + 2, replicas + 1) if means is Means.QUORUM else range(1)

    def words(self, means: Means, replicas: int, *, blind: bool = False) -> Iterator[str]:
        """All answers of a subset up to their order.

        Args:
            blind: honest cloud owners train on data that are not as the others', as our agents did once.
        """
        for honest in self._honest(means, replicas, blind):
            known = dict.fromkeys(letter.lower().replace("l", "a") for letter in honest if letter != UNREAD)
            for own in combinations_with_replacement((*known, ALIKE, ALONE, FLAGS, SILENT), self.clouds):
                yield honest + "".join(own)

    def _honest(self, means: Means, replicas: int, blind: bool) -> Iterator[str]:
        count = replicas - self.clouds
        for unread in range(count + 1 if self.model else 1):
            for late in range(count - unread + 1 if means is Means.FLAGS else 1):
                readers = count - unread - late
                alike = means is not Means.DATA
                for handed in [DATA[0] * readers] if alike else self._handed(readers, replicas, blind):
                    yield handed + LATE * late + UNREAD * unread

    def _handed(self, readers: int, replicas: int, blind: bool) -> Iterator[str]:
        """What honest replicas do that can read, whatever data they were given."""
        for sizes in partitions(readers) if blind else ():
            yield "".join(letter * size for letter, size in zip(DATA, sizes, strict=False))
        for alike in () if blind else range(readers, -1, -1):
            if alike == 0 or 2 * (alike + self.clouds) > replicas:  # accomplices can claim to hold the same
                yield DATA[0] * alike + UNREAD * (readers - alike)

    def honest_purse(self, setting: Setting) -> int:
        """What it has of a subset if all its members are honest, in wei."""
        terms = setting.terms
        share = terms.round_price // setting.subsets_per_round
        price = share + setting.replicas * terms.job_price
        return (
            (share if self.data else 0)
            + (setting.result_value - price if self.model else 0)
            + self.clouds * (terms.job_price - setting.training_cost)
        )

    def purse(self, setting: Setting, word: str, result: Outcome) -> int:
        """What it has of a subset: coins, less trainings, and to a model owner an honest result's worth."""
        own = sum(coins for letter, coins in zip(word, result.clouds, strict=True) if letter.islower())
        coins = own + (result.data if self.data else 0) + (result.model if self.model else 0)
        value = setting.result_value if self.model and trained(word) else 0
        return coins + value - setting.training_cost * self._trainings(word)

    def _trainings(self, word: str) -> int:
        """One for each data whose result an accomplice reports; none if the model owner reads it."""
        copied = {letter for letter in word if letter.islower() and letter.upper() in DATA}
        return 0 if self.model else len(copied)

    def loss(self, setting: Setting, word: str, result: Outcome) -> int:
        """The most that an honest member has less of a subset than it is owed, in wei; 0 if none.

        Who trained is owed its job's price, and another cloud owner what it had; the data owner its share
        where the model owner has an honest result; the model owner that it pays for a verdict alone, and no
        more than the price.
        """
        terms = setting.terms
        share = terms.round_price // setting.subsets_per_round
        due = [0]
        for letter, coins in zip(word, result.clouds, strict=True):
            if letter.isupper():
                due.append((0 if letter == UNREAD else terms.job_price) - coins)
        if not self.data:
            due.append((share if trained(word) else 0) - result.data)
        if not self.model:
            price = share + setting.replicas * terms.job_price
            due.append(-result.model - (price if result.settled else 0))
        return max(due)


def trained(word: str) -> int:
    """How many honest replicas trained, whose results the model owner can read."""
    return sum(letter.isupper() and letter != UNREAD for letter in word)


def unpaid(setting: Setting, word: str, result: Outcome) -> int:
    """How many of those were not paid."""
    return sum(
        letter.isupper() and letter != UNREAD and coins < setting.terms.job_price
        for letter, coins in zip(word, result.clouds, strict=True)
    )


def paid(word: str, result: Outcome) -> int:
    """What honest cloud owners were paid, in wei."""
    return sum(max(coins, 0) for letter, coins in zip(word, result.clouds, strict=True) if letter.isupper())


def partitions(total: int, most: int | None = None) -> Iterator[tuple[int, ...]]:
    """The ways to part so many into groups, the largest first."""
    if total == 0:
        yield ()
        return
    for first in range(min(total, most or total), 0, -1):
        for rest in partitions(total - first, first):
            yield first, *rest


def coalitions(replicas: int) -> Iterator[Coalition]:
    """All that have fewer than half of each subset's replicas."""
    for clouds in range((replicas - 1) // 2 + 1):
        for data in (False, True):
            for model in (False, True):
                if data or model or clouds:
                    yield Coalition(data, model, clouds)
