"""How chains are made and reached; that they run is shown in test_anvil."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from http.client import HTTPConnection
from pathlib import Path

import pytest
import rlp

from agents.core.errors import NodeUnavailable
from benchmarks.nodes import local, tools
from benchmarks.nodes.chains import beginning
from benchmarks.nodes.local import anvil
from benchmarks.nodes.network import await_answer, free_ports, rich_secrets, running
from benchmarks.nodes.validators import contact, genesis
from benchmarks.profile import Skipped
from benchmarks.rpc import RpcNode, encoded
from benchmarks.signing import address_of

KEYS = [bytes(31) + bytes([number]) for number in (1, 2, 3)]


@pytest.fixture
def nothing_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tools, "PROGRAM", tmp_path / "kcn")
    monkeypatch.setattr(tools, "STAMP", tmp_path / "kcn.go.sum")


def test_the_first_block_names_all_validators_in_their_order() -> None:
    first = genesis(KEYS)
    vanity, names = bytes.fromhex(first["extraData"][2:66]), bytes.fromhex(first["extraData"][66:])
    members, seal, commits = rlp.decode(names)
    assert vanity == bytes(32)
    assert members == sorted(bytes.fromhex(address_of(key)[2:]) for key in KEYS)
    assert (seal, commits) == (bytes(65), [])
    assert first["config"]["istanbul"]["sub"] == len(KEYS)


def test_the_first_block_gives_coins_to_those_who_pay() -> None:
    rich = {address_of(secret)[2:] for secret in rich_secrets()}
    assert set(genesis(KEYS)["alloc"]) == rich


def test_a_validator_is_reached_by_its_public_key() -> None:
    name, _, place = contact(KEYS[0], 4_000).removeprefix("kni://").partition("@")
    assert len(bytes.fromhex(name)) == 64
    assert place == "127.0.0.1:4000?discport=0&ntype=cn"


def test_free_ports_are_different_ones() -> None:
    assert len(set(free_ports(8))) == 8


def test_without_go_validators_are_left_out(nothing_built: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(Skipped, match="built with Go"):
        tools.kaia()


def test_says_why_the_client_could_not_be_built(nothing_built: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/go")
    failed = subprocess.CompletedProcess([], 1, "", "downloading\nno C compiler\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(Skipped, match="no C compiler"):
        tools.kaia()


def test_builds_once(nothing_built: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        Path(command[command.index("-o") + 1]).write_text("a program")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/go")
    monkeypatch.setattr(subprocess, "run", build)
    assert beginning("validators4") == "4 validators: building their client, some minutes, this once"
    program = tools.kaia()
    monkeypatch.setattr(subprocess, "run", None)
    assert tools.kaia() == program
    assert beginning("validators4") == "4 validators: starting"


def test_a_node_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local, "PROGRAMS", tmp_path)
    with pytest.raises(Skipped, match="make setup"), anvil(tmp_path):
        pass


def test_says_why_a_node_ended_at_its_start(tmp_path: Path) -> None:
    log = tmp_path / "log"
    command = ["sh", "-c", "echo first; echo no such flag; exit 1"]
    with running(command, log) as program, pytest.raises(NodeUnavailable, match="no such flag"):
        await_answer(program, free_ports(1)[0], log)


def test_a_program_ends_with_its_block(tmp_path: Path) -> None:
    with running(["sleep", "60"], tmp_path / "log") as program:
        assert program.poll() is None
    assert program.poll() is not None


def test_nobody_answers_where_nobody_listens() -> None:
    with RpcNode(free_ports(1)[0]) as node, pytest.raises(NodeUnavailable, match="did not answer"):
        node.ask("eth_chainId")


def test_requests_are_numbered_in_a_batch() -> None:
    assert encoded([("a", []), ("b", [1])]) == (
        b'[{"jsonrpc":"2.0","id":0,"method":"a","params":[]},{"jsonrpc":"2.0","id":1,"method":"b","params":[1]}]'
    )


@pytest.mark.parametrize(
    ("answers", "complaint"),
    [
        ({"error": "too large"}, "refused a batch"),
        ([{"id": 0, "error": {"message": "no"}}], "eth_chainId: no"),
    ],
)
def test_tells_what_a_node_objects_to(
    answers: object, complaint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HTTPConnection, "request", lambda *_: None)
    monkeypatch.setattr(HTTPConnection, "getresponse", lambda _: io.BytesIO(json.dumps(answers).encode()))
    with pytest.raises(NodeUnavailable, match=complaint):
        RpcNode(1).ask("eth_chainId")
