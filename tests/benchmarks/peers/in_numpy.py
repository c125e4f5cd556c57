"""A peer: GRPO in NumPy, all seeds and episodes of a step in one array, float32, no Python per one.

Indices are flat, sums by index are ``bincount``, random numbers come in one call per step.
"""

from typing import NamedTuple

import numpy as np

from peers.model import Task


class Tables(NamedTuple):
    """Flat tables that a step looks up, made once."""

    first_cdf: np.ndarray
    """(Q, M): of the initial states, all but the last."""
    first: np.ndarray
    next_cdf: np.ndarray
    """(S*U, M - 1)"""
    next: np.ndarray
    """(S*U*M,)"""
    reward: np.ndarray
    """(Q*S*Y,)"""
    blocked: np.ndarray
    """(O, A): 0, or -inf where not legal."""


def _support(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    most = int((rows > 0).sum(-1).max())
    order = np.argsort(rows == 0, axis=-1, kind="stable")[..., :most]
    cdf = np.cumsum(np.take_along_axis(rows, order, -1), -1)[..., :-1]
    return order, cdf.astype(np.float32)


def tables(task: Task) -> Tables:
    """Of one task."""
    n_states, n_tools = task.response.shape[:2]
    first, first_cdf = _support(task.initial)
    following, cdf = _support(task.response.reshape(n_states * n_tools, n_states))
    # A row of zeros is never drawn from.
    cdf[task.response.reshape(n_states * n_tools, -1).sum(1) == 0] = 1
    states = np.unique(task.observation, return_index=True)[1]
    blocked = np.where(task.legal[states], 0, -np.inf).astype(np.float32)
    reward = task.composite.astype(np.float32).reshape(-1)
    return Tables(first_cdf, first, cdf, following.reshape(-1), reward, blocked)


def _advantages(task: Task, reward: np.ndarray) -> np.ndarray:
    """rho_q/G A_i of rewards (B, Q, G)."""
    g = task.group_size
    centred = reward - reward.mean(-1, keepdims=True)
    weight = (task.rho / (g - 1)).astype(np.float32)
    return centred * weight[:, None]


def update(theta: np.ndarray, task: Task, tables: Tables, rng: np.random.Generator) -> np.ndarray:
    """g of each of B seeds at its own theta (B, O, A)."""
    seeds, n_rows, n_actions = theta.shape
    n_prompts, n_states, n_answers = task.composite.shape
    u_tools, episodes = task.n_tools, n_prompts * task.group_size
    logits = theta + tables.blocked
    probs = np.exp(logits - logits.max(-1, keepdims=True))
    probs /= probs.sum(-1, keepdims=True)
    cdf = np.cumsum(probs, -1)[..., :-1].reshape(seeds * n_rows, n_actions - 1)
    of_seed = np.repeat(np.arange(seeds) * n_rows, episodes)
    prompt = np.tile(np.repeat(np.arange(n_prompts), task.group_size), seeds)
    chance = tables.first_cdf.shape[1] > 0
    uniform = rng.random((2 * task.horizon, prompt.size), np.float32)
    state = tables.first[prompt, 0]
    if chance:
        state = tables.first[prompt, (tables.first_cdf[prompt] <= uniform[-1][:, None]).sum(1)]
    alive, cells, who = np.arange(prompt.size), [], []
    reward = np.zeros(prompt.size, np.float32)
    for h in range(task.horizon):
        row = of_seed[alive] + task.observation[state]
        action = (cdf[row] <= uniform[2 * h, : alive.size][:, None]).sum(1)
        cells.append(row * n_actions + action)
        who.append(alive)
        done = action >= u_tools
        ended, where = alive[done], state[done]
        reward[ended] = tables.reward[
            (prompt[ended] * n_states + where) * n_answers + action[done] - u_tools
        ]
        # Only the episodes that go on are looked at again.
        pair, alive = (state * u_tools + action)[~done], alive[~done]
        response = (tables.next_cdf[pair] <= uniform[2 * h + 1, : alive.size][:, None]).sum(1)
        state = tables.next[pair * (tables.next_cdf.shape[1] + 1) + response]
    advantage = _advantages(task, reward.reshape(seeds, n_prompts, -1)).reshape(-1)
    values = advantage[np.concatenate(who)]
    table = np.bincount(np.concatenate(cells), values, theta.size).astype(np.float32)
    table = table.reshape(theta.shape)
    return table - probs * table.sum(-1, keepdims=True)


def train(theta: np.ndarray, task: Task, steps: int, step: float, seed: int) -> np.ndarray:
    """theta (B, O, A) after so many updates of B seeds."""
    tabulated, rng = tables(task), np.random.Generator(np.random.SFC64(seed))
    theta = theta.astype(np.float32)
    for _ in range(steps):
        theta = theta + np.float32(step) * update(theta, task, tabulated, rng)
    return theta
