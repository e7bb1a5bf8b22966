"""The latest values are kept, each made once."""

from __future__ import annotations

from agents.learning.he.recent import Latest, Recent


def test_values_are_made_once_until_newer_ones_push_them_out() -> None:
    made: list[bytes] = []

    def value(key: bytes) -> int:
        made.append(key)
        return len(made)

    recent: Recent[int] = Recent(2)
    asked = [b"a", b"b", b"a", b"c", b"a", b"b"]
    assert [recent.get(key, lambda key=key: value(key)) for key in asked] == [1, 2, 1, 3, 1, 4]  # type: ignore[misc]
    assert made == [b"a", b"b", b"c", b"b"]


def test_what_was_made_of_an_object_is_kept_until_another_comes() -> None:
    made: list[bytes] = []

    def value(data: bytes) -> int:
        made.append(data)
        return len(made)

    latest: Latest[int] = Latest()
    first, other = b"first", b"other"
    equal = bytes(bytearray(first))
    assert [latest.get(data, value) for data in (first, first, other, first, equal)] == [1, 1, 2, 3, 4]
