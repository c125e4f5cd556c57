"""E (e^{n g(B/n, p)} - e^u)_+ over all p in [0, 1] at once, B binomial (n, p) (derived).

Let g and kl - g be at least 0 and grow with p where p > q, let g fall with q there and be 0
elsewhere, and let p lie in [low, high]. Then the mean is at most

    sum_k w_k (1 - e^{u - n g(k/n, high)})_+,  w_k = Pr(B = k) e^{n g(k/n, p)}, p = max(low, k/n).

Proof: Pr(B = k) e^{n g} = (n choose k) q^k (1-q)^(n-k) e^{-n (kl - g)(q, p)}, q = k/n, falls as p
grows beyond q, and where p <= q a count adds nothing.

So [0, 1] is cut until the bound is small enough on every piece; next to p = 0 and 1 a piece need
not be short. Units: a mean of e^nats. Source: derived.
"""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import scipy

from grpo_checks.theory.numbers.counts import Floats

PIECES, NARROWEST = 64, 1e-6
"""Pieces at first, and the log-odds within which a piece is not cut again."""


def _bound(
    g: Callable[[Floats, float], Floats], n: int, level: float, low: float, high: float
) -> float:
    """The mean's, for p in [low, high]."""
    shares = np.arange(int(np.ceil(n * high))) / n
    nats = n * g(shares, high)
    counts = np.arange(np.searchsorted(-nats, -level))
    nats, shares = nats[counts], shares[counts]
    weight = n * g(shares, low) + scipy.stats.binom.logpmf(counts, n, np.maximum(low, shares))
    return float(-np.exp(weight) @ np.expm1(level - nats))


def never_more(
    g: Callable[[Floats, float], Floats], n: int, level: float, threshold: float
) -> bool:
    """Whether it is proved that the mean at u = ``level`` is at most ``threshold`` whatever p."""
    ends = np.linspace(-np.log(n) - 1, np.log(n) + max(level, 0.0) + 3, PIECES)
    pieces = [(-np.inf, ends[0]), *pairwise(ends), (ends[-1], np.inf)]
    while pieces:
        low, high = pieces.pop()
        first, last = scipy.special.expit([low, high])
        if _bound(g, n, level, float(first), float(last)) <= threshold:
            continue
        middle = (low + high) / 2
        at = float(scipy.special.expit(middle)) if np.isfinite(middle) else float(first or last)
        if not high - low > NARROWEST or _bound(g, n, level, at, at) > threshold:
            return False
        if not np.isfinite(middle):
            middle = high - 1 if np.isinf(low) else low + 1
        pieces += [(low, middle), (middle, high)]
    return True
