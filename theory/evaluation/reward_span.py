"""In how many directions a policy can move the law of the composite reward: ranks, exactly.

At prompt q the gradients grad p_q(v) of the m distinct composites v sum to 0; where m - 1 of them
are independent, the laws that policies reach fill an open part of the simplex. The rank is that of
almost all policies, computed at random points of a prime field (``theory.evaluation.prime_field``):
a minor that is not 0 there is not 0 as a number either, so that a rank is never too large.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from flint import nmod_mat
from jaxtyping import Bool, Int
from numpy import ndarray

from grpo_checks.theory.evaluation.prime_field import (
    PRIME,
    added,
    distributions,
    random_policies,
    residues,
    visits,
)
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular
from grpo_checks.theory.numbers import validation as check


class RewardSpan(NamedTuple):
    """Of one prompt, in the parameters that no other prompt's episodes depend on."""

    numerators: tuple[int, ...]
    """The distinct composites that some policy earns, times ``TAMDP.composite_denominator``."""
    rank: int
    """Of the grad p_q(v) at almost all policies, at most m - 1."""

    @property
    def composites(self) -> int:
        """m."""
        return len(self.numerators)

    @property
    def is_full(self) -> bool:
        """Whether the laws that policies reach fill an open part of the simplex."""
        return self.rank == self.composites - 1


def moved(policy: Policy, states: Bool[ndarray, " S"]) -> Bool[ndarray, " n"]:
    """Which parameters, flattened, change the choice in some of these states."""
    legal = np.asarray(policy.legal) & states[:, None]
    if isinstance(policy, LogLinear):
        phi, chosen = np.asarray(policy.features), legal[:, :, None]
        most = np.where(chosen, phi, -np.inf).max(1)
        return np.asarray((most > np.where(chosen, phi, np.inf).min(1)).any(0))
    assert isinstance(policy, Tabular)
    free_logits = np.zeros((policy.n_observations, legal.shape[1]), bool)
    free = legal & (legal.sum(1) > 1)[:, None]
    np.logical_or.at(free_logits, np.asarray(policy.observation), free)
    return free_logits.reshape(-1)


def _law_slopes(mdp: TAMDP, prompt: int, probs: Any, earned: Any) -> Int[ndarray, "S A V"]:
    """d p(v)/d logit(s, a) = visit(s) pi(a|s) (P(v|s,a) - P(v|s)), by a sweep down and one up.

    ``earned (S, Y, V)``: 1 where an answer earns the composite.
    """
    move = distributions(np.asarray(mdp.tool_transition))
    start = distributions(np.asarray(mdp.initial_distribution)[prompt])
    (mass,) = visits(mdp, start[None], move, probs)
    tools = np.zeros((len(mass), mdp.n_tools, earned.shape[2]), dtype=np.int64)
    worth = np.concatenate([tools, earned], 1)
    for states in reversed(mdp.layers[:-1]):
        here = np.asarray(states)
        s, u, after = np.nonzero(move[here])
        value = added(probs[after, :, None] * worth[after], 1)
        np.add.at(worth, (here[s], u), move[here[s], u, after][:, None] * value % PRIME)
        worth %= PRIME
    value = added(probs[:, :, None] * worth, 1)
    chance = mass[:, None] * probs % PRIME
    return chance[:, :, None] * ((worth - value[:, None]) % PRIME) % PRIME


def _pulled(policy: Policy, slopes: Any) -> Int[ndarray, "n V"]:
    """From logits to parameters."""
    if isinstance(policy, LogLinear):
        phi = np.moveaxis(residues(np.asarray(policy.features)), -1, 0)
        return np.stack([added(added(x[:, :, None] * slopes, 0), 0) for x in phi])
    assert isinstance(policy, Tabular)
    pulled = np.zeros((policy.n_observations, *slopes.shape[1:]), dtype=np.int64)
    np.add.at(pulled, np.asarray(policy.observation), slopes)
    return pulled.reshape(-1, slopes.shape[-1]) % PRIME


def reward_spans(mdp: TAMDP, policy: Policy) -> list[RewardSpan]:
    """Of every prompt; no composites of one that is never drawn."""
    mu, layers = np.asarray(mdp.initial_distribution), len(mdp.layers)
    drawn = np.asarray(mdp.prompt_distribution) > 0
    seen = check.reachable(mu, np.asarray(mdp.tool_transition), layers) & drawn[:, None]
    touched = np.array([moved(policy, states) for states in seen])
    answers, spans = np.asarray(mdp.legal)[:, mdp.n_tools :], []
    composite = np.asarray(mdp.class_numerator)[np.asarray(mdp.class_index)]
    points = random_policies(mdp, policy)
    for q, states in enumerate(seen):
        attained = states[:, None] & answers
        values = np.unique(composite[q][attained])
        earned = (composite[q][:, :, None] == values) & attained[:, :, None]
        alone = touched[q] & ~np.delete(touched, q, 0).any(0)
        slopes = (_law_slopes(mdp, q, probs, earned.astype(np.int64)) for probs in points)
        rank = max(_rank(_pulled(policy, x)[alone]) for x in slopes) if alone.any() else 0
        spans.append(RewardSpan(tuple(map(int, values)), rank))
    return spans


def widest(spans: Sequence[RewardSpan]) -> RewardSpan:
    """One with three composites or more and of full rank, if there is one."""
    return max(spans, key=lambda span: (span.composites >= 3, span.is_full, span.composites))


def _rank(matrix: Any) -> int:
    rows, columns = matrix.shape
    return int(nmod_mat(rows, columns, matrix.reshape(-1).tolist(), PRIME).rank())
