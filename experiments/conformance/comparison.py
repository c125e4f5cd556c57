"""A trainer's gradients beside the exact law: errors, tolerances, and a verdict."""

from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.conformance.batches import Batches
from grpo_checks.experiments.conformance.episodes import Episodes, Floats
from grpo_checks.experiments.conformance.job import Answer
from grpo_checks.experiments.conformance.reference import Definition, Moments, moments_of
from grpo_checks.experiments.conformance.rounding import batch_tolerance
from grpo_checks.theory.rules.rule import UpdateRule

COARSE = 0.01
"""A relative tolerance beyond which agreement says nothing."""
SIGMAS = 5.0
"""Of a standard error, where batches were sampled."""


class Comparison(NamedTuple):
    """One rule on one model; errors and tolerances are relative to |E[g]|, V and |E[g]|."""

    mean_error: float
    mean_tolerance: float
    variance_error: float
    variance_tolerance: float
    batch_error: float
    """The largest of a batch, beside |E[g]|."""
    batch_excess: float
    """The largest of error over tolerance of a batch: above 1 rounding does not explain it."""
    silent_residue: float
    """The largest |gradient| of a batch whose exact advantages are all 0, beside |E[g]|."""
    cosine: float
    ratio: float
    """|E[g]| of the trainer over the exact one, as far as it points there."""
    verdict: str
    """"conforms", "differs" or "cannot be told"."""


UNTOLD = Comparison._make([*[float("nan")] * 9, "cannot be told"])
"""Beside an exact law whose E[g] or V is 0."""


def compare(
    episodes: Episodes,
    batches: Batches,
    rule: UpdateRule,
    by: Definition,
    exact: Moments,
    answer: Answer,
) -> Comparison:
    """``exact``: in closed form; ``by``: every batch by definition."""
    precision = str(answer.versions.get("precision", "float32"))
    allowed = batch_tolerance(episodes, batches, rule, by, precision)
    error = np.linalg.norm(answer.gradient - by.gradient, axis=1)
    seen, size = moments_of(answer.gradient, batches.chance), float(np.linalg.norm(exact.mean))
    mean_error, mean_allowed = _mean_error(batches, seen, exact, by, allowed)
    norm = np.linalg.norm(by.gradient, axis=1)
    variance_allowed = float(batches.chance @ (2 * norm * allowed + allowed**2))
    variance_allowed += 2 * size * mean_allowed
    if batches.sampled:
        variance_allowed += SIGMAS * float(np.square(norm).std() / np.sqrt(len(norm)))
    if size == 0 or exact.variance == 0:
        return UNTOLD
    # What float64 itself rounds, for trainers that use it.
    excess = float((error / (allowed + 64 * np.finfo(float).eps * (norm + size))).max())
    silent = by.silent.all(1)
    cosine = float(seen.mean @ exact.mean) / max(size * float(np.linalg.norm(seen.mean)), 1e-300)
    numbers = Comparison(
        mean_error / size, mean_allowed / size,
        abs(seen.variance - exact.variance) / exact.variance, variance_allowed / exact.variance,
        float(error.max()) / size, excess,
        float(np.linalg.norm(answer.gradient[silent], axis=1).max(initial=0.0)) / size,
        cosine, float(seen.mean @ exact.mean) / size**2, "",
    )  # fmt: skip
    return numbers._replace(verdict=_verdict(numbers))


def _mean_error(
    batches: Batches, seen: Moments, exact: Moments, by: Definition, allowed: Floats
) -> tuple[float, float]:
    """Of E[g], and what rounding allows; of sampled batches with what sampling does besides."""
    tolerance = float(batches.chance @ allowed)
    tolerance += 64 * float(np.finfo(float).eps) * float(np.linalg.norm(exact.mean))
    if batches.sampled:
        off = by.gradient - exact.mean
        tolerance += SIGMAS * float(np.sqrt(np.square(off).sum(1).mean() / len(off)))
    return float(np.linalg.norm(seen.mean - exact.mean)), tolerance


def _verdict(numbers: Comparison) -> str:
    if not (
        numbers.mean_error <= numbers.mean_tolerance
        and numbers.variance_error <= numbers.variance_tolerance
        and numbers.batch_excess <= 1
    ):
        return "differs"
    return "conforms" if numbers.mean_tolerance <= COARSE else "cannot be told"
