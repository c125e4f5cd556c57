"""A trainer of one's own for `python -m experiments conformance --trainer FILE.py`.

It runs in the trainer's Python, with NumPy and whatever the trainer needs. This one is plain
NumPy: standardised rewards, the mean over a batch's tokens (TRL's default, preset `trl`).
"""

from types import SimpleNamespace
from typing import Any

import numpy as np

PRECISION = "float64"
"""In which the trainer computes; what rounding allows is derived from it."""
VERSIONS = {"example": "1"}
STATE: dict[str, Any] = {}


def load(model: SimpleNamespace) -> None:
    """Once: ``model.features`` (N, V, d), ``model.theta`` (d,), ``model.legal`` (N, V).

    The logit of a token in a row is features[row, token] . theta; illegal tokens have none.
    """
    logits = np.where(model.legal, model.features @ model.theta, -1e9)
    weight = np.exp(logits - logits.max(1, keepdims=True))
    probs = weight / weight.sum(1, keepdims=True)
    mean = np.einsum("nv,nvd->nd", probs, model.features)
    STATE["score"] = model.features - mean[:, None]


def gradient(batch: SimpleNamespace) -> Any:
    """The direction in which the loss of a batch falls, (d,).

    B groups of G episodes of T tokens: ``tokens``, ``row``, ``is_token`` (not padding) and
    ``is_action`` (not a tool's response), (B, G, T); ``reward`` (B, G, K); ``weights`` (K,).
    """
    reward = batch.reward @ batch.weights
    spread = reward.std(1, ddof=1, keepdims=True) + 1e-4
    advantage = (reward - reward.mean(1, keepdims=True)) / spread
    mask = batch.is_token & batch.is_action
    score = np.where(mask[..., None], STATE["score"][batch.row, batch.tokens], 0.0)
    return np.einsum("bg,bgtd->d", advantage, score) / mask.sum()
