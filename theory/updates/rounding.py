"""How far float64 results may be off, from what was added up on the way: bounds, not guesses.

The sum of n rounded terms is off by at most gamma_n = n u/(1 - n u) times the sum of their
magnitudes, u = 2^-53, whatever cancels, and a product of n factors by gamma_n of itself (Higham,
Accuracy and Stability of Numerical Algorithms, 2nd ed., lemmas 3.1 and 3.3, equation 4.4). What
a quantity needs are therefore two numbers: the magnitude of the terms that cancel in it, and the
roundings on the longest way from the data to it.
"""

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.estimators.group_law import GroupLaw
from grpo_checks.theory.evaluation.values import Theta, visits
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy

UNIT = float(np.finfo(float).eps) / 2
"""u, the largest relative error of one operation."""
ELEMENTARY = 4
"""Roundings that an exponential, logarithm, root or division may count for, in u."""
COMMON = 16
"""Products and small sums that a single term may go through, each with its own rounding."""


@jax.jit
def _logits(policy: Policy, theta: Theta) -> Theta:
    return policy.logits(theta)


def accumulated(roundings: float | int) -> float:
    """gamma_n: the relative error after n >= 0 roundings. Raises ValueError where n u >= 1."""
    if not 0 <= roundings * UNIT < 1:
        raise ValueError(f"roundings = {roundings}: expected 0..{1 / UNIT:.0e}")
    return roundings * UNIT / (1 - roundings * UNIT)


def rounding(magnitude: float | int, roundings: float | int) -> float:
    """The error of a number whose terms have magnitudes that add up to ``magnitude`` >= 0."""
    return accumulated(roundings) * float(magnitude)


def policy_roundings(policy: Policy, theta: Theta) -> float:
    """On the way to pi_theta(a|s), relative: exp turns the absolute error of a logit into that."""
    legal, logits = np.asarray(policy.legal), np.abs(np.asarray(_logits(policy, theta)))
    largest = float(np.where(legal, logits, 0.0).max())
    if isinstance(policy, LogLinear):
        parts = np.abs(np.asarray(policy.features)) @ np.abs(np.asarray(theta))
        largest = float(np.where(legal, parts, 0.0).max()) * (theta.size + 1)
    # The difference to the largest logit, its exponential, the sum over A and the division.
    return 2 * largest + legal.shape[1] + 4 * ELEMENTARY


def value_roundings(mdp: TAMDP) -> int:
    """From a policy's probabilities to those of the reward law, or to a value, by one sweep.

    All terms of these are >= 0, so that this is a relative error of each of them. A policy whose
    probabilities sum to 1 up to rounding counts as one.
    """
    n_prompts, n_states, n_answers, n_components = mdp.reward.shape
    layer = n_states * mdp.n_tools + mdp.legal.shape[1] + 2
    return mdp.horizon * layer + n_states * n_answers + n_components + n_prompts


def sweep_roundings(mdp: TAMDP, policy: Policy, theta: Theta) -> float:
    """The same from the parameters of the policy."""
    return value_roundings(mdp) + mdp.horizon * policy_roundings(policy, theta)


def law_roundings(group: GroupLaw) -> float:
    """On the way to a moment of advantages given rewards, by an engine's sums.

    Its terms are products of chances and of at most two advantages: relative to the largest of
    these. The longest sum runs along an axis of the table; a lattice is convolved G - 2 times, with
    a sum over rewards each time. Raises ValueError for a law without a table.
    """
    if group.table is None or group.member is None:
        raise ValueError(f"group = {group.estimator}: expected a law of an engine, with a table")
    longest = max(max(jnp.shape(leaf), default=1) for leaf in jax.tree.leaves(group.table))
    return longest + float(group.group_size) * (group.member.shape[1] + 2) + 4 * ELEMENTARY


def slope_magnitude(
    mdp: TAMDP, policy: Policy, theta: Theta, largest: float | int, prompt: int | None = None
) -> NDArray[np.float64]:
    """Of the terms of E[s A] in theta's shape, |A| <= ``largest``: what cancels in a derivative.

    Over all prompts, or of one.

    d/d logit(s,a) is a sum over b other than a of visit(s) pi_a pi_b times a difference of two
    means of A: it shrinks with 1 - pi_a next to certainty, and so must its error.
    """
    return np.asarray(_slope_magnitude(mdp, policy, theta, float(largest), prompt))


@jax.jit
def _slope_magnitude(
    mdp: TAMDP, policy: Policy, theta: Theta, largest: float, prompt: int | None
) -> Theta:
    probs = policy.probs(theta)
    likely = probs > 0.5
    # 1 - pi_a has no digits where pi_a is all but 1; the sum of the others has.
    rest = jnp.where(likely, jnp.where(likely, 0.0, probs).sum(-1, keepdims=True), 1 - probs)
    everywhere = visits(mdp, probs)
    seen = mdp.prompt_distribution @ everywhere if prompt is None else everywhere[prompt]
    by_logit = 2 * largest * seen[:, None] * probs * rest
    if isinstance(policy, LogLinear):
        return jnp.einsum("sa,sad->d", by_logit, jnp.abs(policy.features))
    _, pull = jax.vjp(policy.logits, theta)
    slopes: Theta = pull(by_logit)[0]
    return slopes
