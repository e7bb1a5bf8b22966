"""Amounts of coins as people write them: wei, or so many ether or gwei."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Overflow
from typing import Annotated, Final

from pydantic import BeforeValidator

GWEI: Final = 10**9
ETHER: Final = 10**18

_EXACT: Final = Context(prec=100, Emax=100, Emin=-100, traps=[InvalidOperation, Overflow, Inexact])
_UNITS: Final = {"wei": 1, "gwei": GWEI, "ether": ETHER}


def read_amount(given: object) -> object:
    """Wei; what is no text is left as it is.

    Raises:
        ValueError: a text that is no amount, or not a whole number of wei.
    """
    if not isinstance(given, str):
        return given
    number, _, unit = given.strip().partition(" ")
    try:
        wei = _EXACT.multiply(Decimal(number), _UNITS[unit.strip() or "wei"])
        whole = int(wei.to_integral_exact(context=_EXACT))
    except (InvalidOperation, OverflowError, Overflow, ValueError, KeyError):
        raise ValueError(f"{given!r} is no amount: write wei, or as '0.1 ether' or '30 gwei'") from None
    except Inexact:
        raise ValueError(f"{given!r} is not a whole number of wei") from None
    return whole


def shown_amount(wei: int) -> str:
    """An amount as `read_amount` reads it, in the largest unit in which it is short."""
    for name, unit in (("ether", ETHER), ("gwei", GWEI)):
        thousandths, rest = divmod(wei * 1000, unit)
        if wei and not rest:
            number = f"{thousandths // 1000}.{thousandths % 1000:03}".rstrip("0").rstrip(".")
            return f"{number} {name}"
    return f"{wei} wei"


Wei = Annotated[int, BeforeValidator(read_amount)]
"""An amount in wei that may be written with its unit."""
