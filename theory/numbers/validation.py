"""Checks of a TA-MDP's arrays, run once, on NumPy arrays, before anything is traced.

Each check raises a ValueError that names the field, the index, the value and what was expected.
"""

import operator
from collections import Counter
from collections.abc import Mapping
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.numbers.rationals import MAX_TEXT

SUM_TOLERANCE = 1e-12
MAX_ENTRIES = 2**27
"""Of one array: 1 GiB in float64."""
AXES = {"Q": "prompts", "S": "states", "K": "components"}
REWARD = "a reward in [0, 1]: shift and scale all rewards of the component into it"


def fail(field: str, index: Any, value: Any, expected: str) -> None:
    """Raise the one kind of error that bad input gets."""
    where = "" if index is None else f"[{', '.join(str(int(i)) for i in np.atleast_1d(index))}]"
    shown = str(value.item() if isinstance(value, np.generic) else value)
    if len(shown) > MAX_TEXT:
        shown = f"{shown[:MAX_TEXT]}..."
    raise ValueError(f"{field}{where} = {shown}: expected {expected}")


def check_states(field: str, states: Any) -> None:
    """Arrays over pairs of states can be held in memory; asked before any is made.

    ``states`` is their number, or anything with an entry for each.
    """
    n_states = states if isinstance(states, int) else operator.length_hint(states)
    if n_states**2 > MAX_ENTRIES:
        most, gib = isqrt(MAX_ENTRIES), 8 * n_states**2 / 2**30
        expected = f"at most {most}; one array over pairs of them would take {gib:.3g} GiB"
        fail(field, None, f"{n_states} states", expected)


def check_shape(field: str, array: NDArray[Any], shape: tuple[int, ...], axes: str) -> None:
    """The array has exactly ``shape``, described by the axis names ``axes``."""
    if array.shape != shape:
        fail(field, None, f"array of shape {array.shape}", f"shape {shape}, axes {axes}")


def check_lengths(arrays: Mapping[str, tuple[NDArray[Any], str]]) -> None:
    """Axes that are named by one letter have one length; ``arrays``: field -> array, its letters.

    Blames the field that most others contradict; of two, the one with fewer axes.
    """
    known = sorted(arrays.items(), key=lambda item: -item[1][0].ndim)
    for letter, meaning in AXES.items():
        lengths = [
            (field, axis, array.shape[axis])
            for field, (array, letters) in known
            for axis in (i for i, x in enumerate(letters) if x == letter)
        ]
        ((usual, _),) = Counter(length for _, _, length in lengths).most_common(1)
        for field, axis, length in lengths:
            if length != usual:
                others = ", ".join(dict.fromkeys(f for f, _, n in lengths if n == usual))
                expected = f"{usual} {meaning} on axis {axis}, as in {others}"
                fail(field, None, f"array of shape {arrays[field][0].shape}", expected)


def check_entries(field: str, array: NDArray[Any], good: NDArray[np.bool_], expected: str) -> None:
    """Every entry is good; otherwise the first bad one is named."""
    if not good.all():
        index = tuple(np.argwhere(~good)[0])
        fail(field, index, array[index], expected)


def check_distribution(field: str, rows: NDArray[Any], where: NDArray[np.bool_] | None) -> None:
    """Rows (last axis) are probability distributions where ``where`` holds (None: everywhere)."""
    check_entries(field, rows, np.isfinite(rows), "a finite number")
    check_entries(field, rows, rows >= 0, "a probability >= 0")
    total = rows.sum(-1)
    bad = np.abs(total - 1) > SUM_TOLERANCE
    if where is not None:
        bad &= where
    if bad.any():
        index = np.argwhere(bad)[0]
        fail(f"{field} row", index if index.size else None, total[tuple(index)], "a sum of 1")


def check_layers(
    initial: NDArray[Any],
    depth: NDArray[np.int64],
    transition: NDArray[Any],
    legal: NDArray[np.bool_],
) -> None:
    """Initial states lie in layer 0, each legal tool call goes one layer down, none in layer D."""
    n_tools = transition.shape[1]
    in_range = (depth >= 0) & (depth < depth.size)
    check_entries("depth", depth, in_range, f"a layer in 0..{depth.size - 1}")
    gap = np.setdiff1d(np.arange(depth.size), depth).min(initial=depth.size)
    check_entries("depth", depth, depth < gap, f"a state in each layer above, none is in {gap}")
    at_start = (initial == 0) | (depth == 0)
    check_entries("initial_distribution", initial, at_start, "0 for a state outside layer 0")
    in_last = (depth == depth.max())[:, None] & legal[:, :n_tools]
    check_entries("legal", legal[:, :n_tools], ~in_last, "no tool call in the last layer")
    one_down = depth[None, None, :] == depth[:, None, None] + 1
    good = (transition == 0) | one_down
    check_entries("tool_transition", transition, good, "0 unless the next state is one layer down")
    unused = (transition.sum(-1) == 0) | legal[:, :n_tools]
    check_entries("tool_transition", transition.sum(-1), unused, "a row of zeros: call not legal")


def reachable(initial: NDArray[Any], transition: NDArray[Any], n_layers: int) -> NDArray[np.bool_]:
    """States that some policy reaches from each prompt, shape (Q,S) bool."""
    # Numbers of paths, not probabilities: a product of small chances must not vanish.
    paths, step = (initial > 0).astype(float), (transition > 0).any(1).astype(float)
    for _ in range(n_layers - 1):
        paths = np.minimum(paths + paths @ step, 1.0)
    return np.asarray(paths > 0)


def check_actions(seen: NDArray[np.bool_], legal: NDArray[np.bool_]) -> None:
    """Every reachable state has at least one legal action."""
    stuck = np.logical_and(seen.any(0), ~legal.any(1))
    if stuck.any():
        state = int(np.argmax(stuck))
        fail("legal", [state], "no legal action", "at least one in a reachable state")
