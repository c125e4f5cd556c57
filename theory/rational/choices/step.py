"""One update of a policy that decides once, enclosed: its e, and what J gains by it.

Groups are listed. A step eta along g changes the chance of an action in proportion to
exp(eta <g, s>), s its score: other logits than g_a shift all of them alike (derived).
"""

from typing import NamedTuple

from flint import arb, fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.rational.choices.choice import Choice, actions, full_gradient, mean_reward
from grpo_checks.theory.rational.choices.update import group_advantages, groups, norm2, update


class Promise(NamedTuple):
    """What e is made of (``theory.updates.benefit``)."""

    along: Number
    """<grad J, m>."""
    square: Number
    """|m|^2 + V."""

    @property
    def efficiency(self) -> Number:
        """e = max(0, <grad J, m>)^2/(|m|^2 + V); exactly 0 where the product is surely not > 0."""
        if self.along <= 0 or self.square == 0:
            return fmpq(0)
        along = self.along if self.along > 0 else arb(self.along).max(arb(0))
        return along * along / self.square


def promise(choice: Choice, group_size: int, estimator: Estimator) -> Promise:
    """Raises ValueError for several prompts, whose groups are too many to list."""
    if len(choice.kinds) != 1:
        raise ValueError(f"prompts: {len(choice.kinds)}, expected one")
    moments = update(choice, group_size, estimator)
    along = total(x * y for x, y in zip(full_gradient(choice), moments.mean, strict=True))
    return Promise(along, norm2(moments.mean) + moments.variance)


def gain(choice: Choice, group_size: int, estimator: Estimator, step: Number) -> Number:
    """E J(theta + step g) - J(theta), exactly 0 for no step; one prompt."""
    if step == 0:
        return fmpq(0)
    (kinds,) = choice.kinds
    choices = actions(kinds, choice.weights)
    before, after = mean_reward(kinds, choice.weights), arb(0)
    for chance, counts in groups(kinds, group_size):
        every = group_advantages(kinds, counts, choice.weights, estimator)
        members = zip(counts, every, kinds, strict=True)
        pull = [(step * n * a / group_size, kind) for n, a, kind in members if n]
        g = [total(x * kind.score[i] for x, kind in pull) for i in range(choice.dimension)]
        earned, moved = arb(0), arb(0)
        for action in choices:
            factor = arb(total(a * b for a, b in zip(g, action.score, strict=True))).exp()
            likely = factor * action.chance
            earned, moved = earned + likely * action.value, moved + likely
        after += chance * earned / moved
    return after - before
