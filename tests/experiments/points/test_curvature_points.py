"""L.contrast and L.hessian: exact sides against fractions, automatic differentiation, episodes."""

from dataclasses import replace
from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import fmpq
from helpers import choice_instance
from helpers.choice_instance import actions, gradient

from grpo_checks.experiments.claims.literature.contrast import STATEMENT as CONTRAST
from grpo_checks.experiments.claims.literature.hessian import STATEMENT as HESSIAN
from grpo_checks.experiments.protocol.certificates import load_cases, path_of
from grpo_checks.theory.evaluation.curvature import contrast, curvature_moments, matrix_norm
from grpo_checks.theory.evaluation.episode_listing import list_episodes
from grpo_checks.theory.evaluation.values import prompt_values
from grpo_checks.theory.numbers.balls import ends
from grpo_checks.theory.rational.choices.choice import parse_choice

SEEDS = range(4)
NORMS = ("spectral", "Frobenius")


@eqx.filter_jit
def _derivatives(mdp, policy, theta):
    value = lambda t: prompt_values(mdp, policy.probs(t))[0]  # noqa: E731
    return jax.grad(value)(theta), jax.hessian(value)(theta)


@cache
def _found(seed, binary=True):
    """Document, listing in float64, and derivatives of the three logits that matter."""
    document = choice_instance.document(seed, binary=binary)
    if binary:
        document["weights"] = [1]
    model = choice_instance.instance(document)
    listed = list_episodes(model.mdp, model.policy, model.theta)[0]
    slope, curvature = map(np.asarray, _derivatives(*model[1:4]))
    return document, listed, slope[0, :3], curvature[0, :3, 0, :3]


def _squares(document):
    """|grad J|^2 and |Hess J|_F^2, by differentiating the softmax by hand, in fractions."""
    choice = parse_choice(document)
    taken = actions(choice.kinds[0], choice.weights)
    pi, n = [a.chance for a in taken], len(taken)
    mean = sum((a.chance * a.value for a in taken), fmpq(0))
    u = [a.chance * (a.value - mean) for a in taken]
    assert u == gradient(choice.kinds[0], choice.weights)
    hessian = [
        (u[a] if a == b else 0) - u[a] * pi[b] - pi[a] * u[b] for a in range(n) for b in range(n)
    ]
    return sum((x * x for x in u), fmpq(0)), sum((x * x for x in hessian), fmpq(0))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_contrast(seed):
    """Both sides: fractions by hand, the derivative in float64, and listed episodes."""
    document, listed, slope, _ = _found(seed)
    decision = CONTRAST.decide(document)
    assert (decision.verdict, decision.observed, decision.bound) == (
        "holds",
        *[_squares(document)[0]] * 2,
    )
    assert float(decision.observed) == pytest.approx(slope @ slope, rel=1e-12)
    p = listed.value
    formula = p * (1 - p) * contrast(listed, np.array([0.0, 1.0]))
    assert float(decision.bound) == pytest.approx(formula @ formula, rel=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_hessian_in_fractions(seed):
    """Exactly, and the float64 matrix."""
    document, *_, curvature = _found(seed, False)
    decision = HESSIAN.decide({**document, "norm": "Frobenius"})
    assert decision.observed == _squares(document)[1]
    assert float(decision.observed) == pytest.approx(np.square(curvature).sum(), rel=1e-12)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", SEEDS)
def test_moments_of_listed_episodes(seed, norm):
    """Both sides of the bound, in both norms, by NumPy's singular values."""
    document, listed, _, curvature = _found(seed, False)
    decision = HESSIAN.decide({**document, "norm": norm})
    low, high = ends(decision.bound)
    assert np.isclose(float(low), curvature_moments(listed).bound(norm) ** 2, rtol=1e-12)
    assert high - low < 1e-60
    assert np.isclose(
        float(ends(decision.observed)[0]), matrix_norm(curvature, norm) ** 2, rtol=1e-10
    )


def test_two_answers_are_an_equality():
    """Rational on both sides, so that equality is decided."""
    sure = [{"odds": o, "outcomes": [{"share": 1, "rewards": [r]}]} for o, r in ((3, 1), (1, 0))]
    document = {"weights": [1], "prompts": [{"share": 1, "actions": sure}]}
    for norm in NORMS:
        decision = HESSIAN.decide({**document, "norm": norm})
        assert (decision.observed, decision.bound) == (fmpq(9, 256), fmpq(9, 256))


def test_a_bound_that_every_policy_keeps_is_vacuous():
    """Where it is no better than what holds anyway, which is told; in spectral norms only."""
    (case, *_) = load_cases(path_of("L.hessian"))
    loose = replace(HESSIAN, trivial=lambda norm, **_: 1 / 64 if norm == "spectral" else jnp.inf)
    decision = loose.decide(case.document)
    assert (decision.verdict, decision.note) == ("vacuous", "no better than the trivial bound")
    assert loose.decide({**case.document, "norm": "Frobenius"}).verdict == "holds"


def test_bad_input():
    """Named."""
    document, *_ = _found(0, False)
    with pytest.raises(ValueError, match="expected one, 0 or 1"):
        CONTRAST.decide(document)
    four = [{"odds": 1, "outcomes": [{"share": 1, "rewards": [0]}]}] * 4
    with pytest.raises(ValueError, match="actions = 4"):
        HESSIAN.decide(
            {"weights": [1], "prompts": [{"share": 1, "actions": four}], "norm": "spectral"}
        )
    with pytest.raises(ValueError, match="success is certain"):
        CONTRAST.decide({"weights": [1], "prompts": [{"share": 1, "actions": four}]})
