"""`pass_rates`: one decision per prompt, whose answers are the 2^K vectors of binary rewards.

Pass rates and their correlation are all that is known of it. Prompts share no parameters, or, with
``shared``, one parameter for each component, which moves its success at every prompt: real models
lie in between (derived).
"""

from typing import NamedTuple

import jax
import numpy as np
from numpy.typing import NDArray

from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.instances.rates.correlated import correlated_law, vectors
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular

MAX_PROMPTS = 200
STIFF = 1e-6
"""Of the feature that carries a prompt's law: its parameter hardly moves."""


class PassRates(NamedTuple):
    """What is known of a model: rates in [0, 1] (Q, K), one correlation and one share a prompt."""

    success: NDArray[np.float64]
    correlation: NDArray[np.float64]
    share: NDArray[np.float64]
    """rho, sums to 1."""
    weights: tuple[float, ...]
    """w_k > 0."""


def pass_rates(known: PassRates, shared: bool = False) -> Instance:
    """The model. Raises ValueError for rates or correlations out of range, or too many prompts."""
    n_prompts, n_components = known.success.shape
    if not 1 <= n_prompts <= MAX_PROMPTS:
        raise ValueError(
            f"prompts = {n_prompts} with different rates: expected 1..{MAX_PROMPTS}; round them"
        )
    laws = np.array(list(map(correlated_law, known.success, known.correlation)))
    answers = vectors(n_components)
    mdp = TAMDP(
        prompt_distribution=known.share,
        initial_distribution=np.eye(n_prompts),
        depth=np.zeros(n_prompts, int),
        tool_transition=[],
        # What has no chance is no answer: its logit would be infinite.
        legal=laws > 0,
        reward=np.broadcast_to(answers, (n_prompts, n_prompts, *answers.shape)),
        weights=list(known.weights),
    )
    logits = np.log(np.where(laws > 0, laws, 1.0))
    if not shared:
        return Instance("pass_rates", mdp, Tabular(mdp), jax.device_put(logits))
    same = np.broadcast_to(answers, (n_prompts, *answers.shape))
    features = np.concatenate([STIFF * logits[..., None], same], -1)
    theta = np.r_[1 / STIFF, np.zeros(n_components)]
    return Instance("pass_rates", mdp, LogLinear(mdp, features), jax.device_put(theta))
