"""Where the bounds of T2.gap and T2.kappa are reached, and no two balls can be told apart.

Each side is compared as a polynomial in unknown responses: equal polynomials are equal numbers.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from flint import Ordering, fmpq, fmpq_mpoly_ctx

from grpo_checks.theory.arithmetic.registry import Values
from grpo_checks.theory.estimators.response import is_constant


class Menu(NamedTuple):
    """One decision between M calls, and a policy: all that theorem 2 speaks of, in fractions."""

    calls: Values
    """(M, K): chances of success."""
    law: Values
    """(M,): probabilities of the calls; 0 is allowed."""
    group_size: int

    @property
    def gains(self) -> Values:
        """J_k of each call minus p_k, (M, K)."""
        return np.asarray(self.calls - (self.law @ self.calls)[None])

    @property
    def reach(self) -> Values:
        """u_k."""
        return np.asarray(np.maximum(self.gains, -self.gains).max(0))

    @property
    def labels(self) -> list[fmpq]:
        """Equal for components whose responses are certainly equal; c falls as they rise."""
        p = self.law @ self.calls
        return [fmpq(0) if is_constant(self.group_size) else min(x, 1 - x) for x in p]

    @property
    def moving(self) -> list[int]:
        """Components that some call moves."""
        return [k for k, u in enumerate(self.reach) if u]

    @property
    def aligned(self) -> bool:
        """Whether one call, and so one policy, maximises every component."""
        return bool((self.calls == self.calls.max(0)[None]).all(1).any())


def _unknowns(menu: Menu) -> list[Any]:
    """A variable for each component, one for those whose responses are certainly equal."""
    names = sorted(set(menu.labels))
    ring = fmpq_mpoly_ctx.get(("c", len(names)), Ordering.lex)
    variables = dict(zip(names, ring.gens(), strict=True))
    return [variables[label] for label in menu.labels]


def kappa_equal(menu: Menu, slopes: Values, gain: Values) -> bool:
    """(X + x) sum_k w_k d_k = (X - x) sum_k w_k u_k as polynomials in x_k = 1/c_k, w_k = h_k x_k,
    for the gains d of a call; X and x the largest and the least x_k."""
    unknown, moving, label = _unknowns(menu), menu.moving, menu.labels
    if not moving:
        return True
    most, fewest = (unknown[f(moving, key=lambda k: label[k])] for f in (max, min))
    w = [x * h for x, h in zip(unknown, slopes, strict=True)]
    return bool((most + fewest) * _form(w, gain) == (most - fewest) * _form(w, menu.reach))


def _form(variables: Iterable[Any], numbers: Iterable[Any]) -> Any:
    first, *others = (v * x for v, x in zip(variables, numbers, strict=True))
    for term in others:
        first = first + term
    return first


def gap_reached(menu: Menu, weights: Values, at: int) -> bool:
    """Whether gap and bound of T2.gap at c = c_l, l = ``at``, are equal: gap c_l =
    sum_k w_k c_k d_k + sum_k w_k |c_l - c_k| u_k as polynomials in c, for the gains d of a call."""
    c, label = _unknowns(menu), menu.labels
    # c falls as labels rise.
    off = [(c[at] - x) * (1 if label[k] > label[at] else -1) for k, x in enumerate(c)]
    idle = _form(off, weights * menu.reach)
    climbs = (_form(c, weights * gain) + idle for gain in menu.gains)
    lost = c[at] * (menu.gains @ weights).max()
    return any(lost == bound for bound in climbs)
