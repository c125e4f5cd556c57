"""Which exchange of two actions reflects the rewards of a model, in law: exactly, on fractions.

The assumption of ``theory.convergence.cycles.reversible``, with the permutation of the prompts
searched for: prompts that mirror the same prompt have the same laws up to constants, so any
matching will do and the first that fits is taken. A reflection c_q is known from the largest reward
of one action and the least of its mirror.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

Reward = tuple[fmpq, ...]
Lottery = Mapping[Reward, fmpq]
"""Chances of the rewards of one action at one prompt; of components, or the composite alone."""


class Reflection(NamedTuple):
    """Three actions, the last two exchanged, and where each prompt goes."""

    actions: tuple[int, int, int]
    prompts: tuple[int, ...]


def reflections(
    share: NDArray[np.object_], outcome: NDArray[np.object_], columns: NDArray[np.object_]
) -> Iterator[Reflection]:
    """All that a model with chances ``share (Q,)`` and ``outcome (Q, 3, O)`` has.

    ``columns (O, K)``: what the estimator tells apart of rewards. With other than three actions
    there is none.
    """
    if outcome.shape[1] != 3:
        return
    lotteries = [[_lottery(law, columns) for law in prompt] for prompt in outcome]
    for actions in ((0, 1, 2), (1, 0, 2), (2, 0, 1)):
        prompts = _matched(list(share), lotteries, actions)
        if prompts is not None:
            yield Reflection(actions, prompts)


def _lottery(law: NDArray[np.object_], columns: NDArray[np.object_]) -> Lottery:
    chances: dict[Reward, fmpq] = {}
    for chance, row in zip(law, columns, strict=True):
        if chance != 0:
            chances[tuple(row)] = chances.get(tuple(row), fmpq(0)) + chance
    return chances


def _matched(
    share: Sequence[fmpq], lotteries: Sequence[Sequence[Lottery]], actions: tuple[int, int, int]
) -> tuple[int, ...] | None:
    fixed, one, other = actions
    mirror = {fixed: fixed, one: other, other: one}
    left, matched = list(range(len(share))), []
    for q, prompt in enumerate(lotteries):
        for k in left:
            image = [lotteries[k][mirror[a]] for a in range(3)]
            if share[k] == share[q] and _reflected(prompt, image):
                matched.append(k)
                left.remove(k)
                break
        else:
            return None
    return tuple(matched)


def _reflected(prompt: Sequence[Lottery], image: Sequence[Lottery]) -> bool:
    """Whether one constant less the rewards of each action are those of its image, in law."""
    total = _sum(map(max, zip(*prompt[0], strict=True)), map(min, zip(*image[0], strict=True)))
    return all(
        {tuple(c - x for c, x in zip(total, reward, strict=True)): p for reward, p in a.items()}
        == b
        for a, b in zip(prompt, image, strict=True)
    )


def _sum(first: Iterator[fmpq], second: Iterator[fmpq]) -> Reward:
    return tuple(x + y for x, y in zip(first, second, strict=True))
