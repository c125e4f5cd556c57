"""Policies and models in a prime field: quotients of polynomials at random points, no rounding.

Probabilities of actions are quotients of polynomials with rational coefficients in
x_j = exp(theta_j), to the powers that the features say, and so is all that a sweep makes of them.
Equal quotients stay equal modulo a prime: what is not 0 at a random point is certainly not 0, and
what is not 0 is missed there with a chance of about degree/PRIME (Schwartz and Zippel), under 1e-7.
"""

from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy import ndarray

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular
from grpo_checks.theory.numbers.rationals import to_fraction

PRIME = 2147483579
"""The largest p < 2^31 with (p-1)/2 prime too: squares have no small order, so that powers of one
that differ in the exponent differ. Products of two residues fit into int64."""
POINTS = 3


def added(terms: Any, axis: int) -> Any:
    """Sums of products of two residues."""
    return (terms % PRIME).sum(axis) % PRIME


def _fraction(value: float) -> Fraction:
    """As its writer meant it (1/3 for .333...), else as it is."""
    try:
        return to_fraction("", value)
    except ValueError:
        return Fraction(value)


def _fractions(values: Any) -> tuple[list[Fraction], Any]:
    """The distinct ones, and which of them each entry is."""
    distinct, inverse = np.unique(values, return_inverse=True)
    return [_fraction(float(x)) for x in distinct], inverse.reshape(values.shape)


def residues(values: Any) -> Int[ndarray, "..."]:
    """Rationals as residues."""
    fractions, inverse = _fractions(values)
    numbers = [x.numerator * pow(x.denominator, -1, PRIME) % PRIME for x in fractions]
    return np.array(numbers, dtype=np.int64)[inverse]


def distributions(chances: Any) -> Int[ndarray, "..."]:
    """Distributions along the last axis, made to sum to 1 where floats do so only nearly."""
    return _normalised(residues(chances))


def _inverses(values: Any) -> Int[ndarray, "..."]:
    """1/x, and 0 for 0."""
    distinct, inverse = np.unique(values, return_inverse=True)
    inverted = [pow(int(x), -1, PRIME) if x else 0 for x in distinct]
    return np.asarray(np.array(inverted, dtype=np.int64)[inverse.reshape(np.shape(values))])


def random_policies(mdp: TAMDP, policy: Policy) -> list[Int[ndarray, "S A"]]:
    """The probabilities of actions at random points; squares, whose order is a large prime."""
    rng, legal = np.random.default_rng(0), np.asarray(mdp.legal)
    policies = []
    for _ in range(POINTS):
        if isinstance(policy, LogLinear):
            odds = _powers(rng, np.asarray(policy.features))
        else:
            assert isinstance(policy, Tabular)
            shape = (policy.n_observations, legal.shape[1])
            odds = _squares(rng, shape)[np.asarray(policy.observation)]
        policies.append(_normalised(np.where(legal, odds, 0)))
    return policies


def visits(mdp: TAMDP, start: Any, move: Any, probs: Any) -> Int[ndarray, "Q S"]:
    """P(an episode visits a state), by one sweep down the layers.

    ``start (Q, S)``, ``move (S, U, S)``, ``probs (S, A)``: residues of distributions.
    """
    mass = start.copy()
    for states in mdp.layers[:-1]:
        here = np.asarray(states)
        s, u, after = np.nonzero(move[here])
        step = probs[here[s], u] * move[here[s], u, after] % PRIME
        for row in mass:
            np.add.at(row, after, row[here[s]] * step % PRIME)
        mass %= PRIME
    return mass


def _normalised(odds: Any) -> Any:
    return odds * _inverses(added(odds, -1))[..., None] % PRIME


def _squares(rng: np.random.Generator, shape: tuple[int, ...]) -> Int[ndarray, "..."]:
    return np.square(rng.integers(2, PRIME - 1, shape)) % PRIME


def _powers(rng: np.random.Generator, features: Any) -> Int[ndarray, "S A"]:
    """prod_j x_j^(d phi_j), d a common denominator: exp(phi·theta) at theta_j = ln(x_j)/d."""
    odds = np.ones(features.shape[:2], dtype=np.int64)
    bases = _squares(rng, features.shape[-1:])
    for phi, base in zip(np.moveaxis(features, -1, 0), bases, strict=True):
        fractions, inverse = _fractions(phi)
        common = lcm(*(x.denominator for x in fractions))
        powers = [pow(int(base), int(x * common), PRIME) for x in fractions]
        odds = odds * np.array(powers, dtype=np.int64)[inverse] % PRIME
    return odds
