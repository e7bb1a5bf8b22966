from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from rich.console import Console

from agents.core.errors import NodeUnavailable
from benchmarks import __main__ as command
from benchmarks.nodes.chains import chain, title
from benchmarks.parts import PARTS
from benchmarks.profile import FULL, SHORT, Json, Profile, Say, Skipped


def nothing(profile: Profile, folder: Path, say: Say) -> dict[str, Json]:
    say(f"measuring by {profile.name}")
    return {"folder": folder.name}


def absent(profile: Profile, folder: Path, say: Say) -> dict[str, Json]:
    raise Skipped("not installed: install it")


def interrupted(profile: Profile, folder: Path, say: Say) -> dict[str, Json]:
    raise KeyboardInterrupt


def broken(profile: Profile, folder: Path, say: Say) -> dict[str, Json]:
    raise NodeUnavailable("the node fell over")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PARTS", {"nothing": nothing, "absent": absent})
    monkeypatch.setattr(signal, "signal", lambda *_: None)


@pytest.mark.parametrize("flags", [["--only", "models,nonsense"], ["--fast"], ["--folder"], ["extra"]])
def test_a_wrong_flag_is_one_line_and_exit_code_2(
    flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        command.main(flags)
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_folder_that_cannot_be_made_is_one_line_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as exit_:
        command.main(["--folder", str(tmp_path / "file")])
    assert exit_.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_parts_are_measured_in_their_own_order() -> None:
    assert command.choose("rates,models") == ["models", "rates"]
    assert command.choose(None) == list(PARTS)


def test_writes_report_and_page(parts: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--folder", str(tmp_path)])
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["nothing"] == {"folder": "nothing"}
    assert report["absent"] == {"skipped": "not installed: install it"}
    assert report["profile"] == "short"
    assert "absent: not installed: install it" in (tmp_path / "report.html").read_text()
    assert "measuring by short" in capsys.readouterr().out


def test_a_part_that_fails_does_not_end_the_others_but_fails_the_run(
    parts: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "PARTS", {"broken": broken, "nothing": nothing})
    with pytest.raises(SystemExit) as exit_:
        command.main(["--full", "--folder", str(tmp_path)])
    assert exit_.value.code == 1
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["broken"] == {"failed": "the node fell over"}
    assert report["nothing"] == {"folder": "nothing"}


def test_an_interrupt_ends_it_without_a_report(
    parts: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "PARTS", {"interrupted": interrupted})
    with pytest.raises(SystemExit) as exit_:
        command.main(["--folder", str(tmp_path)])
    assert exit_.value.code == 130
    assert not (tmp_path / "report.json").exists()


def test_a_run_knows_its_machine(parts: None, tmp_path: Path) -> None:
    facts = command.measure(SHORT, [], tmp_path, Console(quiet=True))["machine"]
    assert isinstance(facts, dict)
    assert facts["cores"]
    assert facts["processor"]


@pytest.mark.parametrize("profile", [SHORT, FULL])
def test_profiles_name_chains_that_there_are(profile: Profile) -> None:
    for name in profile.loads:
        assert chain(name) is not None
        assert title(name) != name


@pytest.mark.parametrize("name", ["geth", "validators", "validators0", "validators100"])
def test_refuses_chains_that_there_are_not(name: str) -> None:
    with pytest.raises(ValueError, match="no chain"):
        chain(name)


def test_chains_have_names_for_people() -> None:
    assert [title(name) for name in ("anvil", "validators1", "validators8")] == [
        "Anvil",
        "1 validator",
        "8 validators",
    ]
