"""Every episode of a small model, written out: scores, curvatures and rewards, in NumPy.

What the sweeps of ``theory.evaluation.values`` and ``theory.evaluation.score`` cannot give without
listing: moments of fourth order in the score. Nothing here uses automatic differentiation, so that
a claim about a gradient or a Hessian has two independent sides.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular

Floats = NDArray[np.float64]
MAX_EPISODES = 5_000
MAX_NUMBERS = 30_000_000
"""Of the covariances of all states: 240 MB."""


class Listing(NamedTuple):
    """The N episodes of one prompt under a policy with n parameters, theta flattened."""

    probability: Floats
    """(N,): sums to 1."""
    reward_class: NDArray[np.int64]
    """(N,): index into ``TAMDP.class_vector``."""
    composite: Floats
    """(N,): R."""
    score: Floats
    """(N, n): s = grad log pi(tau)."""
    visited: NDArray[np.bool_]
    """(N, S)."""
    spread: Floats
    """(S, n, n): Cov_pi(phi | state); Hess log pi(tau) is minus its sum over visited states."""
    magnitude: Floats
    """(N, n): what the terms of each score add up to without their signs, for rounding errors."""

    @property
    def value(self) -> float:
        """J_q = E[R | q]."""
        return float(self.probability @ self.composite)

    @property
    def centred(self) -> Floats:
        """(N,): R - J_q, from differences to the likeliest episode's reward."""
        deviation = self.composite - self.composite[self.probability.argmax()]
        return np.asarray(deviation - self.probability @ deviation)

    @property
    def deviation(self) -> float:
        """sigma_r: the standard deviation of R."""
        return float(np.sqrt(self.probability @ self.centred**2))

    def curvatures(self) -> Iterator[Floats]:
        """s s^T + Hess log pi of each episode, (n, n): what R is averaged with in Hess J."""
        for score, visited in zip(self.score, self.visited, strict=True):
            yield np.outer(score, score) - self.spread[visited].sum(0)


def count_episodes(mdp: TAMDP) -> int:
    """How many episodes there are, over all prompts, without listing them."""
    legal, n_tools = np.asarray(mdp.legal), mdp.n_tools
    answers = [int(x) for x in legal[:, n_tools:].sum(1)]
    steps = (np.asarray(mdp.tool_transition) > 0) & legal[:, :n_tools, None]
    # Python's integers: the number may be astronomical.
    ways = [[int(x) for x in row] for row in steps.sum(1)]
    total = list(answers)
    for _ in range(mdp.max_depth):
        ahead = [sum(n * total[t] for t, n in enumerate(row) if n) for row in ways]
        total = [a + b for a, b in zip(answers, ahead, strict=True)]
    starts = np.argwhere(np.asarray(mdp.initial_distribution) > 0)
    return sum(total[s] for _, s in starts)


def obstacle(mdp: TAMDP, policy: Policy) -> str:
    """Why the episodes cannot be listed, with the number that is too large; empty if they can."""
    n_episodes = count_episodes(mdp)
    if n_episodes > MAX_EPISODES:
        return f"episodes = {n_episodes}: expected at most {MAX_EPISODES} to list"
    numbers = mdp.depth.shape[0] * policy.zeros().size ** 2
    if numbers > MAX_NUMBERS:
        return f"states x parameters^2 = {numbers}: expected at most {MAX_NUMBERS}"
    return ""


def features(policy: Policy) -> Floats:
    """phi (S, A, n) of either policy class; a table's are one-hot."""
    if isinstance(policy, LogLinear):
        return np.asarray(policy.features)
    if not isinstance(policy, Tabular):
        raise ValueError(f"policy = {type(policy).__name__}: expected Tabular or LogLinear")
    n_actions = policy.legal.shape[1]
    row = np.eye(policy.n_observations)[np.asarray(policy.observation)]
    table = np.einsum("so,ab->saob", row, np.eye(n_actions))
    return table.reshape(*table.shape[:2], -1)


class Walk(NamedTuple):
    """An episode, or the beginning of one."""

    probability: float
    state: int
    steps: tuple[tuple[int, int], ...]


def walks(mdp: TAMDP, prompt: int, probs: Floats) -> Iterator[Walk]:
    """All episodes of a prompt, each with its (state, action) pairs, depth first."""
    transition, n_tools = np.asarray(mdp.tool_transition), mdp.n_tools
    initial = np.asarray(mdp.initial_distribution)[prompt]
    open_walks = [Walk(float(initial[s]), int(s), ()) for s in np.flatnonzero(initial)]
    while open_walks:
        chance, state, steps = open_walks.pop()
        for action in map(int, np.flatnonzero(probs[state])):
            so_far = chance * float(probs[state, action])
            taken = (*steps, (state, action))
            if action >= n_tools:
                yield Walk(so_far, state, taken)
                continue
            for after in map(int, np.flatnonzero(transition[state, action])):
                reached = so_far * float(transition[state, action, after])
                open_walks.append(Walk(reached, after, taken))


def list_episodes(mdp: TAMDP, policy: Policy, theta: Theta) -> list[Listing]:
    """The episodes of each prompt. Raises ValueError where there is an ``obstacle``."""
    why = obstacle(mdp, policy)
    if why:
        raise ValueError(why)
    probs, phi = np.asarray(policy.probs(theta)), features(policy)
    # Less the likeliest action's features first, as ``theory.numbers.centred`` says why.
    usual = np.take_along_axis(phi, probs.argmax(1)[:, None, None], 1)
    deviation = phi - usual
    mean = np.einsum("sa,san->sn", probs, deviation)
    centred = np.where(probs[:, :, None] > 0, deviation - mean[:, None], 0.0)
    terms = np.abs(deviation) + np.einsum("sa,san->sn", probs, np.abs(deviation))[:, None]
    spread = np.einsum("sa,san,sam->snm", probs, centred, centred)
    index, composite = np.asarray(mdp.class_index), np.asarray(mdp.class_composite)
    listed = []
    for prompt in range(index.shape[0]):
        every = list(walks(mdp, prompt, probs))
        visited = np.zeros((len(every), probs.shape[0]), bool)
        for row, walk in zip(visited, every, strict=True):
            row[[s for s, _ in walk.steps]] = True
        score, magnitude = (
            np.stack([sum(x[s, a] for s, a in w.steps) for w in every]) for x in (centred, terms)
        )
        ends = [w.steps[-1] for w in every]
        reward_class = np.array([index[prompt, s, a - mdp.n_tools] for s, a in ends])
        chance = np.array([w.probability for w in every])
        earned = composite[reward_class]
        numbers = (chance, reward_class, earned, score, visited, spread, magnitude)
        listed.append(Listing(*numbers))
    return listed
