"""E[g] of `componentwise_normalized` and grad Jtilde on a ``theory.rational.choices.choice`` model,
exactly.

For binary components both are sums over the number j of successes in a group of 1/(sd_j + eps)
times a rational vector. Vectors that agree for every j make the two equal whatever ddof and eps
are: an equality of irrational numbers, decided in rational ones. E[g] comes from a list of all
groups, grad Jtilde from c_G(p) = sum_j C(G-2,j-1) p^(j-1) (1-p)^(G-1-j) (G-1)/G / (sd_j + eps).
"""

from math import comb

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.rational.choices.choice import Choice, Kind, gradient
from grpo_checks.theory.rational.choices.update import groups
from grpo_checks.theory.rational.menus.menu import Option
from grpo_checks.theory.rational.menus.response import coefficients

Field = tuple[tuple[fmpq, ...], ...]
"""(G-1, dimension): the factors of 1/(sd_j + eps), j = 1..G-1."""


def is_binary(choice: Choice) -> bool:
    """Whether every component reward is 0 or 1."""
    return all(r in (0, 1) for kinds in choice.kinds for kind in kinds for r in kind.rewards)


def _sum(parts: list[Field]) -> Field:
    return tuple(
        tuple(total(numbers) for numbers in zip(*rows, strict=True))
        for rows in zip(*parts, strict=True)
    )


def expected_field(choice: Choice, group_size: int) -> Field:
    """E[g] = E[1/G sum_i s_i sum_k w_k (r_ik - m_k)/(sd_k + eps)], by listing groups."""
    return _sum(
        [
            _prompt_field(kinds, choice.weights, rho, group_size)
            for rho, kinds in zip(choice.prompt_chance, choice.kinds, strict=True)
        ]
    )


def _prompt_field(
    kinds: tuple[Kind, ...], weights: tuple[fmpq, ...], rho: fmpq, group_size: int
) -> Field:
    field = [[fmpq(0)] * len(kinds[0].score) for _ in range(group_size - 1)]
    for chance, counts in groups(kinds, group_size):
        for k, weight in enumerate(weights):
            successes = int(
                total(n * kind.rewards[k] for n, kind in zip(counts, kinds, strict=True))
            )
            if not 0 < successes < group_size:
                continue
            mean, row = fmpq(successes, group_size), field[successes - 1]
            for n, kind in zip(counts, kinds, strict=True):
                pull = rho * chance * weight * n * (kind.rewards[k] - mean) / group_size
                for i, x in enumerate(kind.score if pull else ()):
                    row[i] += pull * x
    return tuple(tuple(row) for row in field)


def potential_field(choice: Choice, group_size: int, at: fmpq | None = None) -> Field:
    """grad Jtilde = sum_q rho_q sum_k w_k c_G(J_qk) grad J_qk; with ``at``, c_G(at) throughout."""
    parts = []
    for rho, kinds in zip(choice.prompt_chance, choice.kinds, strict=True):
        for k, weight in enumerate(choice.weights):
            alone = [fmpq(int(j == k)) for j in range(len(choice.weights))]
            slope = [rho * weight * x for x in gradient(kinds, alone)]
            p = total(kind.chance * kind.rewards[k] for kind in kinds) if at is None else at
            parts.append(
                tuple(
                    tuple(_share(p, j, group_size) * x for x in slope) for j in range(1, group_size)
                )
            )
    return _sum(parts)


def _share(p: fmpq, successes: int, group_size: int) -> fmpq:
    """Of c_G(p): what stands before 1/(sd_j + eps)."""
    j, size = successes, group_size
    ways = comb(size - 2, j - 1)
    return fmpq(size - 1, size) * ways * p ** (j - 1) * (1 - p) ** (size - 1 - j)


def enclosed(field: Field, option: Option) -> tuple[Number, ...]:
    """The vector itself; 1/(sd_j + eps) = b_j G/(G-1)."""
    size = option.group_size
    scales = [fmpq(size, size - 1) * b for b in coefficients(*option)]
    return tuple(
        total(x * scale for x, scale in zip(column, scales, strict=True))
        for column in zip(*field, strict=True)
    )
