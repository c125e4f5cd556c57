"""Small models with episodes of different lengths, for batches written out."""

import jax
import numpy as np

from grpo_checks.theory.batches.rule_law import rule_law
from grpo_checks.theory.evaluation.values import reward_law
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Tabular, greedy
from grpo_checks.theory.updates.policy_law import policy_law
from helpers.batches.batch_oracle import batch_moments
from helpers.oracles import pad_classes

SWEEP = (2, 1)
"""Groups of each prompt."""
CLASSES = 32
_moments_at = jax.jit(lambda law, at, baseline: law.moments_at(at, baseline))
_greedy_law = jax.jit(lambda mdp, policy, theta: reward_law(mdp, 1.0 * greedy(policy.probs(theta))))


def exact(law, policy, theta):
    """Moments by a ``RuleLaw``; the sweeps through a model compile once for all its rules.

    And once for models of one shape: with classes of probability 0, which are taken off again.
    """
    many = law.mdp.class_composite.size
    wide = pad_classes(law.mdp, -(-many // CLASSES) * CLASSES)
    baseline = _greedy_law(wide, policy, theta)[:, :many] if law.greedy else None
    at = jax.tree.map(lambda x: np.asarray(x)[:, :many], policy_law(wide, policy, theta))
    return _moments_at(law, jax.device_put(at), baseline)


def short_model(seed):
    """One decision or two, rewards of three levels, a table of logits or features."""
    shape = {"prompts": 2, "width": 1, "tools": 1, "answers": 2, "depth": 1}
    features = 2 if seed % 3 == 2 else 0
    instance = random_instance(2, seed=seed, separable=seed % 2 == 0, features=features, **shape)
    fields = ("initial_distribution", "depth", "tool_transition", "legal", "reward", "weights")
    arrays = {name: np.asarray(getattr(instance.mdp, name)) for name in fields}
    mdp = TAMDP(prompt_distribution=["2/3", "1/3"], **arrays)
    policy = LogLinear(mdp, instance.policy.features) if features else Tabular(mdp)
    return mdp, policy, instance.theta


def both_moments(seed, rule, group_size, drawn):
    """Of a short model, drawn prompts or the sweep: by the exact law, and mean and variance by all
    batches written out."""
    mdp, policy, theta = short_model(seed)
    seen = exact(rule_law(mdp, group_size, rule, drawn), policy, theta)
    listed = batch_moments(mdp, policy, theta, group_size, rule, drawn, SWEEP)
    return jax.tree.map(np.asarray, seen), *listed
