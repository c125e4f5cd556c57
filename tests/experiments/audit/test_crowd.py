"""T3.coverage on a class with a large KL: what a factor on it would break."""

from math import comb

import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments.audit.sharpness import sharpness
from grpo_checks.experiments.claims.generalization import coverage_posteriors as t3_posteriors
from grpo_checks.theory.numbers.kl import kl_upper


def test_a_crowd_sees_a_factor_on_the_divergence():
    """300 types, n = 5, delta = 1/20: KL = ln C(300, 5), needed 5 ln 60, seen below .684 of KL."""
    rows = t3_posteriors.crowd("T3.coverage", 300, 5, 0.05)
    first, price, divergence = rows[0], rows[0].bound, rows[0].extra["price_divergence"]
    assert {row.verdict for row in rows} == {"holds"}
    assert divergence == pytest.approx(np.log(comb(300, 5)), rel=1e-13)
    assert price == pytest.approx(divergence + np.log(2194 / 625 / 0.05), rel=1e-13)
    assert first.observed == pytest.approx(5 * np.log(60), rel=1e-14)
    least = sharpness(pd.DataFrame([row.flat() for row in rows]))["certain"]
    assert 1 - least[0] == pytest.approx(0.684, abs=5e-4)
    assert first.rounding < 1e-9


def test_a_crowd_fails_at_a_price_below_what_is_needed():
    """By the bounds themselves: L_S lies above them just below, in every sample, and not above."""
    formulas = {"kl-xi": lambda nats: kl_upper(0.0, nats / 5)}
    formulas["McAllester"] = lambda nats: np.sqrt(nats / 10)
    for row in t3_posteriors.crowd("T3.coverage", 300, 5, 0.05):
        bound = formulas.get(row.parameters["bound_name"].removeprefix("KL(Q‖P) of "))
        if bound is not None:
            assert bound(row.observed * (1 - 1e-9)) < 59 / 60 < bound(row.observed * (1 + 1e-9))


def test_one_policy_uses_more_than_half_of_every_logarithm():
    """At its hardest law with n = 5; McAllester's bound fails there with (1 - .67)^5 = .0039."""
    rows = t3_posteriors._one_policy("T3.coverage", (5,))
    lines = sharpness(pd.DataFrame([row.flat() for row in rows])).set_index("bound")
    assert {"kl-xi", "kl-2sqrt(n)", "McAllester"} == {*lines.index}
    (mcallester,) = (r for r in rows if r.parameters["bound_name"] == "McAllester")
    edge = 1 - np.sqrt(np.log(2 * np.sqrt(5) / 0.05) / 10)
    assert mcallester.observed == pytest.approx(edge**5, rel=1e-6)
    assert lines.loc["McAllester", "certain"] == pytest.approx(1 - np.log(0.05) / np.log(edge**5))
    assert (lines["certain"] < 0.5).all()
