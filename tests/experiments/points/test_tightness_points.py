"""T3.tightness at rational points: mean offsets over listed samples, order and refusals."""

import mpmath
import pytest
from helpers.learning_problems import DOCUMENT, kl_upper, listed, real, xi

from grpo_checks.experiments.claims.generalization.tightness import STATEMENT

PRICES = {"kl-xi": xi, "kl-2sqrt(n)": lambda n: 2 * mpmath.sqrt(n)}
PROBLEM = {**DOCUMENT, "n": 3, "delta": "1/2", "temperature": 3}


def _offsets_by_listing(document, bounds):
    """Mean offsets over all ordered samples, with kl inverted by bisection, cut at 1."""
    n = document["n"]
    with mpmath.workdps(50):
        nats = {name: mpmath.log(f(n) / real(document["delta"])) for name, f in PRICES.items()}
        rows = [(real(p), s) for p, s in listed(document)]
        return [
            sum(p * (min(by_hand(name, s, nats, n), 1) - s.empirical) for p, s in rows)
            for name in bounds
        ]


def by_hand(name, sample, nats, n):
    """A bound of one sample."""
    if name.startswith("kl"):
        return kl_upper(sample.empirical, (sample.divergence + nats[name]) / n)
    rest = (sample.divergence + nats["kl-2sqrt(n)"]) / n
    if name == "McAllester":
        return sample.empirical + mpmath.sqrt(rest / 2)
    rates = (mpmath.mpf(k) / 2000 for k in range(1, 4000))
    return min((sample.empirical + rest / r) / (1 - r / 2) for r in rates)


def test_offsets_by_listing():
    """All 27 ordered samples; lambda's best rate on a grid of 4,000, from above."""
    bounds = ("kl-xi", "kl-2sqrt(n)", "McAllester", "lambda")
    tighter, *looser = _offsets_by_listing(PROBLEM, bounds)
    for name, expected in zip(bounds[1:], looser, strict=True):
        decision = STATEMENT.decide({**PROBLEM, "tighter": "kl-xi", "looser": name})
        assert decision.verdict == "holds"
        assert float(decision.observed) == pytest.approx(float(tighter), rel=1e-14)
        off = 1e-6 if name == "lambda" else 1e-14
        assert float(decision.bound) == pytest.approx(float(expected), rel=off)


def test_what_is_equal_and_what_says_nothing():
    """xi(1) = 2; where the looser bound is 1 for every sample nothing is compared."""
    one = {"tighter": "kl-xi", "looser": "kl-2sqrt(n)", "n": 1, "delta": "1/20", "source": [1, 1]}
    assert STATEMENT.decide({**one, "losses": [[0, 1]]}).note == "equal"
    assert STATEMENT.decide({**one, "losses": [[0, 1]]}, "xi above 2 sqrt n").verdict == "refuted"
    far = {**one, "tighter": "kl-2sqrt(n)", "looser": "McAllester", "losses": [[0, 1]]}
    assert STATEMENT.decide(far).verdict == "vacuous"
    with pytest.raises(ValueError, match="looser = 'Catoni'"):
        STATEMENT.decide({**PROBLEM, "tighter": "kl-xi", "looser": "Catoni"})
