"""Whether a policy has any influence on the rewards of a model: exactly, whatever float64 sees.

The law of reward vectors p_q(v; theta) depends on the policy if and only if it differs between two
points. It is computed at random points of a prime field (``theory.evaluation.prime_field``): a
difference found there is certain.
"""

from typing import Any, NamedTuple

import numpy as np
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
from grpo_checks.theory.mdp.policy import Policy, Tabular


class Influence(NamedTuple):
    """What depends on theta, for each prompt."""

    law: Bool[ndarray, " Q"]
    """p_q, the law of the reward vector."""
    means: Int[ndarray, "P Q M"]
    """J_qk = E[r_k | q], k < K, and last a multiple of J_q, at P points, as residues."""

    @property
    def values(self) -> Bool[ndarray, "Q K"]:
        """Whether J_qk depends on theta."""
        return (self.means != self.means[:1]).any(0)[:, :-1]

    @property
    def value(self) -> Bool[ndarray, " Q"]:
        """Whether J_q does."""
        return (self.means != self.means[:1]).any(0)[:, -1]

    @property
    def responses(self) -> Int[ndarray, " Q"]:
        """How many different functions c_G(J_qk) are, over the components that depend on theta.

        c_G(p) = c_G(1 - p) is a function of p(1 - p), two of which are equal only if p is or 1 - p.
        """
        spread = self.means * (1 - self.means) % PRIME
        prompts = zip(np.moveaxis(spread[..., :-1], 1, 0), self.values, strict=True)
        return np.array([np.unique(s[:, moves], axis=1).shape[1] for s, moves in prompts])

    def tasks_differ(self, prompts: Bool[ndarray, " Q"]) -> bool:
        """Whether J_q is not the same function of theta for all prompts in ``prompts``."""
        value = self.means[:, prompts, -1]
        return bool((value != value[:, :1]).any())


def influence(mdp: TAMDP, policy: Policy | None = None) -> Influence:
    """Of a policy class; by default of unrestricted policies, tabular without shared logits."""
    chosen = Tabular(mdp) if policy is None else policy
    start = distributions(np.asarray(mdp.initial_distribution))
    move = distributions(np.asarray(mdp.tool_transition))
    laws = [_law(mdp, start, move, probs) for probs in random_policies(mdp, chosen)]
    vector, composite = residues(np.asarray(mdp.class_vector)), np.asarray(mdp.class_numerator)
    weights = np.concatenate([vector, composite[:, None] % PRIME], 1)
    means = np.array([np.stack([added(law * w, -1) for w in weights.T], -1) for law in laws])
    return Influence(np.any([(p != laws[0]).any(-1) for p in laws[1:]], 0), means)


def _law(mdp: TAMDP, start: Any, move: Any, probs: Any) -> Int[ndarray, "Q C"]:
    """The reward law of every prompt."""
    index, mass = np.asarray(mdp.class_index), visits(mdp, start, move, probs)
    law = np.zeros((len(mass), mdp.class_composite.size), dtype=np.int64)
    answers = probs[:, mdp.n_tools :]
    for row, where, total in zip(mass, index, law, strict=True):
        np.add.at(total, where, row[:, None] * answers % PRIME)
    return law % PRIME
