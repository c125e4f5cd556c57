"""What is asked for, where, and what a row says of one update."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np

from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.updates.benefit import ascent
from grpo_checks.theory.updates.moments import UpdateMoments
from grpo_checks.theory.updates.policy_law import PolicyLaw
from grpo_checks.theory.updates.silent import silence

MAX_BUDGET = 10**9
silent_shares = jax.jit(silence)


@dataclass(frozen=True)
class Plan:
    """Either N episodes per update, B = N/G, or B prompts of any group size.

    Raises ValueError for both or neither, and for numbers out of range.
    """

    budget: int | None = None
    """N."""
    batch: int | None = None
    """B."""

    def __post_init__(self) -> None:
        if (self.budget is None) is (self.batch is None):
            raise ValueError(
                f"budget = {self.budget} and batch = {self.batch}: expected one of them"
            )
        for name, value, least in (("budget", self.budget, 2), ("batch", self.batch, 1)):
            if value is not None and not least <= value <= MAX_BUDGET:
                unit = "episodes" if name == "budget" else "prompts"
                raise ValueError(f"{name} = {value}: expected {least}..{MAX_BUDGET} {unit}")

    def groups(self, size: int) -> float:
        """B for groups of ``size``."""
        return float(self.batch) if self.batch is not None else (self.budget or 0) / size

    def sizes(self, sizes: Sequence[int], exactly: bool = False) -> list[int]:
        """Those that are affordable; ``exactly``: with a whole number of groups."""
        able = [g for g in sizes if self.groups(g) >= 1]
        return [g for g in able if self.groups(g) % 1 == 0] if exactly else able

    def __str__(self) -> str:
        """For a caption."""
        per = (self.budget, "episodes") if self.batch is None else (self.batch, "prompts")
        return f"{per[0]} {per[1]} per update"


class Place(NamedTuple):
    """A model at a policy, and what all its rows share."""

    instance: Instance
    theta: Theta
    at: PolicyLaw
    steepest: float
    """L, the smoothness of J."""
    plan: Plan


def _cosine(update: UpdateMoments) -> float:
    """Of the angle between E[g] and grad J; 0 where either vanishes."""
    slope, mean = (np.asarray(x) for x in (update.gradient, update.mean))
    largest = np.abs(slope).max(), np.abs(mean).max()
    if not min(largest) > 0:
        return 0.0
    # Squares of numbers below 1e-154 would vanish.
    slope, mean = slope / largest[0], mean / largest[1]
    return float(slope @ mean / (np.linalg.norm(slope) * np.linalg.norm(mean)))


def numbers_of(place: Place, update: UpdateMoments, episodes: float) -> dict[str, float]:
    """Of one update of so many episodes."""
    able = ascent(update)
    signal = float(able.efficiency)
    return {
        "signal": signal,
        "signal_per_episode": signal / episodes,
        "step": float(able.best_step(place.steepest)) if place.steepest > 0 else 0.0,
        "cosine": _cosine(update),
        "variance": float(update.variance),
    }
