"""Faults that trainers had or might have, planted on purpose: each must be seen.

``fault`` among a rule's options names one of ``DATA``, which spoil what the trainer is fed, or of
``INSIDE``, which an adapter plants in its trainer. Needs NumPy alone.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np


def shifted_rewards(batch: SimpleNamespace) -> None:
    """Everybody has the reward of the member before."""
    batch.reward = np.roll(batch.reward, 1, axis=1)


def unmasked_responses(batch: SimpleNamespace) -> None:
    """Responses of tools are trained on."""
    batch.is_action = batch.is_token


def shifted_mask(batch: SimpleNamespace) -> None:
    """The mask is one position late."""
    batch.is_action = np.roll(batch.is_action, 1, axis=-1)
    batch.is_action[..., 0] = False


def wrong_group(batch: SimpleNamespace) -> None:
    """Rewards are normalised with those of the group that begins one episode later."""
    batch.group = np.roll(batch.group.ravel(), -1).reshape(batch.group.shape)


DATA: dict[str, Callable[[SimpleNamespace], None]] = {
    "shifted_rewards": shifted_rewards,
    "unmasked_responses": unmasked_responses,
    "mask_off_by_one": shifted_mask,
    "wrong_group": wrong_group,
}
INSIDE = ("biased_sd", "eps_1_percent", "wrong_divisor", "ratio_not_detached")
EPS = 1.01
"""A factor: 1 %."""


def fed(batch: SimpleNamespace, fault: str | None) -> SimpleNamespace:
    """N = BG episodes in one row each, spoiled where ``fault`` says so.

    ``tokens``, ``row`` (N, T); ``mask`` (N, T) of the decisions; ``reward`` (N, K); ``composite``
    (N,); ``group`` (N,) numbers; ``size`` G. Raises ValueError for an unknown fault.
    """
    if fault is not None and fault not in (*DATA, *INSIDE):
        raise ValueError(f"fault = {fault!r}: expected one of {(*DATA, *INSIDE)}")
    groups, size = batch.index.shape
    copy = SimpleNamespace(**vars(batch))
    copy.group = np.repeat(np.arange(groups), size).reshape(groups, size)
    if fault in DATA:
        DATA[fault](copy)
    flat = {name: _flat(getattr(copy, name)) for name in ("tokens", "row", "is_token", "group")}
    reward = _flat(copy.reward)
    mask = _flat(copy.is_token & copy.is_action)
    return SimpleNamespace(
        **flat, mask=mask, reward=reward, composite=reward @ copy.weights, weights=copy.weights,
        size=size,
    )  # fmt: skip


def _flat(array: Any) -> Any:
    return array.reshape(-1, *array.shape[2:])
