"""Wallets by command, and where their passwords come from.

Rules: A15, A17, A124.
"""

from __future__ import annotations

import getpass
import io
import os
import sys
from pathlib import Path

import pytest
from eth_account import Account

from agents import cli
from agents.chain.keystore import opened, sealed
from agents.chain.wallet import RemoteWallet, Wallet
from agents.core.errors import BadInput
from agents.output import terminal
from agents.portfolio.checking import checked
from agents.runtime import launch, password
from agents.runtime.settings import WalletSettings
from agents.storage.files import Home
from testing.rpc_server import serving
from tests.agents.chain.test_remote_signer import KEY, OWN, Program

OLD, NEW = "open sesame", "close sesame"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOLDFAST_PASSWORD", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "home"
    Wallet.keep(KEY, home / "wallet.json", OLD, light=True)
    (tmp_path / "old").write_text(OLD + "\n")
    (tmp_path / "new").write_text(NEW + "\r\n")
    return home


def test_shows_address_key_and_signer(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = run(capsys, "wallet", "show", "--home", home, "--password-file", home.parent / "old")
    assert code == 0
    assert said.startswith(f"address         {OWN}\nencryption key  0x")
    assert said.endswith(f"signs           {home}/wallet.json\n")


def test_gives_a_wallet_another_password(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = ("--password-file", home.parent / "old", "--new-password-file", home.parent / "new")
    assert run(capsys, "wallet", "password", "--home", home, *files)[0] == 0
    assert opened(home / "wallet.json", NEW) == KEY
    with pytest.raises(BadInput, match="the password does not open"):
        opened(home / "wallet.json", OLD)
    code, _, wrong = run(capsys, "wallet", "password", "--home", home, "--password-file", home.parent / "new")
    assert (code, wrong) == (2, "nobody is there to type a new password: name a file of it\n")


def test_takes_over_a_keystore(home: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = ("--password-file", tmp_path / "new", "--keystore-password-file", tmp_path / "old")
    code, said, _ = run(capsys, "wallet", "import", home / "wallet.json", "--home", tmp_path / "b", *files)
    assert (code, said) == (0, f"{OWN}\n")
    assert opened(tmp_path / "b" / "wallet.json", NEW) == KEY
    (tmp_path / "other").write_bytes(sealed(b"\7" * 32, NEW, light=True))
    same = (
        "wallet",
        "import",
        tmp_path / "other",
        "--home",
        tmp_path / "c",
        "--password-file",
        tmp_path / "new",
    )
    assert run(capsys, *same)[1].strip() == Account.from_key(b"\7" * 32).address


def test_a_program_signs_for_a_wallet(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_PASSWORD", OLD)
    program = Program()
    with serving(program.answer) as server:
        url = f"web3signer+http://127.0.0.1:{server.server_port}"
        signs = ("--signer", url, "--signer-address", OWN.lower())
        assert run(capsys, "wallet", "new", "--home", tmp_path / "a", *signs) == (0, f"{OWN}\n", "")
        assert run(capsys, "wallet", "show", "--home", tmp_path / "a", *signs)[1].endswith(
            f"signs           {url}\n"
        )
        settings = checked(WalletSettings, home=tmp_path / "a", signer=url, signer_address=OWN, password=OLD)
        assert isinstance(launch.unlock(settings), RemoteWallet)
        program.key = b"\6" * 32
        code, _, wrong = run(capsys, "wallet", "new", "--home", tmp_path / "b", *signs)
        assert (code, "not what it was asked to" in wrong) == (1, True)
        assert not (tmp_path / "b" / "secrets.json").exists()
        code, _, wrong = run(capsys, "wallet", "import", "x", "--home", tmp_path / "c", *signs)
        assert (code, wrong) == (2, "a key is taken over into a wallet's file: leave signer as file\n")


@pytest.mark.parametrize("told", [{"signer": "clef+http://h:1"}, {"signer_address": OWN}])
def test_a_signer_goes_with_its_account(told: dict[str, str]) -> None:
    with pytest.raises(BadInput, match="signer and signer_address go together"):
        checked(WalletSettings, home="h", **told)


def test_what_is_at_home_is_put_right_at_a_start(home: Path, tmp_path: Path) -> None:
    (home / "subsets").mkdir(0o755)
    (home / "subsets" / "a").touch(0o644)
    (home / "link").symlink_to(tmp_path / "old")
    (tmp_path / "old").chmod(0o644)
    home.chmod(0o755)
    (home / "wallet.json").chmod(0o640)
    launch.unlock(checked(WalletSettings, home=home, password=OLD))
    modes = {path.name: path.stat().st_mode & 0o777 for path in (home, *home.rglob("*"))}
    assert modes == {"home": 0o700, "wallet.json": 0o600, "subsets": 0o700, "a": 0o600, "link": 0o644}


def test_files_of_others_are_left_as_they_are(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "wallet.json").chmod(0o640)
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    Home(home).make_private()
    assert (home / "wallet.json").stat().st_mode & 0o777 == 0o640


# --- passwords ---


def test_the_order_of_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("of the file\n")
    monkeypatch.setattr(password, "can_ask", lambda: True)
    monkeypatch.setattr(password, "ask_hidden", lambda _: "of the terminal")
    assert password.read_password(None, "") == "of the terminal"
    assert password.read_password(None, "of the environment") == "of the environment"
    assert password.read_password(tmp_path / "file", "of the environment") == "of the file"
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert password.read_password(tmp_path / "file", "") == "of the file", "no credential of this name"
    (tmp_path / "password").write_text("of systemd")
    assert password.read_password(tmp_path / "file", "x") == "of systemd"
    assert password.new_password(None, "") == "of systemd"


@pytest.mark.parametrize(
    ("data", "read"),
    [(b"a\n", "a"), (b"a\r\n", "a"), (b"a\n\n", "a\n"), (b" a ", " a "), (b"a\r", "a\r")],
)
def test_one_end_of_line_is_cut(tmp_path: Path, data: bytes, read: str) -> None:
    (tmp_path / "p").write_bytes(data)
    assert password.password_in(tmp_path / "p") == read


@pytest.mark.parametrize(("data", "why"), [(b"", "is empty"), (b"\n", "is empty"), (b"\xff", "not UTF-8")])
def test_refuses_a_password_that_is_none(tmp_path: Path, data: bytes, why: str) -> None:
    (tmp_path / "p").write_bytes(data)
    with pytest.raises(BadInput, match=why):
        password.password_in(tmp_path / "p")


def test_a_new_password_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter(["a", "a", "a", "b", ""])
    monkeypatch.setattr(password, "can_ask", lambda: True)
    monkeypatch.setattr(password, "ask_hidden", lambda _: next(typed))
    assert password.new_password(None, "") == "a"
    with pytest.raises(BadInput, match="two different passwords were typed"):
        password.typed_twice()
    with pytest.raises(BadInput, match="the password is empty"):
        password.typed_twice()


def test_nobody_is_asked_where_nobody_is() -> None:
    with pytest.raises(BadInput, match="a wallet needs a password: name a file of it"):
        password.read_password(None, "")


def test_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(" an answer \n"))
    assert not terminal.can_ask()
    assert terminal.ask("which?") == "an answer"
    assert capsys.readouterr().err == "which?\n"
    monkeypatch.setattr(getpass, "getpass", lambda words: words)
    assert terminal.ask_hidden("a \x1b[31m") == "a \\x1b[31m: "
    monkeypatch.setattr(getpass, "getpass", _nobody)
    assert terminal.ask_hidden("a") == ""


def _nobody(_: str) -> str:
    raise EOFError
