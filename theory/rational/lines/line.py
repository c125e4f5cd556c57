"""Models on a log-odds line: one logit x, two actions per prompt, in rational numbers.

At prompt q the first action has odds exp(f_q x), f_q a whole number: `conflict` has f = 1 and -2.
At x = ln z with z rational all probabilities are rational, and grad J vanishes at the roots of a
polynomial in z, so that even J* is enclosed.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, overload

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.numbers.fields import (
    POSITIVE,
    entry,
    integer,
    listed,
    number,
    numbers,
    shares,
)
from grpo_checks.theory.rational.choices.choice import Choice, Kind, Lottery, composite, lotteries
from grpo_checks.theory.rational.menus import response as response_balls

MAX_SLOPE = 8


class Prompt(NamedTuple):
    """One prompt: its chance, f_q, and the outcomes of its two actions."""

    chance: fmpq
    slope: int
    actions: tuple[Lottery, Lottery]

    @overload
    def odds_to_chance(self, odds: fmpq) -> fmpq: ...
    @overload
    def odds_to_chance(self, odds: Number) -> Number: ...
    def odds_to_chance(self, odds: Number) -> Number:
        """Probability of the first action at z = exp(x)."""
        power = odds ** abs(self.slope)
        return power / (1 + power) if self.slope >= 0 else 1 / (1 + power)

    @property
    def means(self) -> tuple[tuple[fmpq, ...], tuple[fmpq, ...]]:
        """E[r_k | action], for both."""
        first, second = (
            tuple(
                total(chance * rewards[k] for chance, rewards in action)
                for k in range(len(action[0][1]))
            )
            for action in self.actions
        )
        return first, second


class Line(NamedTuple):
    """A model without its policy."""

    prompts: tuple[Prompt, ...]
    weights: tuple[fmpq, ...]

    def worth(self, q: int) -> tuple[fmpq, fmpq]:
        """E[R | action] at prompt ``q``, for both."""
        first, second = (composite(means, self.weights) for means in self.prompts[q].means)
        return first, second

    @property
    def max_reward(self) -> fmpq:
        """R_max."""
        return total(self.weights)

    @property
    def squared_slope(self) -> int:
        """diam^2 = max f_q^2."""
        return max(prompt.slope**2 for prompt in self.prompts)

    @property
    def smoothness(self) -> fmpq:
        """L = R_max diam^2/4, see ``theory.convergence.smoothness``; one decision per episode."""
        return self.max_reward * self.squared_slope / 4

    def variance_bound(self, group_size: int) -> fmpq:
        """V_sup of `leave_one_out` on a full sweep: E|s|^2 <= diam^2/4 with two actions."""
        shares = total(prompt.chance**2 for prompt in self.prompts)
        return shares * self.max_reward**2 * self.squared_slope / (4 * group_size)


def parse_line(document: Mapping[str, Any]) -> Line:
    """From JSON: as ``theory.rational.choices.choice.parse_choice``, with a ``slope`` for each
    prompt and no odds.

    Raises ValueError, naming the field.
    """
    weights = numbers("weights", entry(document, "weights"), POSITIVE)
    described = listed("prompts", entry(document, "prompts"))
    chances = shares("prompts.share", [entry(p, "share") for p in described])
    prompts = tuple(
        _prompt(p, chance, len(weights)) for p, chance in zip(described, chances, strict=True)
    )
    if not any(prompt.slope for prompt in prompts):
        raise ValueError("prompts.slope: expected one other than 0")
    return Line(prompts, weights)


def _prompt(document: Mapping[str, Any], chance: fmpq, k: int) -> Prompt:
    slope = integer(document, "slope", -MAX_SLOPE, MAX_SLOPE)
    actions = listed("actions", entry(document, "actions"))
    if len(actions) != 2:
        raise ValueError(f"actions: {len(actions)} of them, expected two")
    first, second = (lotteries(action, k) for action in actions)
    return Prompt(chance, slope, (first, second))


def parse_odds(document: Mapping[str, Any]) -> fmpq:
    """The field ``odds``: z = exp(x) > 0."""
    return number("odds", entry(document, "odds"), POSITIVE)


def at(line: Line, odds: fmpq) -> Choice:
    """The policy at x = ln ``odds``, as a choice model with one logit."""
    kinds = []
    for prompt in line.prompts:
        p = prompt.odds_to_chance(odds)
        scores = (prompt.slope * (1 - p), -prompt.slope * p)
        kinds.append(
            tuple(
                Kind(chance_of_action * chance, rewards, (score,))
                for chance_of_action, score, action in zip(
                    (p, 1 - p), scores, prompt.actions, strict=True
                )
                for chance, rewards in action
            )
        )
    return Choice(tuple(p.chance for p in line.prompts), tuple(kinds), line.weights)


def _itself(x: Number) -> Number:
    return x


def _one(x: Number) -> Number:
    return fmpq(1)


class Objective(NamedTuple):
    """sum_q rho_q sum_k w_k F(J_qk), with F and F'; J itself by default."""

    value: Callable[[Number], Number] = _itself
    slope: Callable[[Number], Number] = _one


J = Objective()


def potential(group_size: int) -> Objective:
    """Jtilde of `componentwise_normalized`, eps = 0 and ddof = 0, for binary components."""
    return Objective(
        partial(response_balls.potential, group_size), partial(response_balls.response, group_size)
    )


def value(line: Line, odds: Number, objective: Objective = J) -> Number:
    """J at x = ln ``odds``, a rational number or a ball."""
    parts = []
    for prompt in line.prompts:
        p = prompt.odds_to_chance(odds)
        for w, a, b in zip(line.weights, *prompt.means, strict=True):
            parts.append(prompt.chance * w * objective.value(b + p * (a - b)))
    return total(parts)


def slope(line: Line, odds: Number, objective: Objective = J) -> Number:
    """grad J = sum_q rho_q f_q p (1-p) sum_k w_k (difference of the means) in x."""
    parts = []
    for prompt in line.prompts:
        p = prompt.odds_to_chance(odds)
        share = prompt.chance * prompt.slope * p * (1 - p)
        for w, a, b in zip(line.weights, *prompt.means, strict=True):
            if a != b:
                parts.append(share * w * (a - b) * objective.slope(b + p * (a - b)))
    return total(parts)
