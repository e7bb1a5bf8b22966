"""Expecting a custom error of a contract, on every kind of chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from testing.contracts.chain import chain

PANICS = {"Integer overflow": 0x11, "Division or modulo by zero": 0x12}
"""Brownie's words for the compiler's codes."""


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
    except chain().reverted as caught:
        # an error is rendered as "Name: 1, 0xabc..., b'...'", and as "Name: " if it carries nothing
        name, _, rendered = str(getattr(caught, "revert_msg", None) or "").partition(": ")
        got = f"{name}({rendered})"
        assert name == error, f"expected {error}, got {got}"
        if arguments:
            expected = ", ".join(map(_render, arguments))
            assert rendered.lower() == expected.lower(), f"expected {error}({expected}), got {got}"
    else:
        raise AssertionError(f"expected {error}, but nothing reverted")


@contextmanager
def reverts() -> Iterator[None]:
    """Expects that the block's transaction or call reverts, whatever the reason."""
    try:
        yield
    except chain().reverted:
        return
    raise AssertionError("nothing reverted")


@contextmanager
def panics(why: str) -> Iterator[None]:
    """Expects that a check of the compiler ends the block's call: one of `PANICS`."""
    try:
        yield
    except chain().reverted as caught:
        rendered = str(getattr(caught, "revert_msg", None))
        assert rendered in (why, f"Panic: {PANICS[why]}"), rendered
    else:
        raise AssertionError(f"expected {why}, but nothing reverted")


def refusal(call: Callable[[], Any]) -> str:
    """The error with which a call reverts, and what it carries; empty if it does not."""
    try:
        call()
    except chain().reverted as caught:
        return str(getattr(caught, "revert_msg", None))
    return ""


def _render(argument: object) -> str:
    if isinstance(argument, int) and not isinstance(argument, bool):
        return str(int(argument))  # an enum by its number
    text = str(argument)
    if text.startswith("0x") and len(text) != len("0x") + 40:
        return str(bytes.fromhex(text[2:]))
    return str(bytes(argument)) if isinstance(argument, bytes | bytearray) else text
