"""T2.kappa and T2.zero on one decision with rational chances of success.

A document has ``group_size``, ``ddof``, ``eps``, ``calls`` (M, K), ``odds`` (M,) and ``weights``
(K,); or, to be at a first-order point, ``slopes`` in place of weights: the weights are then the
real numbers h_k/c_G(p_k), enclosed, and what is certified is the claim for them.
"""

from flint import fmpq

from grpo_checks.experiments.protocol.points import Document
from grpo_checks.experiments.protocol.verdict import Decision, compare, unmet
from grpo_checks.theory.numbers.balls import Number
from grpo_checks.theory.rational.menus import gap as bounds
from grpo_checks.theory.rational.menus.menu import Menu, gradient_norm2, parse_menu

NOT_FIRST_ORDER = "phi is not 0: no first-order point"
SMALL_GRADIENT = fmpq(1, 10**12)
"""Of |grad Jtilde|^2."""


def _not_first_order(menu: Menu) -> Decision | None:
    phi = bounds.residual(menu)
    if phi == 0:
        return None
    if phi > 0:
        return unmet(NOT_FIRST_ORDER)
    return Decision(phi, fmpq(0), "inconclusive", "phi is enclosed together with 0")


def decide_kappa(document: Document, mutant: str | None) -> Decision:
    """Where phi = 0: J* - J against (kappa-1)/(kappa+1) sum_k w_k u_k; kappa against kappa_G."""
    menu = parse_menu(document)
    if mutant == "where the gradient vanishes":
        if menu.weights is None or not gradient_norm2(menu) < SMALL_GRADIENT:
            return unmet("grad Jtilde is not small")
    else:
        elsewhere = _not_first_order(menu)
        if elsewhere is not None:
            return elsewhere
    ratio, limit = bounds.kappa(menu), bounds.kappa_limit(menu.option.group_size)
    if not ratio <= limit and not _extreme(menu):
        return compare(ratio, limit, "kappa against kappa_G")
    sides = bounds.kappa_sides(menu)
    if mutant == "kappa factor halved":
        return compare(sides.observed, sides.bound / 2)
    if mutant == "kappa_4 replaced by 1" and menu.option.group_size == 4:
        return compare(sides.observed, fmpq(0))
    if sides.reached:
        return Decision(sides.observed, sides.bound, "holds", "equal as polynomials in responses")
    return compare(sides.observed, sides.bound)


def _extreme(menu: Menu) -> bool:
    """kappa = kappa_G: two components that move, of success 1/2 and 0 or 1, at eps = 0."""
    labels = {menu.labels[k] for k in bounds.moving(menu)}
    return menu.option.constant or (menu.option.eps == 0 and {fmpq(0), fmpq(1, 2)} <= labels)


def condition(menu: Menu, constant: tuple[int, ...] = (2, 3)) -> str | None:
    """Which of the four of T2.zero is met; None for none."""
    at = bounds.moving(menu)
    if len(at) <= 1:
        return "at most one component that a policy can move"
    if menu.option.group_size in constant:
        return f"G = {menu.option.group_size}"
    if len({menu.labels[k] for k in at}) == 1:
        return "equal c_k"
    return "aligned components" if bounds.aligned(menu) else None


def decide_zero(document: Document, mutant: str | None) -> Decision:
    """Where phi = 0 and one of the four conditions is met: J* - J against 0."""
    menu = parse_menu(document)
    elsewhere = _not_first_order(menu)
    if elsewhere is not None:
        return elsewhere
    met = condition(menu, (2, 3, 4) if mutant == "G = 4 too" else (2, 3))
    lost: Number = bounds.gap(menu)
    return unmet("none of the four conditions") if met is None else compare(lost, fmpq(0), met)
