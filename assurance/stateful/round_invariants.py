"""A second opinion on every draw, verdict and payment, formed from a couple's own events alone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from agents.core import events as e
from agents.core.enums import JobStatus as J
from agents.core.hashing import training_receipt
from agents.core.ids import Address, DatasetId, InstanceId, subset_of
from assurance.stateful.participants import digest_of
from testing.fake_market import FakeMarket


class BrokenError(AssertionError):
    """A property does not hold."""


def hold(condition: bool, what: str) -> None:
    """Raises BrokenError unless ``condition``."""
    if not condition:
        raise BrokenError(what)


@dataclass
class RoundInvariants:
    """What one couple's open round is about.

    Attributes:
        epoch: the subsets drawn since all were last available.
        assigned: the instances that are asked to train, each with its cloud owner.
        answers: what those reported that did; None for a flag.
        judged: the verdicts since the last subset was settled or void.
    """

    terms: e.DatasetTerms
    request: e.CoupleRequested
    epoch: int = 0
    draws: int = 0
    assigned: dict[InstanceId, Address] = field(default_factory=dict)
    answers: dict[InstanceId, e.JobReported | None] = field(default_factory=dict)
    judged: dict[InstanceId, e.JobJudged] = field(default_factory=dict)
    flagged_out: bool = False

    @property
    def ds(self) -> DatasetId:
        """The couple's dataset."""
        return self.request.ds

    def begin(self, draw: e.RoundDrawn, pool: list[tuple[InstanceId, Address]]) -> None:
        """A round is drawn: no subset twice in an epoch, as many as asked, all in ceil(m / k) rounds."""
        drawn, left = draw.drawn, self.terms.subsets - self.epoch.bit_count()
        hold(drawn >> self.terms.subsets == 0, f"drew {drawn:b} of {self.terms.subsets} subsets")
        hold(drawn & self.epoch == 0, f"drew {drawn:b} after {self.epoch:b} in one epoch")
        hold(drawn.bit_count() == min(self.terms.subsets_per_round, left), f"drew {drawn:b} with {left} left")
        self.epoch, self.draws = self.epoch | drawn, self.draws + 1
        hold(self.draws <= -(-self.terms.subsets // self.terms.subsets_per_round), "an epoch is too long")
        if self.epoch.bit_count() == self.terms.subsets:
            self.epoch = self.draws = 0
        self.assigned = {ci: co for ci, co in pool if drawn >> subset_of(ci) & 1}
        self.answers, self.flagged_out = {}, False
        hold(draw.jobs == len(self.assigned), f"{draw.jobs} jobs for {len(self.assigned)} instances")

    def observe(self, event: e.MarketEvent, gone: Collection[InstanceId]) -> None:
        """An answer, a verdict, or the end of a subset.

        Args:
            gone: instances that have been released, as can be if nobody ends an overdue round for long.
        """
        if isinstance(event, e.JobReported | e.JobFlagged):
            hold(self.assigned.get(event.ci) == event.cloud_owner, f"{event.ci:x} answered unasked")
            hold(event.ci not in self.answers, f"{event.ci:x} answered twice")
            self.answers[event.ci] = event if isinstance(event, e.JobReported) else None
        elif isinstance(event, e.RoundVoided):
            flags = sum(answer is None for answer in self.answers.values())
            hold(2 * flags > len(self.assigned), f"flagged out by {flags} of {len(self.assigned)}")
            self.flagged_out = True
        elif isinstance(event, e.JobJudged):
            hold(
                event.ci in self.assigned and event.ci not in self.judged, f"{event.ci:x} judged out of turn"
            )
            self.judged[event.ci] = event
        elif isinstance(event, e.SubsetSettled):
            self._settled(event)
        elif isinstance(event, e.SubsetVoided):
            self._void(event, gone)

    def _settled(self, event: e.SubsetSettled) -> None:
        asked = self._asked(event.subset)
        expected = {ci: self._verdict(ci, event.digest) for ci in asked}
        verdicts = {ci: self.judged[ci].verdict if ci in self.judged else J.FLAGGED for ci in asked}
        hold(verdicts == expected, f"verdicts are {verdicts}, should be {expected}")
        agreeing = sum(verdict is J.ACCEPTED for verdict in expected.values())
        hold(agreeing >= self._quorum(len(asked)), f"paid {agreeing} of {len(asked)} without a quorum")
        truth = digest_of(event.tc, event.round, event.subset)
        honest = {ci for ci in asked if self._verdict(ci, truth) is J.ACCEPTED}
        slashed = {ci for ci in honest if expected[ci] is not J.ACCEPTED}
        majority = 2 * len(honest) > len(asked)
        hold(not (slashed and majority), "honest reporters were slashed though most were honest")
        self._end(event.subset)

    def _void(self, event: e.SubsetVoided, gone: Collection[InstanceId]) -> None:
        asked = [ci for ci in self._asked(event.subset) if ci not in gone]
        flagged = any(ci in self.answers and self.answers[ci] is None for ci in asked)
        owed = self.flagged_out or flagged or self.request.quorum > len(asked) // 2 + 1
        paid = {ci for ci in asked if self.answers.get(ci)} if owed else set()
        silent = set() if self.flagged_out else {ci for ci in asked if ci not in self.answers}
        for ci, judgement in self.judged.items():
            hold(
                judgement.verdict is (J.VOID if ci in paid else J.MISSED), f"{ci:x} is {judgement.verdict!r}"
            )
            hold(
                judgement.verdict is J.MISSED or judgement.amount == self.terms.job_price,
                "a void job's price",
            )
        expected = paid | silent
        hold(self.judged.keys() == expected, f"void, but judged {[*self.judged]}, not {[*expected]}")
        self._end(event.subset)

    def _verdict(self, ci: InstanceId, digest: bytes) -> J:
        """What the answer of an instance is worth, if ``digest`` is what there was to train."""
        if ci not in self.answers:
            return J.MISSED
        report = self.answers[ci]
        if report is None:
            return J.FLAGGED
        domain, co = FakeMarket.domain, self.assigned[ci]
        opened = training_receipt(domain, report.tc, report.round, ci, co, digest, report.nonce)
        return J.ACCEPTED if opened == report.hash else J.FAULTY

    def _asked(self, subset: int) -> list[InstanceId]:
        return [ci for ci in self.assigned if subset_of(ci) == subset]

    def _quorum(self, asked: int) -> int:
        return max(asked // 2 + 1, min(self.request.quorum, asked))

    def _end(self, subset: int) -> None:
        stray = [ci for ci in self.judged if subset_of(ci) != subset]
        hold(not stray, f"judged {stray} with subset {subset}")
        self.judged.clear()
