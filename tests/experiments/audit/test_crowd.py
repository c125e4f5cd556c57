"""T3.coverage on problems that use up the price of a bound: what a factor on it would break."""

from itertools import product
from math import comb

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from grpo_checks.experiments.audit.sharpness import sharpness
from grpo_checks.experiments.claims.generalization.hardest import cells, designs, mutants, prices
from grpo_checks.experiments.claims.generalization.hardest.one_policy import crowd, one_policy
from grpo_checks.experiments.points.generalization.false_bounds import OTHERS
from grpo_checks.theory.generalization.adversary import needed
from grpo_checks.theory.generalization.adversary.coins import Coins
from grpo_checks.theory.generalization.betting.mixture import betting_mixture
from grpo_checks.theory.generalization.learning import Learned
from grpo_checks.theory.generalization.pac_bayes import BOUNDS, FORMULAS, Setting, catoni
from grpo_checks.theory.numbers.kl import kl_upper


def test_a_crowd_sees_a_factor_on_the_divergence():
    """300 types, n = 5, delta = 1/20: KL = ln C(300, 5), needed 5 ln 60, seen below .684 of KL."""
    rows = crowd("T3.coverage", 300, 5, 0.05)
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
    for row in crowd("T3.coverage", 300, 5, 0.05):
        bound = formulas.get(row.parameters["bound_name"].removeprefix("KL(Q‖P) of "))
        if bound is not None:
            assert bound(row.observed * (1 - 1e-9)) < 59 / 60 < bound(row.observed * (1 + 1e-9))


def test_one_policy_uses_more_than_half_of_every_logarithm():
    """At its hardest law with n = 5; McAllester's bound fails there with (1 - .67)^5 = .0039."""
    rows = one_policy("T3.coverage", (5,))
    lines = sharpness(pd.DataFrame([row.flat() for row in rows])).set_index("bound")
    assert {"kl-xi", "kl-2sqrt(n)", "McAllester"} == {*lines.index}
    (mcallester,) = (r for r in rows if r.parameters["bound_name"] == "McAllester")
    edge = 1 - np.sqrt(np.log(2 * np.sqrt(5) / 0.05) / 10)
    assert mcallester.observed == pytest.approx(edge**5, rel=1e-6)
    assert lines.loc["McAllester", "certain"] == pytest.approx(1 - np.log(0.05) / np.log(edge**5))
    assert (lines["certain"] < 0.5).all()


POWER = {
    "kl-xi": (0.096, 0.089),
    "kl-2sqrt(n)": (0.112, 0.102),
    "McAllester": (0.233, 0.153),
    "Catoni": (0.028, 0.024),
    "lambda": (0.38, 0.316),
    "unexpected Bernstein": (0.182, 0.093),
    "betting mixture": (0.006, 0.047),
}
"""The least lowering of the logarithm, and of KL(Q‖P) at 30 nats, up to the third digit."""


def test_every_price_is_nearly_used_up():
    """No bound but lambda keeps a quarter of its logarithm, or a fifth of its divergence."""
    rows = cells.laws("T3.coverage") + cells.coin_rows("T3.coverage")
    assert {row.verdict for row in rows} == {"holds"}
    assert {row.parameters["bound_name"] for row in rows} >= set(BOUNDS)
    least = sharpness(pd.DataFrame([row.flat() for row in rows])).set_index("bound")["certain"]
    for bound, (logarithm, divergence) in POWER.items():
        assert logarithm - 1e-3 < least[bound] < logarithm
        assert divergence - 1e-3 < least[f"KL(Q‖P) of {bound}"] < divergence
    for row in rows:
        assert row.extra["least_nats"] < row.extra["price_nats"]


BETS = {"Catoni": catoni, "betting mixture": betting_mixture}


@pytest.mark.parametrize("bound", designs.COINS)
def test_coins_fail_at_a_price_below_what_they_need(bound):
    """By the bounds themselves: the risk lies above them just below, and not just above."""
    coins, formulas = designs.COINS[bound], {"split prior": FORMULAS["kl-xi"], **FORMULAS}
    (row,) = (r for r in cells.coin_rows("") if r.parameters["bound_name"].endswith(f" {bound}"))
    one = {"kl-xi": 1.0, "split prior": 1.0, "Catoni": 1.0}

    def limit(nats):
        off = needed.log_constant(bound, coins.n) if bound not in one else 0.0
        sample = Learned(*map(jnp.asarray, (coins.seen, coins.seen, 0.0, nats - off)))
        at = Setting(*map(jnp.asarray, (float(coins.n), 1 - 1e-16, 1.0, 0.0)))
        if bound in BETS:
            odds = coins.risk * (1 - coins.seen) / (coins.seen * (1 - coins.risk))
            known = (coins.seen, nats, float(coins.n), 1 - 1e-16, float(np.log(odds)))
            return BETS[bound](*known)
        return formulas[bound](sample, at)

    assert limit(row.observed * (1 - 1e-8)) < coins.risk < limit(row.observed * (1 + 1e-8))


def test_coins_are_what_they_are_said_to_be():
    """Three types, listed: the empirical loss, the risk and the divergence of Q."""
    seen, before, n = 0.2, 0.7, 2
    prior, posterior = np.array([before] * 3), np.array([seen, seen, before])
    tables = np.array(list(product((0, 1), repeat=3)))
    p, q = (np.prod(np.where(tables == 1, c, 1 - c), 1) for c in (prior, posterior))
    assert (q @ tables)[:2].mean() == pytest.approx(seen)
    assert (q @ tables).mean() == pytest.approx(before - (before - seen) * n / 3)
    assert (q * np.log(q / p)).sum() == pytest.approx(Coins(n, seen, before).divergence)


def test_learned_priors_use_theirs(monkeypatch):
    """Of the split prior what kl-xi uses; the recursive bound keeps more than a third, of which
    most is proved to be lost on every problem, and of its divergence a little more than a fifth."""
    scan = prices.SCANS["recursive prior"]._replace(sizes=(100,))
    monkeypatch.setattr(prices, "SCANS", {"recursive prior": scan})
    rows = cells.learned_priors("T3.coverage", proved=True) + cells.recursive_panels("T3.coverage")
    least = sharpness(pd.DataFrame([row.flat() for row in rows])).set_index("bound")["certain"]
    assert least["split prior"] == pytest.approx(0.0952, abs=1e-3)
    assert 0.36 < least["recursive prior"] < 0.38
    nats = rows[1].extra
    assert nats["least_nats"] < nats["enough_nats"] < 0.7 * nats["price_nats"]
    assert nats["scan_least"] > 0.5
    assert 0.2129 < least["KL(Q‖P) of recursive prior"] < 0.213
    assert designs.PANEL_DELTA < rows[-1].extra["lowered_failure"] < designs.PANEL_DELTA + 1e-9
    (half,) = mutants.rows("T3.coverage", "half of the recursive nats")
    assert (half.verdict, half.observed) == ("refuted", pytest.approx(1.0))


TRUE = {
    "2n in kl-2sqrt(n)": "kl-2sqrt(n)",
    "McAllester with 4n": "McAllester",
    "half of lambda's nats": "lambda",
    "half of psi": "unexpected Bernstein",
}


@pytest.mark.parametrize("mutant", TRUE)
def test_the_true_bound_is_not_refuted_where_its_mutant_is(mutant):
    """At the same law it fails less often than delta allows."""
    law, delta = mutants.LAWS[mutant]
    (row,) = mutants.rows("T3.coverage", mutant)
    risk, failure, _ = cells.failing_law(
        law, np.asarray(OTHERS[mutant](*cells.sample_of(law, delta)))
    )
    assert (row.observed, row.verdict) == (failure, "refuted")
    assert cells.limits_of(TRUE[mutant], law, delta)[0] > risk
