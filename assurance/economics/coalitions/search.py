"""The best that each coalition can do in a round: all answers of each of its subsets, without exception.

Subsets are coupled by one thing, whether the round is flagged out. So of all answers of a subset only the
best for each number of flags are kept, and every combination of these numbers is looked at: the result is
that of looking at every combination of answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations_with_replacement
from typing import TypeVar

from assurance.economics.coalitions.answers import LATE, Rule, flags_of, outcome
from assurance.economics.coalitions.members import Coalition, Means, coalitions, paid, trained, unpaid
from assurance.economics.setting import Setting

REPLICAS = range(3, 8)
DRAWN = range(1, 4)


class Aim(StrEnum):
    """What a coalition tries to have most of.

    GAIN: wei over its honest play. FREE: honest results whose makers are not paid. LOSS: wei that one honest
    member has less of one subset than it is owed.
    """

    GAIN = "gain"
    FREE = "free"
    LOSS = "loss"


@dataclass(frozen=True)
class Score:
    """What a subset's or a round's answers come to.

    Attributes:
        gain: the coalition's, over its honest play, in wei.
        results: honest results that the model owner can read.
        paid: what honest cloud owners were paid, in wei.
        free: honest results whose makers were not paid.
        loss: the most that one honest member has less of one subset than it is owed, in wei.
    """

    gain: int
    results: int = 0
    paid: int = 0
    free: int = 0
    loss: int = 0


@dataclass(frozen=True, kw_only=True)
class RoundPlay(Score):
    """How a round is answered.

    Attributes:
        quorum: what the model owner asked for; 0 is a strict majority.
        words: a subset each, see `answers`; none if no round is drawn.
    """

    quorum: int
    words: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """The best plays of one coalition by one means, for each aim."""

    coalition: Coalition
    means: Means
    replicas: int
    drawn: int
    best: dict[Aim, RoundPlay] = field(hash=False)


def searched(
    setting: Setting,
    replicas: Iterable[int] = REPLICAS,
    drawn: Iterable[int] = DRAWN,
) -> Iterator[Finding]:
    """Every coalition by every means, for all these sizes of subset and round."""
    for size in replicas:
        for count in drawn:
            shaped = setting.but(replicas=size, subsets=count, subsets_per_round=count, rounds=1)
            for coalition in coalitions(size):
                for means in coalition.means():
                    yield search(shaped, coalition, means)


def search(
    setting: Setting,
    coalition: Coalition,
    means: Means,
    rule: Rule = Rule.OWED,
    *,
    blind: bool = False,
) -> Finding:
    """One coalition by one means, in a round that draws all subsets of the setting.

    Args:
        rule: of the market; another one shows what it would allow.
        blind: as for `Coalition.words`.
    """
    plays = [_no_round(setting, coalition)] if coalition.data or coalition.model else []
    for quorum in coalition.quorums(means, setting.replicas):
        asked = setting.but(quorum=quorum)
        words = coalition.words(means, setting.replicas, blind=blind)
        table = _subset_plays(asked, coalition, words, rule)
        plays += [_summed(asked, chosen) for chosen in _rounds(table, asked)]
    return Finding(coalition, means, setting.replicas, setting.subsets_per_round, _best(plays))


def _best(plays: Sequence[_Play]) -> dict[Aim, _Play]:
    """For each aim; of plays that are as good the first, which is the more honest."""
    return {
        Aim.GAIN: max(plays, key=lambda play: (play.gain, play.free, -play.loss)),
        Aim.FREE: max(plays, key=lambda play: (play.free, play.gain, -play.loss)),
        Aim.LOSS: max(plays, key=lambda play: (play.loss, play.gain, play.free)),
    }


def _no_round(setting: Setting, coalition: Coalition) -> RoundPlay:
    """The model owner starts none, or the data owner does not draw, which costs it the couple bond."""
    had = setting.subsets_per_round * coalition.honest_purse(setting)
    bond = setting.terms.couple_bond if coalition.data and not coalition.model else 0
    return RoundPlay(gain=-bond - had, quorum=setting.quorum, words=())


@dataclass(frozen=True, kw_only=True)
class _SubsetPlay(Score):
    word: str


_Play = TypeVar("_Play", bound=Score)
_Table = dict[bool, dict[int, list[_SubsetPlay]]]
"""Of a round that is flagged out and of one that is not, by flags: the best answers for each aim."""


def _subset_plays(setting: Setting, coalition: Coalition, words: Iterable[str], rule: Rule) -> _Table:
    honest = coalition.honest_purse(setting)
    found: _Table = {False: {}, True: {}}
    for word in words:
        for out in (True,) if LATE in word else (False, True):
            result = outcome(setting, word, out=out, rule=rule)
            play = _SubsetPlay(
                word=word,
                gain=coalition.purse(setting, word, result) - honest,
                results=trained(word),
                paid=paid(word, result),
                free=unpaid(setting, word, result),
                loss=coalition.loss(setting, word, result),
            )
            found[out].setdefault(flags_of(word), []).append(play)
    return {
        out: {flags: list(_best(plays).values()) for flags, plays in by_flags.items()}
        for out, by_flags in found.items()
    }


def _rounds(table: _Table, setting: Setting) -> Iterator[tuple[_SubsetPlay, ...]]:
    """Every combination of flags that makes the round what it is taken for, with the best answers of each."""
    jobs = setting.replicas * setting.subsets_per_round
    for out, by_flags in table.items():
        for counts in combinations_with_replacement(sorted(by_flags), setting.subsets_per_round):
            if (2 * sum(counts) > jobs) is out:
                for aim in range(len(Aim)):
                    yield tuple(by_flags[count][aim] for count in counts)


def _summed(setting: Setting, plays: tuple[_SubsetPlay, ...]) -> RoundPlay:
    return RoundPlay(
        quorum=setting.quorum,
        words=tuple(play.word for play in plays),
        gain=sum(play.gain for play in plays),
        results=sum(play.results for play in plays),
        paid=sum(play.paid for play in plays),
        free=sum(play.free for play in plays),
        loss=max(play.loss for play in plays),
    )
