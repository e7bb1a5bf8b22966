"""How reports write amounts, scores, times and hashes for people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from agents.core.enums import Role

MINUS = "\N{MINUS SIGN}"
MISSING = "\N{EM DASH}"
_MICRO = 10**12
"""Amounts are written to the millionth of a coin."""


def role_name(role: Role) -> str:
    """``cloud owner``; whoever has no role is ``no member``."""
    return role.name.lower().replace("_", " ") if role else "no member"


def coins(wei: int) -> str:
    """An amount in coins: ``0.0035``, ``1,250.5``, ``−0.01``; less than a millionth is told as such."""
    micro = (abs(wei) + _MICRO // 2) // _MICRO
    if wei and not micro:
        return f"{MINUS if wei < 0 else ''}<0.000001"
    whole, rest = divmod(micro, 10**6)
    text = f"{whole:,}.{rest:06d}".rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if wei < 0 else text


def score(value: float | None, metric: str) -> str:
    """An accuracy in percent, an R2 to three digits; what is no number is a dash."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{100 * value:.1f}\N{NO-BREAK SPACE}%" if metric == "accuracy" else f"{value:.3f}"
    return text.replace("-", MINUS)


def gap(value: float | None, metric: str) -> str:
    """A difference of two scores, with its sign; of accuracies in percentage points."""
    if value is None or not math.isfinite(value):
        return MISSING
    text = f"{100 * value:+.1f} points" if metric == "accuracy" else f"{value:+.3f}"
    return text.replace("-", MINUS)


def brief(hexadecimal: str) -> str:
    """A hash or an address by its head and tail: ``0x7099…79C8``."""
    if len(hexadecimal) <= 14:
        return hexadecimal
    return f"{hexadecimal[:6]}\N{HORIZONTAL ELLIPSIS}{hexadecimal[-4:]}"


def size(count: int) -> str:
    """A number of bytes: ``812 B``, ``1.6 kB``, ``22 MB``, in powers of 1,000."""
    if count < 1000:
        return f"{count} B"
    value, unit = (count / 1e3, "kB") if count < 999_500 else (count / 1e6, "MB")
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def duration(seconds: float) -> str:
    """A time: ``0.4 ms``, ``38 ms``, ``1.7 s``."""
    value, unit = (1000 * seconds, "ms") if seconds < 1 else (seconds, "s")
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def moment(seconds: int) -> str:
    """A time in seconds since 1970, as date and time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def numbered(count: int, thing: str) -> str:
    """``1 round``, ``6 rounds``."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def listed(items: Sequence[object]) -> str:
    """``2``, ``2 and 3``, ``2, 3 and 5``."""
    words = [str(item) for item in items]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def share(part: float, whole: float) -> str:
    """A part of a whole in whole percent; of nothing, a dash."""
    return f"{100 * part / whole:.0f}\N{NO-BREAK SPACE}%" if whole else MISSING
