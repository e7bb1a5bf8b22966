"""What the answers of one subset come to for everybody, in wei: the rules S4 to S10 and S21 to S25 as sums.

A subset's answers are a word, a letter for each replica. Honest replicas are capitals:

    A          trained and reported
    B C ...    the same, on other data; the same letter for those that hold the same
    L          trained and placed its result, but was flagged out before its report was mined
    U          cannot read the weights, or holds other data than most: flags, unless the round was flagged out

Accomplices are small letters:

    a b c ...  reports what those that hold the data of the capital report
    f  x       lies as the others that do so;  lies like nobody else
    u  m       flags;  is silent
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from assurance.economics.setting import Setting

DATA = "ABCDEHK"
LATE, UNREAD = "L", "U"
ALIKE, ALONE, FLAGS, SILENT = "f", "x", "u", "m"


class Rule(StrEnum):
    """Which void subsets pay their reports, in a round that is not flagged out.

    OWED: those of which anybody flagged, and those of which more than a majority had to agree (S23).
    FLAGGED: those of which anybody flagged.
    UNABLE: those of which so many flagged that the others could not have been a quorum.

    The last two were the market's rules before, and faults: see
    docs/adr/0009-who-pays-for-a-round-that-most-cannot-train.md.
    """

    OWED = "owed"
    FLAGGED = "flagged"
    UNABLE = "unable"


@dataclass(frozen=True)
class Outcome:
    """What a subset comes to.

    Attributes:
        clouds: what each replica's owner has more, in wei, in the word's order.
        data: the same of the data owner, and `model` of the model owner.
        settled: whether it has a verdict.
    """

    clouds: tuple[int, ...]
    data: int
    model: int
    settled: bool


def flags_of(word: str) -> int:
    """How many replicas would flag."""
    return word.count(UNREAD) + word.count(FLAGS)


def flagged_out(words: tuple[str, ...]) -> bool:
    """Whether a round is over by its flags: more than half of its jobs."""
    return 2 * sum(map(flags_of, words)) > sum(map(len, words))


def outcome(setting: Setting, word: str, *, out: bool, rule: Rule = Rule.OWED) -> Outcome:
    """Of a subset in a round that is flagged out, or is not.

    Whoever trained settles if enough agree with it, so nobody can keep a subset from its verdict.
    """
    agreed = None if out else _agreed(word, _needed(setting, len(word)))
    return _void(setting, word, out, rule) if agreed is None else _settled(setting, word, agreed)


def _needed(setting: Setting, assigned: int) -> int:
    return max(_majority(assigned), min(setting.quorum, assigned))


def _majority(assigned: int) -> int:
    return assigned // 2 + 1


def _agreed(word: str, needed: int) -> str | None:
    """The digest that enough reports open to: the letter of its data, or of those that lie alike."""
    digests: tuple[str, ...] = (*DATA, ALIKE.upper())
    return next((digest for digest in digests if word.upper().count(digest) >= needed), None)


def _settled(setting: Setting, word: str, digest: str) -> Outcome:
    terms = setting.terms
    agreeing = word.upper().count(digest)
    faulty = sum(_reports(letter) for letter in word) - agreeing
    taken = faulty * (terms.instance_bond - terms.job_price)
    bonus = taken // agreeing
    share = terms.round_price // setting.subsets_per_round
    forfeited = faulty * terms.job_price + word.count(SILENT) * terms.miss_penalty + taken - bonus * agreeing
    clouds = tuple(
        terms.job_price + bonus
        if letter.upper() == digest
        else -terms.instance_bond
        if _reports(letter)
        else -terms.miss_penalty
        if letter == SILENT
        else 0
        for letter in word
    )
    return Outcome(clouds, share, forfeited - share - terms.job_price * agreeing, settled=True)


def _void(setting: Setting, word: str, out: bool, rule: Rule) -> Outcome:
    terms = setting.terms
    reports = sum(_reports(letter) for letter in word)
    paid = reports > 0 and (out or _pays(setting, word, rule))
    price = terms.job_price if paid else 0
    fine = 0 if out else terms.miss_penalty
    clouds = tuple(price if _reports(letter) else -fine if letter == SILENT else 0 for letter in word)
    share = terms.round_price // setting.subsets_per_round + price * (len(word) - reports) if paid else 0
    return Outcome(clouds, share, -share - sum(clouds), settled=False)


def _pays(setting: Setting, word: str, rule: Rule) -> bool:
    flags, assigned = flags_of(word), len(word)
    if rule is Rule.UNABLE:
        return flags > 0 and assigned - flags < _needed(setting, assigned)
    return flags > 0 or (rule is Rule.OWED and setting.quorum > _majority(assigned))


def _reports(letter: str) -> bool:
    return letter.upper() in DATA or letter in (ALIKE, ALONE)
