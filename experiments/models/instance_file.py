"""Reading a user's instance from a JSON file: one clear error for whatever is wrong with it.

The format is the keyword arguments of ``theory.mdp.mdp.TAMDP`` as nested lists, with numbers or
fractions such as "1/3", plus ``format``, ``name``, ``policy`` and, optionally, ``theta``; see
docs/models.md.
"""

from typing import Any

import jax

from grpo_checks.experiments.storage.input_file import check_keys
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular
from grpo_checks.theory.numbers import validation as check
from grpo_checks.theory.numbers.arrays import to_array
from grpo_checks.theory.numbers.rationals import abridged

FORMAT = "ta-mdp/1"
MAX_NAME = 64
MODEL_KEYS = (
    "prompt_distribution",
    "initial_distribution",
    "depth",
    "tool_transition",
    "legal",
    "reward",
    "weights",
)
REQUIRED = ("format", "name", "policy", *MODEL_KEYS)
POLICY_KEYS = {"tabular": ("observation",), "log-linear": ("features",)}


def parse_instance(content: Any) -> Instance:
    """The instance that a decoded file describes. Raises ValueError, naming the field."""
    check_keys("file", content, REQUIRED, ("theta", "description"))
    if content["format"] != FORMAT:
        raise ValueError(f"format = {abridged(content['format'])}: expected {FORMAT!r}")
    name = content["name"]
    if not (isinstance(name, str) and name.isidentifier() and len(name) <= MAX_NAME):
        expected = f"up to {MAX_NAME} letters, digits and underscores"
        raise ValueError(f"name = {abridged(name)}: expected {expected}")
    if not isinstance(described := content.get("description", ""), str):
        raise ValueError(f"description = {abridged(described)}: expected a text")
    mdp = TAMDP(**{key: content[key] for key in MODEL_KEYS})
    policy = _policy(mdp, content["policy"])
    theta = policy.zeros()
    _check_cost(mdp, theta.size)
    if "theta" in content:
        given = to_array("theta", content["theta"], theta.ndim)
        check.check_shape("theta", given, theta.shape, "(as the policy's parameters)")
        check.check_entries("theta", given, abs(given) <= 50, "a logit in [-50, 50]")
        theta = jax.device_put(given)
    return Instance(name, mdp, policy, theta)


def _check_cost(mdp: TAMDP, n: int) -> None:
    """The gradients of the reward law (Q,C,n), and pairs of reward vectors, must fit in memory."""
    n_prompts, n_classes = mdp.prompt_distribution.size, mdp.class_vector.shape[0]
    entries = n_prompts * n_classes * max(n, n_classes)
    if entries > check.MAX_ENTRIES:
        size = f"{n_classes} distinct vectors, {n} parameters, {n_prompts} prompts"
        most = f"at most {8 * check.MAX_ENTRIES / 2**30:.3g} GiB of gradients"
        raise ValueError(f"reward = {size}: expected {most}, not {8 * entries / 2**30:.3g}")


def _policy(mdp: TAMDP, described: Any) -> Policy:
    kinds = tuple(POLICY_KEYS)
    kind = described.get("kind") if isinstance(described, dict) else None
    if kind not in kinds:
        raise ValueError(f"policy.kind = {abridged(kind)}: expected one of {kinds}")
    if kind == "log-linear":
        check_keys("policy", described, ("kind", "features"), ())
        return LogLinear(mdp, described["features"])
    check_keys("policy", described, ("kind",), ("observation",))
    return Tabular(mdp, described.get("observation"))
