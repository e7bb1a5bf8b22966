"""The checker of citations: every rule has a test, every citation has a rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.check_rules import citations, faults_of

SPECIFICATION = """
Cite rules so: `Rules: S4`.

- **S1** It is so.
- **S2** It is so too.
- **T10** And **S3** is no rule.
"""


def faults(folder: Path, source: str, specification: str = SPECIFICATION) -> list[str]:
    rules, tests = folder / "specification.md", folder / "tests" / "inner"
    tests.mkdir(parents=True, exist_ok=True)
    rules.write_text(specification)
    (tests / "test_it.py").write_text(source)
    return list(faults_of(rules, folder / "tests"))


@pytest.mark.parametrize(
    "source",
    [
        "# a tree\n# Rules: S1, S2, T10\n\nimport it\n",
        '"""About it.\n\nRules: S1, S2, T10.\n"""\n',
        '"""About it.\n\nRules: S1,\nS2, T10.\n"""\n',
        "# Rules: S1,\n# S2,\n# T10\n",
    ],
)
def test_is_content_when_all_are_cited(tmp_path: Path, source: str) -> None:
    assert faults(tmp_path, source) == []


def test_tells_a_rule_that_no_test_cites(tmp_path: Path) -> None:
    assert faults(tmp_path, "# Rules: S1, T10\n") == ["specification.md: S2 is cited by no test"]


def test_tells_a_citation_of_no_rule(tmp_path: Path) -> None:
    told = faults(tmp_path, "# Rules: S1, S2, S3, T1, T10\n")
    assert told == [
        "tests/inner/test_it.py: cites S3, which is no rule",
        "tests/inner/test_it.py: cites T1, which is no rule",
    ]


def test_tells_a_rule_that_is_there_twice(tmp_path: Path) -> None:
    twice = SPECIFICATION + "- **S2** Again.\n"
    assert faults(tmp_path, "# Rules: S1, S2, T10\n", twice) == ["specification.md: S2 is there twice"]


def test_helpers_cite_nothing(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "conftest.py").write_text("# Rules: S9\n")
    assert faults(tmp_path, "# Rules: S1, S2, T10\n") == []


def test_words_that_look_like_rules_are_read_in_citations_alone() -> None:
    assert citations("# T4 is an exit\nA, B1 = 1, 2\n# Rules: S1\n") == ["S1"]
