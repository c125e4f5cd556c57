"""Ranks of the grad p(v): by hand, and by automatic differentiation at random policies."""

from fractions import Fraction

import jax
import numpy as np
import pytest
from flint import fmpz

from grpo_checks.theory.evaluation import prime_field
from grpo_checks.theory.evaluation.reward_span import moved, reward_spans
from grpo_checks.theory.evaluation.values import law_gradients
from grpo_checks.theory.instances.bandit import bandit
from grpo_checks.theory.instances.bits import bits
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular


def _counts(mdp, policy):
    """Of each prompt: how many composites, and the rank."""
    return [(span.composites, span.rank) for span in reward_spans(mdp, policy)]


def _answers(*prompts, weights=(1,), legal=None, rho=None):
    """One state for all prompts: the rewards of its answers, for each prompt."""
    reward = [[[list(np.atleast_1d(x)) for x in row]] for row in prompts]
    n = len(prompts)
    return TAMDP(
        prompt_distribution=rho or [Fraction(1, n)] * n,
        initial_distribution=[[1]] * n,
        depth=[0],
        tool_transition=[],
        legal=[legal or [True] * len(prompts[0])],
        reward=reward,
        weights=list(weights),
    )


def _log_linear(worths, features):
    mdp = _answers(worths)
    return mdp, LogLinear(mdp, [features])


X, Y, ZERO = (1, 0), (0, 1), (0, 0)


@pytest.mark.parametrize(
    ("worths", "features", "expected"),
    [
        # The two models of the theory, whose law is symmetric, or E[g] at G = 2 a gradient.
        ((0, 0.25, 0.5, 0.75, 1), (X, Y, ZERO, Y, X), (5, 2)),
        ((0, 0.1, 0.3, 0.5, 0.7, 1), (X, Y, ZERO, X, ZERO, Y), (6, 2)),
        ((0, 0.5, 1), (X, Y, ZERO), (3, 2)),
        ((0, 0.5, 1), ((0,), (1,), (2,)), (3, 1)),
        # On a line of tenths, though not to the last bit of a float.
        ((0, 0.5, 1), ((0.1, 0.3), (0.2, 0.6), (0.3, 0.9)), (3, 1)),
        ((0, 0.5, 1), ((0.1, 0.3), (0.2, 0.6), (0.3, 0.8)), (3, 2)),
        # Large and long features: exponents of any size.
        ((0, 0.5, 1), ((1e6, 0), (0, 1e6), (0, 0)), (3, 2)),
        ((0, 0.5, 1), ((0.1234567891011, 0), (0, 0.7), (0, 0)), (3, 2)),
        ((0, 0.5, 1), ((0.1234567891011, 0), (0.1234567891011, 0), (0, 0)), (3, 1)),
    ],
)
def test_log_linear_policies(worths, features, expected):
    """One state; two features move the law in two directions, however many values there are."""
    assert _counts(*_log_linear(worths, features)) == [expected]


@pytest.mark.parametrize(
    ("prompts", "options", "expected"),
    [
        (((0, 0.5, 1),), {}, [(3, 2)]),
        # Illegal answers earn nothing.
        (((0, 0.5, 1),), {"legal": [True, False, True]}, [(2, 1)]),
        # Distinct vectors of one composite, as exact rationals: .1 + .2 and .3.
        (
            (((1, 1, 0), (0, 0, 1), (0, 0, 0), (1, 1, 1)),),
            {"weights": ["1/10", "1/5", "3/10"]},
            [(3, 2)],
        ),
        # Shared logits belong to no prompt alone, unless only one is ever drawn.
        (((0, 0.5, 1), (1, 0.5, 0), (1, 0, 0)), {}, [(3, 0), (3, 0), (2, 0)]),
        (((0, 0.5, 1), (1, 0.5, 0)), {"rho": [1, 0]}, [(3, 2), (0, 0)]),
        (((0.5, 0.5),), {}, [(1, 0)]),
    ],
)
def test_tables_of_logits(prompts, options, expected):
    """Distinct composites at one prompt, and the rank in parameters of its own."""
    mdp = _answers(*prompts, **options)
    assert _counts(mdp, Tabular(mdp)) == expected


@pytest.mark.parametrize(
    "instance",
    [
        bandit(),
        bits(3, 0.5),
        coding(3),
        *(random_instance(2, seed=s) for s in range(4)),
        random_instance(1, prompts=1, features=3, answers=5),
        random_instance(2, prompts=1, depth=0, width=1, tools=0, answers=6),
    ],
    ids=lambda i: i.name,
)
def test_against_automatic_differentiation(instance):
    """Where prompts share no parameter: the largest rank of float Jacobians at a few policies."""
    rng = np.random.default_rng(5)
    numerators = np.asarray(instance.mdp.class_numerator)
    member = (numerators[:, None] == np.unique(numerators)).astype(float)
    expected = np.zeros(len(instance.mdp.prompt_distribution), int)
    for _ in range(3):
        theta = jax.device_put(rng.normal(size=instance.theta.shape))
        slopes = np.asarray(law_gradients(instance.mdp, instance.policy, theta))
        slopes = np.einsum("qcn,cv->qvn", slopes.reshape(*slopes.shape[:2], -1), member)
        expected = np.maximum(expected, [np.linalg.matrix_rank(x, 1e-9) for x in slopes])
    assert [span.rank for span in reward_spans(instance.mdp, instance.policy)] == list(expected)


def test_parameters_of_one_prompt_alone():
    """On `search` only the states after the evidence are a prompt's own; on `conflict` none."""
    seen = search(3)
    assert _counts(seen.mdp, seen.policy) == [(4, 3), (4, 3)]
    shared = conflict()
    assert _counts(shared.mdp, shared.policy) == [(2, 0), (2, 0)]
    assert moved(shared.policy, np.array([False, False])).tolist() == [False]


def test_numbers_as_they_were_meant():
    """A float that rounds to a short fraction is that one; chances add up to 1 exactly."""
    assert prime_field._fraction(0.1) == Fraction(1, 10)
    assert prime_field._fraction(0.1234567891011) == Fraction(0.1234567891011)
    prime = prime_field.PRIME
    assert fmpz(prime).is_prime()
    assert fmpz((prime - 1) // 2).is_prime()
    rows = prime_field.distributions(np.array([[0.1, 0.2, 0.7], [0, 0, 0]]))
    assert (rows.sum(1) % prime).tolist() == [1, 0]
