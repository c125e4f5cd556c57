"""corr(r_k, A) by listing groups in fractions: what is enclosed, the formulas and the group law."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq
from helpers import choice_instance
from helpers.group_oracles import correlations, covariance

from grpo_checks.experiments.points.literature.correlation import LAW, LIMIT, limit_sides
from grpo_checks.theory.arithmetic.enclose import enclose
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import reward_law
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.rational.choices.choice import parse_choice
from grpo_checks.theory.rational.choices.distinct import independent
from grpo_checks.theory.updates.correlation import decoupled_correlations, limit_correlations
from grpo_checks.theory.updates.correlation import group_correlations as by_group_law

CHANCES = (fmpq(1, 2), fmpq(9, 10), fmpq(1, 3))
WEIGHTS = (fmpq(1), fmpq(2), fmpq(1, 2))
P, W = (jnp.array([float(x) for x in v]) for v in (CHANCES, WEIGHTS))
JOINT, DECOUPLED = Estimator("group_normalized"), Estimator("componentwise_normalized")
_form = jax.jit(decoupled_correlations, static_argnames="group_size")


@cache
def _floats():
    """A law of dependent graded components, and what float64 says of it: limits, G = 3."""
    document = choice_instance.document(0, components=2, binary=False)
    choice, model = parse_choice(document), choice_instance.instance(document)
    groups = [group_law(model.mdp, 3, estimator) for estimator in (JOINT, DECOUPLED)]

    def all_of(mdp, policy, theta, groups):
        law = reward_law(mdp, policy.probs(theta))[0]
        observed = [by_group_law(mdp, law, group) for group in groups]
        return limit_correlations(mdp, law), observed

    return choice, document, *eqx.filter_jit(all_of)(*model[1:4], groups)


def _roots(squares):
    """Correlations from their signed squares."""
    values = np.array([float(ends(x)[0]) for x in squares])
    return np.sign(values) * np.sqrt(np.abs(values))


def test_limits_from_any_law():
    """A whitened by the law, joint and decoupled: no point of the claim, its components covary."""
    choice, document, floats, _ = _floats()
    observed, _ = enclose(lambda point: limit_sides(**point))(LIMIT.domain.read(document))
    np.testing.assert_allclose(_roots(observed), np.concatenate(floats), rtol=1e-11)
    assert covariance(choice.kinds[0], 0, 1) != 0
    assert LIMIT.decide(document).verdict == "assumption unmet"


def test_groups_by_the_group_law():
    """Joint and decoupled, by count vectors and lattices."""
    choice, _, _, both = _floats()
    for estimator, floats in zip((JOINT, DECOUPLED), both, strict=True):
        observed = correlations(choice.kinds[0], choice.weights, 3, estimator)
        np.testing.assert_allclose(_roots(observed), floats, rtol=1e-11)


@pytest.mark.parametrize("size", [2, 3])
def test_the_closed_form(size):
    """Of independent binary components: both sides of the claim, in float64 and by listing."""
    chances, weights = [*map(str, CHANCES)], [*map(str, WEIGHTS)]
    point = LAW.domain.read({"chances": chances, "weights": weights, "group_size": size})
    observed, formula = enclose(lambda point: LAW.sides(**point))(point)
    np.testing.assert_allclose(_roots(formula), _form(W, P, size), rtol=1e-12)
    listed = correlations(independent(CHANCES), WEIGHTS, size, DECOUPLED)
    for squares in (observed, formula):
        assert all(abs(a - b) < fmpq(1, 10**50) for a, b in zip(listed, squares, strict=True))


def test_certain_components_are_refused():
    """The chance is named."""
    with pytest.raises(ValueError, match="chances = 1"):
        independent((fmpq(1, 2), fmpq(1)))
