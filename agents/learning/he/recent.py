"""What was worked out lately and will be asked for again: keys, weights, maps of subsets."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Recent(Generic[Value]):
    """The latest few values by key, each made once.

    Threads may at worst make the same value twice.

    Args:
        size: how many are kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._values: OrderedDict[bytes, Value] = OrderedDict()

    def get(self, key: bytes, make: Callable[[], Value]) -> Value:
        """The value of this key, made if it is not among the latest."""
        value = self._values.pop(key, None)
        if value is None:
            value = make()
        self._values[key] = value
        while len(self._values) > self._size:
            self._values.popitem(last=False)
        return value


class Latest(Generic[Value]):
    """What was made of the latest object, for as long as the same object comes again.

    Not of equal ones: to compare long byte strings costs as much as to hash them.
    """

    def __init__(self) -> None:
        self._latest: tuple[bytes, Value] | None = None

    def get(self, data: bytes, make: Callable[[bytes], Value]) -> Value:
        """What is made of these bytes."""
        latest = self._latest
        if latest is None or latest[0] is not data:
            latest = self._latest = (data, make(data))
        return latest[1]
