"""How much one person can change what is released: the squared L2 sensitivity of moments of rows.

Neighbours are two tables of the same number of rows that differ in one row, which can be any: row counts are
public. Rows are whole numbers in units of 2^-UNIT_BITS and moments in units of 2^-MOMENT_BITS, and the bounds
hold for these whole numbers exactly, since rows are cut towards zero (`unit_rows.py`).

Symmetric moments are released once for each distinct entry. Entries off the diagonal have noise of half the
variance, so a change there counts twice, and the figure is the Frobenius norm of the whole matrix.
"""

from __future__ import annotations

from fractions import Fraction

UNIT_BITS = 12
"""Rows are whole numbers in units of 2^-12: at 2^-8 a column of 64 would have some 32 steps."""

MOMENT_BITS = 2 * UNIT_BITS
"""The unit of moments, which are products of two entries of rows."""

OF_CLASSES = Fraction(9, 2)
"""Of rows u with norm at most 1: uu', and (u, 1/2) times the indicators of the classes.

uu' changes by 2 - 2 (u v)^2 and the rest, where the classes differ, by |u|^2 + |v|^2 + 1/2: together at most
9/2, for two rows at right angles. Two rows of one class differ by less.
"""

OF_NUMBERS = Fraction(2465, 512)
"""Of rows u with norm at most 1 and numbers y from -1 to 1: uu', uy, y/4 and u/4.

The worst are y = 1 and -1: with c = u v it is 2 - 2 c^2, 2 + 2 c, 1/4 and (2 - 2 c) / 16, which are together
4.375 + 1.875 c - 2 c^2, at most 4.375 + 1.875^2 / 8.
"""

OF_HELD_OUT_NUMBERS = OF_NUMBERS + Fraction(1, 16)
"""As `OF_NUMBERS`, and y^2/4, which changes by a quarter at most."""

OF_A_COLUMN = Fraction(4)
"""Of one column v from -1 to 1: v and v^2, for -1 in the place of 1."""


def moments_squared(classes: int, rows_of_a_person: int = 1) -> Fraction:
    """Squared sensitivity of a row's moments, in units of 2^-(2 * MOMENT_BITS).

    Args:
        classes: 0 for a regression.
        rows_of_a_person: how many rows are one person's.
    """
    of_a_row = OF_CLASSES if classes else OF_NUMBERS
    return of_a_row * (rows_of_a_person << MOMENT_BITS) ** 2


def held_out_squared(classes: int, rows_of_a_person: int = 1) -> Fraction:
    """Squared sensitivity of a row's held-out moments, in units of 2^-(2 * MOMENT_BITS)."""
    of_a_row = OF_CLASSES if classes else OF_HELD_OUT_NUMBERS
    return of_a_row * (rows_of_a_person << MOMENT_BITS) ** 2


def summary_squared(columns: int, rows_of_a_person: int = 1) -> Fraction:
    """Squared sensitivity of the sums of v and v^2 of so many columns, in units of 2^-(2 * MOMENT_BITS)."""
    return OF_A_COLUMN * columns * (rows_of_a_person << MOMENT_BITS) ** 2
