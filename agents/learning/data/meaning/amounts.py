"""One word as a number with what stands around it: a sign, a limit, a currency, a unit, brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CODES = "USD|EUR|GBP|CHF|JPY|CNY|INR|BRL|RUB|SEK|NOK|DKK|PLN|CZK|HUF|AUD|CAD|NZD|SGD|HKD|KRW|MXN|ZAR|TRY|ILS"
_CURRENCY = rf"(?:US|CA|AU|NZ|HK|R)?[$]|[€£¥₹₽₩₺₴₪₫฿₦₱¢]|(?:{_CODES})\b|Fr\.|kr\.?|zł|Kč|Rs\.?"
_UNITS = """
    kg mg µg ug ng pg lb lbs oz st km cm mm µm nm in ft yd mi ml mL dl dL cl µl µL cc
    g/l g/L g/dl g/dL mg/l mg/L mg/dl mg/dL µg/l µg/L ng/ml ng/mL mmol/l mmol/L µmol/l µmol/L mol/l mmol
    U/l U/L IU IU/l IU/L mIU/l mIU/L mmHg mmhg kPa hPa Pa bar bpm /min 1/min Hz kHz MHz
    years year yrs yr months month mo weeks week wk days day hours hour hrs hr h/d min mins sec secs ms
    °C °F kcal cal kJ kW kWh MW W/kg kg/m2 kg/m² m2 m² m3 m³ km2 km² km/h mph m/s mg/kg
""".split()  # noqa: SIM905 - a list of words
_LETTERS = "g l L m t s h d y K C F W V A J N".split()  # noqa: SIM905
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_WORD = re.compile(
    rf"""
    (?P<bound>[<>≤≥]=?)? \s*
    (?P<open>\()? \s* (?P<minus>[+-])? \s*
    (?P<before>{_CURRENCY})? \s* (?P<inner>[+-])? \s*
    (?P<digits>[0-9](?:[0-9.,' ]*[0-9.,])?|[.,][0-9]+)
    (?P<exponent>[eE][+-]?[0-9]+)?
    (?: \s* (?P<unit>{_UNIT}) | \s+ (?P<letter>{"|".join(_LETTERS)}) )? \s*
    (?P<percent>%)? \s* (?P<after>{_CURRENCY})? \s*
    (?P<close>\))?
    """,
    re.VERBOSE,
)
_AS_ASCII = str.maketrans(
    {"−": "-", "–": "-", "‐": "-", "’": "'", "μ": "µ", "\u00a0": " ", "\u202f": " ", "\u2009": " "}
)
_MINUSES = re.compile("[−–‐]")


@dataclass(frozen=True, slots=True)
class Amount:
    """A word that looks like a number.

    Attributes:
        unit: a currency, a unit of measurement, or a percent sign; empty if none.
    """

    sign: float
    digits: str
    exponent: str
    bound: str
    unit: str
    brackets: bool

    @property
    def percent(self) -> bool:
        """Whether it is a number of hundredths."""
        return self.unit == PERCENT


PERCENT = "%"


def amount(word: str) -> Amount | None:
    """What a word is as a number; None if it does not look like one."""
    found = _WORD.fullmatch(word.translate(_AS_ASCII).strip())
    if found is None or bool(found["open"]) != bool(found["close"]) or (found["minus"] and found["inner"]):
        return None
    marks = [mark for mark in ("before", "after", "unit", "letter", "percent") if found[mark]]
    if len(marks) > 1 or (found["bound"] and found["open"]):
        return None
    negative = "-" in (found["minus"], found["inner"]) or bool(found["open"])
    return Amount(
        -1.0 if negative else 1.0,
        found["digits"],
        found["exponent"] or "",
        found["bound"] or "",
        found[marks[0]].rstrip(".") if marks else "",
        bool(found["open"]),
    )


def has_another_minus(word: str) -> bool:
    """Whether a word has a minus sign that programs do not write."""
    return _MINUSES.search(word) is not None


def is_currency(unit: str) -> bool:
    """Whether what stands beside a number is a currency."""
    return re.fullmatch(_CURRENCY, unit) is not None or re.fullmatch(_CURRENCY, unit + ".") is not None
