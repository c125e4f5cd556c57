"""E (e^{n g(B/n, p)/rho} - e^u)_+ over all p in [0, 1] at once, B binomial (n, p) (derived).

For g a form (``forms``) and p in [low, high] the mean is at most

    sum_k w_k (1 - e^{u - n g(k/n, high)/rho})_+,  w_k the largest Pr(B = k) e^{n g(k/n, p)/rho}
                                                   of p in [max(low, k/n), high].

Proof: n g grows with p, and where p <= k/n a count adds nothing. The weight is largest at
max(low, k/n), or as near to the form's ``turn`` as the piece comes.

So [0, 1] is cut until the bound is small enough on every piece; next to p = 0 and 1 a piece need
not be short. Units: a mean of e^nats. Source: derived.
"""

from functools import lru_cache
from itertools import pairwise

import numpy as np
import scipy
from scipy.special import gammaln, xlog1py, xlogy

from grpo_checks.theory.generalization.adversary.forms import Form, Law
from grpo_checks.theory.numbers.counts import Floats

PIECES, NARROWEST = 64, 1e-6
"""Pieces at first, and the log-odds within which a piece is not cut again."""


@lru_cache(maxsize=1)
def _ways(n: int) -> Floats:
    """ln C(n, k) for k = 0..n."""
    k = np.arange(n + 1)
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))


def log_chance(n: int, most: int, p: Law) -> Floats:
    """ln Pr(B = k) for the k below ``most``; p in [0, 1], one or one a count."""
    k = np.arange(most)
    return np.asarray(_ways(n)[:most] + xlogy(k, p) + xlog1py(n - k, -np.asarray(p)))


def _bound(g: Form, n: int, level: float, low: float, high: float) -> float:
    """The mean's, for p in [low, high]."""
    shares = np.arange(int(np.ceil(n * high))) / n
    nats = n * g(shares, high)
    most = int(np.searchsorted(-nats, -level))
    nats, shares = nats[:most], shares[:most]
    first = np.maximum(low, shares)
    ends = (first, np.clip(g.turn(shares, g.rho), first, high))
    weight = np.maximum(*(n * g(shares, p) + log_chance(n, most, p) for p in ends))
    return float(-np.exp(weight) @ np.expm1(level - nats))


def never_more(g: Form, n: int, level: float, threshold: float) -> bool:
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
