"""A model's episodes as token sequences, and its policy as a language model with a table of logits.

Tokens are the actions, then the responses of tools, a token for each state that one leads to. The
row of a token is the observation in which it was chosen. Responses have a row too, whose logits
depend on theta: a trainer that forgets to mask them has another gradient.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from grpo_checks.theory.evaluation.episode_listing import (
    MAX_EPISODES,
    Walk,
    count_episodes,
    features,
    walks,
)
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
GRID = 8
"""Numbers that are chosen here are multiples of 1/GRID: float32 has them exactly."""


class Episodes(NamedTuple):
    """E episodes of up to T tokens; N rows, V tokens, d parameters, K reward components."""

    features: Floats
    """(N, V, d): logit[row, token] = features[row, token] . theta."""
    theta: Floats
    """(d,)"""
    legal: Bools
    """(N, V)"""
    tokens: Ints
    """(E, T): 0 where padded."""
    row: Ints
    """(E, T)"""
    is_token: Bools
    """(E, T): not padding."""
    is_action: Bools
    """(E, T): a decision of the policy."""
    response_chance: Floats
    """(E, T): of a tool's response; 1 for actions and padding."""
    prompt: Ints
    """(E,)"""
    reward: Floats
    """(E, K)"""
    composite: Floats
    """(E,): equal floats exactly where the rationals are equal."""
    chance: Floats
    """(E,): of the episode given its prompt."""
    weights: Floats
    """(K,)"""
    rho: Floats
    """(Q,): of the prompts."""

    @property
    def is_decision(self) -> Bools:
        """(E, T): tokens that are trained on, neither padding nor responses."""
        return self.is_token & self.is_action

    @property
    def has_responses(self) -> bool:
        """Whether any token is a tool's."""
        return bool((self.is_token & ~self.is_action).any())

    def scores(self) -> Floats:
        """(E, T, d): grad log pi of every token, responses included; 0 where padded."""
        probs = _policy(self.features, self.legal, self.theta)
        per_row = self.features - np.einsum("nv,nvd->nd", probs, self.features)[:, None]
        return np.where(self.is_token[..., None], per_row[self.row, self.tokens], 0.0)

    def decision_scores(self) -> Floats:
        """(E, T, d): the same of decisions alone; their sum over T is an episode's score."""
        return np.where(self.is_decision[..., None], self.scores(), 0.0)


class _Vocabulary(NamedTuple):
    """Where actions end and responses begin."""

    actions: int
    response: dict[int, int]
    """Token of the state that a response leads to."""

    @property
    def size(self) -> int:
        """V: two responses at least, or the only one would have no gradient."""
        return self.actions + (max(len(self.response), 2) if self.response else 0)


def generic_theta(instance: Instance) -> Any:
    """The start of an instance, or where that is 0 a theta at which no two actions are alike."""
    theta = np.asarray(instance.theta, float)
    if theta.any():
        return theta
    pattern = (5 * np.arange(theta.size) % 13 - 6) / GRID
    return pattern.reshape(theta.shape)


def list_tokens(instance: Instance) -> Episodes:
    """All episodes at ``generic_theta``. Raises ValueError for more than ``MAX_EPISODES``."""
    mdp, theta = instance.mdp, generic_theta(instance)
    many = count_episodes(mdp)
    if many > MAX_EPISODES:
        raise ValueError(f"instance = {instance.name}: {many} episodes: expected {MAX_EPISODES}")
    vocabulary = _vocabulary(mdp)
    table, legal, row_of = _table(instance.policy, vocabulary)
    decisions = _policy(table, legal, theta.reshape(-1))[row_of, : vocabulary.actions]
    listed = [(q, w) for q in range(len(mdp.prompt_distribution)) for w in walks(mdp, q, decisions)]
    lines = [[*_line(mdp, q, walk, vocabulary, row_of)] for q, walk in listed]
    longest = max(map(len, lines))
    blank = (0, 0, False, False, 1.0)
    padded = [[*line, *[blank] * (longest - len(line))] for line in lines]
    tokens, row, is_token, is_action, response = (
        np.array([[x[i] for x in line] for line in padded]) for i in range(len(blank))
    )
    ends = [(q, walk.state, walk.steps[-1][1] - mdp.n_tools) for q, walk in listed]
    reward = np.array([np.asarray(mdp.reward)[end] for end in ends])
    index = np.array([np.asarray(mdp.class_index)[end] for end in ends])
    return Episodes(
        table, theta.reshape(-1), legal, tokens, row, is_token, is_action, response,
        np.array([q for q, _ in listed]), reward, np.asarray(mdp.class_composite)[index],
        np.array([walk.probability for _, walk in listed]), np.asarray(mdp.weights),
        np.asarray(mdp.prompt_distribution),
    )  # fmt: skip


def _vocabulary(mdp: TAMDP) -> _Vocabulary:
    reached = {*map(int, np.flatnonzero(np.asarray(mdp.tool_transition).any((0, 1))))}
    initial = np.asarray(mdp.initial_distribution)
    if (np.count_nonzero(initial, 1) > 1).any():
        reached |= {*map(int, np.flatnonzero(initial.any(0)))}
    actions = np.asarray(mdp.legal).shape[1]
    return _Vocabulary(actions, {s: actions + i for i, s in enumerate(sorted(reached))})


def _table(policy: Policy, vocabulary: _Vocabulary) -> tuple[Floats, Bools, Ints]:
    """Features and legal tokens of all rows, and the row of every state; responses have the last.

    Raises ValueError for other policies than tables and log-linear ones.
    """
    of_state, allowed = features(policy), np.asarray(policy.legal)
    row_of = np.arange(len(of_state))
    if isinstance(policy, Tabular):
        row_of = np.asarray(policy.observation)
    elif not isinstance(policy, LogLinear):
        raise ValueError(f"policy = {type(policy).__name__}: expected Tabular or LogLinear")
    rows, size = int(row_of.max()) + 2, vocabulary.size
    table, legal = np.zeros((rows, size, of_state.shape[2])), np.zeros((rows, size), bool)
    table[row_of, : vocabulary.actions] = of_state
    legal[row_of, : vocabulary.actions] = allowed
    answers = size - vocabulary.actions
    pattern = 7 * np.arange(answers)[:, None] + 3 * np.arange(of_state.shape[2])
    table[-1, vocabulary.actions :] = (pattern % 11 - 5) / GRID
    legal[-1, vocabulary.actions :] = True
    legal[~legal.any(1)] = True
    return table, legal, row_of


def _policy(features: Floats, legal: Bools, theta: Floats) -> Floats:
    """(N, V): the chance of every token in its row; exactly 0 where illegal."""
    return np.asarray(softmax(np.where(legal, features @ theta, -np.inf), axis=1))


def _line(
    mdp: TAMDP, prompt: int, walk: Walk, vocabulary: _Vocabulary, row_of: Ints
) -> Iterator[tuple[int, int, bool, bool, float]]:
    """Token, row, whether it is one, whether it is an action, and the chance of a response."""
    spoken, first = len(row_of) and int(row_of.max()) + 1, walk.steps[0][0]
    initial = np.asarray(mdp.initial_distribution)[prompt]
    if np.count_nonzero(initial) > 1:
        yield vocabulary.response[first], spoken, True, False, float(initial[first])
    transition = np.asarray(mdp.tool_transition)
    for step, (state, action) in enumerate(walk.steps):
        if step:
            before = walk.steps[step - 1]
            chance = float(transition[(*before, state)])
            yield vocabulary.response[state], spoken, True, False, chance
        yield action, int(row_of[state]), True, True, 1.0
