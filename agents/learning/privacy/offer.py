"""A table offered with noise: nothing that leaves its owner depends on a row, but for what the noise covers.

- The division into training and test rows, and that into subsets, go by place and seed alone. Classes or
  values decide nothing: with them one row would move others.
- Gaps take the middle of a column's public range.
- Centre and scale come from a noisy summary, the moments have noise, and both are paid from one budget.
- Of the rows that are held out moments are released, with noise for the same budget. No row is exposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from agents.core.errors import BadInput, CannotSplit
from agents.learning.data.canonical import digest
from agents.learning.data.grouped import TEST_SHARE
from agents.learning.data.prepare import Prepared
from agents.learning.data.samples import (
    FEATURE_BITS,
    FEATURE_LIMIT,
    TARGET_BITS,
    FloatArray,
    Int32Array,
    Int64Array,
    Samples,
)
from agents.learning.data.split import MIN_ROWS
from agents.learning.data.subset import SubsetNoise
from agents.learning.data.tables import Table
from agents.learning.plans.noise import Noise
from agents.learning.privacy.accounting import Account, Release, delta_digits, rho_for, variance_for
from agents.learning.privacy.dealing import Derive, deal, digest_of_rows
from agents.learning.privacy.held_out import HeldOut
from agents.learning.privacy.moments import MomentsForm
from agents.learning.privacy.policy import Guarantee, PrivacyPolicy
from agents.learning.privacy.rule_of_thumb import EPSILONS, HOPELESS, choose_epsilon, noise_ratio
from agents.learning.privacy.sensitivity import (
    UNIT_BITS,
    held_out_squared,
    moments_squared,
    summary_squared,
)
from agents.learning.privacy.summary import Summary, summarise

SUMMARY_SHARE = Fraction(15, 100)
"""Of the budget, for the summary; the rest is for the moments."""


@dataclass(frozen=True)
class Offer:
    """What a data owner makes of its table.

    Attributes:
        prepared: its rows, standardised by the summary; the samples to expose are none.
        parts: row numbers of each subset.
        noise: of each subset.
        held_out: moments of the rows held out, to be published.
        guarantee: for the description.
    """

    prepared: Prepared
    parts: tuple[Int64Array, ...]
    noise: tuple[SubsetNoise, ...]
    held_out: HeldOut
    guarantee: Guarantee


def offer(
    table: Table,
    policy: PrivacyPolicy,
    subsets: int,
    seed: int,
    derive: Derive,
    epsilon: int | None = None,
) -> Offer:
    """Divides a table, releases its summary and its held-out moments, and deals the noise of its moments.

    Args:
        table: as it was read.
        policy: what its owner asks for.
        subsets: how many.
        seed: of the division.
        derive: the data owner's secret.
        epsilon: that was spent for it; by default what the policy says, or what the table affords.

    Raises:
        BadInput: ranges that do not fit the table, or a table too small for any noise that protects.
        CannotSplit: too few rows for so many subsets.
    """
    train, test = divided(len(table.target), seed)
    if train.size < MIN_ROWS * subsets:
        most = train.size // MIN_ROWS
        raise CannotSplit(f"{subsets} subsets are too many for {train.size} rows: use {most} or fewer")
    if policy.colluding >= subsets:
        raise BadInput(f"colluding is {policy.colluding}: of {subsets} subsets one at least must be honest")
    low, high = policy.ranges(table)
    columns, target = scaled(table.features, low, high), _target(table, policy)
    classes = len(table.class_names)
    form = MomentsForm(columns.shape[1], classes)
    terms = _Terms.of(policy, form, train.size, epsilon)
    raw = digest_of_rows(Samples(columns[train].astype(np.int32), target[train], classes))
    key = derive(b"holdfast/noise/summary/%d/%b" % (terms.summary_variance, raw.hex().encode()))
    summary = summarise(columns[train], terms.summary_variance, key)
    everything = Samples(standardised(columns, summary), target, classes)
    prepared = Prepared(
        everything.take(train), everything.take(np.array([], dtype=np.int64)), everything.take(test)
    )
    held_out = _held_out(form, prepared.test, terms, derive)
    return Offer(
        prepared,
        tuple(part.astype(np.int64) for part in np.array_split(np.arange(train.size), subsets)),
        deal(form, terms.noise, subsets, prepared.train, derive),
        held_out,
        Guarantee(
            epsilon=terms.epsilon,
            delta_digits=terms.digits,
            rho=terms.rho,
            rows_of_a_person=policy.rows_of_a_person,
            noise=terms.noise,
            held_out=digest(held_out.to_bytes()).hex(),
            low=tuple(low.tolist()),
            high=tuple(high.tolist()),
            centre=summary.centre,
            scale=summary.scale,
            target=None if classes else policy.target,
        ),
    )


@dataclass(frozen=True)
class _Terms:
    """What follows from the policy and the table's size."""

    epsilon: int
    digits: int
    rho: Fraction
    summary_variance: int
    noise: Noise
    held_out_variance: int

    @classmethod
    def of(cls, policy: PrivacyPolicy, form: MomentsForm, rows: int, epsilon: int | None) -> _Terms:
        epsilon = epsilon or wanted_epsilon(policy, rows, form.columns)
        digits = delta_digits(rows)
        rho = rho_for(epsilon, 10.0**-digits)
        of_summary = summary_squared(form.columns, policy.rows_of_a_person)
        of_moments = moments_squared(form.classes, policy.rows_of_a_person)
        variance = variance_for(of_summary, SUMMARY_SHARE * rho)
        account = Account(rho).after(Release("the summary of the columns", of_summary, variance))
        rest = variance_for(of_moments, rho - account.spent)
        account.after(Release("the moments", of_moments, rest))
        noise = Noise(mode=policy.noise, variance=rest, colluding=policy.colluding)
        of_held_out = held_out_squared(form.classes, policy.rows_of_a_person)
        return cls(epsilon, digits, rho, variance, noise, variance_for(of_held_out, rho))


def wanted_epsilon(policy: PrivacyPolicy, rows: int, columns: int, largest: int = EPSILONS[-1]) -> int:
    """What an offer of so many training rows asks for: what its owner says, or what the table affords.

    Raises:
        BadInput: more than the largest that it may have, or too little for anything to be learnt.
    """
    affordable = choose_epsilon(rows, columns, policy.rows_of_a_person)
    if policy.epsilon is None and noise_ratio(rows, columns, largest, policy.rows_of_a_person) > HOPELESS:
        raise BadInput(
            f"{rows} rows of {columns} columns: epsilon {largest} is all that is left of these people's"
            " lifetime, and the noise would be larger than what is to be learnt. Take fewer columns, or offer"
            " the rows of more people"
        )
    if policy.epsilon is None:
        return min(affordable, largest)
    if policy.epsilon > largest:
        raise BadInput(
            f"epsilon {policy.epsilon} is asked for, and {largest} is the most that is left: ask for that"
        )
    return policy.epsilon


def _held_out(form: MomentsForm, rows: Samples, terms: _Terms, derive: Derive) -> HeldOut:
    """The moments of held-out rows. Their noise is bound to these rows, the map and the variance."""
    facts = (form.columns, form.classes, terms.held_out_variance, digest_of_rows(rows).hex().encode())
    key = derive(b"holdfast/noise/held-out/%d/%d/%d/%b" % facts)
    return HeldOut.release(form, rows, terms.held_out_variance, key)


def divided(rows: int, seed: int) -> tuple[Int64Array, Int64Array]:
    """Row numbers for training and for the test, by place and seed alone."""
    order = np.random.default_rng(seed).permutation(rows).astype(np.int64)
    tested = max(1, round(TEST_SHARE * rows))
    return order[tested:], order[:tested]


def scaled(features: FloatArray, low: FloatArray, high: FloatArray) -> Int64Array:
    """(n, d) columns from -1 to 1 in units of 2^-UNIT_BITS; NaN becomes the middle of the range."""
    cut = np.clip(2 * (features - low) / (high - low) - 1, -1.0, 1.0)
    whole: Int64Array = np.rint(np.nan_to_num(cut, nan=0.0) * 2.0**UNIT_BITS).astype(np.int64)
    return whole


def standardised(columns: Int64Array, summary: Summary) -> Int32Array:
    """(n, d) int32 features, of `scaled` columns: as all families use them."""
    centre, scale = np.array(summary.centre, dtype=np.int64), np.array(summary.scale, dtype=np.int64)
    quotients = ((columns - centre) << FEATURE_BITS) // scale
    features: Int32Array = np.clip(quotients, -FEATURE_LIMIT, FEATURE_LIMIT).astype(np.int32)
    return features


def _target(table: Table, policy: PrivacyPolicy) -> Int32Array:
    """(n,) class numbers, or values from -1 to 1 of a public range in units of 2^-TARGET_BITS."""
    if table.class_names:
        return table.target.astype(np.int32)
    low, high = policy.target_range(table)
    cut = np.clip(2 * (table.target - low) / (high - low) - 1, -1.0, 1.0)
    whole: Int32Array = np.rint(cut * 2.0**TARGET_BITS).astype(np.int32)
    return whole
