"""Faults that are planted into TRL's trainer, or into what it is fed: each must be seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import trl.trainer.grpo_trainer as module

EPS = 1e-4


def fed(fault: str | None, episodes: list[int], groups: int, masks: list[list[int]]) -> Any:
    """Whose rewards are given, and the masks, of a batch's episodes; as they are without fault."""
    if fault == "shifted_rewards":
        episodes = [episodes[-1], *episodes[:-1]]
    if fault == "wrong_group":
        size = len(episodes) // groups
        order = [g * size + i for i in range(size) for g in range(groups)]
        episodes = [episodes[order.index(i)] for i in range(len(order))]
    if fault == "unmasked_responses":
        masks = [[1 for _ in mask] for mask in masks]
    if fault == "mask_off_by_one":
        masks = [[*mask[1:], 1] if 0 in mask else mask for mask in masks]
    return episodes, masks


@contextmanager
def planted(fault: str | None) -> Iterator[Any]:
    """The trainer's class, with a fault in its own functions."""
    deviation, detach = module.nanstd, torch.Tensor.detach

    def nanstd(x: Any, *arguments: Any, **keywords: Any) -> Any:
        std, dim = deviation(x, *arguments, **keywords), keywords.get("dim")
        members = x.numel() if dim is None else x.shape[dim]
        if fault == "biased_sd":
            return std * ((members - 1) / members) ** 0.5
        return std + EPS / 100 if fault == "eps_1_percent" else std

    class Trainer(module.GRPOTrainer):
        def _compute_loss(self, model: Any, inputs: Any) -> Any:
            if fault == "wrong_divisor":
                inputs = {**inputs, "num_items_in_batch": inputs["completion_mask"].sum()}
            if fault == "ratio_not_detached":
                torch.Tensor.detach = lambda tensor: tensor
            try:
                return super()._compute_loss(model, inputs)
            finally:
                torch.Tensor.detach = detach

    module.nanstd = nanstd
    try:
        yield Trainer if fault else module.GRPOTrainer
    finally:
        module.nanstd = deviation
