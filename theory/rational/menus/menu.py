"""One decision and a policy in rational numbers: all that T2.gap, T2.kappa and T2.zero speak of.

Call m earns component k with chance ``calls[m][k]``; a policy is a mixture of calls, and only its
values p matter. c_G(p_k), a finite sum in balls (``theory.rational.menus.response``), enters all
three claims by ratios alone, and so does the scale of the weights: r_k = c_k/c_1, exactly 1 where
p_k = p_1 or p_k = 1 - p_1 (c_G is symmetric), and for all p where G is 2 or 3 (c_G is constant).

A first-order point with several responses needs weights that are no rational numbers: with
``slopes`` h_k given, the weights are w_k = h_k/c_k, enclosed, and phi = max_m sum_k h_k
(calls[m][k] - p_k) is rational, so that phi = 0 is decided exactly.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flint import fmpq

from grpo_checks.theory.estimators.response import is_constant
from grpo_checks.theory.numbers.balls import Number, total
from grpo_checks.theory.numbers.fields import (
    NOT_NEGATIVE,
    POSITIVE,
    UNIT,
    entry,
    integer,
    listed,
    number,
    numbers,
    shares,
)
from grpo_checks.theory.rational.menus.response import response

MAX_GROUP = 1000


class Option(NamedTuple):
    """How groups are normalised."""

    group_size: int
    ddof: int = 0
    eps: fmpq = fmpq(0)

    def response(self, p: fmpq) -> Number:
        """c_G(p)."""
        return response(self.group_size, p, self.ddof, self.eps)

    @property
    def constant(self) -> bool:
        """Whether c_G does not depend on p."""
        return is_constant(self.group_size)


class Menu(NamedTuple):
    """M calls, K components, and a policy."""

    calls: tuple[tuple[fmpq, ...], ...]
    """(M, K): chances of success."""
    law: tuple[fmpq, ...]
    """(M,): probabilities of the calls; 0 is allowed."""
    option: Option
    weights: tuple[fmpq, ...] | None
    """(K,), or None where ``slopes`` are given."""
    slopes: tuple[fmpq, ...] | None
    """(K,): h_k = w_k c_k up to a common factor."""

    @property
    def success(self) -> tuple[fmpq, ...]:
        """p_k."""
        columns = zip(*self.calls, strict=True)
        return tuple(
            total(p * x for p, x in zip(self.law, column, strict=True)) for column in columns
        )

    @property
    def gains(self) -> tuple[tuple[fmpq, ...], ...]:
        """J_k of each call minus p_k, (M, K)."""
        p = self.success
        return tuple(tuple(x - y for x, y in zip(call, p, strict=True)) for call in self.calls)

    @property
    def reach(self) -> tuple[fmpq, ...]:
        """u_k."""
        return tuple(max(max(x, -x) for x in column) for column in zip(*self.gains, strict=True))

    @property
    def labels(self) -> tuple[fmpq, ...]:
        """Equal for components whose responses are certainly equal; c falls as they rise."""
        return tuple(fmpq(0) if self.option.constant else min(p, 1 - p) for p in self.success)


def responses(menu: Menu) -> tuple[Number, ...]:
    """r_k = c_k over that of the first component; exactly 1 where it is known to be."""
    p, labels = menu.success, menu.labels
    return tuple(
        fmpq(1) if labels[k] == labels[0]
        else menu.option.response(p[k]) / menu.option.response(p[0])
        for k in range(len(p))
    )  # fmt: skip


def weights(menu: Menu) -> tuple[Number, ...]:
    """w_k, up to a common factor where slopes are given."""
    if menu.slopes is None:
        assert menu.weights is not None
        return menu.weights
    return tuple(h / r for h, r in zip(menu.slopes, responses(menu), strict=True))


def slopes(menu: Menu) -> tuple[Number, ...]:
    """w_k c_k up to a common factor."""
    if menu.slopes is not None:
        return menu.slopes
    assert menu.weights is not None
    return tuple(w * r for w, r in zip(menu.weights, responses(menu), strict=True))


def gradient_norm2(menu: Menu) -> Number:
    """|grad Jtilde|^2 with respect to the logits of the calls, for rational weights."""
    assert menu.weights is not None
    c = [menu.option.response(p) for p in menu.success]
    pull = [
        total(w * x * d for w, x, d in zip(menu.weights, c, gain, strict=True))
        for gain in menu.gains
    ]
    return total(p * p * x * x for p, x in zip(menu.law, pull, strict=True))


def parse_option(document: Mapping[str, Any]) -> Option:
    """``group_size`` >= 2, ``ddof`` 0 or 1 and ``eps`` >= 0, both 0 if not given. Raises
    ValueError, naming the field."""
    size = integer(document, "group_size", 2, MAX_GROUP)
    ddof = integer({"ddof": 0, **document}, "ddof", 0, 1)
    return Option(size, ddof, number("eps", document.get("eps", 0), NOT_NEGATIVE))


def _balanced(first: Sequence[fmpq], calls: Sequence[Sequence[fmpq]]) -> tuple[fmpq, ...]:
    """The given slopes and the last one, so that the first two calls have equal sum_k h_k J_k."""
    if len(calls) < 2 or calls[0][-1] == calls[1][-1]:
        raise ValueError("calls: the first two are to differ in the last component")
    off = [x - y for x, y in zip(calls[0], calls[1], strict=True)]
    last = -total(h * d for h, d in zip(first, off, strict=False)) / off[-1]
    if last <= 0:
        raise ValueError(f"slopes: the last would be {last}, expected calls that a slope > 0 joins")
    return (*first, last)


def parse_menu(document: Mapping[str, Any]) -> Menu:
    """From JSON: an option, ``calls`` (M, K) in [0, 1], ``odds`` (M,) >= 0, and ``weights`` (K,) or
    the first K - 1 ``slopes``; the last one is what balances the first two calls.

    Raises ValueError, naming the field.
    """
    option, rows = parse_option(document), listed("calls", entry(document, "calls"))
    k = len(listed("calls[0]", rows[0]))
    calls = tuple(numbers(f"calls[{i}]", row, UNIT, k) for i, row in enumerate(rows))
    law = shares("odds", entry(document, "odds"), positive=False)
    if len(law) != len(calls):
        raise ValueError(f"odds: {len(law)} of them, expected one for each of {len(calls)} calls")
    if "weights" in document:
        weighed = numbers("weights", document["weights"], POSITIVE, k)
        return Menu(calls, law, option, weighed, None)
    first = numbers("slopes", entry(document, "slopes"), POSITIVE, k - 1)
    return Menu(calls, law, option, None, _balanced(first, calls))
