"""T2.kappa and T2.zero on one decision with rational chances of success.

Statement: at a first-order point J* - J <= (kappa-1)/(kappa+1) sum_k w_k u_k, kappa <= kappa_G; and
it is 0 where one of the four conditions of T2.zero is met.
Proof: ``theory.convergence.decomposition_gap``.
Units: of the composite reward, in units of w_1.

A document has ``group_size``, ``ddof``, ``eps``, ``calls`` (M, K), ``odds`` (M,) and ``weights``
(K,); or, to be at a first-order point, the first K - 1 ``slopes`` in place of weights, the last one
being what balances the first two calls. The weights are then the real numbers h_k/c_G(p_k),
enclosed, and what is certified is the claim for them: phi = max_m sum_k h_k (calls[m][k] - p_k) is
rational, so that phi = 0 is decided exactly.
"""

from typing import Any

import jax.numpy as jnp
from flint import fmpq

from grpo_checks.experiments.falsifier.constraints import fraction, integer, interval, simplex
from grpo_checks.experiments.falsifier.domain import Domain, Point
from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.arithmetic.registry import Values
from grpo_checks.theory.convergence.decomposition_gap import Certificate, menu_certificate
from grpo_checks.theory.estimators.response import MAX_GROUP, is_constant, response
from grpo_checks.theory.numbers.fields import NOT_NEGATIVE, POSITIVE, entry, numbers
from grpo_checks.theory.rational.menus.gap import Menu, kappa_equal

NOT_FIRST_ORDER = "phi is not 0: no first-order point"
SMALL_GRADIENT = fmpq(1, 10**12)
"""Of |grad Jtilde|^2."""
ARRAYS = {"calls": interval("calls", "components"), "odds": simplex("calls", support=False)}
OPTIONS = {
    "group_size": integer(2, MAX_GROUP),
    "ddof": integer(0, 1, default=0),
    "eps": fraction(NOT_NEGATIVE, default=0),
}


class MenuDomain(Domain):
    """Menus, of which ``weights`` or ``slopes`` are given."""

    def read(self, document: Document) -> Point:
        """Likewise."""
        point = super().read(document)
        k = point["calls"].shape[1]
        if "weights" in document:
            return {**point, "weights": exact(numbers("weights", document["weights"], POSITIVE, k))}
        first = numbers("slopes", entry(document, "slopes"), POSITIVE, k - 1)
        return {**point, "slopes": exact(_balanced(first, point["calls"]))}


def _balanced(first: tuple[fmpq, ...], calls: Values) -> tuple[fmpq, ...]:
    """The given slopes and the last one, so that the first two calls have equal sum_k h_k J_k."""
    if len(calls) < 2 or calls[0][-1] == calls[1][-1]:
        raise ValueError("calls: the first two are to differ in the last component")
    *off, last_off = calls[0] - calls[1]
    last = -sum((h * d for h, d in zip(first, off, strict=True)), fmpq(0)) / last_off
    if last <= 0:
        raise ValueError(f"slopes: the last would be {last}, expected calls that a slope > 0 joins")
    return (*first, last)


def responses(success: Any, group_size: int, ddof: int, eps: Any) -> Any:
    """c_k over that of the first component; exactly 1 where it is known to be: c_G is symmetric,
    and constant where G is 2 or 3."""
    c, label = response(success, group_size, ddof, eps), jnp.minimum(success, 1 - success)
    alike = label == label[0]
    return jnp.where(is_constant(group_size) | alike, 1.0, c / c[0])


def certified(
    calls: Any, odds: Any, weights: Any = None, slopes: Any = None, **option: Any
) -> Certificate:
    """What theorem 2 says, with responses in units of the first."""
    c = responses(odds @ calls, **option)
    return menu_certificate(calls, odds, c, weights if slopes is None else slopes / c)


def kappa_sides(share: Any = 1, **point: Any) -> tuple[Any, Any]:
    """J* - J and (kappa-1)/(kappa+1) sum_k w_k u_k, times ``share``."""
    at = certified(**point)
    return at.gap[0], share * at.kappa_bound[0]


def zero_sides(**point: Any) -> tuple[Any, Any]:
    """J* - J, and 0."""
    return certified(**point).gap[0], 0.0


def _residual(calls: Any, odds: Any, weights: Any = None, slopes: Any = None, **option: Any) -> Any:
    """phi, up to a common factor of the slopes."""
    steep = weights * responses(odds @ calls, **option) if slopes is None else slopes
    return ((calls - (odds @ calls)[None]) @ steep).max()


def _climbs(calls: Any, odds: Any, **point: Any) -> tuple[Any, Any]:
    """J - J(pi) of every call, and the bound of T2.kappa."""
    at = certified(calls, odds, **point)
    return (calls - at.success) @ at.weights, at.kappa_bound[0]


def _kappas(group_size: int, **point: Any) -> tuple[Any, Any]:
    """kappa, and kappa_G = c_G(0)/c_G(1/2) at eps = 0, ddof = 0."""
    ends = response(jnp.array([0.0, 0.5]), group_size, 0, jnp.zeros(()))
    return certified(group_size=group_size, **point).kappa[0], ends[0] / ends[1]


def _gradient_norm2(calls: Any, odds: Any, weights: Any, **option: Any) -> Any:
    """|grad Jtilde|^2 with respect to the logits of the calls."""
    steep = weights * response(odds @ calls, **option)
    return ((odds * ((calls - (odds @ calls)[None]) @ steep)) ** 2).sum()


_enclosed_residual, _enclosed_climbs, _enclosed_kappas, _enclosed_norm2 = (
    enclose(lambda point, f=f: f(**point)) for f in (_residual, _climbs, _kappas, _gradient_norm2)
)


def menu_of(point: Point) -> Menu:
    """The calls and the policy alone."""
    return Menu(point["calls"], point["odds"], point["group_size"])


def not_first_order(**point: Any) -> Decision | None:
    """None where phi = 0."""
    phi = _enclosed_residual(point)
    if phi == 0:
        return None
    if phi > 0:
        return unmet(NOT_FIRST_ORDER)
    return Decision(phi, fmpq(0), "inconclusive", "phi is enclosed together with 0")


def beyond_kappa(**point: Any) -> Decision | None:
    """Of kappa <= kappa_G, where that is not certain: two components that move, of success 1/2 and
    0 or 1, have kappa_G at eps = 0."""
    kappa, limit = _enclosed_kappas(point)
    menu = menu_of(point)
    labels = {menu.labels[k] for k in menu.moving}
    extreme = point["eps"] == 0 and {fmpq(0), fmpq(1, 2)} <= labels
    if kappa <= limit or extreme or is_constant(menu.group_size):
        return None
    return compare(kappa, limit, "kappa against kappa_G")


def small_gradient(**point: Any) -> Decision | None:
    """None where |grad Jtilde| < 10^-6, phi or no phi."""
    if "weights" in point and _enclosed_norm2(point) < SMALL_GRADIENT:
        return beyond_kappa(**point)
    return unmet("grad Jtilde is not small")


def reached(**point: Any) -> str | None:
    """Why the bound of T2.kappa is certainly reached, and not exceeded, by every call."""
    if "slopes" not in point:
        return None
    menu = menu_of(point)
    climbs, bound = _enclosed_climbs(point)
    certain = all(
        climb <= bound or kappa_equal(menu, point["slopes"], gain)
        for climb, gain in zip(climbs, menu.gains, strict=True)
    )
    return "equal as polynomials in responses" if certain else None


def condition(constant: tuple[int, ...] = (2, 3), **point: Any) -> str | None:
    """Which of the four of T2.zero is met; None for none."""
    menu = menu_of(point)
    if len(menu.moving) <= 1:
        return "at most one component that a policy can move"
    if menu.group_size in constant:
        return f"G = {menu.group_size}"
    if len({menu.labels[k] for k in menu.moving}) == 1:
        return "equal c_k"
    return "aligned components" if menu.aligned else None


def no_condition(constant: tuple[int, ...] = (2, 3), **point: Any) -> Decision | None:
    """None where phi = 0 and a condition is met."""
    met = condition(constant, **point)
    return not_first_order(**point) or (None if met else unmet("none of the four conditions"))
