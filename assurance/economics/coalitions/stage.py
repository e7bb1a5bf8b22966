"""A round as a search found it, played on the market itself: does everybody have what was worked out?"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from agents.core.enums import CouplePhase as Phase
from agents.core.errors import Refused
from agents.core.ids import InstanceId, subset_of
from agents.roles.acts import Identity
from assurance.economics.coalitions.answers import (
    ALONE,
    DATA,
    FLAGS,
    LATE,
    SILENT,
    UNREAD,
    Outcome,
    Rule,
    flagged_out,
    outcome,
)
from assurance.economics.setting import DEPOSIT, Setting
from testing.backend import MARKET
from testing.couple_steps import FORGED
from testing.evm import Evm
from testing.evm_script import EvmScript
from testing.script import data_digest, identity

OUT_OF_TURN = "Training_WrongPhase"
NO_QUORUM = "Settlement_NoQuorum"


class DisagreementError(AssertionError):
    """The market does not do what was worked out."""


class Stage(EvmScript):
    """A market with one couple in its first round, in which all subsets are drawn.

    Args:
        places: of each subset, if more than replicas hold one.
        code: what deploys the market, if it is another than the market as it is.
    """

    def __init__(
        self, setting: Setting, words: tuple[str, ...], places: int = 0, code: bytes | None = None
    ) -> None:
        super().__init__(Evm(code), setting.replicas, 1, setting.quorum)
        terms = setting.dataset_terms
        self.terms = replace(terms, max_replicas=max(places, terms.max_replicas))
        self.balance, self.words = DEPOSIT, words
        self.cos = [identity(f"cloud owner {number}") for number in range(setting.replicas)]

    def play(self) -> dict[str, int]:
        """Plays the round; returns what do, mo, co0, co1, ... have more than before it, in wei.

        Raises:
            DisagreementError: a subset has a verdict that it should not have, or cannot be played so.
        """
        self.open_all()
        before = self.wealth()
        self.start()
        self.draw()
        self._answer()
        if self.phase is Phase.SETTLING:
            self._settle()
        if self.phase in (Phase.SETTLING, Phase.OVERDUE):
            self.close()
        after = self.wealth()
        if sum(after.values()) != self.evm.balance(MARKET):
            raise DisagreementError(f"{self.words}: {after} is not what the market holds")
        return {who: after[who] - had for who, had in before.items()}

    def coins(self, member: Identity) -> int:
        return int(self.evm.view("balanceOf", member.address, hint=int))

    # --- how it comes to a round ---

    def open_all(self) -> None:
        """All join before anybody is vouched for, so that no honest one has seen what the others hold."""
        self.register()
        self.offer()
        self.name()
        for ci in self._all():
            self.join(ci, self.data_of(ci))
        self.verify(*self._all())
        self.request()
        self.approve()

    def _all(self) -> list[InstanceId]:
        return [ci for subset in range(self.terms.subsets) for ci in self.cis(subset)]

    def data_of(self, ci: InstanceId) -> bytes:
        """What an instance holds, as the digest of it."""
        letter = self._letter(ci).upper()
        right = data_digest(subset_of(ci))
        return sha256(letter.encode() + right).digest() if letter in DATA[1:] else right

    def _letter(self, ci: InstanceId) -> str:
        subset = subset_of(ci)
        return self.words[subset][self.cis(subset).index(ci)]

    # --- answers and verdicts ---

    def _answer(self) -> None:
        """Reports first, flags after them, and what comes too late last."""
        letters = {ci: self._letter(ci) for ci in self._all()}
        for ci, letter in letters.items():
            if letter not in (LATE, UNREAD, FLAGS, SILENT):
                self.report(ci, self._digest(ci))
        for ci, letter in letters.items():
            if letter in (UNREAD, FLAGS) and self.phase is Phase.TRAINING:
                self.flag(ci)
        for ci, letter in letters.items():
            if letter == LATE:
                self._is_late(ci)
        if self.phase is Phase.TRAINING:
            self.outlive_reporting()

    def _digest(self, ci: InstanceId) -> bytes:
        letter = self._letter(ci)
        if letter == ALONE:
            return sha256(b"made up for %d" % ci).digest()
        return self._result(subset_of(ci), letter.upper())

    def _result(self, subset: int, letter: str) -> bytes:
        """What training on the data of a letter gives, or the lie that is told alike."""
        if letter == DATA[0]:
            return self.model_digest(subset)
        return sha256(letter.encode() + self.model_digest(subset)).digest() if letter in DATA else FORGED

    def _is_late(self, ci: InstanceId) -> None:
        try:
            self.report(ci)
        except Refused as refused:
            if refused.error == OUT_OF_TURN:
                return
        raise DisagreementError(f"{self.words}: a report after the last flag was taken")

    def _settle(self) -> None:
        """Somebody tries each digest that anybody reported; what settles, settles."""
        for subset in self.pending:
            for letter in sorted(set(self.words[subset].upper()) & {*DATA, "F"}):
                try:
                    self.settle(subset, self._result(subset, letter), by=self.stranger)
                    break
                except Refused as refused:
                    if refused.error != NO_QUORUM:
                        raise


def worked_out(setting: Setting, words: tuple[str, ...], rule: Rule = Rule.OWED) -> dict[str, int]:
    """What `Stage.play` has to return by what was worked out."""
    out = flagged_out(words)
    results: list[Outcome] = [outcome(setting, word, out=out, rule=rule) for word in words]
    by_place = zip(*(result.clouds for result in results), strict=True)
    return {
        "do": sum(result.data for result in results),
        "mo": sum(result.model for result in results),
        **{f"co{number}": sum(coins) for number, coins in enumerate(by_place)},
    }


def play_out(setting: Setting, words: tuple[str, ...]) -> None:
    """Plays a round on the market; one that is not drawn needs no proof.

    Raises:
        DisagreementError: somebody has more or less than was worked out.
    """
    if not words:
        return
    size = len(words)
    shaped = setting.but(replicas=len(words[0]), subsets=size, subsets_per_round=size, rounds=1)
    played, due = Stage(shaped, words).play(), worked_out(shaped, words)
    if played != due:
        raise DisagreementError(f"{words}: {played} instead of {due}")
