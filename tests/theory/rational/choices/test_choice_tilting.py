"""Maximisers in ball arithmetic: soft backward induction in float64, and optimality."""

from itertools import pairwise

import equinox as eqx
import numpy as np
import pytest
from flint import arb, fmpq
from helpers import choice_instance

from grpo_checks.theory.evaluation.tilting import best_outcome, iterate, per_prompt
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.rational.choices.choice import Action, actions, parse_choice
from grpo_checks.theory.rational.choices.tilting import amplified, gain, iterates, success, tilted

BETA, EPS = fmpq(1, 2), fmpq(1, 100)
_iterate = eqx.filter_jit(iterate)


@pytest.mark.parametrize("seed", range(3))
def test_chances_by_backward_induction(seed):
    """Four maximisers in a row, with outcomes at random; below h, certainly."""
    document = choice_instance.document(seed)
    document["weights"] = [1]
    choice, model = parse_choice(document), choice_instance.instance(document)
    choices = actions(choice.kinds[0], choice.weights)
    chances = iterates(choices, BETA, EPS, 4)
    reference = per_prompt(model.mdp, model.policy.log_probs(model.theta))
    floats = _iterate(model.mdp, reference, best_outcome(model.mdp, 0), 0.5, 0.01, 4)
    np.testing.assert_allclose([float(ends(p)[0]) for p in chances], floats[:, 0], rtol=1e-12)
    for before, after in pairwise(chances):
        assert after < amplified(chances[0], gain(before, BETA, EPS))


def test_the_maximiser_is_the_best_policy():
    """E[A] - beta KL of two actions falls on both sides of it, certainly."""
    choices = [Action(fmpq(1, 4), fmpq(4, 5)), Action(fmpq(3, 4), fmpq(1, 5))]
    p = success(choices)
    slope = 1 / arb(p * (1 - p) + EPS).sqrt()

    def objective(first):
        policy = (first, 1 - first)
        pairs = list(zip(policy, choices, strict=True))
        kl = sum(x * (x / arb(a.chance)).log() for x, a in pairs)
        return slope * (sum(x * a.value for x, a in pairs) - p) - BETA * kl

    reached = tilted(choices, p, BETA, EPS)
    best = (reached - choices[1].value) / (choices[0].value - choices[1].value)
    step = fmpq(1, 10**6)
    assert objective(best) > objective(best + step)
    assert objective(best) > objective(best - step)


@pytest.mark.parametrize(
    ("beta", "eps", "named"),
    [(fmpq(0), EPS, "beta = 0"), (BETA, fmpq(-1, 9), "eps = -1/9"), (fmpq(1, 900), EPS, "gain")],
)
def test_bad_parameters(beta, eps, named):
    """The value is named; so is a gain beyond what balls can carry."""
    with pytest.raises(ValueError, match=named):
        gain(fmpq(1, 2), beta, eps)
    with pytest.raises(ValueError, match="p = 1"):
        gain(fmpq(1), BETA, fmpq(0))
