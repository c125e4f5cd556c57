"""KL-regularised maximisers for one decision with random outcomes, in ball arithmetic.

E[A] - beta KL(pi || pi_ref) is largest at pi proportional to pi_ref exp(E[A | action]/beta): a
policy cannot tilt what follows an action. See ``theory.evaluation.tilting`` and
``theory.evaluation.amplification``.
"""

from collections.abc import Sequence

from flint import arb, fmpq

from grpo_checks.theory.numbers.balls import Number, root, total
from grpo_checks.theory.rational.choices.choice import Action

LARGEST_GAIN = 100
"""Beyond it success is certain to 43 digits, and balls soon lose it."""


def success(actions: Sequence[Action]) -> Number:
    """p = E[r], each action's value its chance of success."""
    return total(a.chance * a.value for a in actions)


def _deviation(p: Number, eps: fmpq) -> Number:
    """sqrt(p(1-p) + eps). Raises ValueError where it may be 0."""
    square = p * (1 - p) + eps
    if not square > 0:
        raise ValueError(f"p = {p}: expected a chance of success in (0, 1), or eps > 0")
    return root(square)


def gain(p: Number, beta: fmpq, eps: fmpq) -> Number:
    """1/(beta sqrt(p(1-p) + eps)). Raises ValueError for parameters out of range."""
    if not beta > 0:
        raise ValueError(f"beta = {beta}: expected a number > 0")
    if not eps >= 0:
        raise ValueError(f"eps = {eps}: expected a number >= 0")
    ratio = 1 / (beta * _deviation(p, eps))
    if not ratio <= LARGEST_GAIN:
        raise ValueError(f"beta = {beta}: expected a gain of at most {LARGEST_GAIN}, not {ratio}")
    return ratio


def tilted(actions: Sequence[Action], p: Number, beta: fmpq, eps: fmpq) -> Number:
    """Chance of success of the maximiser, rewards whitened at the chance p of the last policy."""
    per_success = gain(p, beta, eps)
    odds = [a.chance * arb((a.value - p) * per_success).exp() for a in actions]
    return total(x * a.value for x, a in zip(odds, actions, strict=True)) / total(odds)


def iterates(actions: Sequence[Action], beta: fmpq, eps: fmpq, steps: int) -> list[Number]:
    """Chances of success of pi_ref and of ``steps`` maximisers, each whitened by the one before."""
    chances = [success(actions)]
    for _ in range(steps):
        chances.append(tilted(actions, chances[-1], beta, eps))
    return chances


def amplified(reference: Number, gain: Number) -> Number:
    """The chance whose odds are those of ``reference`` times exp(gain)."""
    return 1 / (1 + (-arb(gain)).exp() * (1 - reference) / reference)
