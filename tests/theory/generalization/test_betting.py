"""The betting mixture: against its root, its wealth, and kl-xi where it is to be sharper."""

from itertools import product

import jax
import numpy as np
import pytest
from scipy.optimize import brentq

from grpo_checks.theory.generalization.adversary.needed import betting_nats
from grpo_checks.theory.generalization.betting.mixture import betting_mixture
from grpo_checks.theory.generalization.learning import Learned
from grpo_checks.theory.generalization.maurer_constant import xi
from grpo_checks.theory.generalization.pac_bayes import FORMULAS, Setting

_bound = jax.jit(betting_mixture)


@jax.jit
def _both(sample, at):
    return [FORMULAS[name](sample, at) for name in ("betting mixture", "kl-xi")]


def test_newton_ends_at_the_root_of_the_wealth():
    """By Brent's method on the definition; 1 where no risk is excluded."""
    for q, kl, n, c in ((0.0, 0.0, 5, 3.0), (0.2, 2.0, 30, 1.0), (0.45, 1.0, 100, 0.4)):

        def excess(p, q=q, kl=kl, n=n, c=c):
            return betting_nats(q, p, n, c) - kl - np.log(20)

        root = brentq(excess, q, 1.0, xtol=1e-15)
        assert float(_bound(q, kl, float(n), 0.05, c)) == pytest.approx(root, rel=1e-12)
    assert float(_bound(0.5, 50.0, 5.0, 0.05, 1.0)) == 1


def test_wealth_has_a_mean_of_at_most_one():
    """Losses of 0, 1/2 and 1 on three tasks, all samples listed; 1 where they are 0 or 1."""
    for law, fair in (((0.5, 0.3, 0.2), False), ((0.4, 0.0, 0.6), True)):
        losses, mean = np.array([0, 0.5, 1]), 0.0
        risk = float(np.dot(law, losses))
        for sample in product(range(3), repeat=3):
            chance = np.prod([law[i] for i in sample])
            mean += chance * np.exp(betting_nats(losses[list(sample)].mean(), risk, 3, 1.3))
        assert mean == pytest.approx(1, rel=1e-12) if fair else mean < 1 - 1e-3


@pytest.mark.parametrize("n", [20, 50, 100])
def test_sharper_than_kl_xi(n):
    """At every loss of 0.05..0.6 and up to 7 nats of divergence, where kl-xi says anything."""
    loss, kl = (jax.device_put(x) for x in np.meshgrid(np.linspace(0.05, 0.6, 12), np.arange(8.0)))
    at = Setting(*(jax.device_put(x) for x in (float(n), 0.05, xi(n), 0.0)))
    bets, usual = _both(Learned(loss, loss, loss, kl), at)
    assert ((bets < usual) | (usual > 0.99)).all()
