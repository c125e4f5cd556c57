"""A TA-MDP of one decision as a ``theory.rational.choices.choice`` model, in rational numbers."""

from collections.abc import Iterator

import numpy as np
from flint import fmpq

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers.balls import rational
from grpo_checks.theory.rational.choices.choice import Choice, Kind


def uniform_choice(mdp: TAMDP, policy: Tabular) -> Choice:
    """The model under the uniform policy of a table of logits, in rational numbers.

    Raises ValueError for a model with tools, or numbers that are no short fractions.
    """
    if mdp.max_depth:
        raise ValueError(f"depth = {mdp.max_depth}: expected a model of one decision")
    weights, rho = (
        tuple(rational(field, x) for x in np.asarray(getattr(mdp, field)).tolist())
        for field in ("weights", "prompt_distribution")
    )
    return Choice(rho, tuple(tuple(_uniform(mdp, policy, q)) for q in range(len(rho))), weights)


def _uniform(mdp: TAMDP, policy: Tabular, prompt: int) -> Iterator[Kind]:
    legal, n_actions = np.asarray(mdp.legal), mdp.legal.shape[1]
    starts = np.asarray(mdp.initial_distribution)[prompt].tolist()
    rewards = np.asarray(mdp.reward)[prompt].tolist()
    for s in np.flatnonzero(starts).tolist():
        allowed, row = np.flatnonzero(legal[s]).tolist(), int(policy.observation[s]) * n_actions
        share = fmpq(1, len(allowed))
        for a in allowed:
            score = [fmpq(0)] * (policy.n_observations * n_actions)
            for b in allowed:
                score[row + b] = int(a == b) - share
            earned = tuple(rational("reward", r) for r in rewards[s][a])
            yield Kind(rational("initial_distribution", starts[s]) * share, earned, tuple(score))
