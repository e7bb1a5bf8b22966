"""A setting comes from its flag, else its variable, else the file, else its default.

What is wrong with one is one line that names where it was given.

Rules: A17.
"""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from agents import cli
from agents.commands import cloud_owner, data_owner, model_owner
from agents.portfolio.checking import Checked
from agents.portfolio.entries import DatasetEntry, ModelEntry
from agents.portfolio.workers import DatasetsWorker, ModelsWorker
from agents.roles.cloud_owner import CloudOwner
from agents.roles.data_owner import DataOwner
from agents.roles.model_owner import ModelOwner
from agents.roles.policy import ANYONE
from agents.roles.portfolio import WantedModel
from agents.runtime import launch
from agents.runtime.executor import ExecutorLimits
from agents.runtime.options import variable
from agents.runtime.settings import (
    EVERYTHING,
    AgentSettings,
    CloudOwnerSettings,
    DataOwnerSettings,
    ModelOwnerSettings,
    PublishSettings,
    TrainSettings,
)
from agents.workers.data_owner import DataOwnerWorker
from agents.workers.model_owner import ModelOwnerWorker

OWNERS = tuple(to_checksum_address("0x" + digit * 40) for digit in "abc")
COMMANDS: dict[type[Checked], tuple[str, ...]] = {
    DataOwnerSettings: ("data-owner", "run"),
    CloudOwnerSettings: ("cloud-owner", "run"),
    ModelOwnerSettings: ("model-owner", "run"),
    PublishSettings: ("data-owner", "publish", "fair", "--dry-run"),
    TrainSettings: ("model-owner", "train", "tumour", "--dry-run"),
}
NO_FLAG = {"password", "with_member", "wanted"}
FLAGS = {
    "cloud_owners": "--cloud-owner",
    "subsets_per_round": "--per-round",
    "table_schema": "--schema",
}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings that commands come to, instead of what they do with them."""
    settings: list[Any] = []
    for module in (data_owner, cloud_owner, model_owner):
        monkeypatch.setattr(module, "run_agent", lambda _name, given, _assemble: settings.append(given))
    monkeypatch.setattr(data_owner, "_rehearse", lambda given, _: settings.append(given))
    monkeypatch.setattr(model_owner, "_check", lambda entry: settings.append(entry))
    monkeypatch.setattr(launch, "unlock", settings.append)
    monkeypatch.setattr(launch, "enrol", lambda *_: None)
    monkeypatch.setattr(launch, "take_out", lambda *_: 0)
    return settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def run(*words: object) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    assert not ended.value.code


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """The one line with which a command is refused, with exit code 2."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    said = capsys.readouterr()
    assert (ended.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    return said.err.rstrip("\n")


# --- where a setting comes from ---


def test_a_flag_goes_before_a_variable_before_a_file_before_the_default(
    told: list[Any], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("model-owner", "train", "tumour", "--dry-run", "--home", home, "--samples", "s")
    run(*command)
    (home / "agent.toml").write_text("spare_rounds = 2\n")
    run(*command)
    monkeypatch.setenv("HOLDFAST_SPARE_ROUNDS", "3")
    run(*command)
    run(*command, "--spare-rounds", 4)
    assert [settings.spare_rounds for settings in told] == [1, 2, 3, 4]


@pytest.mark.parametrize("kind", EVERYTHING)
def test_every_setting_has_a_flag_a_variable_and_a_key(
    told: list[Any], home: Path, monkeypatch: pytest.MonkeyPatch, kind: type[Checked]
) -> None:
    values = _other_values(kind, home)
    _write(home / "flags.toml", {})
    run(*COMMANDS[kind], "--config", home / "flags.toml", *_as_flags(values))
    _write(home / "file.toml", values)
    run(*COMMANDS[kind], "--config", home / "file.toml")
    for name, value in values.items():
        monkeypatch.setenv(variable(name), " ".join(value) if isinstance(value, list) else str(value))
    run(*COMMANDS[kind])
    by_flags, by_file, by_variables = told
    assert by_flags == by_file == by_variables
    assert all(
        getattr(by_flags, name) != field.default
        for name, field in kind.model_fields.items()
        if name in values and hasattr(by_flags, name)
    )
    assert kind.model_fields.keys() - values.keys() <= NO_FLAG


def _other_values(kind: type[Checked], home: Path) -> dict[str, Any]:
    """A value of every setting that is not its default."""
    if kind is PublishSettings:
        return {"home": str(home)} | _a_dataset(home)
    if kind is TrainSettings:
        values: dict[str, Any] = {"home": str(home), "samples": "x", "model": "ridge", "rounds": 7, "seed": 2}
        values |= {"plan": "p.json", "dataset": "0xabcdef", "quorum": 3, "spare_rounds": 0}
        return values | {"balance": "even", "wait_for_cover": 60}
    values = {
        "home": str(home),
        "password_file": "p",
        "rpc": "http://node:1",
        "deployment": "d",
        "node_ca": "ca.pem",
        "node_proxy": "http://proxy:1",
        "signer": "clef+http://signer:1",
        "signer_address": str(OWNERS[2]),
        "signer_ca": "other.pem",
        "store": "s3://bucket/market",
        "store_endpoint": "https://s3:9000",
        "store_region": "here",
        "store_ca": "ca.pem",
        "store_proxy": "http://proxy:3128",
        "store_read": ["s3://theirs/market", "https://theirs/objects"],
        "store_object_mb": 9,
        "store_min_rate": 7,
        "store_keep_seconds": 5,
        "timeout_seconds": 2.5,
        "opening_deposit": 7,
        "poll_seconds": 0.25,
        "confirmations": 2,
        "evidence": "receipts",
        "workers": 3,
        "job_seconds": 60,
        "job_memory_mb": 2048,
        "log_level": "warning",
        "log_format": "json",
        "listen": "127.0.0.1:9464",
        "max_fee": "3 gwei",
        "max_fee_urgent": "4 gwei",
        "max_tip": "2 gwei",
        "members": [str(OWNERS[0]), ANYONE],
        "at_stake": "7 ether",
        "at_stake_each": 5,
    }
    if kind is DataOwnerSettings:
        values |= {"max_couples": 8, "max_couples_each": 9}
        values |= {"max_rounds": 5, "max_quorum": 1, "max_keys_mb": 3}
        values |= {"lifetime_epsilon": 2, "ledger": "people"}
    elif kind is CloudOwnerSettings:
        values |= _policy_of_a_cloud_owner()
    else:
        values |= {"max_result_mb": 5}
        values |= {"max_round_price": 3, "max_job_price": 2, "max_answer_window_seconds": 9}
        values |= {"min_draw_window_seconds": 2, "max_draw_window_seconds": 8}
        values |= {"max_report_window_seconds": 7, "max_settle_window_seconds": 6}
    return values


def _a_dataset(home: Path) -> dict[str, Any]:
    terms = home / "terms.json"
    terms.write_text(json.dumps({"round_price": 5}))
    values = {"table": "wine", "cloud_owners": list(OWNERS), "target": "y", "subsets": 5, "replicas": 2}
    values |= {"subsets_per_round": 3, "seed": 8, "spare_places": 1, "requests": "hand"}
    values |= {"heal_a_day": 3, "heal_cooldown_seconds": 60}
    values |= {"task": "regression", "merge_rare": 3, "query": "select 1"}
    values |= {"group": "who", "keep": ["id", "code"], "table_schema": "schema.json"}
    values |= {"new_people": True, "lifetime_epsilon": 2, "ledger": "people"}
    return values | {"secrecy": "private", "terms": str(terms), "privacy": "ranges.json"}


def _policy_of_a_cloud_owner() -> dict[str, Any]:
    values = {"min_job_price": "2 gwei", "max_bond_jobs": 7, "max_penalty_jobs": 3, "max_hold_seconds": 9}
    values |= {"min_report_window_seconds": 2, "max_report_window_seconds": 8}
    values |= {"min_settle_window_seconds": 3, "max_settle_window_seconds": 7}
    values |= {"max_package_mb": 3, "max_keys_mb": 2, "max_weights_mb": 1}
    return values | {"max_instances": 6, "max_instances_each": 5}


def _as_flags(values: dict[str, Any]) -> list[object]:
    words: list[object] = []
    for name, value in values.items():
        flag = FLAGS.get(name, "--" + name.replace("_", "-"))
        if value is True:
            words.append(flag)
        else:
            words += [word for one in (value if isinstance(value, list) else [value]) for word in (flag, one)]
    return words


def _write(file: Path, values: dict[str, Any]) -> None:
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items()))


def test_a_file_that_is_named_is_read_instead_of_the_homes(
    told: list[Any], home: Path, tmp_path: Path
) -> None:
    (home / "agent.toml").write_text("max_bond_jobs = 2\npoll_seconds = 9\n")
    (tmp_path / "other.toml").write_text("max_bond_jobs = 3\n")
    named = ("--config", tmp_path / "other.toml")
    run("cloud-owner", "run", "--home", home, *named)
    run("cloud-owner", "run", *named, "--home", home)
    assert [(settings.max_bond_jobs, settings.poll_seconds) for settings in told] == [(3, None), (3, None)]


def test_a_file_may_name_the_home(told: list[Any], home: Path, tmp_path: Path) -> None:
    _write(tmp_path / "other.toml", {"home": str(home)})
    run("cloud-owner", "run", "--config", tmp_path / "other.toml")
    assert [settings.home for settings in told] == [home]


def test_a_file_has_terms_as_a_table(told: list[Any], home: Path) -> None:
    _write(home / "agent.toml", {"table": "wine", "cloud_owners": list(OWNERS)})
    with (home / "agent.toml").open("a") as file:
        file.write("[terms]\nround_price = 5\n")
    run("data-owner", "publish", "fair", "--dry-run", "--home", home)
    assert told[0].terms.round_price == 5


def test_a_command_leaves_alone_what_is_for_another(told: list[Any], home: Path) -> None:
    _write(home / "agent.toml", {"samples": "s", "spare_rounds": 2, "rpc": "http://node:1"})
    run("withdraw", "--home", home)
    assert told[0].rpc == ("http://node:1",)


def test_an_empty_variable_says_nothing(told: list[Any], home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_RPC", "")
    run("cloud-owner", "run", "--home", home)
    assert told[0].rpc == ("http://127.0.0.1:8545",)


# --- what is wrong ---


def test_a_wrong_value_is_told_with_its_place(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("model-owner", "train", "tumour", "--dry-run", "--home", home, "--samples", "s")
    most = "Input should be less than or equal to 16"
    (home / "agent.toml").write_text("quorum = 17\n")
    assert refused(capsys, *command) == f"{home / 'agent.toml'}: quorum: {most}"
    monkeypatch.setenv("HOLDFAST_QUORUM", "18")
    assert refused(capsys, *command) == f"HOLDFAST_QUORUM: {most}"
    assert refused(capsys, *command, "--quorum", 19) == f"--quorum: {most}"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("quorm = 1", "no setting is called 'quorm': write quorum"),
        ("frobnicate = 1", "no setting is called 'frobnicate': take it out"),
        ('"a\\nb" = 1', "no setting is called 'a\\nb': take it out"),
        ('password = "sesame"', "no setting is called 'password': write password_file"),
        ("quorum = [1]", "quorum: Input should be a valid integer"),
        ('cloud_owners = "bob"', "cloud_owners: 'bob' is no address: give 0x and 40 hexadecimal digits"),
        ("terms = {job_price = -1}", "terms job_price: Input should be greater than or equal to 0"),
    ],
)
def test_a_wrong_file_is_told_with_its_name(
    capsys: pytest.CaptureFixture[str], home: Path, line: str, complaint: str
) -> None:
    file = home / "agent.toml"
    needed = {"table": "wine", "cloud_owners": list(OWNERS), "samples": "s"}
    _write(file, {name: value for name, value in needed.items() if not line.startswith(name)})
    file.write_text(file.read_text() + line + "\n")
    train = line.startswith("quorum")
    command = ("model-owner", "train", "tumour") if train else ("data-owner", "publish", "fair")
    assert refused(capsys, *command, "--home", home) == f"{file}: {complaint}"


def test_a_file_that_cannot_be_read_is_told(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    file = home / "agent.toml"
    assert refused(capsys, "audit", "--config", file) == (
        f"settings {file}: No such file or directory: name a TOML file of settings"
    )
    file.write_bytes(b"rpc = \xff")
    assert refused(capsys, "cloud-owner", "run", "--home", home).startswith(
        f"settings {file}: 'utf-8' codec can't"
    )
    file.write_text("rpc =")
    line = refused(capsys, "cloud-owner", "run", "--home", home)
    assert line == f"settings {file}: Invalid value (at end of document): mend it, or name another TOML file"


@pytest.mark.parametrize(
    ("name", "todo"),
    [("HOLDFAST_SPARE_ROUNS", "write HOLDFAST_SPARE_ROUNDS"), ("HOLDFAST_XYZZY", "take it out")],
)
def test_an_unknown_variable_is_told(
    capsys: pytest.CaptureFixture[str], home: Path, monkeypatch: pytest.MonkeyPatch, name: str, todo: str
) -> None:
    monkeypatch.setenv(name, "1")
    said = refused(capsys, "cloud-owner", "run", "--home", home)
    assert said == f"environment: no setting is called '{name}': {todo}"


@pytest.mark.parametrize("name", ["HOLDFAST_DEMO", "HOLDFAST_DEPLOYER", "HOLDFAST_GAS", "HOLDFAST_TABLE"])
def test_what_other_programs_and_roles_are_told_is_no_error(
    told: list[Any], home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    run("cloud-owner", "run", "--home", home)
    assert len(told) == 1


def test_a_password_is_no_flag(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    said = refused(capsys, "cloud-owner", "run", "--home", home, "--password", "sesame")
    assert said.startswith("No such option: --password ")
    assert "sesame" not in said


# --- one declaration ---


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        (ExecutorLimits, AgentSettings),
        (DataOwner, DataOwnerSettings),
        (DatasetsWorker, DataOwnerSettings),
        (DataOwnerWorker, DatasetEntry),
        (CloudOwner, CloudOwnerSettings),
        (ModelOwner, ModelOwnerSettings),
        (ModelsWorker, ModelOwnerSettings),
        (ModelOwnerWorker, ModelEntry),
        (WantedModel, ModelEntry),
    ],
)
def test_what_a_part_takes_for_granted_is_the_settings_default(part: type[Any], kind: type[Checked]) -> None:
    for field in fields(part):
        if field.name in kind.model_fields and field.default is not MISSING:
            assert field.default == kind.model_fields[field.name].default, field.name


# --- what was found by trying ---


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("at_stake = true", "at_stake: true is no value for it: write a number"),
        (
            '[with_member."0x0000000000000000000000000000000000000001"]\nmax_rounds = false',
            "with_member: false",
        ),
        ("members = [true]", "members: true is no value for it"),
    ],
)
def test_true_is_not_taken_for_one(
    capsys: pytest.CaptureFixture[str], home: Path, line: str, told: str
) -> None:
    (home / "agent.toml").write_text(line)
    assert refused(capsys, "cloud-owner", "run", "--home", home).startswith(f"{home / 'agent.toml'}: {told}")


def test_brackets_without_end_are_one_line(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    (home / "agent.toml").write_text("workers = " + "[" * 100_000)
    assert refused(capsys, "cloud-owner", "run", "--home", home).startswith(
        f"settings {home / 'agent.toml'}: "
    )
    (home / "agent.toml").unlink()
    (home / "terms.json").write_text("[" * 100_000)
    flags = ("--table", "wine", "--cloud-owner", OWNERS[0], "--terms", home / "terms.json")
    assert "name a JSON file of terms" in refused(
        capsys, "data-owner", "publish", "fair", "--home", home, *flags
    )


def test_a_model_that_there_is_not_is_told_before_anything_is_sent(
    capsys: pytest.CaptureFixture[str], home: Path
) -> None:
    said = refused(
        capsys, "model-owner", "train", "a", "--home", home, "--samples", "s", "--model", "encryptd-logistic"
    )
    assert said.startswith("--model: 'encryptd-logistic' is no model: choose one of linear, ridge")
