"""A member goes to another machine: what is taken along, and when it is refused.

Rules: A85, A123.
"""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from agents import cli
from agents.chain.client import MarketClient
from agents.chain.database import ChainDatabase
from agents.chain.deployment import Deployment
from agents.chain.fees import FeeLimits
from agents.chain.intents import Intent
from agents.chain.sender import Sender
from agents.chain.waiting import finish, send_and_wait
from agents.chain.wallet import Wallet
from agents.core.calls import retire_ci
from agents.core.errors import BadInput, StopAgent, StorageFailed
from agents.core.ids import InstanceId
from agents.storage import moving
from agents.storage.moving import unpack
from testing.compiler import compiled
from tests.agents.chain.conftest import INTERFACE, MARKET, MULTICALL, Clock
from tests.agents.runtime.test_launch import Bank

PASSWORD = "open sesame"


@pytest.fixture
def bank(monkeypatch: pytest.MonkeyPatch) -> Bank:
    bank = Bank(MARKET)
    monkeypatch.setattr(MarketClient, "connect", lambda _rpc, known, *_, **__: MarketClient.over(bank, known))
    monkeypatch.setenv("HOLDFAST_PASSWORD", PASSWORD)
    return bank


@pytest.fixture
def home(tmp_path: Path) -> Path:
    abi = compiled(INTERFACE, "abi")["contracts"][INTERFACE]["IMarketplace"]["abi"]
    Deployment(1337, MARKET, 1, [*abi, MULTICALL]).save(tmp_path / "market.json")
    home = tmp_path / "old" / "bob"
    Wallet.create(home / "wallet.json", PASSWORD, light=True)
    (home / "subsets").mkdir()
    (home / "subsets" / "ab12").write_bytes(b"rows")
    (home / "agent.toml").write_text(f'deployment = "{home}/deployment.json"\n')
    (home / "deployment.json").write_bytes((tmp_path / "market.json").read_bytes())
    return home


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


def sent(bank: Bank, home: Path) -> None:
    """One transaction of the wallet, by the agent that is at home."""
    deployment = Deployment.load(home / "deployment.json")
    database = ChainDatabase(home / "chain.sqlite")
    sender = Sender(
        MarketClient.over(bank, deployment), Wallet.load(home / "wallet.json", PASSWORD), database
    )
    bank.revert = lambda _: None
    send_and_wait(sender, [retire_ci(InstanceId(bank.blocks[-1].number))], sleep=lambda _: None)
    database.close()


def test_a_member_moves(bank: Bank, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sent(bank, home)
    address, file, new = (
        Wallet.load(home / "wallet.json", PASSWORD).address,
        tmp_path / "bob.home",
        tmp_path / "b",
    )
    assert run(capsys, "home", "export", "--home", home, file)[0] == 0
    assert file.stat().st_mode & 0o777 == 0o600
    code, said, _ = run(capsys, "home", "import", "--home", new, file)
    assert (code, said) == (0, f"{address} is at home in {new}: delete {file}\n")
    assert (new / "subsets" / "ab12").read_bytes() == b"rows"
    assert (new / "agent.toml").read_text() == f'deployment = "{new}/deployment.json"\n'
    assert (new / "wallet.json").read_bytes() == (home / "wallet.json").read_bytes(), "still encrypted"
    assert new.stat().st_mode & 0o777 == 0o700
    assert not (new / "moved").exists()
    assert not list(new.glob("*.lock"))
    assert [path.name for path in tmp_path.glob(".*")] == []
    assert run(capsys, "wallet", "show", "--home", new)[1].startswith(f"address         {address}")
    code, _, wrong = run(capsys, "withdraw", "--home", home)
    assert (code, "was moved to another machine" in wrong) == (2, True)
    sent(bank, new)


def test_a_wallet_that_was_used_since_is_not_imported(
    bank: Bank, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bob.home"
    run(capsys, "home", "export", "--home", home, file)
    sent(bank, home)
    code, _, wrong = run(capsys, "home", "import", "--home", tmp_path / "b", file)
    assert code == 2
    assert "had made 0 transactions when" in wrong
    assert "now 1: the wallet was used since; export its home again" in wrong
    assert not (tmp_path / "b").exists()


def test_a_node_that_is_late_is_told(
    bank: Bank, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent(bank, home)
    run(capsys, "home", "export", "--home", home, tmp_path / "f")
    bank.altered["eth_getTransactionCount"] = lambda _: "0x0"
    assert (
        "has done less, by this node"
        in run(capsys, "home", "import", "--home", tmp_path / "b", tmp_path / "f")[2]
    )


def test_an_agent_that_runs_is_not_exported(
    bank: Bank, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    running = ChainDatabase(home / "chain.sqlite")
    code, _, wrong = run(capsys, "home", "export", "--home", home, tmp_path / "f")
    running.close()
    assert (code, "another agent uses" in wrong) == (2, True), wrong
    assert not (home / "moved").exists()


def test_a_file_that_cannot_be_written_leaves_the_home_as_it_was(
    bank: Bank,
    home: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "there").write_text("other")
    assert (
        "is there already: name another file"
        in run(capsys, "home", "export", "--home", home, tmp_path / "there")[2]
    )
    assert "is in the home itself" in run(capsys, "home", "export", "--home", home, home / "f")[2]
    monkeypatch.setattr(moving, "_add", _full)
    with pytest.raises(StorageFailed, match="No space left"):
        moving.pack(home, {}, tmp_path / "f")
    assert not (tmp_path / "f").exists()
    assert not (home / "moved").exists()


def _full(*_: Any) -> None:
    raise OSError(28, "No space left on device")


def test_what_is_at_the_place_of_a_home_stays(
    bank: Bank, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "home", "export", "--home", home, tmp_path / "f")
    (tmp_path / "empty").mkdir()
    assert run(capsys, "home", "import", "--home", tmp_path / "empty", tmp_path / "f")[0] == 0
    code, _, wrong = run(capsys, "home", "import", "--home", tmp_path / "empty", tmp_path / "f")
    assert (code, "there is something at" in wrong) == (2, True)


@pytest.mark.parametrize("what", ["none", "text", "an archive", "another version"])
def test_refuses_a_file_that_is_no_home(
    bank: Bank, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str
) -> None:
    file = tmp_path / "f"
    if what == "text":
        file.write_text("a text")
    elif what == "an archive":
        with tarfile.open(file, "w") as archive:
            archive.add(home / "wallet.json", "wallet.json")
    elif what == "another version":
        moving.pack(home, {"format": "holdfast-home/9"}, file)
    code, _, wrong = run(capsys, "home", "import", "--home", tmp_path / "b", file)
    assert (code, wrong.count("\n")) == (2, 1)
    assert not (tmp_path / "b").exists()


def test_a_text_in_the_place_of_what_it_says(home: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "f", "w") as archive:
        moving._add(archive, "about.json", b"{")
    with pytest.raises(BadInput, match="is no home that was exported"):
        moving.read_about(tmp_path / "f")
    moving.pack(home, {"a": 1}, tmp_path / "g")
    assert moving.read_about(tmp_path / "g") == json.loads('{"a": 1}')


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("home/../../outside", tarfile.REGTYPE),
        ("home/link", tarfile.SYMTYPE),
        ("home/device", tarfile.CHRTYPE),
    ],
)
def test_nothing_but_files_of_a_home_is_made(tmp_path: Path, name: str, kind: bytes) -> None:
    """Whoever made the file: nothing lies outside the home, and no link leads there."""
    with tarfile.open(tmp_path / "f", "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    with pytest.raises(BadInput, match="is no file of one"):
        unpack(tmp_path / "f", tmp_path / "new" / "home")
    assert not (tmp_path / "new" / "home").exists()
    assert not list(tmp_path.rglob("outside"))


def test_of_two_machines_with_one_wallet_the_second_stops(bank: Bank, home: Path, tmp_path: Path) -> None:
    """A copy that was made by hand, without export: the one that finds the other's transaction ends."""
    client = MarketClient.over(bank, Deployment.load(home / "deployment.json"))
    wallet, clock = Wallet.load(home / "wallet.json", PASSWORD), Clock()
    bank.revert = lambda _: None
    first, second = (
        Sender(client, wallet, ChainDatabase(tmp_path / name), FeeLimits(), clock=clock)
        for name in ("1", "2")
    )
    send_and_wait(second, [retire_ci(InstanceId(1))], sleep=lambda _: None)
    send_and_wait(first, [retire_ci(InstanceId(2))], sleep=lambda _: None)
    used = rf"{wallet.address} is used by another process, in transaction 0x\w+: stop"
    with pytest.raises(StopAgent, match=used):
        _go_on(second, bank, clock)
    finish(first, sleep=lambda _: None)
    send_and_wait(first, [retire_ci(InstanceId(4))], sleep=lambda _: None)


def _go_on(sender: Sender, bank: Bank, clock: Clock) -> None:
    """Five minutes in which it wants something."""
    for _ in range(30):
        bank.mine()
        clock.now += 10
        sender.advance()
        sender.submit([Intent(retire_ci(InstanceId(3)))])
