"""Expecting a custom error of a contract, under Brownie, on every kind of node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from brownie.exceptions import VirtualMachineError


@contextmanager
def reverts_with(error: str, *arguments: object) -> Iterator[None]:
    """Expects that the block's transaction or call reverts with this custom error.

    Args:
        error: the error's name, as the interface declares it.
        arguments: what it must carry, in order: numbers, booleans, enums, bytes (or 0x strings), accounts or
            addresses. None given: any arguments will do.
    """
    try:
        yield
    except VirtualMachineError as caught:
        # Brownie renders an error as "Name: 1, 0xabc..., b'...'", and as "Name: " if it carries nothing
        name, _, rendered = (caught.revert_msg or "").partition(": ")
        got = f"{name}({rendered})"
        assert name == error, f"expected {error}, got {got}"
        if arguments:
            expected = ", ".join(map(_render, arguments))
            assert rendered.lower() == expected.lower(), f"expected {error}({expected}), got {got}"
    else:
        raise AssertionError(f"expected {error}, but nothing reverted")


def _render(argument: object) -> str:
    if isinstance(argument, int) and not isinstance(argument, bool):
        return str(int(argument))  # an enum by its number
    text = str(argument)
    if text.startswith("0x") and len(text) != len("0x") + 40:
        return str(bytes.fromhex(text[2:]))
    return str(bytes(argument)) if isinstance(argument, bytes | bytearray) else text
