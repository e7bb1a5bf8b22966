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
class Departure:
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
    clouds: Mapping[int, s.CloudStrategy] = field(default_factory=dict)
    data: s.DataStrategy | None = None
    model: s.ModelStrategy | None = None
    world: s.ModelStrategy | None = None
    among: Mapping[str, int] = field(default_factory=dict)
    asks: Mapping[str, int] = field(default_factory=dict)
    expected: Verdict = Verdict.WORSE
    why: str = ""

    def game(self, setting: Setting, seed: int = 0) -> Game:
        """One in which the departure is made, not played yet."""
        model, outsider = self.model or self.world, self.role == "anyone"
        return Game(setting, dict(self.clouds), self.data, model, outsider=outsider, seed=seed)


_PAYS, _EQUAL = Verdict.PAYS, Verdict.EQUAL
_LIARS = {0: s.Lies(), 1: s.Lies()}

DEPARTURES: tuple[Departure, ...] = (
    Departure("CO", "makes the result up", {0: s.Lies()}),
    Departure("CO", "copies another's receipt", {0: s.Copies()}),
    Departure("CO", "is silent, never trains", {0: s.Silent()}),
    Departure("CO", "waits for the digest, to copy it", {0: s.Waits()}),
    Departure("CO", "flags always", {0: s.Flags()}),
    Departure("CO", "leaves when it is drawn", {0: s.Leaves()}),
    Departure(
        "CO",
        "keeps the result from the MO",
        {0: s.Withholds()},
        expected=_EQUAL,
        why="any one replica delivers",
    ),
    Departure(
        "CO",
        "makes a result up where it cannot read",
        {0: s.Invents()},
        world=s.ShowsNobody(),
        expected=_PAYS,
        why="who reported is paid unheard once the others flag",
    ),
    Departure(
        "CO",
        "makes the result up where all must agree",
        {0: s.Lies()},
        among={"quorum": 3, "max_quorum": 3},
        expected=_PAYS,
        why="its subset is void, and who asked for more than a majority pays who reported unheard",
    ),
    Departure("2 CO", "two of five replicas lie", _LIARS, among={"replicas": 5}),
    Departure(
        "2 CO",
        "two of three replicas, one trains",
        {1: s.Twin()},
        expected=_PAYS,
        why="a training is saved; the market cannot tell addresses from owners",
    ),
    Departure(
        "2 CO",
        "two of three replicas lie",
        _LIARS,
        expected=_PAYS,
        why="a majority: the assumption is broken",
    ),
    Departure("MO", "never starts", model=s.NeverStarts()),
    Departure(
        "MO",
        "never settles",
        model=s.NeverSettles(),
        expected=_PAYS,
        why="the COs settle: it saves the gas, and waits half a settle window each round",
    ),
    Departure("MO", "stops after a round", model=s.Stops()),
    Departure("MO", "shows its weights to nobody", model=s.ShowsNobody()),
    Departure(
        "MO",
        "shows its weights to a quorum alone",
        model=s.ShowsQuorum(),
        expected=_PAYS,
        why="it pays for what it asked for: who cannot read has not worked",
    ),
    Departure(
        "MO",
        "shows its weights to one CO a subset",
        model=s.ShowsOne(),
        expected=_PAYS,
        why="it pays the whole price, and saves the gas of settling",
    ),
    Departure(
        "MO",
        "the same in one subset a round",
        model=s.BlocksOne(),
        expected=_PAYS,
        why="as above, in that subset",
    ),
    Departure("MO+CO", "asks for all, its CO lies; DO's policy", {0: s.Lies()}, asks={"quorum": 3}),
    Departure(
        "MO+CO",
        "asks for all, its CO lies; DO lets it",
        {0: s.Lies()},
        asks={"quorum": 3, "max_quorum": 3},
        expected=_PAYS,
        why="it pays the whole price of a void subset, and saves a training and the gas of settling",
    ),
    Departure("DO", "withholds its first seed", data=s.Withdraws(1)),
    Departure("DO", "withholds after a draw it dislikes", data=s.Withdraws(3)),
    Departure("DO", "rejects honest COs", data=s.Rejects()),
    Departure("DO", "never verifies", data=s.NeverVerifies()),
    Departure("DO", "retires a CO a subset in mid-couple", data=s.Retires()),
    Departure("anyone", "settles and releases in others' place"),
    Departure("anyone", "ends a couple in the DO's place", world=s.NeverStarts()),
    Departure(
        "DO+2 CO", "names sybils, who lie", _LIARS, expected=_PAYS, why="a majority: the assumption is broken"
    ),
)


@dataclass(frozen=True)
class DepartureResult:
    """What a departure came to, in wei a round; means over seeds.

    Attributes:
        gains: of whoever departs, over honest play; a seed each.
        others: what data owner, model owner and the other cloud owners have more than with honest play.
    """

    departure: Departure
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


def measure(departure: Departure, setting: Setting, seeds: Iterable[int] = (0,)) -> DepartureResult:
    """Plays a departure, and honest play against the same others, on the market."""
    honest_setting = setting.but(**departure.among)
    bent_setting = honest_setting.but(**departure.asks)
    payoffs, honests, others = [], [], []
    for seed in seeds:
        bent = departure.game(bent_setting, seed).play()
        honest = _honest(honest_setting, tuple(departure.clouds), departure.world, seed)
        actors = _actors(departure)
        payoffs.append(bent.payoff(*actors(bent)))
        honests.append(honest.payoff(*actors(honest)))
        others.append(_changes(bent, honest, actors))
    scale = len(payoffs) * setting.rounds
    return DepartureResult(
        departure,
        Fraction(sum(payoffs), scale),
        Fraction(sum(honests), scale),
        {who: Fraction(sum(change[who] for change in others), scale) for who in others[0]},
        tuple(Fraction(ours - theirs, setting.rounds) for ours, theirs in zip(payoffs, honests, strict=True)),
    )


@cache
def _honest(setting: Setting, numbers: tuple[int, ...], world: s.ModelStrategy | None, seed: int) -> Game:
    """A game in which these cloud owners and the data owner are honest; the `world` says how the MO plays."""
    return Game(setting, {number: s.CloudStrategy() for number in numbers}, None, world, seed=seed).play()


def _actors(departure: Departure) -> Callable[[Game], list[Identity]]:
    """Who departs, together."""

    def actors(game: Game) -> list[Identity]:
        if departure.role == "anyone":
            return [game.stranger]
        numbers = (0, 1) if "2 CO" in departure.role else (0,)
        clouds = [game.cos[number] for number in numbers] if "CO" in departure.role else []
        return [
            *([game.do] if "DO" in departure.role else []),
            *([game.mo] if "MO" in departure.role else []),
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
