"""verl's advantages and policy losses (trainer.ppo.core_algos), looked up by the names it uses.

What runs is its registry, as its trainer calls it: no Ray cluster, no rollout engine. Options:
``adv_estimator``, ``norm_adv_by_std_in_grpo``, ``loss_agg_mode``, ``loss_mode``; ``precision`` of
the tensors, float64 unless told otherwise: its functions keep the dtype they are given, but for
GDPO, GPG and ``grpo_vectorized``, which make float32 of rewards or scales.
"""

from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from faults import EPS, fed
from torch_table import SpoiledDeviation, Table, fill, old
from verl.trainer.config import AlgoConfig
from verl.trainer.ppo import core_algos
from verl.workers.config import ActorConfig

VERSIONS = {name: version(name) for name in ("verl", "torch", "tensordict", "numpy")}
PRECISION = "float64"
DEFAULTS = {"adv_estimator": "grpo", "loss_agg_mode": "token-mean", "loss_mode": "vanilla"}
"""Those of its AlgoConfig and ActorConfig."""
STATE: dict[str, Any] = {}


def load(model: SimpleNamespace) -> None:
    """The table, in the precision that is asked for."""
    global PRECISION
    PRECISION = fill(STATE, model, DEFAULTS)
    STATE["horizon"] = int((model.is_token & model.is_action).sum(1).max())


def gradient(batch: SimpleNamespace) -> Any:
    """Of one batch."""
    options, table = STATE["options"], STATE["table"]
    fault = options.get("fault")
    data = fed(batch, fault)
    mask, log_prob = table.tensor(data.mask), table.log_probs(data)
    with SpoiledDeviation(fault):
        values = advantages(data, mask, table, options)
    previous = old(log_prob, fault)
    loss = core_algos.get_policy_loss_fn(options["loss_mode"])(
        old_log_prob=previous,
        log_prob=log_prob,
        advantages=values,
        response_mask=mask,
        loss_agg_mode=options["loss_agg_mode"],
        config=actor(options, mask, fault),
    )[0]
    return table.descent(loss)


def advantages(
    data: SimpleNamespace, mask: torch.Tensor, table: Table, options: dict[str, Any]
) -> torch.Tensor:
    """(N, T). Its reward managers put an episode's reward on the last position."""
    name = options["adv_estimator"]
    last = last_token(data)
    rewards = torch.zeros_like(mask)
    rewards[torch.arange(len(last)), last] = table.tensor(data.composite)
    config = AlgoConfig(
        norm_adv_by_std_in_grpo=options.get("norm_adv_by_std_in_grpo", True),
        gdpo_reward_keys=[f"r{k}" for k in range(data.reward.shape[1])],
        gdpo_reward_weights=data.weights.tolist(),
    )
    more: dict[str, Any] = {}
    if name == "gdpo":
        more = components(data)
    if name in ("grpo", "grpo_vectorized"):
        more = {"norm_adv_by_std_in_grpo": config.norm_adv_by_std_in_grpo}
    if options.get("fault") == "eps_1_percent":
        more["epsilon"] = 1e-6 * EPS
    values, _ = core_algos.get_adv_estimator_fn(name)(
        token_level_rewards=rewards, response_mask=mask, index=data.group, config=config, **more
    )
    return values


def last_token(data: SimpleNamespace) -> Any:
    """(N,): where an episode ends."""
    return data.is_token.shape[1] - 1 - data.is_token[:, ::-1].argmax(1)


def components(data: SimpleNamespace) -> dict[str, Any]:
    """Rewards one by one, as GDPO takes them; one position of prompt before the response."""
    attention = torch.tensor(np.column_stack([np.ones(len(data.tokens)), data.is_token]))
    prompts = torch.zeros(len(data.tokens), 1)
    keys = {f"r{k}": data.reward[:, k] for k in range(data.reward.shape[1])}
    batch = {"prompts": prompts, "attention_mask": attention.long()}
    return {"non_tensor_batch": keys, "batch": batch}


def actor(options: dict[str, Any], mask: torch.Tensor, fault: str | None) -> ActorConfig:
    """Its own configuration; what the whole batch has in all is told to the loss by the worker."""
    config = ActorConfig(
        strategy="fsdp", rollout_n=2, ppo_micro_batch_size_per_gpu=1,
        loss_agg_mode=options["loss_agg_mode"],
    )  # fmt: skip
    if options["loss_agg_mode"].endswith("-norm"):
        config.global_batch_info["loss_scale_factor"] = STATE["horizon"]
    if fault == "wrong_divisor":
        config.global_batch_info["batch_num_tokens"] = mask.numel()
    return config
