"""From a written model to arrays: an instance, with the names of its axes."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.models.building.arrays.layers import responses
from grpo_checks.experiments.models.building.arrays.nodes import Axes, axes, components_of
from grpo_checks.experiments.models.building.arrays.parameters import policy_of
from grpo_checks.experiments.models.building.arrays.rewards import (
    check_verifiers,
    legal_answers,
    reward_array,
)
from grpo_checks.experiments.models.building.arrays.verifiers import Verdicts, verdicts
from grpo_checks.experiments.models.building.description import Description
from grpo_checks.experiments.models.building.labels import Labels
from grpo_checks.experiments.models.instance_file import FORMAT, parse_instance
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.numbers.validation import SUM_TOLERANCE


class Built(NamedTuple):
    """What a written model means."""

    instance: Instance
    labels: Labels


def build(model: Description) -> Built:
    """The model as arrays. Raises ValueError, naming field, value and expectation."""
    says = verdicts(list(components_of(model).values()))
    where = axes(model, len(says))
    legal, transition = _tools(model, where)
    answers = legal_answers(model, where)
    reward = reward_array(model, where)
    check_verifiers(where, reward, answers)
    actions = np.concatenate([legal, answers], 1)
    _check_actions(where, actions)
    content = {
        "format": FORMAT,
        "name": model.name,
        "prompt_distribution": _prompt_distribution(model),
        "weights": [k.weight * (k.high - k.low) for k in where.components.values()],
        "depth": np.repeat(where.depth, len(says)),
        "legal": np.repeat(actions, len(says), 0),
        "initial_distribution": _first_states(model, where, says),
        "tool_transition": _copied(transition, len(says)),
        "reward": _told(reward, says),
        **policy_of(model, where, actions, len(says)),
    }
    return Built(parse_instance(content), _labels(model, where, says))


def _prompt_distribution(model: Description) -> list[Fraction]:
    chances = [chance for _, chance in model.prompts.values()]
    if all(chance is None for chance in chances):
        return [Fraction(1, len(chances))] * len(chances)
    if None in chances:
        silent = list(model.prompts)[chances.index(None)]
        raise ValueError(
            f"prompt {silent!r}: no chance: expected one for every prompt, or for none"
        )
    given = [chance for chance in chances if chance is not None]
    if abs(sum(given, Fraction(0)) - 1) > SUM_TOLERANCE:
        raise ValueError(f"prompt: chances with a sum of {sum(given)}: expected a sum of 1")
    return given


def _tools(model: Description, where: Axes) -> tuple[np.ndarray, np.ndarray]:
    """Which calls are legal, (N,U), and what they lead to, (N,U,N)."""
    n_nodes, n_tools = len(where.states), len(where.tools)
    legal, transition = np.zeros((n_nodes, n_tools), bool), np.zeros((n_nodes, n_tools, n_nodes))
    place = {key: i for i, key in enumerate(zip(where.depth, where.states, strict=True))}
    table, tool_index = responses(model), {tool: i for i, tool in enumerate(where.tools)}
    for (depth, state), node in place.items():
        if depth == model.depth:
            continue
        for tool, law in table.get(state, {}).items():
            legal[node, tool_index[tool]] = True
            for after, chance in law.items():
                transition[node, tool_index[tool], place[depth + 1, after]] = float(chance)
    return legal, transition


def _check_actions(where: Axes, legal: np.ndarray) -> None:
    if not legal.any(1).all():
        node = int(np.argmin(legal.any(1)))
        state = f"state {where.states[node]!r} after {where.depth[node]} tool calls"
        raise ValueError(f"{state}: no tool and no answer: expected at least one")


def _first_states(model: Description, where: Axes, says: list[Verdicts]) -> np.ndarray:
    """Of each prompt, (Q,S): the first state, and what the verifiers will say."""
    initial = np.zeros((len(where.prompts), len(where.states), len(says)))
    for q, (law, _) in enumerate(model.prompts.values()):
        for state, chance in law.items():
            initial[q, where.states.index(state)] = [float(chance * v.chance) for v in says]
    return initial.reshape(len(where.prompts), -1)


def _copied(transition: np.ndarray, copies: int) -> np.ndarray:
    """What the verifiers will say does not change on the way."""
    if copies == 1:
        return transition
    n_nodes, n_tools, _ = transition.shape
    every = np.zeros((n_nodes, copies, n_tools, n_nodes, copies))
    for copy in range(copies):
        every[:, copy, :, :, copy] = transition
    return every.reshape(n_nodes * copies, n_tools, n_nodes * copies)


def _told(reward: np.ndarray, says: list[Verdicts]) -> np.ndarray:
    """Rewards (Q,S,Y,K) as the verifiers tell them."""
    verdict_rewards = np.repeat(reward[:, :, None], len(says), 2)
    for copy, verdict in enumerate(says):
        for k, word in enumerate(verdict.says):
            if word != "the truth":
                verdict_rewards[:, :, copy, :, k] = float(word == "pass")
    n_prompts, n_nodes, *rest = reward.shape
    return verdict_rewards.reshape(n_prompts, n_nodes * len(says), *rest)


def _labels(model: Description, where: Axes, says: list[Verdicts]) -> Labels:
    pairs = zip(where.states, where.depth, strict=True)
    nodes = [state if model.depth is None else f"{state} @{depth}" for state, depth in pairs]
    names = list(where.components)
    states = [f"{node}{verdict.label(names)}" for node in nodes for verdict in says]
    rest = where.tools, where.answers, names, where.unreachable
    return Labels(where.prompts, states, *rest)
