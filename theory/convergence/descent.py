"""Theorem 1 without the polarisation identity, for an unbiased update (derived).

|Hess J| <= L gives J(theta') >= J(theta) + eta <grad J, g> - L eta^2 |g|^2/2 at every step, of any
size. With E g = grad J the mean over a run of T steps is T1.descent,

    A <= (E J(theta_T) - J(theta_0))/(eta T) + (L eta/2) (A + V),

A and V the averages of E|grad J|^2 and of E V_t: T1.path asks for twice as much, since it allows a
bias, and for eta <= 1/L. J(theta_T) <= J* and eta < 2/L make it a rate, T1.rate.sharp:

    A <= (2 (J* - J_0)/(eta T) + L eta V)/(2 - L eta).

At the step of T1.rate this is at most its bound, since V <= V_sup: with s = L eta <= 1 and
X = 2 (J* - J_0)/(eta T) it is (X + s V)/(2 - s), and that of T1.rate is (2 + s) X where s V_sup = X
and at least X + s V_sup where s = 1.
"""

from grpo_checks.theory.convergence.stationarity import Scalar


def descent_bound(
    gain: Scalar, square: Scalar, variance: Scalar, step: Scalar, n_steps: Scalar, L: Scalar
) -> Scalar:
    """T1.descent from ``gain`` = J(theta_T) - J(theta_0), A and V; any ``step`` > 0."""
    return gain / (step * n_steps) + L * step / 2 * (square + variance)


def sharp_rate(gap: Scalar, variance: Scalar, step: Scalar, n_steps: Scalar, L: Scalar) -> Scalar:
    """T1.rate.sharp from ``gap`` = J* - J(theta_0) and V; ``step`` in (0, 2/L)."""
    return (2 * gap / (step * n_steps) + L * step * variance) / (2 - L * step)
