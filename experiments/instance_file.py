"""Reading a user's instance from a JSON file: one clear error for whatever is wrong with it.

The format is the keyword arguments of ``theory.model.TAMDP`` as nested lists, with numbers or
fractions such as "1/3", plus ``format``, ``name``, ``policy`` and, optionally, ``theta``; see
experiments/examples/lookup.json, which is explained in the README.
"""

import json
from pathlib import Path
from reprlib import repr as shown  # abridged: a user's text may be long
from typing import Any, NoReturn

import jax.numpy as jnp

from theory import validation as check
from theory.instances.instance import Instance
from theory.model import TAMDP
from theory.policy import LogLinear, Policy, Tabular

FORMAT = "ta-mdp/1"
MAX_BYTES = 16 * 2**20
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


def load_instance(path: Path) -> Instance:
    """The instance that a file describes. Raises ValueError, naming file and field."""
    try:
        return parse_instance(_read(path))
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{path.stat().st_size} bytes: expected at most {MAX_BYTES}")
        text = path.read_text(encoding="utf-8")
        return json.loads(text, object_pairs_hook=_no_repeats, parse_constant=_no_constant)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("not a text file: expected JSON in UTF-8") from None
    except RecursionError:
        raise ValueError("lists nested too deeply: expected at most 4 levels") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON: {error}") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    for key in keys:
        if keys.count(key) > 1:
            raise ValueError(f"key {shown(key)} occurs twice: expected once")
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}: expected a finite number")


def _check_keys(
    found: Any, where: str, required: tuple[str, ...], optional: tuple[str, ...]
) -> None:
    if not isinstance(found, dict):
        raise ValueError(f"{where} = {type(found).__name__}: expected an object with named fields")
    for key in found:
        if key not in required + optional:
            raise ValueError(f"{where}: unknown key {shown(key)}: expected {required + optional}")
    for key in required:
        if key not in found:
            raise ValueError(f"{where}: key {key!r} is missing")


def parse_instance(content: Any) -> Instance:
    """The instance that a decoded file describes. Raises ValueError, naming the field."""
    _check_keys(content, "file", REQUIRED, ("theta", "description"))
    if content["format"] != FORMAT:
        raise ValueError(f"format = {shown(content['format'])}: expected {FORMAT!r}")
    name = content["name"]
    if not (isinstance(name, str) and name.isidentifier() and len(name) <= MAX_NAME):
        expected = f"up to {MAX_NAME} letters, digits and underscores"
        raise ValueError(f"name = {shown(name)}: expected {expected}")
    mdp = TAMDP(**{key: content[key] for key in MODEL_KEYS})
    policy = _policy(mdp, content["policy"])
    theta = policy.zeros()
    _check_cost(mdp, theta.size)
    if "theta" in content:
        given = check.to_array("theta", content["theta"], theta.ndim)
        check.check_shape("theta", given, theta.shape, "(as the policy's parameters)")
        check.check_entries("theta", given, abs(given) <= 50, "a logit in [-50, 50]")
        theta = jnp.asarray(given)
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
        raise ValueError(f"policy.kind = {shown(kind)}: expected one of {kinds}")
    if kind == "log-linear":
        _check_keys(described, "policy", ("kind", "features"), ())
        return LogLinear(mdp, described["features"])
    _check_keys(described, "policy", ("kind",), ("observation",))
    return Tabular(mdp, described.get("observation"))
