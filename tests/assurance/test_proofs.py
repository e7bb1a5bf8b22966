"""The proofs' driver: what it reads of a proof, what it takes for one, and what it tells."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from assurance.proofs import __main__ as command
from assurance.proofs import prover
from assurance.proofs.build import HERE, lay_out
from assurance.proofs.planted import FAULTS, FaultError, PlantedFault
from assurance.proofs.proof import NatSpecError, Proof, ProofOutcome, ProofResult, Solver, proofs
from testing.compiler import ROOT, compiled_sources

TOY_FILE = "assurance/proofs/Toy.sol"
TOY = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

/// @title Toys
/// @custom:solver bits
contract Toy {
    /// @notice Second by name,
    /// first by line.
    /// @custom:bounds none
    function check_zero(uint256 one) external pure { assert(one * 0 == 0); }

    /// @notice Another.
    /// @custom:bounds ones
    /// @custom:halmos --loop 8
    function check_one(Pair memory pair, address who, bytes32 word, uint8[3] memory few) external pure {}

    struct Pair { uint96[2] bonds; bool both; bool either; int256 whole; }

    function helper() external pure {}
}
"""
ONE = "check_one((uint96[2],bool,bool,int256),address,bytes32,uint8[3])"
OUTPUTS = (
    "abi",
    "devdoc",
    "evm.bytecode",
    "evm.deployedBytecode",
    "evm.methodIdentifiers",
    "metadata",
    "userdoc",
)
PROOF = Proof("Toy", "check_zero", "Second by name, first by line.", "none", Solver.BITS, narrow=0)
FAULT = PlantedFault("a fault", "Toy.zero", "contracts/market/Ledger.sol", "before", "after")


@cache
def _compiled() -> str:
    return json.dumps(compiled_sources({TOY_FILE: TOY}, [], *OUTPUTS))


def compiled() -> dict[str, Any]:
    """What the compiler says of the toy, to be changed at will."""
    answer: dict[str, Any] = json.loads(_compiled())
    return answer


def told(**changed: Any) -> dict[str, Any]:
    """What halmos reports of a proof: all three paths end well."""
    test = {
        "name": "check_zero(uint256)",
        "exitcode": 0,
        "num_paths": [3, 3, 0],
        "num_bounded_loops": 0,
        "models": [],
    }
    return {"exitcode": 0, "test_results": {f"{TOY_FILE}:Toy": [test | changed]}}


# --- what there is to prove ---


def test_proofs_come_with_what_they_say_in_order_of_their_lines() -> None:
    assert list(proofs(compiled())) == [
        PROOF,
        Proof("Toy", "check_one", "Another.", "ones", Solver.BITS, narrow=8),
    ]
    assert PROOF.name == "Toy.zero"


@pytest.mark.parametrize(
    "forget",
    [
        lambda toy: toy["userdoc"]["methods"].pop(ONE),
        lambda toy: toy["devdoc"]["methods"].pop(ONE),
        lambda toy: toy["devdoc"].pop("custom:solver"),
        lambda toy: toy["devdoc"].update({"custom:solver": "z3"}),
    ],
)
def test_a_proof_that_does_not_say_what_it_shows_is_none(forget: Callable[[dict[str, Any]], object]) -> None:
    answer = compiled()
    forget(answer["contracts"][TOY_FILE]["Toy"])
    with pytest.raises(NatSpecError, match=r"Toy\.check_(one|zero) needs @notice, @custom:bounds"):
        list(proofs(answer))


def test_artefacts_are_laid_out_as_foundry_does(tmp_path: Path) -> None:
    lay_out(compiled(), tmp_path)
    artefact = json.loads((tmp_path / "out" / "Toy.sol" / "Toy.json").read_text())
    assert artefact["bytecode"]["object"].startswith("0x60")
    assert ONE in artefact["methodIdentifiers"]
    assert artefact["metadata"]["output"]["devdoc"]["methods"][ONE]["custom:halmos"] == "--loop 8"
    assert artefact["ast"]["absolutePath"] == TOY_FILE


# --- what is a proof ---


def test_a_proof_is_one_if_every_path_ends_well() -> None:
    assert prover.judge(PROOF, told(), "[PASS] check_zero(uint256)", 1.5) == ProofResult(
        ProofOutcome.PROVED, 3, 1.5
    )


def test_a_path_to_an_assertion_that_cannot_be_taken_is_none() -> None:
    said = "# of potential paths involving assertion violations: 2 / 5 (--solver-threads 1)\n[PASS]"
    assert prover.judge(PROOF, told(num_paths=[5, 3, 0]), said, 1).outcome is ProofOutcome.PROVED


def test_a_path_of_an_argument_that_does_not_fit_is_no_loss() -> None:
    proof = replace(PROOF, narrow=2)
    assert prover.judge(proof, told(num_paths=[5, 3, 0]), "", 1).outcome is ProofOutcome.PROVED
    assert prover.judge(proof, told(num_paths=[6, 3, 0]), "", 1).why == "1 paths end before the proof does"


@pytest.mark.parametrize(
    ("changed", "said", "why"),
    [
        ({"num_bounded_loops": 1}, "", "a loop was cut short"),
        ({"num_paths": [3, 0, 0]}, "", "no path ends well"),
        ({"num_paths": [3, 2, 0]}, "", "1 paths end before the proof does"),
        ({"num_paths": [3, 2, 1]}, "", "1 paths end before the proof does"),
        ({"exitcode": 2}, "", "halmos ended with 2"),
        ({"exitcode": 4}, "", "halmos ended with 4"),
        (
            {},
            "WARNING  paths have not been fully explored\n         (see loop-bound)\n",
            "fully explored (see",
        ),
        ({}, "ERROR    the solver failed\n", "the solver failed"),
        ({"name": "check_other()"}, "[PASS] check_other()", "it was not run: [PASS] check_other()"),
    ],
)
def test_what_was_not_looked_at_is_not_proved(changed: dict[str, Any], said: str, why: str) -> None:
    result = prover.judge(PROOF, told(**changed), said, 1)
    assert result.outcome is ProofOutcome.INCOMPLETE
    assert why in result.why


def test_a_counterexample_refutes_and_is_told() -> None:
    model = {"p_one_uint256_1": {"variable_name": "one", "value": 255}}
    result = prover.judge(PROOF, told(exitcode=1, models=[{"model": model}]), "WARNING  cut short\n", 1)
    assert (result.outcome, result.why) == (ProofOutcome.REFUTED, "one = 0xff")


# --- running it ---


@pytest.fixture
def halmos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Lets a script stand for halmos; the report is to go to $told."""

    def install(script: str) -> None:
        program = tmp_path / "bin" / "halmos"
        program.parent.mkdir(exist_ok=True)
        find = 'while [ "$1" != --json-output ]; do shift; done; told=$2\n'
        program.write_text(f'#!/bin/sh\necho "$@" > {shlex.quote(str(tmp_path))}/asked\n{find}{script}\n')
        program.chmod(0o755)
        monkeypatch.setattr(prover, "BIN", program.parent)

    return install


def test_a_proof_is_run_alone_and_nothing_is_written_at_home(
    tmp_path: Path, halmos: Callable[[str], None]
) -> None:
    halmos(f"cat > $told <<'END'\n{json.dumps(told())}\nEND\nforge build || exit; echo home $HOME")
    result = prover.prove(PROOF, tmp_path, 60)
    assert (result.outcome, result.paths) == (ProofOutcome.PROVED, 3)
    asked = (tmp_path / "asked").read_text()
    assert r"--contract Toy --match-test ^check_zero\(" in asked
    assert "yices-smt2" in asked
    assert (tmp_path / "Toy.zero.log").read_text() == f"home {ROOT / '.home'}\n"


def test_a_proof_that_takes_too_long_is_ended(tmp_path: Path, halmos: Callable[[str], None]) -> None:
    halmos("exec sleep 600")
    result = prover.prove(PROOF, tmp_path, 1)
    assert (result.outcome, result.why) == (ProofOutcome.TIMEOUT, "no answer within 1 s")


def test_halmos_that_fails_proves_nothing(tmp_path: Path, halmos: Callable[[str], None]) -> None:
    halmos("echo 'no such option'; exit 2")
    result = prover.prove(PROOF, tmp_path, 60)
    assert (result.outcome, result.why) == (ProofOutcome.INCOMPLETE, "halmos failed: no such option")


# --- planted faults ---


def test_every_fault_can_be_planted() -> None:
    for fault in FAULTS:
        assert fault.after in fault.source()


def test_every_contract_of_proofs_has_a_fault_to_notice_and_every_fault_a_proof() -> None:
    known = {
        f"{file.stem}.{function}"
        for file in HERE.glob("*.sol")
        for function in re.findall(r"function check_(\w+)", file.read_text())
    }
    assert {fault.proof for fault in FAULTS} <= known
    assert {fault.contract for fault in FAULTS} == {name.partition(".")[0] for name in known}


def test_a_fault_that_is_not_once_in_the_contract_is_refused() -> None:
    with pytest.raises(FaultError, match=r"'before' is not once in contracts/market/Ledger\.sol"):
        FAULT.source()


# --- what is told ---


@pytest.fixture
def outcomes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ProofOutcome]:
    """How the proof and the planted fault end; the command finds no others."""
    ends = {"proof": ProofOutcome.PROVED, "fault": ProofOutcome.REFUTED}
    (tmp_path / "halmos").touch()
    monkeypatch.setattr(command, "BIN", tmp_path)
    monkeypatch.setattr(command, "FOLDER", tmp_path / "prove")
    monkeypatch.setattr(command, "REPORT", tmp_path / "prove" / "report.json")
    monkeypatch.setattr(command, "compile_", lambda *_: compiled())
    monkeypatch.setattr(command, "choose_faults", lambda _: [FAULT])
    monkeypatch.setattr(
        command,
        "_tried",
        lambda chosen, faults, *_: [
            *((one, ProofResult(ends["proof"], 3, 1.5, "why not")) for one in chosen),
            *((one, ProofResult(ends["fault"], 3, 1.5, "why not")) for one in faults),
        ],
    )
    return ends


def test_all_proved_and_caught_is_exit_code_0(
    outcomes: dict[str, ProofOutcome], capsys: pytest.CaptureFixture[str]
) -> None:
    command.main([])
    report = json.loads(command.REPORT.read_text())
    assert (report["proved"], report["failed"], report["planted"], report["caught"]) == (2, 0, 1, 1)
    assert report["proofs"][0] | {"why": ""} == {
        "name": "Toy.zero",
        "contract": "Toy",
        "function": "check_zero",
        "claim": "Second by name, first by line.",
        "bounds": "none",
        "solver": "bits",
        "narrow": 0,
        "outcome": "proved",
        "paths": 3,
        "seconds": 1.5,
        "why": "",
    }
    assert (
        capsys.readouterr()
        .out.splitlines()[-1]
        .startswith("2 proved, 0 failed; 1 of 1 planted faults caught;")
    )


@pytest.mark.parametrize("outcome", [ProofOutcome.REFUTED, ProofOutcome.INCOMPLETE, ProofOutcome.TIMEOUT])
def test_what_is_not_proved_is_exit_code_1(
    outcomes: dict[str, ProofOutcome], outcome: ProofOutcome, capsys: pytest.CaptureFixture[str]
) -> None:
    outcomes["proof"] = outcome
    with pytest.raises(SystemExit) as exit_:
        command.main(["--only", "Toy.one"])
    assert exit_.value.code == 1
    assert f"Toy.one: {outcome}, why not" in capsys.readouterr().out
    assert json.loads(command.REPORT.read_text())["failed"] == 1


@pytest.mark.parametrize("outcome", [ProofOutcome.PROVED, ProofOutcome.INCOMPLETE, ProofOutcome.TIMEOUT])
def test_a_planted_fault_that_is_not_refuted_is_exit_code_1(
    outcomes: dict[str, ProofOutcome], outcome: ProofOutcome
) -> None:
    outcomes["fault"] = outcome
    with pytest.raises(SystemExit) as exit_:
        command.main(["--planted"])
    assert exit_.value.code == 1
    report = json.loads(command.REPORT.read_text())
    assert (report["proved"], report["planted"], report["caught"]) == (0, 1, 0)


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--only", "Toys"], "only is Toys: choose one of Toy, or of their proofs, as Toy.zero\n"),
        (["--jobs", "0"], "--jobs and --limit are at least 1\n"),
        (["--jobs", "two"], "argument --jobs: invalid int value: 'two'\n"),
        (["--quick"], "unrecognized arguments: --quick\n"),
    ],
)
def test_a_flag_that_cannot_be_used_is_one_line_and_exit_code_2(
    outcomes: dict[str, ProofOutcome], flags: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        command.main(flags)
    assert exit_.value.code == 2
    assert capsys.readouterr().err == says


def test_halmos_that_is_not_installed_is_exit_code_2(
    outcomes: dict[str, ProofOutcome], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "BIN", tmp_path / "nowhere")
    with pytest.raises(SystemExit) as exit_:
        command.main([])
    assert exit_.value.code == 2
