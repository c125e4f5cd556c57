"""An update on a log-odds line: its finitely many values, and its law at a policy.

Advantages of a group are computed here from sums over its two kinds of members, in a second way
beside ``theory.rational.choices.update``.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from flint import fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import rational, total
from grpo_checks.theory.numbers.surds import ONE, ZERO, Surd, added, root_of, scaled
from grpo_checks.theory.rational.choices.choice import Kind, composite
from grpo_checks.theory.rational.choices.update import groups
from grpo_checks.theory.rational.lines.line import Line, slope


class Move(NamedTuple):
    """One value of a prompt's update, rho_q included, and one way to get it."""

    weight: fmpq
    """Times p^taken (1-p)^(G-taken): the probability."""
    taken: int
    """Members that took the first action."""
    pull: Surd


def moves(line: Line, q: int, group_size: int, estimator: Estimator) -> list[Move]:
    """All values of the update of prompt ``q``.

    Raises ValueError for an estimator over the batch.
    """
    if not estimator.within_group:
        raise ValueError(f"estimator = {estimator}: expected one within groups")
    prompt = line.prompts[q]
    first = len(prompt.actions[0])
    kinds = [Kind(c, rewards, ()) for action in prompt.actions for c, rewards in action]
    merged: dict[tuple[int, Surd], fmpq] = defaultdict(lambda: fmpq(0))
    for weight, counts in groups(kinds, group_size):
        mean = _mean_advantage(line, kinds, counts, first, estimator)
        merged[sum(counts[:first]), scaled(mean, prompt.chance * prompt.slope)] += weight
    return [Move(weight, taken, pull) for (taken, pull), weight in merged.items()]


def _mean_advantage(
    line: Line, kinds: Sequence[Kind], counts: Sequence[int], first: int, estimator: Estimator
) -> Surd:
    """1/G sum_i A_i 1{first action}."""
    if estimator.name != "componentwise_normalized":
        composites = [composite(k.rewards, line.weights) for k in kinds]
        return _scaled_sum(composites, counts, first, estimator)
    columns = zip(*(k.rewards for k in kinds), strict=True)
    parts = (_scaled_sum(c, counts, first, estimator) for c in columns)
    return added(*(scaled(x, w) for x, w in zip(parts, line.weights, strict=True)))


def _scaled_sum(
    values: Sequence[fmpq], counts: Sequence[int], first: int, estimator: Estimator
) -> Surd:
    size = sum(counts)
    mean = total(c * x for c, x in zip(counts, values, strict=True)) / size
    centred = [c * (x - mean) for c, x in zip(counts, values, strict=True)]
    share = total(centred[:first]) / size
    spread = total(c * (x - mean) for c, x in zip(centred, values, strict=True))
    if share == 0 or spread == 0:
        return ZERO
    if estimator.name == "mean_baseline":
        return scaled(ONE, share)
    if estimator.name == "leave_one_out":
        return scaled(ONE, share * size / (size - 1))
    return scaled(_per_sd(spread / (size - estimator.ddof), rational("eps", estimator.eps)), share)


def _per_sd(square: fmpq, eps: fmpq) -> Surd:
    """1/(sd + eps) = (sd - eps)/(sd^2 - eps^2), sd^2 = ``square`` > 0."""
    sd = root_of(square)
    if square == eps * eps:
        return scaled(ONE, 1 / (2 * eps))
    return scaled(added(sd, scaled(ONE, -eps)), 1 / (square - eps * eps))


def mean_update(line: Line, every: Sequence[Sequence[Move]], odds: fmpq) -> Surd:
    """E[g] at x = ln ``odds``, from the ``moves`` of every prompt."""
    parts = []
    for prompt, listed in zip(line.prompts, every, strict=True):
        p = prompt.odds_to_chance(odds)
        size = max(move.taken for move in listed)
        chances = (m.weight * p**m.taken * (1 - p) ** (size - m.taken) for m in listed)
        parts += [scaled(m.pull, chance) for m, chance in zip(listed, chances, strict=True)]
    return added(*parts)


def gradient_multiple(line: Line, group_size: int, estimator: Estimator) -> Surd | None:
    """c where E[g] = c grad J at all policies, exactly; None where there is no such number.

    Times prod (1 + z^n)^G over the distinct n = |f_q| both are polynomials in z = exp(x) of degree
    at most G sum n: one more odds than that decide. Raises ValueError where grad J is 0 at them.
    """
    every = [moves(line, q, group_size, estimator) for q in range(len(line.prompts))]
    degree = group_size * sum({abs(prompt.slope) for prompt in line.prompts})
    multiple: Surd | None = None
    for z in map(fmpq, range(2, degree + 3)):
        mean, steep = mean_update(line, every, z), slope(line, z)
        assert isinstance(steep, fmpq)
        if multiple is None and steep != 0:
            multiple = scaled(mean, 1 / steep)
        if mean != (ZERO if multiple is None else scaled(multiple, steep)):
            return None
    if multiple is None:
        raise ValueError("line: expected a model with grad J other than 0 somewhere")
    return multiple
