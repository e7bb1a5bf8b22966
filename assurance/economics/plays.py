"""Every departure from honest play that is measured, and what it comes to beside honest play."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import cache

from agents.roles.acts import Identity
from assurance.economics import strategies as s
from assurance.economics.game import Game
from assurance.economics.setting import Setting


class Verdict(StrEnum):
    """What a departure is to whoever departs, beside honest play against the same others."""

    WORSE = "worse"
    EQUAL = "equal"
    PAYS = "pays"


@dataclass(frozen=True)
class Play:
    """A departure.

    Attributes:
        role: who departs: CO, MO, DO, or CO+MO and the like if they are one.
        clouds: how cloud owners play, by number; the first three hold subset 0.
        among: what is otherwise than by default, for honest play too; so is how the `world`'s MO plays.
        asks: what is otherwise for the departure alone.
        expected: with the default terms.
        why: it pays, or is no worse.
    """

    role: str
    name: str
    clouds: Mapping[int, s.Cloud] = field(default_factory=dict)
    data: s.Data | None = None
    model: s.Model | None = None
    world: s.Model | None = None
    among: Mapping[str, int] = field(default_factory=dict)
    asks: Mapping[str, int] = field(default_factory=dict)
    expected: Verdict = Verdict.WORSE
    why: str = ""


_PAYS, _EQUAL = Verdict.PAYS, Verdict.EQUAL
_LIARS = {0: s.Lies(), 1: s.Lies()}

PLAYS: tuple[Play, ...] = (
    Play("CO", "makes the result up", {0: s.Lies()}),
    Play("CO", "copies another's receipt", {0: s.Copies()}),
    Play("CO", "is silent, never trains", {0: s.Silent()}),
    Play("CO", "waits for the digest, to copy it", {0: s.Waits()}),
    Play("CO", "flags always", {0: s.Flags()}),
    Play("CO", "leaves when it is drawn", {0: s.Leaves()}),
    Play(
        "CO",
        "keeps the result from the MO",
        {0: s.Withholds()},
        expected=_EQUAL,
        why="any one replica delivers",
    ),
    Play(
        "CO",
        "makes a result up where it cannot read",
        {0: s.Invents()},
        world=s.ShowsNobody(),
        expected=_PAYS,
        why="who reported is paid unheard once the others flag",
    ),
    Play("2 CO", "two of five replicas lie", _LIARS, among={"replicas": 5}),
    Play(
        "2 CO",
        "two of three replicas, one trains",
        {1: s.Twin()},
        expected=_PAYS,
        why="a training is saved; the market cannot tell addresses from owners",
    ),
    Play(
        "2 CO",
        "two of three replicas lie",
        _LIARS,
        expected=_PAYS,
        why="a majority: the assumption is broken",
    ),
    Play("MO", "never starts", model=s.NeverStarts()),
    Play(
        "MO",
        "never settles",
        model=s.NeverSettles(),
        expected=_PAYS,
        why="the COs settle: it saves the gas, and waits half a settle window each round",
    ),
    Play("MO", "stops after a round", model=s.Stops()),
    Play("MO", "shows its weights to nobody", model=s.ShowsNobody()),
    Play(
        "MO",
        "shows its weights to one CO a subset",
        model=s.ShowsOne(),
        expected=_PAYS,
        why="it pays the whole price, and saves the gas of settling",
    ),
    Play(
        "MO",
        "the same in one subset a round",
        model=s.BlocksOne(),
        expected=_PAYS,
        why="as above, in that subset",
    ),
    Play("MO+CO", "asks for all, its CO lies; DO's policy", {0: s.Lies()}, asks={"quorum": 3}),
    Play(
        "MO+CO",
        "asks for all, its CO lies; DO lets it",
        {0: s.Lies()},
        asks={"quorum": 3, "max_quorum": 3},
        expected=_PAYS,
        why="subset 0 is void each time, and its results are had for nothing",
    ),
    Play("DO", "withholds its first seed", data=s.Withdraws(1)),
    Play("DO", "withholds after a draw it dislikes", data=s.Withdraws(3)),
    Play("DO", "rejects honest COs", data=s.Rejects()),
    Play("DO", "never verifies", data=s.NeverVerifies()),
    Play("DO", "retires a CO a subset in mid-couple", data=s.Retires()),
    Play("anyone", "settles and releases in others' place"),
    Play("anyone", "ends a couple in the DO's place", world=s.NeverStarts()),
    Play(
        "DO+2 CO", "names sybils, who lie", _LIARS, expected=_PAYS, why="a majority: the assumption is broken"
    ),
)


@dataclass(frozen=True)
class Result:
    """What a play came to, in wei a round; means over seeds.

    Attributes:
        gains: of whoever departs, over honest play; a seed each.
        others: what data owner, model owner and the other cloud owners have more than with honest play.
    """

    play: Play
    payoff: Fraction
    honest: Fraction
    others: Mapping[str, Fraction]
    gains: tuple[Fraction, ...]

    @property
    def gain(self) -> Fraction:
        """Of whoever departs, over honest play."""
        return self.payoff - self.honest

    @property
    def verdict(self) -> Verdict:
        """By the mean."""
        return _verdict(self.gain)

    @property
    def agreeing(self) -> int:
        """With how many seeds the verdict is the same by their own gain."""
        return sum(_verdict(gain) is self.verdict for gain in self.gains)

    @property
    def damage(self) -> Fraction:
        """What those who lose by it lose."""
        return -sum((change for change in self.others.values() if change < 0), Fraction(0))

    @property
    def griefing(self) -> Fraction | None:
        """What the others lose for each wei that the attacker loses; None if it loses none."""
        return self.damage / -self.gain if self.gain < 0 else None


def _verdict(gain: Fraction) -> Verdict:
    if gain == 0:
        return Verdict.EQUAL
    return Verdict.PAYS if gain > 0 else Verdict.WORSE


def measure(play: Play, setting: Setting, seeds: Iterable[int] = (0,)) -> Result:
    """Plays a departure, and honest play against the same others, on the market."""
    honest_setting = setting.but(**play.among)
    bent_setting = honest_setting.but(**play.asks)
    payoffs, honests, others = [], [], []
    for seed in seeds:
        model, outsider = play.model or play.world, play.role == "anyone"
        bent = Game(bent_setting, dict(play.clouds), play.data, model, outsider=outsider, seed=seed).play()
        honest = _honest(honest_setting, tuple(play.clouds), play.world, seed)
        actors = _actors(play)
        payoffs.append(bent.payoff(*actors(bent)))
        honests.append(honest.payoff(*actors(honest)))
        others.append(_changes(bent, honest, actors))
    scale = len(payoffs) * setting.rounds
    return Result(
        play,
        Fraction(sum(payoffs), scale),
        Fraction(sum(honests), scale),
        {who: Fraction(sum(change[who] for change in others), scale) for who in others[0]},
        tuple(Fraction(ours - theirs, setting.rounds) for ours, theirs in zip(payoffs, honests, strict=True)),
    )


@cache
def _honest(setting: Setting, numbers: tuple[int, ...], world: s.Model | None, seed: int) -> Game:
    """A game in which these cloud owners and the data owner are honest; the `world` says how the MO plays."""
    return Game(setting, {number: s.Cloud() for number in numbers}, None, world, seed=seed).play()


def _actors(play: Play) -> Callable[[Game], list[Identity]]:
    """Who departs, together."""

    def actors(game: Game) -> list[Identity]:
        if play.role == "anyone":
            return [game.stranger]
        numbers = (0, 1) if "2 CO" in play.role else (0,)
        clouds = [game.cos[number] for number in numbers] if "CO" in play.role else []
        return [
            *([game.do] if "DO" in play.role else []),
            *([game.mo] if "MO" in play.role else []),
            *clouds,
        ]

    return actors


def _changes(bent: Game, honest: Game, actors: Callable[[Game], list[Identity]]) -> dict[str, int]:
    """By role, what those who do not depart have more than with honest play."""
    acting = {actor.address for actor in actors(bent)}
    groups = {"DO": [bent.do], "MO": [bent.mo], "CO": bent.cos}
    return {
        role: sum(bent.payoff(who) - honest.payoff(who) for who in group if who.address not in acting)
        for role, group in groups.items()
    }
