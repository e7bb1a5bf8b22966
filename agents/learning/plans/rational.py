"""Exact fractions in documents: ``"1/65"`` is the same number everywhere, 0.0153846 is not."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

PATTERN = r"^(0|[1-9][0-9]{0,8})(/[1-9][0-9]{0,8})?$"


def parse_rational(value: object) -> Fraction:
    """A fraction in lowest terms, written ``"2"`` or ``"1/65"``.

    Raises:
        ValueError: anything else, floats included.
    """
    if isinstance(value, Fraction):
        value = str(value)
    if not isinstance(value, str) or not re.match(PATTERN, value) or value.endswith("\n"):
        raise ValueError('write it as a whole number or a fraction in quotes, such as "1/65"')
    fraction = Fraction(value)
    if str(fraction) != value:
        raise ValueError(f'write it in lowest terms: "{fraction}"')
    return fraction


def _positive(fraction: Fraction) -> Fraction:
    if fraction <= 0:
        raise ValueError("must be over 0")
    return fraction


Rational = Annotated[
    Fraction,
    PlainValidator(parse_rational),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": PATTERN}),
]
"""A fraction from 0 up, in nine digits over nine digits at most."""

PositiveRational = Annotated[Rational, AfterValidator(_positive)]
"""A fraction over 0."""
