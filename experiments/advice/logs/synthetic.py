"""A log as TRL writes it, sampled from `coding`, so that everything it is about is known exactly.

Format, accuracy and executability weigh .2, 1 and .5; the policy moves along exact gradient ascent
while it is logged; each group has a question of its own, easy or hard. Advantages are those of
TRL 1.16's defaults, in float32 as there.
"""

from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, PRNGKeyArray
from numpy.typing import NDArray

from grpo_checks.theory.evaluation.values import Theta, gradient, reward_law
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.instances.tools.coding import COMPONENTS, PASS, coding
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.training.episodes import Episodes, action_cdf, sample_episodes

WEIGHTS = (0.2, 1.0, 0.5)
STEPS, PROMPTS, GROUP_SIZE, SEED = 40, 32, 8, 0
RATE, BEFORE = 5.0, 15
"""Step of the ascent, and its steps before the log begins."""
ACTIONS = ("write a program", "run it", "call nothing", "submit", "decline", "...")
FIELDS = ("prompt_distribution", "initial_distribution", "depth", "tool_transition", "legal")


class Synthetic(NamedTuple):
    """A log, and what it was sampled from."""

    table: pd.DataFrame
    """TRL's columns: step, prompt, completion, one column per reward, advantage."""
    law: NDArray[np.float64]
    """(T, Q, C) the law of reward vectors at each step."""
    vectors: NDArray[np.float64]
    """(C, K)."""
    kinds: NDArray[np.int64]
    """(T, B) which prompt of the model each group is of."""


def weighted_coding() -> Instance:
    """`coding` with these weights."""
    mdp = coding(3).mdp
    fields = {name: np.asarray(getattr(mdp, name)) for name in (*FIELDS, "reward")}
    changed = TAMDP(**fields, weights=WEIGHTS)
    policy = Tabular(changed)
    return Instance("coding", changed, policy, policy.zeros())


def synthetic_log(
    steps: int = STEPS, prompts: int = PROMPTS, size: int = GROUP_SIZE, seed: int = SEED
) -> Synthetic:
    """``steps`` updates of ``prompts`` groups of ``size``."""
    mdp, policy, theta = (instance := weighted_coding()).mdp, instance.policy, instance.theta
    chances, rng = Chances(mdp), np.random.default_rng(seed)

    @jax.jit
    def at(theta: Theta, key: PRNGKeyArray, kind: Array) -> tuple[Array, Episodes, Theta]:
        probs = policy.probs(theta)
        episodes = sample_episodes(key, chances, action_cdf(probs), kind)
        return reward_law(mdp, probs), episodes, theta + RATE * gradient(mdp, policy, theta)

    for _ in range(BEFORE):
        theta = at(theta, jax.random.key(0), jnp.zeros(prompts * size, int))[2]
    laws, tables, kinds = [], [], []
    for step in range(1, steps + 1):
        kind = rng.integers(0, 2, prompts)
        key = jax.random.fold_in(jax.random.key(seed), step)
        law, episodes, theta = at(theta, key, jnp.asarray(np.repeat(kind, size)))
        reward = np.asarray(mdp.class_vector)[np.asarray(episodes.reward_class)]
        tables.append(_table(step, kind, size, reward, episodes))
        laws.append(np.asarray(law))
        kinds.append(kind)
    return Synthetic(
        pd.concat(tables, ignore_index=True), np.stack(laws), np.asarray(mdp.class_vector),
        np.stack(kinds),
    )  # fmt: skip


def _table(
    step: int, kind: NDArray[np.int64], size: int, reward: NDArray[np.float64], episodes: Episodes
) -> pd.DataFrame:
    names = [*PASS]
    texts = [
        f"Task {step}.{b}, {names[k]}: write a program that passes." for b, k in enumerate(kind)
    ]
    taken, actions = np.asarray(episodes.taken).T, np.asarray(episodes.action).T
    spoken = ["; ".join(ACTIONS[a] for a, t in zip(x, y, strict=True) if t)
            for x, y in zip(actions, taken, strict=True)]  # fmt: skip
    columns = dict(zip(COMPONENTS, reward.T, strict=False))
    return pd.DataFrame(
        {"step": step, "prompt": np.repeat(texts, size), "completion": spoken, **columns,
         "advantage": trl_advantages(reward, size)}
    )  # fmt: skip


def trl_advantages(reward: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """TRL's defaults in float32: (R - m)/(sd + 1e-4), divisor G - 1."""
    weights = np.array(WEIGHTS, np.float32)
    total = (reward.astype(np.float32) * weights).sum(1, dtype=np.float32)
    table = total.reshape(-1, size)
    mean = table.sum(1, keepdims=True, dtype=np.float32) / np.float32(size)
    spread = table.std(1, ddof=1, keepdims=True, dtype=np.float32)
    return ((table - mean) / (spread + np.float32(1e-4))).reshape(-1).astype(float)


def write_log(table: pd.DataFrame, folder: Path) -> list[Path]:
    """A parquet file for each step, named as TRL does; needs pyarrow."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for step, part in table.groupby("step"):
        paths.append(folder / f"completions_{step:05d}.parquet")
        part.to_parquet(paths[-1], index=False)
    return paths
