"""What each command does with its flags.

Rules: A17, A52, A76.
"""

from __future__ import annotations

import json
import runpy
import sys
import threading
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from eth_utils.address import to_checksum_address

from agents import cli
from agents.audit.live import Audited
from agents.audit.replay import audit
from agents.chain.client import BlockRef, MarketClient
from agents.chain.deployment import Deployment
from agents.commands import running
from agents.core.amounts import ETHER
from agents.core.errors import BadInput
from agents.core.ids import Address
from agents.roles.policy import ANYONE, CloudOwnerPolicy, DataOwnerPolicy, ModelOwnerPolicy, Policy
from agents.runtime import launch
from agents.runtime.settings import AgentSettings, CloudOwnerSettings, DataOwnerSettings, ModelOwnerSettings
from testing.histories import ALL_CHEATS, told

OWNERS = [Address(to_checksum_address("0x" + digit * 40)) for digit in "abc"]
STORY = told(rounds=4, cheats=ALL_CHEATS)
AUDITED = Audited(
    BlockRef(77, bytes(32), STORY.now),
    tuple(STORY.history),
    audit(STORY.history, STORY.domain),
    (),
    STORY.balance,
)


@dataclass
class Started:
    """What was started, in the place of an agent."""

    settings: list[Any] = field(default_factory=list)
    parts: list[tuple[Any, Any]] = field(default_factory=list)
    logs: list[tuple[str, str, str]] = field(default_factory=list)
    amounts: list[int | None] = field(default_factory=list)

    def run(
        self, settings: AgentSettings, _member: str, role: str, worker: str, stop: threading.Event
    ) -> None:
        assert not stop.is_set()
        self.settings.append(settings)
        self.parts.append((role, worker))

    def take_out(self, settings: AgentSettings, _member: str, amount: int | None) -> int:
        self.settings.append(settings)
        self.amounts.append(amount)
        return 123 if amount is None else amount

    def log(self, name: str, level: str, form: str) -> None:
        self.logs.append((name, level, form))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    """Commands start this, with a member that has no keys."""
    it = Started()
    monkeypatch.delenv("HOLDFAST_PASSWORD", raising=False)
    monkeypatch.setattr(launch, "unlock", lambda _: "the wallet")
    monkeypatch.setattr(launch, "enrol", lambda _, wallet: wallet)
    monkeypatch.setattr(launch, "run", it.run)
    monkeypatch.setattr(launch, "take_out", it.take_out)
    monkeypatch.setattr(running, "log_to_stderr", it.log)
    for name in ("data_owner", "cloud_owner", "model_owner"):
        monkeypatch.setattr(launch, name, _parts(name))
    return it


def _parts(name: str) -> Callable[[Any, Any], Any]:
    return lambda _, member: (f"role of a {name}", f"worker of {member}")


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """The exit code, and what was said on stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


# --- agents ---


def test_a_data_owner_is_told_which_tasks_there_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    owners = [word for owner in OWNERS for word in ("--cloud-owner", owner)]
    code, _, said = run(
        capsys,
        "data-owner",
        "publish",
        "fair",
        "--home",
        tmp_path,
        "--table",
        "t.csv",
        *owners,
        "--task",
        "guess",
    )
    assert code == 2
    assert said.endswith("--task: Input should be 'classification' or 'regression'\n")


def test_a_data_owner_is_told_whom_it_lets_train(
    capsys: pytest.CaptureFixture[str], started: Started, tmp_path: Path
) -> None:
    flags = ["--opening-deposit", 9, "--max-rounds", 7]
    assert run(capsys, "data-owner", "run", "--home", tmp_path, *flags) == (0, "", "")
    (settings,) = started.settings
    assert isinstance(settings, DataOwnerSettings)
    assert (settings.home, settings.opening_deposit, settings.max_rounds) == (tmp_path, 9, 7)
    assert started.parts == [("role of a data_owner", "worker of the wallet")]


def test_a_cloud_owner_needs_no_more_than_its_home(
    capsys: pytest.CaptureFixture[str], started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOLDFAST_RPC", "http://node:1")
    monkeypatch.setenv("HOLDFAST_DEPLOYMENT", "market.json")
    monkeypatch.setenv("HOLDFAST_STORE", "objects")
    assert run(capsys, "cloud-owner", "run", "--home", "bob") == (0, "", "")
    (settings,) = started.settings
    assert settings == CloudOwnerSettings(
        home=Path("bob"), rpc=("http://node:1",), deployment=Path("market.json"), store="objects"
    )
    assert started.parts == [("role of a cloud_owner", "worker of the wallet")]
    assert started.logs == [("cloud-owner/bob", "info", "text")]


def test_a_cloud_owner_is_told_what_to_risk(capsys: pytest.CaptureFixture[str], started: Started) -> None:
    assert run(capsys, "cloud-owner", "run", "--home", "bob", "--max-bond-jobs", 7) == (0, "", "")
    (settings,) = started.settings
    assert isinstance(settings, CloudOwnerSettings)
    assert settings.max_bond_jobs == 7


def test_a_model_owner_is_told_what_to_pay(capsys: pytest.CaptureFixture[str], started: Started) -> None:
    flags = ["--max-round-price", "2 gwei", "--log-level", "warning"]
    assert run(capsys, "model-owner", "run", "--home", "carol", *flags) == (0, "", "")
    (settings,) = started.settings
    assert isinstance(settings, ModelOwnerSettings)
    assert settings.max_round_price == 2 * 10**9
    assert started.parts == [("role of a model_owner", "worker of the wallet")]
    assert started.logs == [("model-owner/carol", "warning", "text")]


@pytest.mark.parametrize("role", ["data-owner", "cloud-owner", "model-owner"])
def test_a_home_says_which_agent_is_to_run(
    capsys: pytest.CaptureFixture[str], started: Started, tmp_path: Path, role: str
) -> None:
    (tmp_path / "agent.toml").write_text(f'role = "{role}"\nworkers = 3\n')
    assert run(capsys, "run", "--home", tmp_path, "--log-level", "warning") == (0, "", "")
    assert started.parts == [(f"role of a {role.replace('-', '_')}", "worker of the wallet")]
    assert started.settings[0].workers == 3
    assert started.logs == [(f"{role}/{tmp_path.name}", "warning", "text")]


@pytest.mark.parametrize("text", ["", 'role = "judge"', "role = 1"])
def test_a_home_that_names_no_role_does_not_run(
    capsys: pytest.CaptureFixture[str], started: Started, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    line = f'{file}: role: write role = "data-owner", or cloud-owner, or model-owner\n'
    assert run(capsys, "run", "--home", tmp_path) == (2, "", line)
    assert started.settings == []


def test_the_password_comes_from_a_file_or_from_the_environment(
    capsys: pytest.CaptureFixture[str], started: Started, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(" open sesame \n")
    run(capsys, "cloud-owner", "run", "--home", "bob")
    monkeypatch.setenv("HOLDFAST_PASSWORD", "of the environment")
    run(capsys, "cloud-owner", "run", "--home", "bob")
    run(capsys, "cloud-owner", "run", "--home", "bob", "--password-file", tmp_path / "password")
    with pytest.raises(BadInput, match="a wallet needs a password"):
        started.settings[0].read_password()
    passwords = [settings.read_password() for settings in started.settings[1:]]
    assert passwords == ["of the environment", " open sesame "]


@pytest.mark.parametrize(
    ("terms", "complaint"),
    [
        (b"[1, 2]", "terms FILE: not a JSON object: name a JSON file of terms\n"),
        (b"null", "terms FILE: not a JSON object: name a JSON file of terms\n"),
        (b"{", "terms FILE: Expecting property name"),
        (b'"\xff"', "terms FILE: 'utf-8' codec can't decode byte 0xff"),
        (b'{"price": 1}', "terms FILE: price: Extra inputs are not permitted\n"),
        (b'{"kind": 1}', "terms FILE: kind: Extra inputs are not permitted\n"),
        (b'{"instance_bond": 1}', "terms FILE: instance_bond must cover job_price and miss_penalty\n"),
    ],
)
def test_refuses_terms_that_are_none(
    capsys: pytest.CaptureFixture[str], started: Started, tmp_path: Path, terms: bytes, complaint: str
) -> None:
    file = tmp_path / "terms.json"
    file.write_bytes(terms)
    flags = ["--home", "alice", "--table", "wine", "--cloud-owner", OWNERS[0], "--terms", file]
    code, out, wrong = run(capsys, "data-owner", "publish", "fair", *flags)
    assert (code, out, started.settings) == (2, "", [])
    assert wrong.startswith(complaint.replace("FILE", str(file)))
    assert wrong.count("\n") == 1


# --- coins ---


@pytest.mark.parametrize(
    ("flags", "amount", "line"),
    [((), None, "123 wei withdrawn\n"), (("--amount", 5), 5, "5 wei withdrawn\n")],
)
def test_withdraws(
    capsys: pytest.CaptureFixture[str],
    started: Started,
    flags: tuple[object, ...],
    amount: int | None,
    line: str,
) -> None:
    assert run(capsys, "withdraw", "--home", "bob", *flags) == (0, line, "")
    assert started.amounts == [amount]
    assert started.settings[0].home == Path("bob")


# --- the audit ---


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the next audit find this."""

    def let(audited: Audited) -> None:
        monkeypatch.setattr(Deployment, "load", lambda path: SimpleNamespace(path=path))
        monkeypatch.setattr(MarketClient, "connect", lambda rpc, deployment, *_: (rpc, deployment.path))
        monkeypatch.setattr(cli, "audit_deployment", lambda client: _expect(client, audited))

    return let


def _expect(client: object, audited: Audited) -> Audited:
    assert client == (("http://node:1",), Path("market.json"))
    return audited


AUDIT = ("audit", "--rpc", "http://node:1", "--deployment", "market.json")


def test_an_audit_tells_what_each_member_did(
    capsys: pytest.CaptureFixture[str], found: Callable[..., None]
) -> None:
    found(AUDITED)
    code, out, wrong = run(capsys, *AUDIT)
    assert (code, wrong) == (0, "")
    *members, end = out.splitlines()
    assert [line.split()[0] for line in members] == list(AUDITED.audit.statements)
    assert members[0].startswith(f"{STORY.data_owner}  data owner   paid_in 1000000000000000000, earned ")
    assert any("faulty 1" in line for line in members)
    assert end == (
        f"block 77: {len(STORY.history)} events, 0 findings; "
        "balances, escrows and bonds add up to what the contract holds"
    )


def test_an_audit_that_finds_something_ends_with_1(
    capsys: pytest.CaptureFixture[str], found: Callable[..., None]
) -> None:
    findings = replace(AUDITED.audit, findings=["block 3: a coin too many"])
    found(replace(AUDITED, audit=findings, differences=("x: balanceOf says 1, the events say 2",)))
    code, out, _ = run(capsys, *AUDIT)
    assert code == 1
    assert out.splitlines()[-3:-1] == [
        "FINDING  block 3: a coin too many",
        "FINDING  x: balanceOf says 1, the events say 2",
    ]
    assert "2 findings" in out.splitlines()[-1]


def test_an_audit_says_that_coins_are_missing(
    capsys: pytest.CaptureFixture[str], found: Callable[..., None]
) -> None:
    found(replace(AUDITED, contract_balance=STORY.balance - 1))
    code, out, _ = run(capsys, *AUDIT)
    assert code == 1
    assert out.endswith("balances, escrows and bonds DO NOT add up to what the contract holds\n")


def test_an_audit_tells_of_an_account_that_is_no_member(
    capsys: pytest.CaptureFixture[str], found: Callable[..., None]
) -> None:
    history = told(rounds=1).history
    result = audit(history, STORY.domain)
    del result.market.members[STORY.model_owner]
    found(replace(AUDITED, audit=result))
    _, out, _ = run(capsys, *AUDIT)
    assert f"{STORY.model_owner}  -            paid_in" in out


@pytest.mark.parametrize("ok", [True, False])
def test_an_audit_is_told_to_machines_too(
    capsys: pytest.CaptureFixture[str], found: Callable[..., None], ok: bool
) -> None:
    differences = () if ok else ("x: roleOf says 1, the events say 2",)
    found(replace(AUDITED, differences=differences))
    code, out, wrong = run(capsys, *AUDIT, "--json")
    assert (code, wrong) == (0 if ok else 1, "")
    report = cast("dict[str, Any]", json.loads(out))
    assert (report["ok"], report["conserved"], report["findings"]) == (ok, True, list(differences))
    assert set(report["members"]) == set(AUDITED.audit.statements)
    assert report["members"][STORY.data_owner]["paid_in"] == 10**18


def test_the_package_is_the_command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["agents", "audit", "--deployment", "none.json"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("agents", run_name="__main__")
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("no deployment at none.json")


def test_says_which_commands_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    assert code == 0
    for command in ("data-owner", "cloud-owner", "model-owner", "audit", "wallet", "withdraw"):
        assert command in out


# --- policies ---

NORTH = OWNERS[0]


def test_policy_show_says_every_line_and_where_it_is_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [f'members = ["{NORTH}"]', "max_bond_jobs = 9"]
    lines += [f'[with_member."{NORTH.lower()}"]', 'at_stake_each = "2 ether"']
    (tmp_path / "agent.toml").write_text("\n".join(lines))
    monkeypatch.setenv("HOLDFAST_AT_STAKE", "7 ether")
    code, out, err = run(
        capsys, "policy", "show", "cloud-owner", "--home", tmp_path, "--max-hold-seconds", 86400
    )
    assert (code, err) == (0, "")
    from_ = {line.split()[0]: line.partition("# ")[2].partition(":")[0] for line in out.splitlines()[:16]}
    assert list(from_) == [name for name in CloudOwnerPolicy.model_fields if name != "with_member"]
    assert from_["members"] == f"from {tmp_path / 'agent.toml'}"
    assert from_["max_bond_jobs"] == f"from {tmp_path / 'agent.toml'}"
    assert from_["at_stake"] == "from HOLDFAST_AT_STAKE"
    assert from_["max_hold_seconds"] == "from --max-hold-seconds"
    assert from_["min_job_price"] == "default"
    told = tomllib.loads(out)
    assert told["with_member"] == {NORTH: {"at_stake_each": "2 ether"}}


def test_policy_show_says_that_there_is_no_such_home(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, out, _ = run(capsys, "policy", "show", "cloud-owner", "--home", tmp_path / "bbo")
    assert code == 0
    assert out.startswith(f"# there is no home {tmp_path / 'bbo'} yet: make a wallet there first")
    _, out, _ = run(capsys, "policy", "show", "cloud-owner", "--home", tmp_path)
    assert "there is no home" not in out


@pytest.mark.parametrize("kind", [DataOwnerPolicy, CloudOwnerPolicy, ModelOwnerPolicy])
def test_what_policy_show_says_is_a_settings_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, kind: type[Policy]
) -> None:
    role = {DataOwnerPolicy: "data-owner", CloudOwnerPolicy: "cloud-owner", ModelOwnerPolicy: "model-owner"}
    own = ["--members", "anyone", "--at-stake", "0.5 ether"]
    _, out, _ = run(capsys, "policy", "show", role[kind], "--home", tmp_path, *own)
    (tmp_path / "agent.toml").write_text(out)
    assert kind.model_validate(tomllib.loads(out)) == kind(members=(ANYONE,), at_stake=ETHER // 2)
    _, again, _ = run(capsys, "policy", "show", role[kind], "--home", tmp_path)
    assert tomllib.loads(again) == tomllib.loads(out)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("[with_member.north]\nmax_rounds = 2\n", "with_member north: 'north' is no address"),
        (f'[with_member."{NORTH}"]\nat_stake = 2\n', f"with_member: {NORTH} has 'at_stake'"),
        ('members = ["everybody"]\n', "members: 'everybody' is no address"),
    ],
)
def test_a_policy_that_makes_no_sense_is_one_line_that_names_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, file: str, line: str
) -> None:
    (tmp_path / "agent.toml").write_text(file)
    code, out, err = run(capsys, "policy", "show", "data-owner", "--home", tmp_path)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"{tmp_path / 'agent.toml'}: {line}")
