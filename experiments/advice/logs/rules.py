"""Which advantage rule a log follows, and where it breaks."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.advice.logs.grouping import Window
from grpo_checks.experiments.advice.logs.weights import Sample, identified, sample_of, with_weights
from grpo_checks.theory.identification.rules import Identification, RuleFit
from grpo_checks.theory.logs.groups import levels

RESIDUE = 1e-9
"""An advantage of a silent group is 0; of less, float64's own rounding over an eps of 1e-6, nothing
need be said."""
MOST = 64
"""Rows of a group that a larger one may hide, as where all prompts are the same text."""
Floats = NDArray[np.float64]


class RuleAnswer(NamedTuple):
    """What the advantages of a log tell."""

    weights: Floats
    identified: Identification | None
    """None: no advantages were logged."""
    lines: tuple[str, ...]


def rule_of(window: Window, names: Sequence[str], weights: Floats | None) -> RuleAnswer:
    """The rule, the weights (told, or in the log), and what is odd; ``window``: the latest."""
    unit = np.ones(len(names)) if weights is None else weights
    sample = sample_of(window)
    if sample is None:
        missing = "weights were not given: 1 each. " if weights is None and unit.size > 1 else ""
        return RuleAnswer(
            unit, None, (f"{missing}No advantages were logged: GRPO's are computed.",)
        )
    if weights is None:
        unit, answer = with_weights(sample)
    else:
        answer = identified(sample, unit)
    lines = [*_weight_lines(names, unit, weights is None and unit.size > 1, bool(answer.rules))]
    lines += _rule_lines(sample, unit, answer)
    return RuleAnswer(unit, answer, (*lines, *_residue_lines(window, unit)))


def _weight_lines(
    names: Sequence[str], weights: Floats, inferred: bool, explained: bool
) -> Iterator[str]:
    listed = ", ".join(f"{n} {w:g}" for n, w in zip(names, weights, strict=True))
    if inferred and explained:
        yield f"Weights, as the advantages have them: {listed}."
    elif inferred:
        yield f"Weights are in no column, and the advantages do not tell them: taken as {listed}."


def described(rule: RuleFit) -> str:
    """An estimator with its constants."""
    estimator = rule.estimator
    parts: list[str] = [estimator.name]
    if estimator.name not in ("mean_baseline", "leave_one_out", "nonzero_scaled"):
        parts += [f"ddof {estimator.ddof}", f"eps {estimator.eps:.2g}"]
    if estimator.whiten is not None:
        over = "tokens" if estimator.whiten_tokens else "the batch"
        parts.append(f"then whitened over {over}")
    if rule.scale != 1:
        parts.append(f"times {rule.scale:.3g}")
    return ", ".join(parts)


def _rule_lines(sample: Sample, weights: Floats, answer: Identification) -> Iterator[str]:
    if answer.rules:
        shown = answer.usual or answer.rules
        yield f"The advantages are those of {described(shown[0])}."
        others = dict.fromkeys(described(rule) for rule in shown[1:])
        if others:
            yield f"This log cannot tell them from: {'; '.join(others)}."
        return
    for other, name in _other_groupings(sample):
        if matching := identified(other, weights).rules:
            yield (
                f"WRONG GROUPS: the advantages are those of {described(matching[0])} with {name} "
                "for a group, not the rows of a prompt."
            )
            return
    nearest = answer.nearest
    yield (
        f"The advantages are of no rule that is known; the nearest, {described(nearest)}, leaves "
        f"{nearest.unexplained:.1%} of their size unexplained (largest error {nearest.error:.2g})."
    )


def _other_groupings(sample: Sample) -> Iterator[tuple[Sample, str]]:
    yield sample._replace(group=sample.batch), "the whole step"
    order = np.lexsort((sample.place, sample.batch))
    size = int(np.bincount(sample.group - sample.group.min()).max())
    counts = np.unique(sample.batch, return_counts=True)[1]
    rank = np.arange(order.size) - np.repeat(np.cumsum(counts) - counts, counts)
    many = np.repeat(np.maximum(counts // size, 1), counts)
    parts = [d for d in range(2, min(size, MOST + 1)) if size % d == 0]
    in_a_row = [(rank // d, f"{d} rows in a row (--group-size {d})") for d in parts]
    for block, name in (
        (rank // size, f"{size} rows in a row"),
        (rank % many, "every B-th row"),
        *in_a_row,
    ):
        label = np.empty(order.size, np.int64)
        label[order] = sample.batch[order] * order.size + block
        yield sample._replace(group=label), name


def _residue_lines(window: Window, weights: Floats) -> Iterator[str]:
    """Advantages of groups whose rewards are all equal."""
    groups = replace(window.groups, weights=weights)
    level = levels(groups)
    silent = np.bincount(level.group, minlength=groups.sizes.size) == 1
    largest = groups.largest(np.abs(np.nan_to_num(window.advantage)))
    wrong = silent & (groups.sizes > 1) & (largest > RESIDUE)
    if wrong.any():
        yield (
            f"RESIDUE: {int(wrong.sum()):,} of {int(silent.sum()):,} groups of equal rewards have "
            f"advantages up to {largest[wrong].max():.2g} in place of 0: rounding of the mean, "
            "divided by eps. Filter such groups, or subtract one reward before the mean."
        )
