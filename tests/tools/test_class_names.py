"""One word has one meaning: no two classes of agents/ have one name."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

AGENTS = Path(__file__).resolve().parents[2] / "agents"


def test_no_two_classes_have_one_name() -> None:
    trees = [ast.parse(file.read_text()) for file in AGENTS.rglob("*.py")]
    names = Counter(node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef))
    assert len(names) > 100
    assert [name for name, count in names.items() if count > 1] == []
