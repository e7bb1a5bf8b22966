"""The checker of the threat model: every attack has a test, every test of an attack is in the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_threats import attacks, faults_of, names_in

MODEL = """
| assumption | if it fails |
|---|---|
| **H1** Most are honest. | They win. |

| attack | answer | price | test |
|---|---|---|---|
| lies | slashed; H1 | its bond | `test_lies.py::test_a_lie` |
| waits | late; H1 | a fine | `test_lies.py::test_a_wait` and `unit/test_late.py::test_late` |

| who | sees |
|---|---|
| all | what is public |
"""
LIES = "def test_a_lie(): ...\ndef test_a_wait(): ...\ndef helper(): ...\n"
LATE = "def test_late(): ...\ndef test_more(): ...\n"


def faults(folder: Path, model: str = MODEL, lies: str = LIES) -> list[str]:
    tests, document = folder / "tests", folder / "model.md"
    for place, source in (("adversarial/test_lies.py", lies), ("unit/test_late.py", LATE)):
        (tests / place).parent.mkdir(parents=True, exist_ok=True)
        (tests / place).write_text(source)
    document.write_text(model)
    return list(faults_of(document, tests))


def test_is_content_when_each_names_the_other(tmp_path: Path) -> None:
    assert faults(tmp_path) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("::test_late", "::test_early", "model.md: unit/test_late.py has no test_early"),
        ("unit/test_late", "unit/test_never", "model.md: unit/test_never.py is 0 files"),
        ("unit/test_late", "other/test_late", "model.md: other/test_late.py is 0 files"),
        (
            "`test_lies.py::test_a_wait` and ",
            "",
            "tests/adversarial/test_lies.py: test_a_wait is not in model.md",
        ),
        ("| waits |", "| runs | free; H1 | - | |\n| waits |", "model.md: no test for: runs"),
        ("late; H1", "late; H2", "model.md: H2 is not assumed, but by: waits"),
        ("; H1", "", "model.md: no attack rests on H1"),
    ],
)
def test_tells_what_is_wrong(tmp_path: Path, old: str, new: str, told: str) -> None:
    assert faults(tmp_path, MODEL.replace(old, new)) == [told]


def test_tells_a_new_attack_that_the_model_leaves_out(tmp_path: Path) -> None:
    told = faults(tmp_path, lies=LIES + "def test_a_theft(): ...\n")
    assert told == ["tests/adversarial/test_lies.py: test_a_theft is not in model.md"]


def test_a_name_that_two_files_have_needs_its_folder(tmp_path: Path) -> None:
    (tmp_path / "tests" / "other").mkdir(parents=True)
    (tmp_path / "tests" / "other" / "test_lies.py").write_text(LIES)
    assert "model.md: test_lies.py is 2 files" in faults(tmp_path)
    assert faults(tmp_path, MODEL.replace("`test_lies", "`adversarial/test_lies")) == []


def test_attacks_are_the_rows_of_tables_of_tests_alone() -> None:
    assert [row.split()[1] for row in attacks(MODEL)] == ["lies", "waits"]


def test_knows_tests_from_helpers(tmp_path: Path) -> None:
    file = tmp_path / "test_lies.py"
    file.write_text(LIES)
    assert names_in(file) == ["test_a_lie", "test_a_wait"]
