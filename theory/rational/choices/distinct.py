"""How many groups of advantages differ, from the advantages themselves: K binary rewards.

A second way beside ``theory.estimators.distinct``. Joint advantages d/sqrt(sum d^2) are told apart
by their signed squares, which are rational. Decoupled ones are sums of roots; the sum of their
exponentials names the multiset, since exponentials of different algebraic numbers are linearly
independent (Lindemann and Weierstrass). Balls show that two such sums differ, never that they
agree: a lower bound. All members of a silent group have advantage 0, whatever they earned: an upper
bound.
"""

from collections.abc import Iterable, Sequence
from itertools import product
from math import prod
from typing import NamedTuple

from flint import arb, fmpq

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.rational.choices.choice import Kind, composite
from grpo_checks.theory.rational.choices.update import group_advantages, groups

DECOUPLED = Estimator("componentwise_normalized")


class Distinct(NamedTuple):
    """Numbers of different groups."""

    groups: int
    """Of reward vectors."""
    joint: int
    fewest: int
    """Decoupled, at least."""
    most: int
    """Decoupled, at most."""


def independent(chances: Sequence[fmpq]) -> tuple[Kind, ...]:
    """Outcomes of independent binary components. Raises ValueError for a certain one."""
    for p in chances:
        if not 0 < p < 1:
            raise ValueError(f"chances = {p}: expected numbers in (0, 1)")
    return tuple(
        Kind(
            prod((p if r else 1 - p for r, p in zip(rewards, chances, strict=True)), start=fmpq(1)),
            tuple(map(fmpq, rewards)),
            (),
        )
        for rewards in product((0, 1), repeat=len(chances))
    )


def separated(numbers: Iterable[Number]) -> int:
    """How many different numbers there are, at least."""
    count, top = 0, arb.neg_inf()
    for x in sorted(map(arb, numbers), key=lambda x: x.mid()):
        if x > top:
            count += 1
        top = x.upper().max(top)
    return count


def _joint_name(rewards: Sequence[fmpq], counts: Sequence[int]) -> tuple[fmpq, ...]:
    """Signed squares of the advantages, up to the common factor G - ddof."""
    mean = total(c * r for c, r in zip(counts, rewards, strict=True)) / sum(counts)
    centred = [r - mean for r in rewards]
    spread = total(c * d * d for c, d in zip(counts, centred, strict=True)) or fmpq(1)
    members = zip(counts, centred, strict=True)
    return tuple(sorted(x for c, d in members for x in [d * abs(d) / spread] * c))


def distinct(weights: Sequence[fmpq], group_size: int) -> Distinct:
    """Over all groups of G, as multisets."""
    kinds = independent([fmpq(1, 2)] * len(weights))
    every = [composite(k.rewards, weights) for k in kinds]
    listed = [counts for _, counts in groups(kinds, group_size)]
    joint = {_joint_name(every, counts) for counts in listed}
    named = []
    for counts in listed:
        advantages = group_advantages(kinds, counts, weights, DECOUPLED)
        members = zip(counts, advantages, strict=True)
        named.append(total(c * arb(a).exp() for c, a in members if c))
    silent = len(kinds)
    return Distinct(len(listed), len(joint), separated(named), len(listed) - silent + 1)
