"""A table of logits in torch: log-probabilities of what is fed, and gradients of a loss."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import torch

torch.set_num_threads(1)
ILLEGAL = -1e9
"""A logit: its exp is exactly 0."""


class Table(torch.nn.Module):
    """``theta`` (d,) is the parameter; logit[row, token] = features[row, token] . theta."""

    def __init__(self, model: SimpleNamespace, dtype: torch.dtype) -> None:
        super().__init__()
        self.dtype = dtype
        self.register_buffer("features", torch.tensor(model.features, dtype=dtype))
        self.register_buffer("legal", torch.tensor(model.legal))
        self.theta = torch.nn.Parameter(torch.tensor(model.theta, dtype=dtype))

    def logits(self) -> torch.Tensor:
        """(N, V) of all rows."""
        return torch.where(self.legal, self.features @ self.theta, ILLEGAL)

    def log_probs(self, fed: SimpleNamespace) -> torch.Tensor:
        """(N, T) of the tokens that were fed, responses included."""
        rows = torch.log_softmax(self.logits(), 1)
        return rows[torch.tensor(fed.row), torch.tensor(fed.tokens)]

    def tensor(self, values: Any) -> torch.Tensor:
        """In the precision of the table."""
        return torch.tensor(values, dtype=self.dtype)

    def descent(self, loss: torch.Tensor) -> Any:
        """(d,): the direction in which a loss falls."""
        (slope,) = torch.autograd.grad(loss, self.theta, allow_unused=True)
        return (torch.zeros_like(self.theta) if slope is None else -slope).double().numpy()


def fill(
    state: dict[str, Any], model: SimpleNamespace, defaults: Mapping[str, Any] | None = None
) -> str:
    """Puts ``options``, those of the rule over a trainer's ``defaults``, and the ``table`` of a
    model into ``state``; the precision of its tensors, float64 unless ``options`` say otherwise."""
    state["options"] = {**(defaults or {}), **model.rule["trainer"]}
    precision: str = state["options"].get("precision", "float64")
    state["table"] = Table(model, getattr(torch, precision))
    return precision


def old(log_prob: torch.Tensor, fault: str | None) -> torch.Tensor:
    """Log-probabilities of the sampler, which is the policy itself: no gradient goes through."""
    return log_prob if fault == "ratio_not_detached" else log_prob.detach()


class SpoiledDeviation:
    """While it lasts, torch's sd has a fault: it divides by n (``biased_sd``), or ``shift`` is
    added, a hundredth of a trainer's eps (``eps_1_percent``)."""

    def __init__(self, fault: str | None, shift: float = 0.0) -> None:
        self.kept = torch.std, torch.Tensor.std
        self.correction = {"correction": 0} if fault == "biased_sd" else {}
        self.shift = shift if fault == "eps_1_percent" else 0.0

    def __enter__(self) -> None:
        if self.correction or self.shift:
            torch.std, torch.Tensor.std = map(self._spoiled, self.kept)

    def _spoiled(self, deviation: Any) -> Any:
        def std(*places: Any, **options: Any) -> torch.Tensor:
            return deviation(*places, **{**options, **self.correction}) + self.shift

        return std

    def __exit__(self, *_: object) -> None:
        torch.std, torch.Tensor.std = self.kept
