"""The policy of a written model: which states look alike, features, and where training starts."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from grpo_checks.experiments.models.building.arrays.nodes import Axes
from grpo_checks.experiments.models.building.description import Description
from grpo_checks.experiments.models.building.entries import known


def observation_index(
    model: Description, axes: Axes, legal: Bool[np.ndarray, "N A"]
) -> tuple[Int[np.ndarray, " N"], list[str]]:
    """Which observation a node has, and their names, each at one depth.

    Raises ValueError for a state with two observations, or for alike states that allow different
    actions, which only names a policy could tell from one another.
    """
    seen: dict[str, str] = {}
    for observation, states in model.observations.items():
        axes.nodes(f"observation {observation!r}", states)
        for state in states:
            if seen.setdefault(state, observation) != observation:
                both = f"{seen[state]!r} and {observation!r}"
                raise ValueError(f"state {state!r}: observed as {both}: expected one of them")
    keys = [(depth, seen.get(s, s)) for s, depth in zip(axes.states, axes.depth, strict=True)]
    if model.depth is None:
        _check_one_depth(keys)
    order = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    index = np.array([order[key] for key in keys])
    for node, key in enumerate(keys):
        first = keys.index(key)
        if (legal[node] != legal[first]).any():
            pair = f"{axes.states[first]!r} and {axes.states[node]!r}"
            raise ValueError(f"observation {key[1]!r}: {pair}: expected the same actions in both")
    return index, [name for _, name in order]


def _check_one_depth(keys: list[tuple[int, str]]) -> None:
    depths: dict[str, int] = {}
    for depth, name in keys:
        if depths.setdefault(name, depth) != depth:
            several = f"states after {depths[name]} and after {depth} tool calls"
            raise ValueError(f"observation {name!r}: {several}: expected one number of calls")


def policy_of(
    model: Description, axes: Axes, legal: Bool[np.ndarray, "N A"], copies: int
) -> dict[str, Any]:
    """``policy`` and ``theta`` of a file of arrays; nodes have ``copies`` that look alike."""
    if model.features:
        if model.logits or model.observations:
            field = "logit" if model.logits else "observation"
            raise ValueError(f"{field}: given: expected none beside features")
        return _log_linear(model, axes, copies)
    if model.theta:
        raise ValueError("theta: given: expected features with it, or logits by state and action")
    index, observed = observation_index(model, axes, legal)
    policy: dict[str, Any] = {"kind": "tabular"}
    if copies > 1 or len(observed) < len(index):
        policy["observation"] = np.repeat(index, copies)
    actions = [*axes.tools, *axes.answers]
    theta = np.zeros((len(observed), len(actions)))
    for at, action, (value,) in model.logits:
        column = actions.index(known("logit: action", action, actions))
        for name in at:
            known("logit: at", name, {*axes.states, *axes.unreachable, *observed})
        rows = [i for i, name in enumerate(observed) if name in at]
        rows += [int(index[i]) for i, state in enumerate(axes.states) if state in at]
        theta[rows, column] = float(value)
    return {"policy": policy, "theta": theta}


def _log_linear(model: Description, axes: Axes, copies: int) -> dict[str, Any]:
    actions = [*axes.tools, *axes.answers]
    size = len(model.features[0].values)
    phi = np.zeros((len(axes.states), len(actions), size))
    for at, action, values in model.features:
        if len(values) != size:
            given = f"{len(values)} values"
            raise ValueError(f"feature of {action!r}: {given}: expected {size}, as in the first")
        column = actions.index(known("feature: action", action, actions))
        phi[axes.nodes("feature", at), column] = [float(x) for x in values]
    start = {"theta": [float(x) for x in model.theta]} if model.theta else {}
    return {"policy": {"kind": "log-linear", "features": np.repeat(phi, copies, 0)}, **start}
