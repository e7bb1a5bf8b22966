"""Events told in words, one line each."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.core import events as e
from agents.core.enums import JobStatus
from agents.core.escaping import printable
from agents.core.hashing import set_bits
from agents.core.ids import Address, InstanceId, subset_of
from agents.core.market import PAID, Market
from agents.report.words import coins


def narrate(event: e.MarketEvent, market: Market, names: Mapping[Address, str]) -> str:
    """What an event says, for people: one line, whatever is in a name or in a string of the event.

    Args:
        event: just applied to `market`.
        market: the mirror.
        names: of the members.
    """

    def who(address: Address) -> str:
        return names.get(address, address[:10])

    def of(ci: InstanceId) -> str:
        return who(market.instances[ci].cloud_owner)

    return printable(_told(event, market, who, of))


def _told(
    event: e.MarketEvent,
    market: Market,
    who: Callable[[Address], str],
    of: Callable[[InstanceId], str],
) -> str:
    match event:
        case e.Deposited():
            return f"{who(event.account)} pays in {coins(event.amount)}"
        case e.Withdrawn():
            return f"{who(event.account)} takes out {coins(event.amount)}"
        case e.MemberCreated():
            return f"{who(event.member)} joins the market"
        case e.DatasetCreated():
            terms = event.terms
            return (
                f"{who(event.data_owner)} offers a dataset: {terms.subsets} subsets, "
                f"{terms.subsets_per_round} drawn a round, up to {terms.max_replicas} replicas"
            )
        case e.InstanceCreated():
            return f"{who(event.cloud_owner)} is named for a replica of subset {subset_of(event.ci)}"
        case e.InstanceJoined():
            return f"{who(event.cloud_owner)} declares that it holds subset {subset_of(event.ci)}"
        case e.InstanceRefused():
            return f"{who(event.cloud_owner)} refuses subset {subset_of(event.ci)}"
        case e.InstanceVerified():
            return f"{of(event.ci)} is verified for subset {subset_of(event.ci)}"
        case e.InstanceRejected():
            return f"{of(event.ci)} is REJECTED: its receipt does not open to subset {subset_of(event.ci)}"
        case e.InstanceRetiring():
            return f"{of(event.ci)} leaves the pool"
        case e.InstanceRetired():
            return f"{of(event.ci)} is released with {coins(event.bond)}"
        case _:
            return _training(event, market, who, of)


def _training(
    event: e.MarketEvent,
    market: Market,
    who: Callable[[Address], str],
    of: Callable[[InstanceId], str],
) -> str:
    match event:
        case e.ModelCreated():
            return f"{who(event.model_owner)} publishes the plan of a {event.model_type} model"
        case e.CoupleRequested():
            return (
                f"{who(event.model_owner)} asks to train up to {event.max_rounds} rounds "
                f"and locks {coins(event.escrow)}"
            )
        case e.CoupleApproved():
            return f"{who(event.data_owner)} approves"
        case e.CoupleDeclined():
            return f"{who(event.data_owner)} declines"
        case e.CoupleCancelled():
            return f"{who(event.by)} cancels the request"
        case e.RoundStarted():
            given = _given(event, market)
            return f"round {event.round}: {who(event.model_owner)} opens its seed and publishes {given}"
        case e.RoundDrawn():
            drawn = ", ".join(map(str, set_bits(event.drawn)))
            return f"round {event.round}: subsets {drawn} are drawn, {event.jobs} replicas train"
        case e.JobReported():
            rem = market.couples[event.tc].rem
            return f"round {event.round}: {who(event.cloud_owner)} reports (rem {rem})"
        case e.JobFlagged():
            reason = event.reason.name.lower().replace("_", " ")
            return f"round {event.round}: {who(event.cloud_owner)} flags: {reason}"
        case e.RoundVoided():
            return f"round {event.round} is void: more than half of its jobs were flagged"
        case e.JobJudged():
            return f"round {event.round}: {of(event.ci)} {_verdict(event)}"
        case e.SubsetSettled():
            return f"round {event.round}: subset {event.subset} is settled by {who(event.settler)}"
        case e.SubsetVoided():
            return f"round {event.round}: subset {event.subset} is void: nobody settled it"
        case e.RoundClosed():
            return f"round {event.round} is closed"
        case e.CoupleAborted():
            return "the data owner withheld its seed: its bond is the model owner's"
        case e.CoupleCompleted():
            return f"training is over: {coins(event.refund)} of the escrow come back"
        case _:
            raise TypeError(f"no words for {event!r}")


def _given(event: e.RoundStarted, market: Market) -> str:
    """What the cloud owners are given to train on."""
    couple = market.couples[event.tc]
    if not market.models[couple.mod].model_type.startswith("encrypted-"):
        return "the weights"
    last = couple.rounds.get(event.round - 1)
    again = last is not None and last.model_hash == event.model_hash
    return "the same encrypted weights again" if again else "encrypted weights"


def _verdict(event: e.JobJudged) -> str:
    if event.verdict is JobStatus.ACCEPTED:
        return f"is paid {coins(event.amount)}"
    if event.verdict is JobStatus.VOID:
        return f"is paid {coins(event.amount)}: too many others flagged for a verdict"
    crime = "reported a model that nobody else got" if event.verdict is JobStatus.FAULTY else "stayed silent"
    return f"{crime} and LOSES {coins(event.amount)}"


def is_bad_news(event: e.MarketEvent) -> bool:
    """Whether somebody was caught at something."""
    return isinstance(event, e.InstanceRejected | e.RoundVoided | e.CoupleAborted | e.SubsetVoided) or (
        isinstance(event, e.JobJudged) and event.verdict not in PAID
    )
