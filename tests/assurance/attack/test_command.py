"""The program that plays the attacks, and the documents that speak of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from assurance.attack import __main__ as program
from assurance.attack.attack import Attack, Found, Stage
from assurance.attack.registry import ATTACKS, chosen
from testing.compiler import ROOT

PAGE = (ROOT / "docs" / "privacy.md").read_text()
MODEL = " ".join((ROOT / "docs" / "threat-model.md").read_text().split())
KINDS = {attack.name.split("/")[0] for attack in ATTACKS}


def claims_of_the_page() -> dict[str, set[str]]:
    """Each claim of the page, and the kinds of attacks that it names."""
    section = PAGE.split("| claim | attacks |")[1].split("\n\n")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| ")]
    return {claim.strip(): set(re.findall(r"`([\w-]+)`", named)) for claim, named in rows}


def test_each_claim_is_on_the_page_with_its_attacks() -> None:
    tried: dict[str, set[str]] = {}
    for attack in ATTACKS:
        tried.setdefault(attack.claim, set()).add(attack.name.split("/")[0])
    assert claims_of_the_page() == tried


def test_the_threat_model_names_attacks_that_there_are() -> None:
    named = set(re.findall(r"`make attack`: (`[\w-]+`(?:, `[\w-]+`)*)", MODEL))
    kinds = {kind for some in named for kind in re.findall(r"`([\w-]+)`", some)}
    assert kinds
    assert kinds <= KINDS


def test_names_are_unique_and_each_family_meets_each_level() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names)
    assert sum(name.startswith("single-result/") for name in names) == 44


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, *rows: int) -> int:
    """The exit code of a run of attacks that recover so many rows, where none may be."""

    def attack(number: int, count: int) -> Attack:
        def play(stage: Stage) -> Found:
            assert stage.folder.is_dir()
            return Found({"rows": count, "share": 0.12345}, {"rows": 0.0})

        return Attack(f"theft/{number}", "a thief", "rows", "Nothing is lost.", play)

    monkeypatch.setattr(program, "chosen", lambda _: [attack(*each) for each in enumerate(rows)])
    with pytest.raises(SystemExit) as end:
        program.main(["--quick", "--seed", "3", "--folder", str(folder)])
    assert isinstance(end.value.code, int)
    return end.value.code


def test_a_run_is_told_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, 0, 0) == 0
    said = capsys.readouterr().out
    assert "holds  theft/0: rows 0, share 0.1235" in said
    assert "2 attacks, 0 claims broken" in said
    report = json.loads((tmp_path / "report.json").read_text())
    assert (report["attacks"], report["broken"], report["seed"]) == (2, 0, 3)
    first = report["by_attack"][0]
    first.pop("seconds")
    assert first == {
        "name": "theft/0",
        "who": "a thief",
        "against": "rows",
        "claim": "Nothing is lost.",
        "recovered": {"rows": 0, "share": 0.12345},
        "expected": {"rows": {"at most": 0.0}},
        "holds": True,
    }


def test_a_broken_claim_is_told_and_the_run_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, 0, 7) == 1
    said = capsys.readouterr().out
    assert "BROKEN theft/1: rows 7" in said
    assert "2 attacks, 1 claims broken" in said


def test_attacks_are_chosen_by_a_part_of_their_names() -> None:
    assert {attack.name.split("/")[0] for attack in chosen("all-but")} == {"all-but-one", "all-but-two"}
    assert chosen("") == ATTACKS


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--only", "sorcery"], "no attack's name has 'sorcery' in it: the kinds are single-result, crafted"),
        (["--seed", "-1"], "seed is -1: choose 0 or more"),
        (["--rows", "1"], "--rows"),
    ],
)
def test_a_wrong_flag_is_one_line(flags: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        program.main(flags)
    said = capsys.readouterr().err
    assert end.value.code == 2
    assert told in said
    assert said.count("\n") == 1
