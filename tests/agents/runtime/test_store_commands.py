"""`holdfast store`: are own objects there, what is done with, and who needs what leave.

Rules: V18, V19, V20.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from agents import cli
from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.chain.wallet import Wallet
from agents.commands import store as store_commands
from agents.core import calls
from agents.core.enums import CouplePhase as Phase
from agents.core.errors import BadInput
from agents.core.events import Logged
from agents.roles.results import PublishedWeights
from agents.roles.tasks.model_owner import weights_key
from agents.storage.files import Home
from agents.storage.journal import Journal
from agents.vault.local_store import LocalStore
from agents.vault.own_objects import OwnObjects
from agents.vault.store import ObjectId
from testing.script import Script


@dataclass(frozen=True)
class Member:
    """A home with a wallet and a store in a folder."""

    home: Path
    store: LocalStore
    own: OwnObjects

    def run(self, capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
        where = ("--home", self.home, "--store", self.home.parent / "store")
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in ("store", *words, *where)])
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err


@pytest.fixture
def member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Member:
    monkeypatch.setattr(Wallet, "address_in", lambda _: Script().mo.address)
    store, home = LocalStore(tmp_path / "store"), Home(tmp_path / "home")
    own = OwnObjects(home, store, bytes.fromhex(Script().mo.address[2:]))
    return Member(home.folder, store, own)


def test_all_is_there(member: Member, capsys: pytest.CaptureFixture[str]) -> None:
    member.own.put(b"weights", "weights/1/0")
    assert member.run(capsys, "check") == (0, "2 own objects, 0 of them are gone for good\n", "")


def test_what_is_gone_is_put_again_if_it_can_be(member: Member, capsys: pytest.CaptureFixture[str]) -> None:
    here = replace(member.own, copies=True).put(b"weights", "weights/1/0")
    lost = member.own.put(b"more", "weights/1/1")
    for object_id in (here, lost):
        member.store.delete(object_id)
    code, said, _ = member.run(capsys, "check")
    assert code == 1
    assert f"put again  {here}  weights/1/0\n" in said
    assert f"GONE       {lost}  weights/1/1\n" in said
    assert said.endswith("3 own objects, 1 of them are gone for good\n")
    assert member.store.get(here) == b"weights"


def test_a_store_that_lost_the_canary_is_told_of_and_has_it_again(
    member: Member, capsys: pytest.CaptureFixture[str]
) -> None:
    member.own.check_canary()
    (canary,) = member.own.all()
    member.store.delete(canary.id)
    code, said, complaint = member.run(capsys, "check")
    assert (code, said.count("put again")) == (0, 1)
    assert "does not give this member's own canary" in complaint
    assert member.store.holds(canary.id)


def test_what_is_done_with_is_told_and_then_deleted(
    member: Member, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script().bring_to(Phase.REQUESTED)
    script.send(script.do, calls.decline_tc(script.tc))
    purpose = weights_key(script.tc, 0)
    old, kept = member.own.put(b"weights", purpose), member.own.put(b"a draft", "plan/77")
    weights = PublishedWeights(hash=b"", location=b"", model=b"", score=0, stop=False, summed=0, missing=())
    journal = Journal(member.home / "journal.sqlite")
    journal.record(purpose, weights)
    journal.close()
    reads(monkeypatch, script.chain.history, script.now + 10)
    keeping = ("--store-keep-seconds", 5)
    line = f"{old}  {purpose}\n"
    told = f"{line}1 objects would be deleted\n"
    assert member.run(capsys, "prune", "--dry-run", *keeping) == (0, told, "")
    assert member.store.holds(old)
    assert member.run(capsys, "prune") == (0, "0 objects are deleted\n", ""), "they are kept for a day"
    assert member.run(capsys, "prune", *keeping) == (0, f"{line}1 objects are deleted\n", "")
    assert (member.store.holds(old), member.store.holds(kept)) == (False, True)
    assert ObjectId.of(b"a draft") == kept


def reads(monkeypatch: pytest.MonkeyPatch, history: list[Logged], now: int) -> None:
    """The chain says this, in two parts, the first of which is taken back."""

    class Stream:
        def __init__(self, *_: object) -> None:
            upto = SimpleNamespace(timestamp=now)
            self.batches = [
                SimpleNamespace(rolled_back=True, events=(), behind=1, upto=upto),
                SimpleNamespace(rolled_back=False, events=history[5:], behind=0, upto=upto),
            ]
            self.known = [history[:3], history[:5]]

        def replay(self) -> list[Logged]:
            return self.known.pop(0)

        def poll(self) -> SimpleNamespace:
            return self.batches.pop(0)

    monkeypatch.setattr(store_commands, "EventStream", Stream)
    monkeypatch.setattr(MarketClient, "connect", lambda *_: None)
    monkeypatch.setattr(Deployment, "load", lambda _: None)


def test_grants_are_a_policy_of_the_bucket(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["store", "grants", "--store", "s3://holdfast/market", "--member", f"0x{'A1' * 20}=arn:alice"]
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert end.value.code in (0, None)
    policy = json.loads(capsys.readouterr().out)
    assert [one["Resource"] for one in policy["Statement"]] == [
        ["arn:aws:s3:::holdfast/market/*"],
        ["arn:aws:s3:::holdfast"],
        [f"arn:aws:s3:::holdfast/market/{'a1' * 20}/*"],
    ]


@pytest.mark.parametrize("text", ["0x12=arn", f"0x{'a1' * 20}", f"0x{'g1' * 20}=arn", "=arn"])
def test_a_member_without_address_or_user_is_refused(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with pytest.raises(SystemExit) as end:
        cli.main(["store", "grants", "--store", "s3://holdfast", "--member", text])
    assert end.value.code == 2
    assert "give an address and a user's ARN" in capsys.readouterr().err


def test_a_wallets_address_is_read_without_its_password(tmp_path: Path) -> None:
    wallet = Wallet.create(tmp_path / "wallet.json", "secret", light=True)
    assert Wallet.address_in(tmp_path / "wallet.json") == wallet.address
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(BadInput, match="does not say whose it is"):
        Wallet.address_in(tmp_path / "other.json")
