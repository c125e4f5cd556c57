"""Joint and decomposed surrogates on one group: an identity, a false bridge and a true one.

For samples i = 1..G with rewards r_ik, weights w_k and ratios rho_i (no clipping, eps = 0) let
A_i = (R_i - m)/sd be the joint advantages, and A_i^(k) = (r_ik - m_k)/sd_k those of a component,
0 where sd_k = 0:

- joint surrogate 1/G sum_i rho_i A_i, decomposed surrogate 1/G sum_i rho_i sum_k w_k A_i^(k);
- misalignment Delta_i = A_i - sum_k (w_k sd_k/sd) A_i^(k), which is 0 (T2.identity: the deviations
  add up, and the scales cancel);
- T2.bridge, as reported of arXiv:2604.19857 (Eq. 46), bounds the difference of the surrogates by
  Delta, hence by 0: false;
- **T2.bridge' (derived)**: |joint - decomposed| <= (max rho - min rho)/2 sum_k w_k |sd_k/sd - 1|
  over k with sd_k > 0, for sd > 0, ddof 0 or 1. The difference is 1/G sum_i rho_i sum_k
  w_k (sd_k/sd - 1) A_i^(k); sum_i A_i^(k) = 0 allows taking the midrange off rho, and
  1/G sum_i |A_i^(k)| <= 1. Reached where all |A_i^(k)| are 1 and the terms have one sign; such
  groups have rational sd and sd_k.

Numbers are rational where they are known to be, and enclosed otherwise (``theory.numbers.balls``).
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from flint import fmpq

from grpo_checks.theory.numbers.balls import Number, magnitude, root, total
from grpo_checks.theory.numbers.fields import POSITIVE, REWARD, entry, integer, listed, numbers

NO_EPS = fmpq(0)


class Group(NamedTuple):
    """G samples of one prompt; rationals."""

    rewards: Sequence[Sequence[fmpq]]
    """(G, K)."""
    weights: Sequence[fmpq]
    """(K,), > 0."""
    ratios: Sequence[fmpq]
    """(G,), > 0: importance ratios."""
    ddof: int = 0

    @property
    def columns(self) -> list[list[fmpq]]:
        """Deviations of each component, (K, G)."""
        return [deviations(column) for column in zip(*self.rewards, strict=True)]

    @property
    def composite(self) -> list[fmpq]:
        """Deviations of R_i = sum_k w_k r_ik from their mean."""
        rows = ([w * r for w, r in zip(self.weights, x, strict=True)] for x in self.rewards)
        return deviations([total(row) for row in rows])


def parse_group(document: Mapping[str, Any]) -> Group:
    """From JSON: ``rewards`` (G, K) in [0, 1], ``weights`` (K,) > 0, ``ratios`` (G,) > 0, all 1 if
    not given, ``ddof`` 0 or 1, 0 if not given. Raises ValueError, naming the field."""
    rows = listed("rewards", entry(document, "rewards"))
    rewards = [numbers(f"rewards[{i}]", row, REWARD) for i, row in enumerate(rows)]
    weights = numbers("weights", entry(document, "weights"), POSITIVE)
    ratios = numbers("ratios", document.get("ratios", [1] * len(rows)), POSITIVE)
    ddof = integer({"ddof": 0, **document}, "ddof", 0, 1)
    shape = {len(row) for row in rewards}
    if len(rewards) < 2 or shape != {len(weights)} or len(rewards) != len(ratios):
        raise ValueError(
            f"rewards: {len(rewards)} rows of {sorted(shape)}, expected {len(ratios)} rows (one "
            f"for each ratio, 2 or more) of {len(weights)} (one for each weight)"
        )
    return Group(rewards, weights, ratios, ddof)


def deviations(values: Sequence[fmpq]) -> list[fmpq]:
    """x_i minus their mean."""
    mean = total(values) / len(values)
    return [x - mean for x in values]


def _spread(centred: Sequence[fmpq]) -> fmpq:
    return total(x * x for x in centred)


def _damping(spread: fmpq, group: Group, eps: fmpq) -> Number:
    """sd/(sd + eps), and exactly 1 where eps = 0; 0 for a component without spread."""
    if eps == 0 or spread == 0:
        return fmpq(int(spread != 0))
    sd = root(spread / (len(group.rewards) - group.ddof))
    return sd / (sd + eps)


def scaled_misalignment(group: Group, eps: fmpq = NO_EPS) -> list[Number]:
    """sd Delta_i = (R_i - m) sd/(sd + eps) - sum_k w_k (r_ik - m_k) sd_k/(sd_k + eps).

    Rational, and so certainly 0, where eps = 0: sd_k cancels in (w_k sd_k/sd) A_i^(k).
    """
    columns, composite = group.columns, group.composite
    damping = [_damping(_spread(column), group, eps) for column in columns]
    whole = _damping(_spread(composite), group, eps)
    parts = list(zip(group.weights, damping, columns, strict=True))
    return [a * whole - total(w * d * c[i] for w, d, c in parts) for i, a in enumerate(composite)]


class Surrogates(NamedTuple):
    """Both surrogates of one group, and what is said to bound their difference."""

    joint: Number
    decomposed: Number
    misalignment: Number
    """1/G sum_i |Delta_i|."""
    bridge: Number
    """Right-hand side of T2.bridge'."""

    @property
    def difference(self) -> Number:
        """|joint - decomposed|."""
        return magnitude(self.joint - self.decomposed)


def surrogates(group: Group) -> Surrogates:
    """At eps = 0. Raises ValueError where all composites are equal."""
    size, composite = len(group.rewards), group.composite
    spread, freedom = _spread(composite), len(group.rewards) - group.ddof
    if spread == 0:
        raise ValueError("rewards: all composites equal, expected sd > 0")

    def weighed(centred: Sequence[fmpq]) -> fmpq:
        return total(x * rho for x, rho in zip(centred, group.ratios, strict=True)) / size

    sd = root(spread / freedom)
    decomposed, bridge = [], []
    for weight, column in zip(group.weights, group.columns, strict=True):
        own = _spread(column)
        if own:
            decomposed.append(weight * weighed(column) / root(own / freedom))
            bridge.append(weight * magnitude(root(own / spread) - 1))
    return Surrogates(
        weighed(composite) / sd,
        total(decomposed),
        total(magnitude(x) for x in scaled_misalignment(group)) / size / sd,
        (max(group.ratios) - min(group.ratios)) / 2 * total(bridge),
    )
