"""Whether a policy has any influence on the rewards of a model: exactly, whatever float64 sees.

The law of reward vectors p_q(v; theta) depends on the policy if and only if it differs between two
points. It is computed at random points of a prime field (``theory.prime_field``): a difference
found there is certain.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Int
from numpy import ndarray

from theory.model import TAMDP
from theory.policy import Policy, Tabular
from theory.prime_field import PRIME, added, distributions, random_policies, residues


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
    start = distributions(np.asarray(mdp.initial_distribution))
    move = distributions(np.asarray(mdp.tool_transition))
    laws = [_law(mdp, start, move, probs) for probs in random_policies(mdp, chosen)]
    vector, composite = residues(np.asarray(mdp.class_vector)), np.asarray(mdp.class_numerator)
    weights = np.concatenate([vector, composite[:, None] % PRIME], 1)
    means = [np.stack([added(law * w, -1) for w in weights.T], -1) for law in laws]
    differs = np.any([m != means[0] for m in means[1:]], 0)
    law = np.any([(p != laws[0]).any(-1) for p in laws[1:]], 0)
    return Influence(law, differs[:, :-1], differs[:, -1])


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
