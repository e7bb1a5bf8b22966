"""Who is who in a demo."""

from __future__ import annotations

from agents.core.ids import Address
from agents.demo.outcome import Names, Participant


def test_calls_parties_by_name_and_strangers_by_address() -> None:
    known, stranger = Address("0x" + "1" * 40), Address("0x" + "2" * 40)
    names = Names([Participant("City hospital", known)])
    assert names[known].name == "City hospital"
    assert names[stranger].name == "0x2222…2222"
    assert known in names
    assert stranger not in names
