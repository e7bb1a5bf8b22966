"""The walk of a consortium: cards, a draft, a kit, joining, and the next kit.

Rules: A17, A121.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from agents import cli
from agents.chain.wallet import Wallet
from agents.commands import kit as commands
from agents.core.errors import BadInput
from agents.kit.draft import make_kit, read_draft
from agents.kit.joining import breaches
from agents.kit.names import addresses, kit_at, with_addresses
from agents.roles.policy import ANYONE
from agents.runtime.options import role_at
from agents.runtime.settings import (
    CloudOwnerPolicySettings,
    DataOwnerPolicySettings,
    ModelOwnerPolicySettings,
)
from tests.agents.kit.conftest import CLOUD, CONVENER, DATA, MODEL, Consortium

PASSWORD = "open sesame"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    """The exit code, and what was said on stdout and stderr."""
    with pytest.raises(SystemExit) as ended:
        cli.main([str(word) for word in words])
    said = capsys.readouterr()
    return int(ended.value.code or 0), said.out, said.err


@pytest.fixture(autouse=True)
def password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_PASSWORD", PASSWORD)


def home_of(consortium: Consortium, wallet: Wallet, name: str) -> Path:
    home = consortium.folder / name
    Wallet.keep(wallet._key.to_bytes(), home / "wallet.json", PASSWORD, light=True)
    return home


def test_a_consortium_forms_and_grows(consortium: Consortium, capsys: pytest.CaptureFixture[str]) -> None:
    convener, cloud = home_of(consortium, CONVENER, "convener"), home_of(consortium, CLOUD, "co1")
    code, card, _ = run(
        capsys, "kit", "card", "--home", cloud, "--name", "north/co1", "--role", "cloud-owner"
    )
    assert code == 0
    assert json.loads(card)["address"] == CLOUD.address
    consortium.fields["members"][1] = card
    consortium.fields["terms"] = {"settle_window_seconds": 60}
    out = consortium.folder / "fair.json"
    code, said, _ = run(capsys, "kit", "new", consortium.draft(), "--out", out, "--home", convener)
    assert code == 0
    fingerprint = said.split("fingerprint  ")[1].split("\n")[0]
    code, said, _ = run(capsys, "kit", "show", out)
    for words in (
        fingerprint,
        "north/co1   cloud-owner  " + CLOUD.address,
        "chain        1337",
        "/srv/store",
    ):
        assert words in said
    joining = ("kit", "join", out, "--as", "north/co1", "--home", cloud, "--fingerprint")
    code, said, _ = run(capsys, *joining, fingerprint.upper().replace(" ", "-"))
    assert code == 0
    assert "north/co1 has joined fair-study, serial 1, as cloud-owner" in said
    assert "break this line of the policy by default: min_settle_window_seconds" in said
    written = tomllib.loads((cloud / "agent.toml").read_text())
    assert written == {
        "role": "cloud-owner",
        "rpc": ["https://node.mary.test/${NODE_TOKEN}"],
        "deployment": str(cloud / "deployment.json"),
        "confirmations": 0,
        "store": "/srv/store",
        "members": ["kit"],
    }
    assert json.loads((cloud / "terms.json").read_text()) == {"settle_window_seconds": 60}
    assert role_at(cloud) == "cloud-owner"
    assert not [file.name for file in cloud.iterdir() if file.is_file() and file.stat().st_mode & 0o077]
    assert run(capsys, "policy", "show", "cloud-owner", "--home", cloud)[1].startswith(
        f'members = ["{DATA.address}"]'
    )
    code, said, changed = _next_kit(consortium, capsys, convener, out, joining)
    assert (code, "serial 2" in said) == (0, True)
    assert 'store.url: "/srv/store" -> "/srv/other"' in changed
    assert tomllib.loads((cloud / "agent.toml").read_text())["store"] == "/srv/other"


def _next_kit(
    consortium: Consortium, capsys: pytest.CaptureFixture[str], convener: Path, out: Path, joining: Any
) -> tuple[int, str, str]:
    consortium.fields |= {"serial": 2, "store": "/srv/other"}
    run(capsys, "kit", "new", consortium.draft(), "--out", out, "--home", convener)
    fingerprint = run(capsys, "kit", "show", out)[1].split("fingerprint  ")[1].split("\n")[0]
    return run(capsys, *joining, fingerprint)


def joined(capsys: pytest.CaptureFixture[str], file: Path, home: Path) -> tuple[int, str, str]:
    fingerprint = run(capsys, "kit", "show", file)[1].split("fingerprint  ")[1].split("\n")[0]
    return run(capsys, "kit", "join", file, "--as", "north/co1", "--home", home, "--fingerprint", fingerprint)


def test_settings_that_somebody_wrote_stay(
    consortium: Consortium, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_of(consortium, CLOUD, "co1")
    (home / "agent.toml").write_text("workers = 3\n")
    code, said, _ = joined(capsys, consortium.file(ca=_authority(consortium)), home)
    assert code == 0
    assert "is not as a kit wrote it, and stays; the kit would have:" in said
    assert f'node_ca = "{home}/kit-ca.pem"' in said
    assert (home / "agent.toml").read_text() == "workers = 3\n"
    assert (home / "kit-ca.pem").read_text() == "a certificate"


def _authority(consortium: Consortium) -> str:
    (consortium.folder / "ca.pem").write_text("a certificate")
    return "ca.pem"


def test_a_kit_is_joined_by_its_fingerprint(
    consortium: Consortium, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, file = home_of(consortium, CLOUD, "co1"), consortium.file()
    joining = ("kit", "join", file, "--as", "north/co1", "--home", home)
    code, _, wrong = run(capsys, *joining)
    assert (code, wrong.startswith("a kit is joined by its fingerprint")) == (2, True)
    code, _, wrong = run(capsys, *joining, "--fingerprint", "0000 1111 2222 3333 4444")
    assert (code, "it is another kit" in wrong or "ask its" in wrong) == (2, True)
    assert not (home / "kit.json").exists()
    kit = consortium.kit()
    monkeypatch.setattr(commands, "can_ask", lambda: True)
    monkeypatch.setattr(commands, "ask", lambda _: kit.fingerprint)
    assert run(capsys, *joining)[0] == 0
    assert kit_at(home) == kit


def test_only_a_later_kit_of_the_same_convener_follows(
    consortium: Consortium, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_of(consortium, CLOUD, "co1")
    assert joined(capsys, consortium.file(serial=2), home)[0] == 0
    assert joined(capsys, consortium.file(), home)[0] == 0, "the same once more"
    code, _, wrong = joined(capsys, consortium.file(serial=1), home)
    assert (code, wrong) == (2, "the kit has serial 1, the one in this home 2: ask for a later one\n")
    consortium.fields["serial"] = 9
    other = consortium.folder / "other.json"
    other.write_text(make_kit(read_draft(consortium.draft()), MODEL).text())
    code, _, wrong = joined(capsys, other, home)
    assert (code, "it is no successor" in wrong) == (2, True)


def test_joins_only_with_the_wallet_that_the_kit_names(
    consortium: Consortium, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_of(consortium, MODEL, "co1")
    code, _, wrong = joined(capsys, consortium.file(), home)
    expected = (
        f"the kit says north/co1 is {CLOUD.address}, this wallet is {MODEL.address}: ask for a new kit\n"
    )
    assert (code, wrong) == (2, expected)


def test_refuses_a_role_and_a_place_that_there_are_not(
    consortium: Consortium, capsys: pytest.CaptureFixture[str]
) -> None:
    home = home_of(consortium, CLOUD, "co1")
    code, _, wrong = run(capsys, "kit", "card", "--home", home, "--name", "a", "--role", "boss")
    assert (code, wrong.startswith("--role: 'boss' is no role: choose one of data-owner")) == (2, True)
    nowhere = home / "wallet.json" / "kit.json"
    code, _, wrong = run(capsys, "kit", "new", consortium.draft(), "--home", home, "--out", nowhere)
    assert (code, "cannot be written" in wrong) == (2, True)


# --- names in the place of addresses ---


@pytest.mark.parametrize(
    ("kind", "partner"),
    [
        (DataOwnerPolicySettings, MODEL),
        (CloudOwnerPolicySettings, DATA),
        (ModelOwnerPolicySettings, DATA),
    ],
)
def test_the_kit_stands_for_the_members_that_a_role_deals_with(
    consortium: Consortium, kind: type, partner: Wallet
) -> None:
    consortium.file()
    given = {"home": consortium.folder, "members": ["kit", CONVENER.address, ANYONE]}
    assert with_addresses(kind, given)["members"] == (partner.address, CONVENER.address, ANYONE)


def test_names_stand_for_addresses_in_lists_and_tables(consortium: Consortium) -> None:
    consortium.file()
    given = {
        "home": str(consortium.folder),
        "members": "st-mary/do",
        "cloud_owners": ("north/co1", MODEL.address),
        "with_member": {"lab/mo": {"at_stake_each": 5}},
        "seed": 3,
    }
    assert with_addresses(DataOwnerPolicySettings, given) == given | {
        "members": (DATA.address,),
        "cloud_owners": (CLOUD.address, MODEL.address),
        "with_member": {MODEL.address: {"at_stake_each": 5}},
    }
    with pytest.raises(BadInput, match="no member of kit fair-study is called 'north/co9'"):
        with_addresses(DataOwnerPolicySettings, given | {"members": ["north/co9"]})


def test_without_a_kit_names_are_told_where_settings_are_checked(tmp_path: Path) -> None:
    given = {"home": tmp_path, "members": ["north/co1"]}
    assert with_addresses(DataOwnerPolicySettings, given) == given
    with pytest.raises(BadInput, match="'kit' stands for members of a kit, and there is none"):
        with_addresses(DataOwnerPolicySettings, given | {"members": ["kit"]})
    assert addresses([CLOUD.address], None) == [CLOUD.address]


def test_a_kit_stands_for_nobody_where_no_role_is(consortium: Consortium) -> None:
    with pytest.raises(BadInput, match="is called 'kit'"):
        addresses(["kit"], consortium.kit())


def test_says_which_lines_of_a_policy_terms_break(consortium: Consortium) -> None:
    kit = consortium.kit(
        terms={"round_price": "1 ether", "job_price": "0.1 ether", "instance_bond": "9 ether"}
    )
    assert [line.split(":")[0] for line in breaches(kit, "model-owner")] == [
        "max_round_price",
        "max_job_price",
    ]
    assert [line.split(":")[0] for line in breaches(kit, "cloud-owner")] == ["max_bond_jobs"]
    assert list(breaches(kit, "data-owner")) == []
