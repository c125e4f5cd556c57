"""Small learning problems, and the brute force that exact coverage is held against."""

from itertools import product

import numpy as np

from grpo_checks.theory.generalization.learning import Learning, policy_losses, sampled_policies
from grpo_checks.theory.instances.specialists import specialists

SMALL = Learning(
    [[0.0, 1.0, 0.5], [1.0, 0.0, 0.2], [0.3, 0.3, 0.3]], [0.5, 0.3, 0.2], [0.6, 0.3, 0.1]
)
BERNOULLI = Learning([[0.0, 1.0]], [0.7, 0.3])


def specialist_problem(types=3, policies=50):
    """The problem that the ledger speaks of."""
    instance = specialists(types=types)
    losses = policy_losses(instance.mdp, sampled_policies(instance.policy, policies))
    return Learning(np.asarray(losses), np.asarray(instance.mdp.prompt_distribution))


def samples(problem, n):
    """All ordered samples of n outcomes with their probabilities: Z^n of them."""
    chance = np.asarray(problem.chance)
    for sample in product(range(chance.size), repeat=n):
        yield list(sample), float(np.prod(chance[list(sample)]))


def gibbs_by_hand(problem, sample, temperature):
    """(Lhat(Q), mean squared loss, L_S(Q), KL) in plain NumPy, task by task."""
    loss, prior = np.asarray(problem.loss), np.asarray(problem.prior)
    seen = loss[:, sample]
    weight = prior * np.exp(-seen.sum(1) / temperature)
    q = weight / weight.sum()
    kl = float((q * np.log(q / prior)).sum())
    risk = loss @ np.asarray(problem.target)
    return float(q @ seen.mean(1)), float(q @ (seen**2).mean(1)), float(q @ risk), kl
