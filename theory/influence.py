"""Whether a policy has any influence on the rewards of a model: exactly, whatever float64 sees.

The law of reward vectors p_q(v; theta) is a quotient of polynomials with rational coefficients in
x_j = exp(theta_j), to the powers that the features say. It depends on the policy if and only if it
differs between two points, and equal quotients stay equal modulo a prime. So it is computed at
random points of a prime field, without rounding: a difference found there is certain, and one that
exists is missed with a chance of about degree/PRIME (Schwartz and Zippel), under 1e-7.
"""

from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from theory.model import TAMDP
from theory.policy import LogLinear, Policy, Tabular
from theory.rationals import to_fraction

PRIME = 2147483579
"""The largest p < 2^31 with (p-1)/2 prime too: squares have no small order, so that powers of one
that differ in the exponent differ. Products of two residues fit into int64."""
POINTS = 3


class Influence(NamedTuple):
    """What depends on theta, for each prompt; optima over the policy class are no part of it."""

    law: Bool[ndarray, " Q"]
    """p_q, the law of the reward vector."""
    values: Bool[ndarray, "Q K"]
    """J_qk = E[r_k | q]."""
    value: Bool[ndarray, " Q"]
    """J_q = E[R | q]."""


def influence(mdp: TAMDP, policy: Policy | None = None) -> Influence:
    """Of a policy class; by default of unrestricted policies, tabular without shared logits."""
    chosen = Tabular(mdp) if policy is None else policy
    start = _rows(np.asarray(mdp.initial_distribution))
    move = _rows(np.asarray(mdp.tool_transition))
    laws = [_law(mdp, start, move, probs) for probs in _policies(mdp, chosen)]
    vector, composite = _field(np.asarray(mdp.class_vector)), np.asarray(mdp.class_numerator)
    weights = np.concatenate([vector, composite[:, None] % PRIME], 1)
    means = [np.stack([_sum(law * w, -1) for w in weights.T], -1) for law in laws]
    differs = np.any([m != means[0] for m in means[1:]], 0)
    law = np.any([(p != laws[0]).any(-1) for p in laws[1:]], 0)
    return Influence(law, differs[:, :-1], differs[:, -1])


def _sum(terms: Any, axis: int) -> Any:
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


def _field(values: Any) -> Int[ndarray, "..."]:
    """Rationals as residues."""
    fractions, inverse = _fractions(values)
    residues = [x.numerator * pow(x.denominator, -1, PRIME) % PRIME for x in fractions]
    return np.array(residues, dtype=np.int64)[inverse]


def _rows(chances: Any) -> Int[ndarray, "..."]:
    """Distributions along the last axis, made to sum to 1 where floats do so only nearly."""
    residues = _field(chances)
    return residues * _inverses(_sum(residues, -1))[..., None] % PRIME


def _inverses(values: Any) -> Int[ndarray, "..."]:
    """1/x, and 0 for 0."""
    distinct, inverse = np.unique(values, return_inverse=True)
    found = [pow(int(x), -1, PRIME) if x else 0 for x in distinct]
    return np.array(found, dtype=np.int64)[inverse.reshape(values.shape)]


def _policies(mdp: TAMDP, policy: Policy) -> list[Int[ndarray, "S A"]]:
    """The probabilities of actions at random points; squares, whose order is a large prime."""
    rng, legal = np.random.default_rng(0), np.asarray(mdp.legal)
    found = []
    for _ in range(POINTS):
        if isinstance(policy, LogLinear):
            odds = _powers(rng, np.asarray(policy.features))
        else:
            assert isinstance(policy, Tabular)
            shape = (policy.n_observations, legal.shape[1])
            odds = _squares(rng, shape)[np.asarray(policy.observation)]
        found.append(_normalised(np.where(legal, odds, 0)))
    return found


def _normalised(odds: Any) -> Any:
    return odds * _inverses(_sum(odds, -1))[..., None] % PRIME


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


def _law(mdp: TAMDP, start: Any, move: Any, probs: Any) -> Int[ndarray, "Q C"]:
    """The reward law of every prompt, by one sweep down the layers."""
    index, mass = np.asarray(mdp.class_index), start.copy()
    law = np.zeros((len(mass), mdp.class_composite.size), dtype=np.int64)
    tools, answers = probs[:, : mdp.n_tools], probs[:, mdp.n_tools :]
    for states in mdp.layers[:-1]:
        below = np.asarray(states)
        s, u, t = np.nonzero(move[below])
        step = tools[below[s], u] * move[below[s], u, t] % PRIME
        for row in mass:
            np.add.at(row, t, row[below[s]] * step % PRIME)
        mass %= PRIME
    for row, where, total in zip(mass, index, law, strict=True):
        np.add.at(total, where, row[:, None] * answers % PRIME)
    return law % PRIME
