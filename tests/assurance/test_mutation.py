"""The mutants that are made, what is remembered of them, and what is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from assurance.mutation import __main__ as command
from assurance.mutation.mutants import Mutant, MutantKey, mutants
from assurance.mutation.report import ExplanationError, explained, faults_of, report_of
from assurance.mutation.results import Results, without_duplicates
from assurance.mutation.trial import Fate, TrialResult
from testing.compiler import compiled_sources

TOY = """// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

contract Toy {
    enum Size { None, Small, Large }
    struct Pair { uint256 left; bytes32 word; uint256 right; }
    event Told(uint256 one, uint256 two);

    uint256 private total;

    function weigh(Pair memory pair, uint256 most) external returns (Size size) {
        if (pair.left > most) revert();
        for (uint256 i = 0; i < most; ++i) total += pair.right;
        emit Told(most, total); // a sign of several bytes: é
        return total != 0 && most == 7 ? Size.Small : Size.Large;
    }
}
"""


@pytest.fixture(scope="module")
def made() -> list[Mutant]:
    tree = compiled_sources({"Toy.sol": TOY}, [], "abi")["sources"]["Toy.sol"]["ast"]
    return list(mutants({"Toy.sol": TOY}, {"Toy.sol": tree}))


def becomes(made: list[Mutant], operator: str) -> set[str]:
    return {mutant.after for mutant in made if mutant.operator == operator}


IF = "if (pair.left > most) revert();"
LOOP = "for (uint256 i = 0; i < most; ++i) total += pair.right;"
RETURN = "return total != 0 && most == 7 ? Size.Small : Size.Large;"


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        (
            "relational",
            {
                IF.replace(">", ">="),
                IF.replace(">", "!="),
                LOOP.replace("i < most", "i <= most"),
                RETURN.replace("== 7", "<= 7"),
                RETURN.replace("== 7", ">= 7"),
                RETURN.replace("most == 7", "false"),
                RETURN.replace("total != 0", "true"),
                RETURN.replace("total != 0", "total < 0"),
            },
        ),
        (
            "condition",
            {
                IF.replace("pair.left > most", "true"),
                IF.replace("pair.left > most", "false"),
                LOOP.replace("i < most", "true"),
                LOOP.replace("i < most", "false"),
                RETURN.replace("total != 0 && most == 7", "true"),
                RETURN.replace("total != 0 && most == 7", "false"),
            },
        ),
        (
            "logical",
            {
                RETURN.replace("&&", "||"),
                RETURN.replace(" && most == 7", ""),
                RETURN.replace("total != 0 && ", ""),
            },
        ),
        (
            "step",
            {LOOP.replace("++i", "--i"), LOOP.replace("+=", "-="), LOOP.replace("+=", "=")},
        ),
        (
            "literal",
            {
                LOOP.replace("i = 0", "i = 1"),
                RETURN.replace("!= 0", "!= 1"),
                RETURN.replace("7", "6"),
                RETURN.replace("7", "8"),
            },
        ),
        (
            "member",
            {
                IF.replace("left", "right"),
                LOOP.replace("right", "left"),
                RETURN.replace("Small", "None"),
                RETURN.replace("Small", "Large", 1),
                RETURN.replace("Size.Large", "Size.Small"),
            },
        ),
        ("swap", {"emit Told(total, most);"}),
        (
            "deletion",
            {"{}", LOOP.replace("total += pair.right;", "{}")},
        ),
    ],
)
def test_makes_these_mutants(made: list[Mutant], operator: str, expected: set[str]) -> None:
    assert becomes(made, operator) == expected


def test_each_changes_one_place_and_compiles(made: list[Mutant]) -> None:
    assert len({mutant.source for mutant in made}) == len(made)
    for mutant in made:
        assert mutant.source.splitlines()[mutant.line - 1] != TOY.splitlines()[mutant.line - 1]
        assert mutant.function == "weigh"
    together = {f"{number}.sol": mutant.source for number, mutant in enumerate(made)}
    compiled_sources(together, [], "abi")


# --- results ---


def mutant(number: int, source: str = "") -> Mutant:
    return Mutant("A.sol", "swap", number, "f", "a", f"b {number}", source or f"source {number};")


def test_a_result_is_known_again(tmp_path: Path) -> None:
    file = tmp_path / "mutate" / "results.jsonl"
    found = TrialResult(Fate.KILLED, "code", "a test")
    Results({"A.sol": "a"}, "tests", file).write(mutant(1), found)
    again = Results({"A.sol": "a"}, "tests", file)
    assert again.of(mutant(1)) == found
    assert again.of(mutant(1, "source 1; // and a comment")) == found
    assert again.of(mutant(2)) is None


def test_a_result_is_not_known_of_other_contracts_or_tests(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    sources = {"A.sol": "a", "B.sol": "b"}
    for number, outcome in ((1, Fate.KILLED), (2, Fate.SURVIVED)):
        Results(sources, "tests", file).write(mutant(number), TrialResult(outcome))
    assert Results(sources | {"B.sol": "c"}, "tests", file).of(mutant(1)) is None
    assert Results(sources, "other tests", file).of(mutant(1)) is None
    kept = Results(sources, "other tests", file, keep_kills=True)
    assert kept.of(mutant(1)) == TrialResult(Fate.KILLED)
    assert kept.of(mutant(2)) is None


def test_a_line_that_was_broken_off_is_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    Results({}, "tests", file).write(mutant(1), TrialResult(Fate.KILLED))
    file.write_text(file.read_text() + '["abc", "tes')
    assert Results({}, "tests", file).of(mutant(1)) == TrialResult(Fate.KILLED)


def test_what_compiles_to_the_same_counts_once() -> None:
    results = [
        TrialResult(Fate.KILLED, "x"),
        TrialResult(Fate.KILLED, "x"),
        TrialResult(Fate.INVALID),
    ]
    told = without_duplicates(zip(map(mutant, range(3)), results, strict=True))
    assert [result.outcome for _, result in told] == [
        Fate.KILLED,
        Fate.DUPLICATE,
        Fate.INVALID,
    ]


# --- the report ---


def trials(killed: int, survived: int) -> list[tuple[Mutant, TrialResult]]:
    outcomes = [Fate.KILLED] * killed + [Fate.SURVIVED] * survived + [Fate.INVALID]
    return [(mutant(number), TrialResult(outcome)) for number, outcome in enumerate(outcomes)]


def why(*numbers: int) -> dict[MutantKey, str]:
    return {mutant(number).key: "because" for number in numbers}


def report(explanations: Mapping[MutantKey, str]) -> dict[str, Any]:
    return report_of(trials(19, 1), {"A.sol": "source;\n"}, explanations)


def test_tells_the_score_and_each_survivor() -> None:
    told = report(why(19))
    assert (told["killed"], told["survived"], told["score"], told["unexplained"]) == (19, 1, 95.0, 0)
    assert told["operators"]["swap"] == told["files"]["A.sol"]
    (survivor,) = told["survivors"]
    assert (survivor["file"], survivor["line"], survivor["explanation"]) == ("A.sol", 19, "because")
    assert "+source 19;" in survivor["diff"]
    assert report({})["unexplained"] == 1


def test_a_score_is_never_rounded_up() -> None:
    assert report_of(trials(1_899, 101), {"A.sol": ""}, {})["score"] == 94.95
    assert report_of(trials(94_999, 5_001), {"A.sol": ""}, {})["score"] == 94.99


def test_faults() -> None:
    assert list(faults_of(trials(19, 1), why(19))) == []
    (unexplained,) = faults_of(trials(19, 1), {})
    assert "b 19" in unexplained
    (stale,) = faults_of(trials(19, 1), why(19, 3))
    assert "b 3" in stale
    (low,) = faults_of(trials(18, 1), why(18))
    assert "94.73" in low


def test_reads_explanations() -> None:
    fields = {"file": "A.sol", "function": "f", "line": "a", "becomes": "b 7"}
    assert explained(json.dumps([{"why": "be\n  cause", "mutants": [fields]}])) == {mutant(7).key: "be cause"}
    for wrong in (
        [{"why": "", "mutants": [fields]}],
        [{"why": "twice", "mutants": [fields, fields]}],
        [{"why": "a field is missing", "mutants": [{"file": "A.sol"}]}],
        [{"mutants": [fields]}],
    ):
        with pytest.raises(ExplanationError):
            explained(json.dumps(wrong))


@pytest.mark.parametrize(
    "flags", [["--jobs", "0"], ["--jobs", "x"], ["--only", "Nothing.sol"], ["--nonsense"]]
)
def test_a_wrong_flag_is_one_line(flags: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(flags)
    assert ended.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
