"""Which pass rates prompts have: the law over rates that makes the counts of a log likeliest.

What a group shows is a binomial draw, so the groups' own rates are spread more than the prompts'.
EM for a mixture on a fixed set of atoms converges to the likeliest weights (concave; literature:
Kiefer and Wolfowitz 1956, Laird 1978). Components count as independent given the prompt here.
"""

from typing import NamedTuple

import numpy as np

from grpo_checks.theory.logs.groups import Floats, Groups
from grpo_checks.theory.numbers.grouped.segments import Ints

ROUNDS = 300


class Mixture(NamedTuple):
    """A law over prompts."""

    rates: Floats
    """(A, K) pass rates of the components."""
    share: Floats
    """(A,), sums to 1."""


def counts_of(groups: Groups) -> tuple[Ints, Ints]:
    """(M, K) successes, and members with the component, of components in {0, 1}."""
    present = ~np.isnan(groups.rewards)
    right = groups.total(np.where(present, groups.rewards, 0.0)).round().astype(np.int64)
    return right, groups.total(present.astype(np.int64))


def likeliest_mixture(right: Ints, size: Ints, atoms: int) -> Mixture:
    """Of counts (M, K) out of sizes (M, K); at most ``atoms`` atoms are kept.

    Atoms are the rates that occur, drawn towards their mean by the share of their variance that
    is noise, beside the rates themselves.
    """
    known = (size > 0).all(1)
    table, times = np.unique(np.stack([right[known], size[known]], 2), axis=0, return_counts=True)
    won, of_all = table[:, :, 0].astype(float), table[:, :, 1].astype(float)
    frequent = np.argsort(-times, kind="stable")[: 4 * atoms]
    rates = (won / of_all)[frequent]
    candidates = np.unique(np.concatenate([rates, _shrunk(won, of_all, times, rates)]), axis=0)
    logs = _log_likelihood(won, of_all, candidates)
    weight, total = np.full(len(candidates), 1 / len(candidates)), times.sum()
    like = np.exp(logs - logs.max(1, keepdims=True))
    for _ in range(ROUNDS):
        mixed = like * weight
        weight = times @ (mixed / mixed.sum(1, keepdims=True)) / total
    kept = np.sort(np.argsort(-weight, kind="stable")[:atoms])
    kept = kept[weight[kept] > 1e-3]
    return Mixture(candidates[kept], weight[kept] / weight[kept].sum())


def _log_likelihood(won: Floats, of_all: Floats, rates: Floats) -> Floats:
    """(T, A); 0 log 0 = 0."""
    lost = of_all - won
    with np.errstate(divide="ignore", invalid="ignore"):
        right = np.where(won[:, None] > 0, won[:, None] * np.log(rates)[None], 0.0)
        wrong = np.where(lost[:, None] > 0, lost[:, None] * np.log1p(-rates)[None], 0.0)
    return np.asarray((right + wrong).sum(2))


def _shrunk(won: Floats, of_all: Floats, times: Ints, rates: Floats) -> Floats:
    p = won / of_all
    mean = np.average(p, axis=0, weights=times)
    seen = np.average((p - mean) ** 2, axis=0, weights=times)
    noise = np.average(p * (1 - p) / np.maximum(of_all - 1, 1), axis=0, weights=times)
    kept = np.clip(1 - noise / np.maximum(seen, 1e-12), 0, 1)
    return np.asarray(mean + kept * (rates - mean))
