"""Tunix's advantages and loss (rl.algo_core), on a table of logits as an nnx module.

Its package's own __init__ asks for much that the loss does not need, so that an empty one is put
in its place. Options: ``advantage_estimator``, ``loss_agg_mode``, by its configuration's names.
"""

import sys
from importlib.metadata import version
from importlib.util import find_spec
from types import ModuleType, SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from faults import EPS, fed
from flax import nnx

_spec = find_spec("tunix")
assert _spec is not None
for _name in ("tunix", "tunix.rl", "tunix.sft"):
    _bare = ModuleType(_name)
    _places = _spec.submodule_search_locations or []
    _bare.__path__ = ["/".join([place, *_name.split(".")[1:]]) for place in _places]
    sys.modules[_name] = _bare

from tunix.rl import algo_core, common, function_registry  # noqa: E402

VERSIONS = {"tunix": version("google-tunix")}
VERSIONS |= {name: version(name) for name in ("jax", "flax", "numpy")}
PRECISION = "float32"
"""Its loss casts to it."""
DEFAULTS = {"advantage_estimator": "grpo", "loss_agg_mode": "sequence-mean-token-mean"}
"""Those of its GRPOConfig; beta, .04 there, is 0 here: a reference is another loss."""
SETTINGS = {"beta": 0.0, "epsilon": 0.2, "loss_algo": "grpo", "temperature": 1.0}
STATE: dict[str, Any] = {}


class Table(nnx.Module):
    """Logits of the next token: the row of every position is known beforehand."""

    def __init__(self, logits: jax.Array, row: jax.Array) -> None:
        self.logits, self.row = nnx.Param(logits), nnx.Variable(row)

    def __call__(self, tokens: jax.Array, **_: Any) -> tuple[jax.Array, None]:
        # One position of prompt: logits at i are those of completion token i.
        row = jnp.concatenate([self.row[...], self.row[...][:, -1:]], 1)
        return self.logits[...][row], None


class Rewards(np.ndarray):
    """With an sd that is spoiled: the faults ``biased_sd`` and ``eps_1_percent``."""

    fault: str | None = None

    def std(self, *places: Any, ddof: float = 0, **more: Any) -> Any:
        plain = np.asarray(self)
        if self.fault == "biased_sd":
            return plain.std(*places, **more)
        return plain.std(*places, ddof=ddof, **more) + 1e-6 * (EPS - 1)


def load(model: SimpleNamespace) -> None:
    """Options, features and the loss's slope; one program for each shape and mode."""
    options = {**DEFAULTS, **model.rule["trainer"]}
    STATE.update(options=options, model=model, slope=_slope(options))


def _slope(options: dict[str, Any]) -> Any:
    fault = options.get("fault")
    config = SimpleNamespace(**SETTINGS, loss_agg_mode=options["loss_agg_mode"])

    def loss(theta: jax.Array, arrays: dict[str, jax.Array]) -> jax.Array:
        logits = jnp.where(arrays["legal"], arrays["features"] @ theta, -1e9)
        table = Table(logits, arrays["row"])
        tokens, mask = arrays["tokens"], arrays["mask"]
        chosen = jax.nn.log_softmax(logits)[arrays["row"], tokens]
        example = common.TrainExample(
            prompt_ids=jnp.zeros_like(tokens[:, :1]),
            prompt_mask=jnp.ones_like(tokens[:, :1]),
            completion_ids=tokens,
            completion_mask=mask,
            advantages=arrays["advantages"],
            ref_per_token_logps=None,
            old_per_token_logps=chosen if fault == "ratio_not_detached" else None,
        )
        value = algo_core.grpo_loss_fn(table, example, config, pad_id=-1, eos_id=-2)[0]
        if fault == "wrong_divisor":
            value = value * mask.shape[1] / (mask.shape[1] + 1)
        return value

    return jax.jit(jax.grad(loss))


def gradient(batch: SimpleNamespace) -> Any:
    """Of one batch."""
    options, model = STATE["options"], STATE["model"]
    data = fed(batch, options.get("fault"))
    arrays = {
        "features": jnp.asarray(model.features, jnp.float32),
        "legal": jnp.asarray(model.legal),
        "row": jnp.asarray(data.row),
        "tokens": jnp.asarray(data.tokens),
        "mask": jnp.asarray(data.mask, jnp.float32),
        "advantages": jnp.asarray(advantages(data, options), jnp.float32),
    }
    return -np.asarray(STATE["slope"](jnp.asarray(model.theta, jnp.float32), arrays), float)


def advantages(data: SimpleNamespace, options: dict[str, Any]) -> Any:
    """(N,). Groups are consecutive: rewards are put in that order and back."""
    order = data.group.argsort(kind="stable")
    rewards = data.composite[order]
    if options.get("fault") in ("biased_sd", "eps_1_percent"):
        rewards = rewards.view(Rewards)
        Rewards.fault = options["fault"]
    estimator = function_registry.get_advantage_estimator(options["advantage_estimator"])
    values = np.asarray(estimator(rewards, data.size))
    return values[order.argsort()]
