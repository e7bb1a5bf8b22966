"""The latest values are kept, each made once."""

from __future__ import annotations

from agents.learning.he.recent import Recent


def test_values_are_made_once_until_newer_ones_push_them_out() -> None:
    made: list[bytes] = []

    def value(key: bytes) -> int:
        made.append(key)
        return len(made)

    recent: Recent[int] = Recent(2)
    asked = [b"a", b"b", b"a", b"c", b"a", b"b"]
    assert [recent.get(key, lambda key=key: value(key)) for key in asked] == [1, 2, 1, 3, 1, 4]  # type: ignore[misc]
    assert made == [b"a", b"b", b"c", b"b"]
