"""A TA-MDP and its policy from the arrays of a point, in JAX: D tool calls through D + 1 layers.

Every layer has n states; every call is legal above the last layer and every answer everywhere. The
sizes are those of the arrays, so that one function serves all of them, traced or enclosed.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular
from grpo_checks.theory.updates.policy_law import leave_one_out_variance, pair_moments


class TableAt(Tabular):
    """At given probabilities, rational at a rational point, whatever theta."""

    given: Float[Array, "S A"]

    def __init__(self, mdp: TAMDP, observation: Any) -> None:
        super().__init__(mdp, observation)
        self.given = jnp.zeros(mdp.legal.shape)

    def probs(self, theta: Any) -> Float[Array, "S A"]:
        return self.given


class LogLinearAt(LogLinear):
    """Likewise."""

    given: Float[Array, "S A"]

    def __init__(self, mdp: TAMDP) -> None:
        super().__init__(mdp, np.zeros((*mdp.legal.shape, 1)))
        self.given = jnp.zeros(mdp.legal.shape)

    def probs(self, theta: Any) -> Float[Array, "S A"]:
        return self.given


class DeepModel(NamedTuple):
    """A model at a policy."""

    mdp: TAMDP
    """Each answer of each state is a reward class: no use is made of equal ones."""
    policy: TableAt | LogLinearAt

    theta: Any
    """Of the shape that parameters have; what they are is in the probabilities."""

    def variance(self, group_size: Any) -> Any:
        """V of `leave_one_out` on a full sweep over the prompts, G >= 2."""
        pairs = pair_moments(self.mdp, self.policy, self.theta)
        by_prompt = leave_one_out_variance(group_size, pairs.spread, pairs.excess)
        return jnp.square(self.mdp.prompt_distribution) @ by_prompt


@lru_cache(maxsize=64)
def _template(prompts: int, depth: int, states: int, tools: int, answers: int, k: int) -> TAMDP:
    """Legal actions and layers; all numbers are replaced."""
    layer = np.repeat(np.arange(depth + 1), states)
    initial = np.zeros((prompts, layer.size))
    initial[:, 0] = 1
    transition = np.zeros((layer.size, tools, layer.size))
    for d in range(depth):
        transition[layer == d, :, states * (d + 1)] = 1
    legal = np.ones((layer.size, tools + answers), bool)
    legal[layer == depth, :tools] = False
    with jax.ensure_compile_time_eval():
        return TAMDP(
            prompt_distribution=[1] + [0] * (prompts - 1),
            initial_distribution=initial,
            depth=layer,
            tool_transition=transition,
            legal=legal,
            reward=np.zeros((prompts, layer.size, answers, k)),
            weights=np.ones(k),
        )


def _numbers(mdp: TAMDP) -> tuple[Any, ...]:
    classes = mdp.class_index, mdp.class_vector, mdp.class_composite
    laws = mdp.prompt_distribution, mdp.initial_distribution, mdp.tool_transition
    return (*laws, mdp.reward, mdp.weights, *classes)


def deep_mdp(
    prompt_distribution: Any,
    initial_distribution: Any,
    tool_transition: Any,
    reward: Any,
    weights: Any,
) -> TAMDP:
    """From ``(Q,)``, ``(Q, n)``, ``(D, n, U, n)``, ``(Q, D+1, n, Y, K)`` and ``(K,)``."""
    depth, n, tools, _ = tool_transition.shape
    prompts, layers, _, answers, k = reward.shape
    size = layers * n
    initial = jnp.zeros((prompts, size)).at[:, :n].set(initial_distribution)
    full = jnp.zeros((size, tools, size))
    for d in range(depth):
        here, below = slice(n * d, n * (d + 1)), slice(n * (d + 1), n * (d + 2))
        full = full.at[here, :, below].set(tool_transition[d])
    vector = reward.reshape(-1, k)
    index = np.arange(len(vector)).reshape(prompts, size, answers)
    laws = prompt_distribution, initial, full, reward.reshape(prompts, size, answers, k)
    numbers = (*laws, weights, index, vector, vector @ weights)
    return eqx.tree_at(_numbers, _template(prompts, depth, n, tools, answers, k), numbers)


def probabilities(tool_odds: Any, answer_odds: Any, states: int) -> Any:
    """pi ``(S, A)`` from odds > 0, ``(D, O, U)`` of calls and ``(D+1, O, Y)`` of answers.

    O is the number of states of a layer, or 1 where the policy cannot tell them apart.
    """
    calls = jnp.concatenate([tool_odds, jnp.zeros((1, *tool_odds.shape[1:]))])
    odds = jnp.concatenate([calls, answer_odds], -1)
    probs = odds / odds.sum(-1, keepdims=True)
    layers, _, actions = odds.shape
    return jnp.broadcast_to(probs, (layers, states, actions)).reshape(-1, actions)


def _observation(layers: int, states: int, rows: int) -> Any:
    """Which row of its layer a state has: its own, or all have one."""
    row = np.minimum(np.arange(states), rows - 1)
    return (np.arange(layers)[:, None] * rows + row[None]).reshape(-1)


def _features(of_calls: Any, of_answers: Any) -> Any:
    """(S, A, d); calls are not legal in the last layer."""
    calls = jnp.concatenate([of_calls, jnp.zeros((1, *of_calls.shape[1:]))])
    features = jnp.concatenate([calls, of_answers], 2)
    return features.reshape(-1, *features.shape[2:])


TABLE = ("tool_odds", "answer_odds")
LOG_LINEAR = ("tool_features", "answer_features", "parameters")


def deep_model(
    prompt_distribution: Any,
    initial_distribution: Any,
    tool_transition: Any,
    reward: Any,
    weights: Any,
    **policy: Any,
) -> DeepModel:
    """From the arrays of a point; those of the policy are a table of odds, or log-linear.

    ``tool_odds`` and ``answer_odds`` as of ``probabilities``; or integers ``tool_features (D, n, U,
    d)`` and ``answer_features (D+1, n, Y, d)`` with ``parameters (d,)``, e to the power of theta.
    Raises ValueError for another field: a misspelt one would change nothing, in silence.
    """
    if slips := sorted({*policy} - {*TABLE, *LOG_LINEAR}):
        expected = f"expected one of a model's, {TABLE} or {LOG_LINEAR}"
        raise ValueError(f"field {slips[0]!r}: {expected}")
    mdp = deep_mdp(prompt_distribution, initial_distribution, tool_transition, reward, weights)
    depth, n, tools, _ = tool_transition.shape
    template = _template(len(reward), depth, n, tools, *reward.shape[3:])
    if "parameters" not in policy:
        odds = policy["tool_odds"], policy["answer_odds"]
        with jax.ensure_compile_time_eval():  # Observations are checked.
            table = TableAt(template, _observation(depth + 1, n, odds[0].shape[1]))
        at = eqx.tree_at(_given, table, probabilities(*odds, n))
        return DeepModel(mdp, at, at.zeros())
    features = policy["tool_features"], policy["answer_features"]
    odds = tuple(_powers(policy["parameters"], phi) for phi in features)
    with jax.ensure_compile_time_eval():
        blank = LogLinearAt(template)
    numbers = (probabilities(*odds, n), _features(*features))
    log_linear = eqx.tree_at(lambda p: (p.given, p.features), blank, numbers)
    return DeepModel(mdp, log_linear, policy["parameters"])


def _powers(parameters: Any, features: Any) -> Any:
    """exp(phi theta), from e^theta (d,) and phi (..., d)."""
    return (jnp.broadcast_to(parameters, features.shape) ** features).prod(-1)


def _given(policy: TableAt) -> Any:
    return policy.given
