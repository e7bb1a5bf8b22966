"""The command line: what is wrong is one line, and the exit code says whose fault it is.

Rules: A17.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import __version__, cli
from agents.chain.client import MarketClient
from agents.chain.deployment import Deployment
from agents.core.errors import NodeUnavailable

OWNER = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """The exit code, and what was said on stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        cli.main(list(arguments))
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("HOLDFAST_PASSWORD", "a password")
    return str(tmp_path / "home")


def test_makes_a_wallet_and_tells_its_address(capsys: pytest.CaptureFixture[str], home: str) -> None:
    code, told, wrong = run(capsys, "wallet", "new", "--home", home)
    assert (code, wrong) == (0, "")
    assert told.startswith("0x")
    assert len(told) == len("0x\n") + 40


def test_does_not_make_a_wallet_twice(capsys: pytest.CaptureFixture[str], home: str) -> None:
    run(capsys, "wallet", "new", "--home", home)
    code, told, wrong = run(capsys, "wallet", "new", "--home", home)
    assert (code, told) == (2, "")
    assert "there is a wallet at" in wrong


OFFER = ("data-owner", "publish", "fair", "--table", "wine", "--home")


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (
            (*OFFER, "HOME", "--cloud-owner", "bob"),
            "--cloud-owner: 'bob' is no address: give 0x and 40 hexadecimal digits",
        ),
        ((*OFFER, "HOME", "--cloud-owner", OWNER), "3 replicas need as many different cloud owners"),
        (
            (*OFFER, "HOME", "--cloud-owner", OWNER, "--terms", "none.json"),
            "terms none.json: No such file or directory: name a JSON file of terms",
        ),
        (
            ("cloud-owner", "run", "--home", "HOME", "--password-file", "none"),
            "password file none: No such file or directory: name a file that can be read",
        ),
        (
            ("model-owner", "train", "a", "--home", "HOME", "--samples", "x", "--quorum", "17"),
            "--quorum: Input should be",
        ),
        (("audit", "--deployment", "none.json"), "no deployment at none.json (No such file or directory)"),
        (
            ("audit", "--depoyment", "none.json"),
            "No such option: --depoyment (Possible options: --deployment, ",
        ),
        (
            ("model-owner", "train", "a", "--home", "HOME"),
            "Missing option '--samples' (env var: 'HOLDFAST_SAMPLES'): see `hold",
        ),
        (
            ("withdraw", "--home", "HOME", "--amount", "all"),
            "--amount: 'all' is no amount: write wei, or as '0.1 ether'",
        ),
        (("train", "--home", "HOME"), "No such command 'train': see `holdfast --help`\n"),
    ],
)
def test_refuses_wrong_input_in_one_line(
    capsys: pytest.CaptureFixture[str], home: str, command: tuple[str, ...], complaint: str
) -> None:
    code, told, wrong = run(capsys, *(home if word == "HOME" else word for word in command))
    assert (code, told) == (2, "")
    assert wrong.startswith(complaint)
    assert wrong.count("\n") == 1


def test_shows_what_there_is_if_it_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys) == run(capsys, "--help")


def test_says_which_version_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"holdfast {__version__}\n", "")


def test_ends_with_1_when_it_cannot_go_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: Any) -> None:
        raise NodeUnavailable("the node did not answer eth_chainId")

    monkeypatch.setattr(Deployment, "load", lambda _: None)
    monkeypatch.setattr(MarketClient, "connect", connect)
    assert run(capsys, "audit") == (1, "", "the node did not answer eth_chainId\n")
