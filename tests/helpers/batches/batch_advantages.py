"""What the batch, or the lengths of its episodes, make of advantages: by definition, in NumPy."""

from typing import Any

import numpy as np

from helpers.oracles import Floats


def in_batch(estimator: Any, advantage: Floats, composite: Floats, length: Floats) -> Floats:
    """Of M batches of B groups of G, from those within groups; all (M, B, G)."""
    eps, ddof, mean = estimator.eps, estimator.ddof, composite.mean(2, keepdims=True)
    if estimator.whiten is not None:
        return _whitened(estimator, advantage, length)
    if estimator.name == "batch_scaled":
        sd = composite.std((1, 2), ddof=ddof, keepdims=True)
        silent = np.ptp(composite, (1, 2), keepdims=True) == 0
        return np.where(silent, 0.0, advantage / (np.where(silent, 1.0, sd) + eps))
    if estimator.name == "length_weighted":
        baseline = (length * composite).sum(2, keepdims=True) / length.sum(2, keepdims=True)
        return composite - baseline
    if estimator.name == "nonzero_scaled":
        paid = np.count_nonzero(composite, (1, 2), keepdims=True)
        return advantage * composite[0].size / np.maximum(paid, 1)
    if estimator.name == "pass_at_k":
        second, first = np.moveaxis(np.sort(composite, 2)[..., -2:, None], 2, 0)
        sd = composite.std(2, ddof=ddof, keepdims=True)
        lead = np.where(first > second, first - second, 0.0) / np.where(sd > 0, sd + eps, 1.0)
        return np.where(composite == first, lead, 0.0)
    if estimator.name == "mean_normalized":
        paid = mean != 0
        return np.where(paid, (composite - mean) / (np.where(paid, mean, 1.0) + eps), 0.0)
    return advantage


def _whitened(estimator: Any, advantage: Floats, length: Floats) -> Floats:
    many = length if estimator.whiten_tokens else np.ones_like(length)
    total = many.sum((1, 2), keepdims=True)
    off = advantage - (many * advantage).sum((1, 2), keepdims=True) / total
    variance = (many * off**2).sum((1, 2), keepdims=True) / (total - estimator.ddof)
    speaks = np.abs(advantage).max((1, 2), keepdims=True) > 1e-9
    inside = np.where(speaks, variance, 1.0)
    root = np.sqrt(inside + estimator.whiten)
    sd = root if estimator.whiten_inside else np.sqrt(inside) + estimator.whiten
    return np.where(speaks, off / sd, 0.0)
