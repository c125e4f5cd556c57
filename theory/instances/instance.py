"""What a claim is checked on: a model, a policy class, where training starts."""

from typing import NamedTuple

import jax
import numpy as np

from grpo_checks.theory.evaluation.optimum import optimal_value
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy

_optimal = jax.jit(optimal_value)


class Instance(NamedTuple):
    """A named model with a policy class."""

    name: str
    mdp: TAMDP
    policy: Policy
    theta: Theta
    """Where training starts."""
    best: float | None = None
    """sup_theta J where the module that builds the instance proves it."""
    steepest: float | None = None
    """sup_theta |grad J|^2, likewise."""

    @property
    def optimum(self) -> float:
        """J*: ``best`` if known, else the optimum over unrestricted policies."""
        return float(_optimal(self.mdp)) if self.best is None else self.best

    @property
    def optimum_is_exact(self) -> bool:
        """Whether ``optimum`` is sup_theta J, rather than only an upper bound on it."""
        if self.best is not None:
            return True
        if isinstance(self.policy, LogLinear):
            return False
        observation = np.asarray(self.policy.observation)  # type: ignore[attr-defined]
        alone = np.unique(observation).size == observation.size
        return alone and self.mdp.prompt_separable
