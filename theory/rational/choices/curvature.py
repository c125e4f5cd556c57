"""Gradient and Hessian of J of one prompt of a ``theory.rational.choices.choice`` model, in
rational numbers.

Twice: by differentiating the softmax, and as moments of the score; ``theory.evaluation.curvature``
says what is published of the latter. Hess log pi = -(diag pi - pi pi^T) whatever the action.
"""

from collections.abc import Sequence
from typing import TypeAlias

from flint import fmpq

from grpo_checks.theory.evaluation.curvature import Norm
from grpo_checks.theory.numbers.balls import Number, root, total
from grpo_checks.theory.rational.choices.choice import Action, Kind, composite, mean_reward

Matrix: TypeAlias = list[list[fmpq]]


def slopes(of: Sequence[Action]) -> list[fmpq]:
    """grad J: d pi_a/d theta_b = pi_a (1{a=b} - pi_b) gives pi_a (value_a - J)."""
    mean = total(a.chance * a.value for a in of)
    return [a.chance * (a.value - mean) for a in of]


def hessian(of: Sequence[Action]) -> Matrix:
    """Hess J = diag(u) - u pi^T - pi u^T, u = grad J: the softmax differentiated once more."""
    u = slopes(of)
    return [
        [(u[a] if a == b else 0) - u[a] * of[b].chance - of[a].chance * u[b] for b in range(len(u))]
        for a in range(len(u))
    ]


def contrast(kinds: Sequence[Kind]) -> list[fmpq]:
    """E[s | r=1] - E[s | r=0] for one binary reward, 0 < p < 1.

    Raises ValueError for another kind of reward or a certain one.
    """
    if any(k.rewards not in ((fmpq(0),), (fmpq(1),)) for k in kinds):
        raise ValueError("rewards: expected one, 0 or 1")
    halves = [[k for k in kinds if k.rewards[0] == r] for r in (1, 0)]
    if not all(halves):
        raise ValueError("rewards: expected both 0 and 1, or success is certain")
    won, lost = ([_mean(half, i) for i in range(len(kinds[0].score))] for half in halves)
    return [a - b for a, b in zip(won, lost, strict=True)]


def _mean(kinds: Sequence[Kind], i: int) -> fmpq:
    return total(k.chance * k.score[i] for k in kinds) / total(k.chance for k in kinds)


def curvature(kind: Kind, of: Sequence[Action]) -> Matrix:
    """M = s s^T + Hess log pi of an episode."""
    s, pi = kind.score, [a.chance for a in of]
    return [
        [s[a] * s[b] - (pi[a] if a == b else 0) + pi[a] * pi[b] for b in range(len(s))]
        for a in range(len(s))
    ]


def square_norm(matrix: Matrix, norm: Norm) -> Number:
    """|M|^2 of a symmetric matrix that annihilates (1, ..., 1), as all do here.

    Spectral: the other eigenvalues of a 3x3 one are (t +- sqrt(2q - t^2))/2, t = tr M, q = tr M^2.
    Raises ValueError for a larger one.
    """
    square = total(x * x for row in matrix for x in row)
    if norm == "Frobenius":
        return square
    if len(matrix) > 3:
        raise ValueError(f"actions = {len(matrix)}: expected at most 3 for spectral norms")
    trace = total(row[i] for i, row in enumerate(matrix))
    largest = (abs(trace) + root(2 * square - trace * trace)) / 2
    return largest * largest


def variance(kinds: Sequence[Kind], weights: Sequence[fmpq]) -> fmpq:
    """Var R."""
    mean = mean_reward(kinds, weights)
    return total(k.chance * (composite(k.rewards, weights) - mean) ** 2 for k in kinds)


def mean_square(kinds: Sequence[Kind], of: Sequence[Action], norm: Norm) -> Number:
    """E |M|^2."""
    return total(k.chance * square_norm(curvature(k, of), norm) for k in kinds)
