"""An oracle for components that cancel: all groups over one state's answers, at many digits."""

from fractions import Fraction
from functools import cache
from itertools import product
from math import factorial, lcm, prod
from typing import Any, NamedTuple

import mpmath as mp
import numpy as np

from grpo_checks.theory.estimators.advantages import EstimatorName
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers.counts import count_vectors
from helpers import small_models
from helpers.oracles import Floats, pad_classes

DIGITS = 700
NAME: EstimatorName = "componentwise_normalized"
TWO, BITS = [[1, 0], [0, 1]], [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
# sqrt(2/3) to 12 digits: with sd 2/5 and sqrt(6)/5 three components all but cancel.
CLOSE = Fraction((2 / 3) ** 0.5).limit_denominator(10**6)
SCALED = [[1, 0], [0, 0.5]]
CASES: dict[str, tuple[Any, Any, float]] = {
    "opposed": (TWO, [1, 1], 0.0),
    "opposed, eps": (TWO, [0.3, 0.3], 0.3),
    "unequal weights": (TWO, [1, 2], 0.0),
    "a third that varies": ([*TWO, [1, 1]], [1, 1], 1e-4),
    "scales": (SCALED, [1, 1], 0.0),
    "scales, eps": (SCALED, [1, 1], 1e-4),
    "scales that eps makes cancel": (SCALED, [1, "3/2"], 0.5),
    "three": (BITS, ["1/3", "1/3", "1/3"], 0.0),
    "three, eps": ([*BITS, [1, 1, 0]], [1, 1, 1], 0.25),
    "two against one": ([[1, 0, 0], [0, 1, 1]], [0.6, 0.2, 0.4], 0.0),
    "four": ([[1, 1, 0, 0], [0, 0, 1, 1], [1, 0, 1, 0]], [0.3, 0.2, 0.1, 0.4], 1e-6),
    "three values": ([[0, 1], [0.5, 0.5], [1, 0]], [1, 1], 0.0),
    "three values, eps": ([[0, 1], [0.5, 0.5], [1, 0], [1, 1]], [1, 1], 0.1),
    "all but": (BITS, [CLOSE, 1, 1], 0.0),
}
SIZES = (2, 3, 4, 5)


def _number(x: Any) -> Any:
    exact = Fraction(str(x))
    return mp.mpf(exact.numerator) / exact.denominator


@cache
def scores(name: str, size: int, ddof: int) -> list[tuple[tuple[int, ...], list[Any], list[Any]]]:
    """Count vector, advantage of each row, and the sum of its parts' sizes, for every group."""
    rewards, weights, eps = CASES[name]
    observed = []
    with mp.workdps(DIGITS):
        rows = [[_number(x) for x in row] for row in rewards]
        for counts in count_vectors(size, len(rows)).tolist():
            scores, parts = [mp.mpf(0)] * len(rows), [mp.mpf(0)] * len(rows)
            for k, weight in enumerate(weights):
                mean = mp.fsum(n * r[k] for n, r in zip(counts, rows, strict=True)) / size
                square = mp.fsum(n * (r[k] - mean) ** 2 for n, r in zip(counts, rows, strict=True))
                if square > mp.mpf("1e-50"):
                    per = _number(weight) / (mp.sqrt(square / (size - ddof)) + _number(eps))
                    part = [per * (r[k] - mean) for r in rows]
                    scores = [s + x for s, x in zip(scores, part, strict=True)]
                    parts = [s + abs(x) for s, x in zip(parts, part, strict=True)]
            clean = [
                s if n and abs(s) > mp.mpf("1e-40") else mp.mpf(0)
                for n, s in zip(counts, scores, strict=True)
            ]
            observed.append((tuple(counts), clean, parts))
    return observed


@cache
def menu(name: str) -> TAMDP:
    rewards, weights, _ = CASES[name]
    return small_models.menu(rewards, weights)


ANSWERS = max(len(rewards) for rewards, _, _ in CASES.values())


@cache
def _filled(name: str) -> TAMDP:
    """The menu with further answers, of rewards that each component may have, up to ``ANSWERS``."""
    rewards, weights, _ = CASES[name]
    others = [list(r) for r in product(*map(sorted, map(set, zip(*rewards, strict=True))))]
    added = [r for r in others if r not in [list(row) for row in rewards]]
    return small_models.menu([*rewards, *added][:ANSWERS], weights)


def never_taken(name: str, logits: Any) -> tuple[TAMDP, Floats]:
    """A menu of ``ANSWERS``, and ``logits (n,)`` that leave a chance of 0 to those added.

    Composites are counted in one unit, which is static, and which no moment depends on: all cases
    of so many components share their programs.
    """
    unit = lcm(*(_filled(x).composite_denominator for x in CASES))
    low = np.full(ANSWERS - len(logits), np.min(logits) - 10_000)
    return pad_classes(_filled(name), ANSWERS, unit), np.append(logits, low)[None]


class Expected(NamedTuple):
    """Of one state's groups."""

    silent: Any
    """Chance."""
    speaks: Any
    mean: list[Any]
    """Of groups that speak; advantages add up to 0, so that logits change by sum_i A_i e_i/G."""
    size: list[Any]
    """E|g_i| of groups that speak."""
    variance: Any
    """E|g - E g|^2 of groups that speak."""
    square: Any
    """E|g|^2 of groups that speak, were all parts of an advantage of one sign."""


def expected(name: str, size: int, logits: Any) -> Expected:
    """Groups that speak, at the softmax of the logits of the answers."""
    with mp.workdps(DIGITS):
        p = [mp.exp(mp.mpf(float(x))) for x in logits]
        p = [x / mp.fsum(p) for x in p]
        chances, moves, squares = [], [], []
        for counts, every, parts in scores(name, size, 0):
            ways = factorial(size) // prod(map(factorial, counts))
            chances.append(ways * mp.fprod(x**n for x, n in zip(p, counts, strict=True)))
            pull = [n * s / size for n, s in zip(counts, every, strict=True)]
            moves.append(pull if any(every) else None)
            most = [n * s / size for n, s in zip(counts, parts, strict=True)]
            squares.append(mp.fsum(x * x for x in most) if any(every) else mp.mpf(0))
        speak = mp.fsum(c for c, x in zip(chances, moves, strict=True) if x)
        silent = mp.fsum(c for c, x in zip(chances, moves, strict=True) if not x)
        kept = [(c / speak, x) for c, x in zip(chances, moves, strict=True) if x]
        answers = range(len(p))
        mean = [mp.fsum(c * x[i] for c, x in kept) for i in answers]
        sizes = [mp.fsum(c * abs(x[i]) for c, x in kept) for i in answers]
        variance = mp.fsum(c * mp.fsum((x[i] - mean[i]) ** 2 for i in answers) for c, x in kept)
        square = mp.fsum(c * x for c, x in zip(chances, squares, strict=True)) / (speak or 1)
        return Expected(silent, speak, mean, sizes, variance, square)
