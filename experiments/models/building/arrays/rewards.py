"""Arrays of a written model's answers: where they are legal, and what they earn."""

from fractions import Fraction

import numpy as np
from jaxtyping import Bool, Float

from grpo_checks.experiments.models.building.arrays.nodes import Axes
from grpo_checks.experiments.models.building.arrays.verifiers import is_noisy
from grpo_checks.experiments.models.building.description import Description
from grpo_checks.experiments.models.building.entries import known, written
from grpo_checks.experiments.models.building.records import Component
from grpo_checks.theory.numbers.validation import MAX_ENTRIES


def legal_answers(model: Description, axes: Axes) -> Bool[np.ndarray, "N Y"]:
    """Which answers a state allows. Raises ValueError for an unknown state."""
    legal = np.zeros((len(axes.states), len(axes.answers)), bool)
    last = np.array(axes.depth) == (model.depth if model.depth is not None else max(axes.depth))
    for answer, at, only_last in model.answers:
        nodes = axes.nodes(f"answer {answer!r}", at)
        allowed = [i for i in nodes if last[i] or not only_last]
        legal[allowed, axes.answers.index(answer)] = True
    return legal


def _in_units(field: str, value: Fraction, component: Component) -> float:
    """A reward in [0, 1]. Raises ValueError for one that is outside its units."""
    low, high = component.low, component.high
    if not low <= value <= high:
        units = f"[{written(low)}, {written(high)}], the units of the component"
        raise ValueError(f"{field} = {written(value)}: expected a reward in {units}")
    return float((value - low) / (high - low))


def reward_array(model: Description, axes: Axes) -> Float[np.ndarray, "Q N Y K"]:
    """What answers earn, in [0, 1]. Raises ValueError for a name or a reward that is none."""
    names, kinds = list(axes.components), list(axes.components.values())
    shape = (len(axes.prompts), len(axes.states), len(axes.answers), len(kinds))
    if np.prod(shape, dtype=float) > MAX_ENTRIES:
        raise ValueError(f"reward = array of shape {shape}: expected at most {MAX_ENTRIES} entries")
    usual = [_in_units("reward", min(max(Fraction(0), k.low), k.high), k) for k in kinds]
    reward = np.broadcast_to(np.array(usual), shape).copy()
    for entry in model.rewards:
        place = np.ix_(
            axes.positions("reward: prompt", entry.prompt, axes.prompts),
            axes.nodes("reward", entry.at),
            axes.positions("reward: answer", entry.answer, axes.answers),
        )
        for name, value in entry.reward.items():
            index = names.index(known("reward", name, names))
            reward[..., index][place] = _in_units(f"reward[{name!r}]", value, kinds[index])
    return reward


def check_verifiers(
    axes: Axes, reward: Float[np.ndarray, "Q N Y K"], legal: Bool[np.ndarray, "N Y"]
) -> None:
    """Whether a verifier that errs has only passes and fails to tell; raises ValueError if not."""
    for index, (name, component) in enumerate(axes.components.items()):
        graded = ~np.isin(reward[..., index], (0.0, 1.0)) & legal[None]
        if is_noisy(component) and graded.any():
            value = reward[..., index][graded][0]
            expected = "its lowest or highest reward, as a verifier that errs passes or fails"
            raise ValueError(
                f"component {name!r}: a reward of {value:.6g} of 1: expected {expected}"
            )
