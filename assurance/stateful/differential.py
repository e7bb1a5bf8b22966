"""Differential testing: a market that is given a scenario's calls has to answer each as its model does.

Where `assurance.stateful.play` wanders, a scenario goes straight to what is rare; what is compared is
the same: every event, every refusal with its arguments, and the views.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

from eth_abi.abi import decode
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector

from agents.audit.live import Expected, expected_views
from agents.chain import views
from agents.chain.codec import Entry
from agents.chain.views import View
from agents.core.calls import Call
from agents.core.enums import CouplePhase, JobStatus
from agents.core.errors import Refused
from agents.core.events import MarketEvent
from agents.core.ids import Address, CoupleId, DatasetId, InstanceId, ModelId
from assurance.stateful.round_invariants import hold
from testing.evm import Evm, abi
from testing.fake_market import FakeMarket

_DOMAIN: View[bytes] = View("receiptDomain", (), bytes)
_NO_COUPLE = views.TrainCouple(
    DatasetId(0), ModelId(0), CouplePhase.NONE, *(0,) * 9, bytes(32), bytes(32), 0, 0
)
_NO_JOB = views.TrainJob(bytes(27), 0, JobStatus.IDLE)

_FEW, _SOMETIMES = 20, 100
"""With more than a few instances the views are compared only sometimes, each so many calls."""


class DifferentialEvm(Evm):
    """A market that answers as its model does, or raises BrokenError."""

    def __init__(self, code: bytes | None = None) -> None:
        super().__init__(code)
        self.model = FakeMarket(self.now)
        self._sent = 0
        self._compared: dict[object, tuple[bytes, object]] = {}

    def send(self, sender: Address, call: Call) -> list[MarketEvent]:
        self.model.now = self.now
        theirs, ours = self._theirs(sender, call), self._ours(sender, call)
        hold(_told(theirs) == _told(ours), f"{call.function}: {_told(theirs)}, the model: {_told(ours)}")
        self._sent += 1
        if len(self.model.mirror.instances) <= _FEW or self._sent % _SOMETIMES == 0:
            self.compare()
        if isinstance(theirs, Refused):
            raise theirs
        return theirs

    def compare(self) -> None:
        """Holds that every view says what the model says."""
        for what, view, ours in self._expected():
            raw = self.ask(view)
            if self._compared.get(view) != (raw, ours):
                theirs = self.answer(view, raw)
                hold(theirs == ours, f"{what}: {view.function} says {theirs}, the model {ours}")
                self._compared[view] = raw, ours

    def _expected(self) -> Iterator[Expected]:
        mirror = self.model.mirror
        yield from expected_views(mirror, self.now)
        for couple in mirror.couples.values():
            yield f"{couple.id:x}", views.phase_of(couple.id), mirror.phase_of(couple, self.now)
        yield "market", _DOMAIN, self.model.domain
        yield "market", views.train_couple(CoupleId(1)), _NO_COUPLE
        yield "market", views.train_job(CoupleId(1), InstanceId(1)), _NO_JOB

    def _theirs(self, sender: Address, call: Call) -> list[MarketEvent] | Refused:
        try:
            return super().send(sender, call)
        except Refused as refused:
            return refused

    def _ours(self, sender: Address, call: Call) -> list[MarketEvent] | Refused:
        bundle = [call]
        if call.function == "multicall":
            (parts,) = call.arguments
            assert isinstance(parts, list)
            bundle = [_decoded(part) for part in parts]
        try:
            return self.model.send_all(sender, bundle)
        except Refused as refused:
            return refused


def _told(answer: Sequence[MarketEvent] | Refused) -> object:
    return (answer.error, *answer.arguments) if isinstance(answer, Refused) else answer


def _decoded(data: bytes) -> Call:
    """The call that a multicall takes as bytes."""
    entry = _functions()[data[:4]]
    types = [collapse_if_tuple(dict(parameter)) for parameter in entry["inputs"]]
    return Call(entry["name"], decode(types, data[4:]))


@cache
def _functions() -> dict[bytes, Entry]:
    functions = (entry for entry in abi() if entry["type"] == "function")
    return {bytes(function_abi_to_4byte_selector(entry)): entry for entry in functions}  # type: ignore[arg-type]
