"""The gate on Slither's findings: each is explained, and each explanation is of a finding."""

from __future__ import annotations

from pathlib import Path
from shutil import copy

import pytest

from tools.check_findings import (
    ROOT,
    TRIAGE,
    SlitherError,
    SlitherFinding,
    explained,
    faults_of,
    found,
    plain,
    read,
)

TOLD = """Toy.send(address) sends eth to arbitrary user (contracts/Toy.sol#5-7)
\tDangerous calls:
\t- address(to).transfer(1) (contracts/Toy.sol#6)
"""
PLAIN = "Toy.send(address) sends eth to arbitrary user\nDangerous calls:\n- address(to).transfer(1)"
ENTRY = """
- check: arbitrary-send-eth
  why: It is a toy.
  findings:
    - |
      Toy.send(address) sends eth to arbitrary user
      Dangerous calls:
      - address(to).transfer(1)
"""
FINDING = SlitherFinding("arbitrary-send-eth", PLAIN)
TOY = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

contract Toy {
    function send(address payable to) external {
        to.transfer(1);
    }
}
"""


def test_knows_a_finding_by_its_words() -> None:
    assert plain(TOLD) == PLAIN


def test_is_content_when_all_is_explained() -> None:
    assert list(faults_of({FINDING: TOLD}, explained(ENTRY))) == []


def test_tells_what_is_not_explained() -> None:
    (fault,) = faults_of({FINDING: TOLD}, explained(""))
    assert fault.startswith("arbitrary-send-eth: found, not explained")
    assert "contracts/Toy.sol#6" in fault


def test_tells_what_is_no_longer_found() -> None:
    (fault,) = faults_of({}, explained(ENTRY))
    assert fault.startswith("arbitrary-send-eth: explained in slither.triage.yaml, no longer found")


def test_an_explanation_is_of_one_detector() -> None:
    other = SlitherFinding("reentrancy-eth", PLAIN)
    assert len(list(faults_of({other: TOLD}, explained(ENTRY)))) == 2


def test_wants_a_reason() -> None:
    with pytest.raises(SlitherError, match="without a reason"):
        list(explained(ENTRY.replace("It is a toy.", "''")))


def test_reads_an_answer_without_findings() -> None:
    assert read({"success": True, "results": {}}) == {}


def test_the_market_s_triage_is_one() -> None:
    findings = list(explained(TRIAGE.read_text()))
    assert findings
    assert len(findings) == len(set(findings))


def test_finds_what_is_wrong_with_a_contract(tmp_path: Path) -> None:
    checks = {finding.check for finding in found(project(tmp_path, TOY))}
    assert "arbitrary-send-eth" in checks


def test_tells_why_slither_ends_without_an_answer(tmp_path: Path) -> None:
    with pytest.raises(SlitherError, match="Expected ';'"):
        found(project(tmp_path, TOY.replace("(1);", "(1)")))


def project(folder: Path, source: str) -> Path:
    """A contract with this project's compiler and settings."""
    (folder / "contracts").mkdir()
    (folder / "contracts" / "Toy.sol").write_text(source)
    (folder / "tools").symlink_to(ROOT / "tools")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    copy(ROOT / "slither.config.json", folder)
    return folder
