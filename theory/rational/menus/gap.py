"""T2.kappa on a ``theory.rational.menus.menu``, enclosed, and when T2.gap's bound is reached.

Both bounds are reached on many models, where no two balls can be told apart. Each side is then
compared as a polynomial in unknown responses: equal polynomials are equal numbers.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from flint import Ordering, fmpq, fmpq_mpoly_ctx

from grpo_checks.theory.numbers.balls import Number, largest, total
from grpo_checks.theory.rational.menus.menu import Menu, responses, slopes, weights
from grpo_checks.theory.rational.menus.response import response


class Sides(NamedTuple):
    """Of observed <= bound."""

    observed: Number
    bound: Number
    reached: bool = False
    """Certain although the balls overlap: equal as polynomials."""

    @property
    def holds(self) -> bool:
        """Certainly."""
        return self.reached or bool(self.observed <= self.bound)


def _dot(a: Sequence[Number], b: Sequence[Number]) -> Number:
    return total(x * y for x, y in zip(a, b, strict=True))


def gap(menu: Menu) -> Number:
    """J* - J >= 0."""
    w = weights(menu)
    return largest(_dot(w, gain) for gain in menu.gains)


def residual(menu: Menu) -> Number:
    """phi >= 0, up to a common factor of the slopes."""
    h = slopes(menu)
    return largest(_dot(h, gain) for gain in menu.gains)


def moving(menu: Menu) -> list[int]:
    """Components that some call moves."""
    return [k for k, u in enumerate(menu.reach) if u]


def kappa(menu: Menu) -> Number:
    """max c_k / min c_k over the moving components; exactly 1 where these have one response."""
    at = moving(menu)
    if len({menu.labels[k] for k in at}) <= 1:
        return fmpq(1)
    r, label = responses(menu), menu.labels
    # c falls as labels rise.
    return r[min(at, key=lambda k: label[k])] / r[max(at, key=lambda k: label[k])]


def kappa_limit(group_size: int) -> Number:
    """kappa_G = c_G(0)/c_G(1/2) at eps = 0, ddof = 0."""
    return response(group_size, fmpq(0)) / response(group_size, fmpq(1, 2))


def aligned(menu: Menu) -> bool:
    """Whether one call, and so one policy, maximises every component."""
    best = [max(column) for column in zip(*menu.calls, strict=True)]
    return any(list(call) == best for call in menu.calls)


def _unknowns(menu: Menu) -> dict[Any, Any]:
    """A variable for each response that may differ."""
    names = sorted(set(menu.labels))
    ring = fmpq_mpoly_ctx.get(("c", len(names)), Ordering.lex)
    return dict(zip(names, ring.gens(), strict=True))


def kappa_sides(menu: Menu) -> Sides:
    """gap and (kappa-1)/(kappa+1) sum_k w_k u_k."""
    ratio, w = kappa(menu), weights(menu)
    bound = (ratio - 1) / (ratio + 1) * _dot(w, menu.reach)
    lost = gap(menu)
    reached = (
        menu.slopes is not None
        and not (lost <= bound or lost > bound)
        and all(
            _dot(w, gain) <= bound or _kappa_equal(menu, menu.slopes, gain) for gain in menu.gains
        )
    )
    return Sides(lost, bound, reached)


def _kappa_equal(menu: Menu, slopes: Sequence[fmpq], gain: Sequence[fmpq]) -> bool:
    """(X + x) sum_k w_k d_k = (X - x) sum_k w_k u_k as polynomials in x_k = 1/c_k, w_k = h_k x_k,
    for the gains d of a call; X and x the largest and the least x_k."""
    unknown, at = _unknowns(menu), moving(menu)
    if not at:
        return True
    most, fewest = (unknown[f(menu.labels[k] for k in at)] for f in (max, min))
    w = [unknown[label] * h for label, h in zip(menu.labels, slopes, strict=True)]
    return bool((most + fewest) * _form(w, gain) == (most - fewest) * _form(w, menu.reach))


def _form(variables: Sequence[Any], numbers: Sequence[fmpq]) -> Any:
    first, *others = (v * x for v, x in zip(variables, numbers, strict=True))
    for term in others:
        first = first + term
    return first


def gap_reached(menu: Menu, weights: Sequence[fmpq], at: int) -> bool:
    """Whether gap and bound of T2.gap at c = c_l, l = ``at``, are equal: gap c_l =
    sum_k w_k c_k d_k + sum_k w_k |c_l - c_k| u_k as polynomials in c, for the gains d of a call."""
    unknown, label = _unknowns(menu), menu.labels
    c = [unknown[x] for x in label]
    # c falls as labels rise.
    off = [(c[at] - x) * (1 if label[k] > label[at] else -1) for k, x in enumerate(c)]
    idle = _form(off, _times(weights, menu.reach))
    climbs = (_form(c, _times(weights, gain)) + idle for gain in menu.gains)
    lost = c[at] * max(total(_times(weights, gain)) for gain in menu.gains)
    return any(lost == bound for bound in climbs)


def _times(a: Sequence[fmpq], b: Sequence[fmpq]) -> list[fmpq]:
    return [x * y for x, y in zip(a, b, strict=True)]
