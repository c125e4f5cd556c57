"""Walks through a table P[s][a] = [(chance, next, reward, ends), ...], step by step."""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from grpo_checks.experiments.models.building.entries import exact
from grpo_checks.theory.numbers.rationals import abridged

GOAL, END = "goal", "end"
MAX_PLACES = 30_000
"""States with running sums that are listed; dense arrays hold 11,585 states at most."""


class Step(NamedTuple):
    """One outcome of a transition."""

    chance: Fraction
    state: int
    reward: Fraction
    ends: bool


class Place(NamedTuple):
    """Where an episode is: a state of the table, or how it ended; and the sum of its rewards."""

    state: int | str
    total: Fraction = Fraction(0)


Table = Mapping[int, Mapping[int, list[Step]]]


def read_table(table: Any) -> Table:
    """The table as exact numbers. Raises ValueError, naming state and action."""
    steps: dict[int, dict[int, list[Step]]] = {}
    try:
        for s, a, i, (chance, after, reward, ends) in _outcomes(table):
            where = f"P[{s}][{a}][{i}]"
            step = Step(exact(where, chance), int(after), exact(where, reward), bool(ends))
            steps.setdefault(s, {}).setdefault(a, []).append(step)
    except (AttributeError, TypeError):
        expected = "(chance, state, reward, ends) by state and action"
        raise ValueError(f"P = {abridged(table)}: expected {expected}") from None
    for state in {step.state for step in _all_steps(steps) if not step.ends} - steps.keys():
        raise ValueError(f"P[{state}]: missing: expected every state that is reached")
    return steps


def _outcomes(table: Any) -> Iterator[tuple[int, int, int, tuple[Any, Any, Any, Any]]]:
    for state, actions in table.items():
        for action, outcomes in actions.items():
            for i, outcome in enumerate(outcomes):
                yield int(state), int(action), i, outcome


def _all_steps(table: Table) -> Iterator[Step]:
    for actions in table.values():
        for outcomes in actions.values():
            yield from outcomes


def _by_distance(table: Table, starts: Mapping[int, Fraction]) -> Iterator[list[Step]]:
    """What can happen at the 1st, 2nd, ... step in states that were not reached before."""
    seen, here = set(starts), set(starts)
    while here:
        steps = [x for s in here for outcomes in table[s].values() for x in outcomes if x.chance]
        yield steps
        here = {x.state for x in steps if not x.ends} - seen
        seen |= here


def goal_reward(table: Table, starts: Mapping[int, Fraction]) -> tuple[Fraction, int]:
    """The highest reward that ends an episode, and after how many steps at least it does.

    Raises ValueError where no episode ever ends.
    """
    nearest: dict[Fraction, int] = {}
    for depth, steps in enumerate(_by_distance(table, starts), 1):
        for step in steps:
            if step.ends:
                nearest.setdefault(step.reward, depth)
    if not nearest:
        raise ValueError("P: no episode ever ends: expected a goal that ends it")
    best = max(nearest)
    return best, nearest[best]


def rewards_on_the_way(table: Table, starts: Mapping[int, Fraction], goal: Fraction) -> bool:
    """Whether another reward than that of the goal can be earned."""
    every = (step for steps in _by_distance(table, starts) for step in steps)
    return any(step.reward and not (step.ends and step.reward == goal) for step in every)


def follow(goal: Fraction, keeps_sum: bool) -> Callable[[Place, Step], Place]:
    """Where a step leads; sums are kept where they are asked for."""

    def after(here: Place, step: Step) -> Place:
        total = here.total + step.reward if keeps_sum else here.total
        if not step.ends:
            return Place(step.state, total)
        return Place(GOAL if step.reward == goal else END, total)

    return after


def walk(
    table: Table,
    starts: Mapping[int, Fraction],
    depth: int,
    after: Callable[[Place, Step], Place],
) -> list[list[Place]]:
    """The places that some policy reaches after 0..depth steps.

    Raises ValueError for more than ``MAX_PLACES``, each counted once for every number of steps.
    """
    reached, count = [[Place(state) for state in starts]], 0
    for done in range(depth):
        moves = [
            after(here, step)
            for here in reached[-1]
            if isinstance(here.state, int)
            for outcomes in table[here.state].values()
            for step in outcomes
            if step.chance
        ]
        reached.append(list(dict.fromkeys(moves)))
        count += len(reached[-1])
        if count > MAX_PLACES:
            counted = f"{count} states after {done + 1} steps"
            raise ValueError(f"depth = {depth}: {counted}: expected at most {MAX_PLACES}")
    return reached
