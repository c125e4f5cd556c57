"""Exact composite rewards.

Two composites are equal only as exact rationals: with weights (.1, .2, .3) the vectors (1, 1, 0)
and (0, 0, 1) differ by 5.6e-17 in float64, and a group that mixes them would be normalised into
advantages of size 1.41 instead of 0. Every reward and weight is therefore read as a fraction, and
episodes carry the index of their reward vector, never a float that was summed on the way.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from reprlib import repr as short_repr
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_DENOMINATOR = 10**6
# Sums over a group of numerators must stay exact in float64.
MAX_NUMERATOR = 2**40
MAX_TEXT, EXPONENT = 100, re.compile(r"e[-+]?\d{4}", re.IGNORECASE)
MAX_BITS = 1024
"""Of a whole number: no float64 is larger."""
WRITTEN = f'a number in the range of float64 or a fraction such as "1/3", up to {MAX_TEXT} digits'


def abridged(value: Any) -> str:
    """For a message: what somebody wrote may be long, or take for ever to write down."""
    try:
        return short_repr(value)
    except ValueError:  # Python writes down no whole number of more than 4,300 digits
        return f"{type(value).__name__} of too many digits"


def from_text(text: str) -> Fraction:
    """The exact value of "0.5", "1e-3" or "1/3".

    Raises ValueError for a text that is none, is long or has an exponent of four digits:
    10^(10^9) is a whole number that takes for ever to write down. Raises ZeroDivisionError.
    """
    if len(text) > MAX_TEXT or EXPONENT.search(text.replace("_", "")):
        raise ValueError
    return Fraction(text)


def _exact(value: Any) -> Fraction:
    """Raises one of the errors of ``to_fraction`` for what is no number, or one beyond float64."""
    if isinstance(value, bool | np.bool_):
        raise TypeError
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise OverflowError
    exact = from_text(value) if isinstance(value, str) else Fraction(value)
    float(exact)
    return exact


def to_fraction(field: str, value: Any) -> Fraction:
    """Read a number (int, float, text such as "a/b", Fraction) as the rational its writer meant.

    A float or a decimal is accepted when a fraction with denominator up to 10^6 rounds to exactly
    it, so 0.1 is 1/10; a fraction is itself. Nothing but 0 is read as 0. Raises ValueError, naming
    ``field``, otherwise.
    """
    try:
        exact = _exact(value)
    except (TypeError, ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f"{field} = {abridged(value)}: expected {WRITTEN}") from None
    short = exact.limit_denominator(MAX_DENOMINATOR)
    decimal = isinstance(value, float) or (isinstance(value, str) and "/" not in value)
    if short != exact and not (decimal and short and float(short) == float(exact)):
        raise ValueError(
            f"{field} = {abridged(value)}: expected a rational with denominator <= "
            f"{MAX_DENOMINATOR}, so that equal composite rewards are recognised exactly"
        )
    return short


@dataclass(frozen=True)
class RewardClasses:
    """The finite set of attainable reward vectors of a model.

    ``index (Q,S,Y)`` int: class of each answer; ``vector (C,K)``: component rewards in [0,1];
    ``numerator (C,)`` int: the composite times ``denominator``, exact.
    """

    index: NDArray[np.int64]
    vector: NDArray[np.float64]
    numerator: NDArray[np.int64]
    denominator: int

    @property
    def composite(self) -> NDArray[np.float64]:
        """R = sum_k w_k r_k of each class, shape (C,): equal floats iff equal rationals."""
        return np.array([float(Fraction(int(n), self.denominator)) for n in self.numerator])


def _numerators(field: str, values: NDArray[Any]) -> tuple[NDArray[np.int64], int]:
    """Integers over one common denominator, for an array of rationals; converts each value once."""
    distinct, inverse = np.unique(values, return_inverse=True)
    fractions = [to_fraction(field, v.item()) for v in distinct]
    denominator = _common_denominator(field, fractions)
    numerators = [int(f * denominator) for f in fractions]
    if max(numerators) > MAX_NUMERATOR:
        raise ValueError(f"{field}: {distinct.max()} needs numerators above {MAX_NUMERATOR}")
    return np.array(numerators, dtype=np.int64)[inverse.reshape(values.shape)], denominator


def _common_denominator(field: str, fractions: Sequence[Fraction]) -> int:
    """Asked after each fraction: that of many is a number without end."""
    common = 1
    for fraction in fractions:
        common = lcm(common, fraction.denominator)
        if common > MAX_NUMERATOR:
            raise ValueError(
                f"{field}: {fraction} makes the common denominator {common}, expected at most "
                f"{MAX_NUMERATOR}; use shorter decimals or fractions"
            )
    return common


def reward_classes(
    reward: NDArray[Any], weights: NDArray[Any], attainable: NDArray[np.bool_]
) -> RewardClasses:
    """Group the attainable answers by reward vector, exactly.

    ``reward (Q,S,Y,K)`` in [0,1], ``weights (K,)`` > 0, ``attainable (Q,S,Y)`` bool: answers that
    some policy can give. Classes are in lexicographic order. Raises ValueError when the rationals
    have no common denominator small enough for exact integer arithmetic.
    """
    r, r_den = _numerators("reward", reward)
    w, w_den = _numerators("weights", weights)
    if int(w.sum()) * r_den > MAX_NUMERATOR:
        raise ValueError(
            f"weights: composite numerators reach {int(w.sum()) * r_den}, expected at most "
            f"{MAX_NUMERATOR}; use shorter decimals or fractions"
        )
    vectors, inverse = np.unique(r[attainable], axis=0, return_inverse=True)
    index = np.zeros(attainable.shape, dtype=np.int64)
    index[attainable] = inverse.reshape(-1)
    return RewardClasses(index, vectors / r_den, vectors @ w, r_den * w_den)
