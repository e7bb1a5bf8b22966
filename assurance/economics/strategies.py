# ruff: noqa: ARG002 (an honest member or a cheat need not look at what the others have to)
"""How a member plays. The first three classes are honest; each other departs from its own in one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from agents.core import calls
from agents.core.enums import InstanceStatus
from agents.core.errors import Refused
from agents.core.ids import InstanceId, subset_of
from testing.script import FORGED, LOCATION

if TYPE_CHECKING:
    from assurance.economics.game import Game

EARLY, IN_TIME, LATE = 0, 1, 2


class CloudStrategy:
    """An honest cloud owner: trains, reports and delivers, or flags what it cannot read."""

    def turn(self, game: Game, ci: InstanceId) -> int:
        """When it answers: a flag comes last, once there is no hope left of reading the weights."""
        return IN_TIME if game.readable(ci) else LATE

    def answers(self, game: Game, ci: InstanceId) -> None:
        """Its answer to a round."""
        if not game.readable(ci):
            game.flag(ci)
            return
        game.train(ci)
        game.report(ci)
        game.deliver(ci)

    def hears(self, game: Game, ci: InstanceId) -> None:
        """What it does once a digest of its subset is open."""


class DataStrategy:
    """An honest data owner: verifies, approves by its policy, opens its seeds, leaves the pool alone."""

    def verifies(self, game: Game, cis: Sequence[InstanceId]) -> None:
        """Its word on who joined a subset."""
        game.verify(*cis)

    def approves(self, game: Game) -> bool:
        """Whether it lets the couple train; see `agents.roles.data_owner.DataOwner`."""
        return game.quorum <= max(game.terms.max_replicas // 2 + 1, game.setting.max_quorum)

    def draws(self, game: Game) -> bool:
        """Whether it opens its seed."""
        return True

    def between(self, game: Game) -> None:
        """What it does after a round."""


class ModelStrategy:
    """An honest model owner: shows its weights to all, settles, and goes on to the last round.

    Attributes:
        settles: itself; else whoever trained does, later.
        completes: the couple at the end; else it waits until the data owner ends it.
    """

    settles = True
    completes = True

    def goes_on(self, game: Game) -> bool:
        """Whether it starts another round."""
        return True

    def shows(self, game: Game, ci: InstanceId) -> bool:
        """Whether an instance can read the weights."""
        return True


# --- cloud owners ---


class Lies(CloudStrategy):
    """Reports a model that it made up, at once; all that lie make up the same one."""

    def turn(self, game: Game, ci: InstanceId) -> int:
        return EARLY

    def answers(self, game: Game, ci: InstanceId) -> None:
        game.report(ci, FORGED)


class Copies(CloudStrategy):
    """Sends the receipt that another of its subset made."""

    def turn(self, game: Game, ci: InstanceId) -> int:
        return LATE

    def answers(self, game: Game, ci: InstanceId) -> None:
        made = next(
            r for r in game.couple.current.reports.values() if subset_of(r.ci) == subset_of(ci) and r.ci != ci
        )
        copy = calls.update_tj(game.tc, ci, game.couple.round, made.hash, made.nonce, LOCATION)
        game.send(game.owner(ci), copy)


class Silent(CloudStrategy):
    """Does not answer; it joined and never trains."""

    def answers(self, game: Game, ci: InstanceId) -> None:
        pass


class Waits(Silent):
    """Waits for the digest to be opened, to report that; asks the market first, which costs nothing."""

    def hears(self, game: Game, ci: InstanceId) -> None:
        try:
            game.chain.send(game.owner(ci).address, self._late(game, ci))
        except Refused:
            return
        raise AssertionError("a digest that is open was accepted as a report")

    def _late(self, game: Game, ci: InstanceId) -> calls.Call:
        receipt, nonce = game.receipt(ci)
        return calls.update_tj(game.tc, ci, game.couple.round, receipt, nonce, LOCATION)


class Flags(CloudStrategy):
    """Says that it cannot read what it can."""

    def answers(self, game: Game, ci: InstanceId) -> None:
        game.flag(ci)


class Leaves(CloudStrategy):
    """Leaves the pool once it is drawn, without an answer."""

    def answers(self, game: Game, ci: InstanceId) -> None:
        game.send(game.owner(ci), calls.retire_ci(ci))


class Withholds(CloudStrategy):
    """Reports what it trained and lets nobody read it."""

    def answers(self, game: Game, ci: InstanceId) -> None:
        game.train(ci)
        game.report(ci)


class Invents(CloudStrategy):
    """Makes a result up where it cannot read the weights, before others have flagged; else honest."""

    def turn(self, game: Game, ci: InstanceId) -> int:
        return EARLY

    def answers(self, game: Game, ci: InstanceId) -> None:
        if game.readable(ci):
            super().answers(game, ci)
        else:
            game.report(ci, FORGED)


class Twin(CloudStrategy):
    """Has another identity in its subset that trains; reports what that one got."""

    def answers(self, game: Game, ci: InstanceId) -> None:
        game.report(ci)
        game.deliver(ci)


# --- data owners ---


class Withdraws(DataStrategy):
    """Opens its seeds up to a round and withholds that one's: it knows the draw, and does not like it."""

    def __init__(self, round_: int) -> None:
        self.round = round_

    def draws(self, game: Game) -> bool:
        return game.couple.round < self.round


class Rejects(DataStrategy):
    """Rejects whoever joins."""

    def verifies(self, game: Game, cis: Sequence[InstanceId]) -> None:
        game.verify(*cis, ok=False)


class NeverVerifies(DataStrategy):
    """Leaves those who joined waiting."""

    def verifies(self, game: Game, cis: Sequence[InstanceId]) -> None:
        pass


class Retires(DataStrategy):
    """Takes the first replica of each subset that is in the pool out of it after the first round."""

    def between(self, game: Game) -> None:
        if game.couple.round == 1:
            for subset in range(game.terms.subsets):
                pool = [ci for ci in game.cis(subset) if game.instance(ci).status is InstanceStatus.VERIFIED]
                for ci in pool[:1]:
                    game.send(game.do, calls.retire_ci(ci))


# --- model owners ---


class NeverStarts(ModelStrategy):
    """Requests, and is gone."""

    completes = False

    def goes_on(self, game: Game) -> bool:
        return False


class NeverSettles(ModelStrategy):
    """Leaves settling to those who trained."""

    settles = False


class Stops(ModelStrategy):
    """Completes after the first round."""

    def goes_on(self, game: Game) -> bool:
        return game.couple.round < 1


class ShowsNobody(ModelStrategy):
    """Publishes weights that nobody can read."""

    def shows(self, game: Game, ci: InstanceId) -> bool:
        return False


class ShowsQuorum(ModelStrategy):
    """Lets as many replicas of each subset read its weights as can settle it: the first ones."""

    def shows(self, game: Game, ci: InstanceId) -> bool:
        subset = subset_of(ci)
        return ci in game.assigned(subset)[: game.market.quorum_of(game.couple, subset)]


class ShowsOne(ModelStrategy):
    """Lets one replica of each subset read its weights: the first."""

    def shows(self, game: Game, ci: InstanceId) -> bool:
        return game.assigned(subset_of(ci))[0] == ci


class BlocksOne(ModelStrategy):
    """Lets one replica of one drawn subset read its weights, and all of the others."""

    def shows(self, game: Game, ci: InstanceId) -> bool:
        return subset_of(ci) != game.drawn[0] or game.assigned(subset_of(ci))[0] == ci
