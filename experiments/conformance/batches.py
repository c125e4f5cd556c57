"""All batches of a small model with their exact chances: every multiset of episodes of a group.

A trainer's update does not depend on the order within a group, nor on that of the groups.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations_with_replacement, product
from math import comb, factorial, prod
from typing import NamedTuple

import numpy as np

from grpo_checks.experiments.conformance.episodes import Episodes, Floats, Ints
from grpo_checks.theory.estimators.advantages import check_group_size

MAX_BATCHES = 100_000


class Batches(NamedTuple):
    """M batches of B groups of G episodes."""

    members: Ints
    """(M, B, G): which episode."""
    chance: Floats
    """(M,): sums to 1."""
    sampled: bool = False
    """Whether they were drawn, so that a mean over them has a standard error."""


def count_batches(episodes: Episodes, group_size: int, prompts: int | None) -> int:
    """How many ``all_batches`` lists; prompts with weight 0 have none."""
    many = [comb(len(e) + group_size - 1, group_size) for e in _by_prompt(episodes)]
    return prod(many) if prompts is None else comb(sum(many) + prompts - 1, prompts)


def all_batches(episodes: Episodes, group_size: int, prompts: int | None) -> Batches:
    """Of ``prompts`` = B groups, their prompts drawn from rho; None: one group of every prompt.

    Raises ValueError for a group of one, no prompts, more than ``MAX_BATCHES``, and for one group
    of every prompt where these are not equally likely: a trainer knows no weights of prompts.
    """
    check_group_size(group_size)
    if prompts is not None and prompts < 1:
        raise ValueError(f"prompts = {prompts}: expected at least 1, or None for all of them")
    many = count_batches(episodes, group_size, prompts)
    if many > MAX_BATCHES:
        raise ValueError(f"batches = {many}: expected at most {MAX_BATCHES} to list")
    rho = episodes.rho[episodes.rho > 0]
    if prompts is None and np.ptp(rho) > 0:
        raise ValueError(f"prompt_distribution = {rho.tolist()}: expected equal ones in a sweep")
    groups = [_groups(episodes, e, group_size) for e in _by_prompt(episodes)]
    if prompts is None:
        listed = [([m for m, _ in x], prod(p for _, p in x)) for x in product(*groups)]
    else:
        drawn = [(m, r * p) for g, r in zip(groups, rho, strict=True) for m, p in g]
        listed = [*_multisets(drawn, prompts)]
    index = np.array([members for members, _ in listed], np.int64)
    return Batches(index, np.array([chance for _, chance in listed]))


def sampled_batches(episodes: Episodes, group_size: int, prompts: int, many: int) -> Batches:
    """``many`` batches that are drawn, always the same ones; of B = ``prompts`` groups."""
    check_group_size(group_size)
    rng = np.random.default_rng([group_size, prompts, many])
    of_prompt = rng.choice(len(episodes.rho), (many, prompts), p=episodes.rho)
    index = np.empty((many, prompts, group_size), np.int64)
    for prompt in np.unique(of_prompt):
        here, candidates = of_prompt == prompt, np.flatnonzero(episodes.prompt == prompt)
        chance = episodes.chance[candidates]
        size = (int(here.sum()), group_size)
        index[here] = rng.choice(candidates, size, p=chance / chance.sum())
    return Batches(index, np.full(many, 1 / many), True)


def _by_prompt(episodes: Episodes) -> list[Ints]:
    prompts = np.flatnonzero(episodes.rho > 0)
    return [np.flatnonzero(episodes.prompt == q) for q in prompts]


def _groups(
    episodes: Episodes, members: Ints, group_size: int
) -> list[tuple[tuple[int, ...], float]]:
    chance = episodes.chance
    return [
        (group, _orders(group) * prod(float(chance[e]) for e in group))
        for group in combinations_with_replacement(map(int, members), group_size)
    ]


def _multisets(
    drawn: Sequence[tuple[tuple[int, ...], float]], prompts: int
) -> Iterator[tuple[list[tuple[int, ...]], float]]:
    for chosen in combinations_with_replacement(range(len(drawn)), prompts):
        chance = _orders(chosen) * prod(drawn[i][1] for i in chosen)
        yield [drawn[i][0] for i in chosen], chance


def _orders(members: Sequence[int]) -> int:
    """In how many orders a multiset can be drawn; equal members stand together."""
    repeats = [members.count(x) for x in dict.fromkeys(members)]
    return factorial(len(members)) // prod(map(factorial, repeats))
