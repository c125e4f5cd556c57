"""Silent groups whose components cancel: against all groups at 60 digits, for both engines."""

from fractions import Fraction
from functools import cache
from itertools import product
from math import factorial, prod
from typing import Any

import jax
import jax.numpy as jnp
import mpmath as mp
import numpy as np
import pytest

from theory.advantages import Estimator
from theory.counts import count_vectors
from theory.group_counts import advantages
from theory.group_law import group_law
from theory.group_pairs import is_two_valued
from theory.model import TAMDP
from theory.policy import Tabular
from theory.silent import filtered_moments, silent_probabilities

NAME = "componentwise_normalized"
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
OF_ALL = [(c, g, d) for c in CASES for g in SIZES for d in (0, 1)]


def _number(x: Any) -> Any:
    exact = Fraction(str(x))
    return mp.mpf(exact.numerator) / exact.denominator


@cache
def _scores(name: str, size: int, ddof: int) -> list[tuple[tuple[int, ...], list[Any]]]:
    """Count vector and advantage of each row, for every group, at 60 digits."""
    rewards, weights, eps = CASES[name]
    found = []
    with mp.workdps(60):
        rows = [[_number(x) for x in row] for row in rewards]
        for counts in count_vectors(size, len(rows)).tolist():
            scores = [mp.mpf(0)] * len(rows)
            for k, weight in enumerate(weights):
                mean = mp.fsum(n * r[k] for n, r in zip(counts, rows, strict=True)) / size
                square = mp.fsum(n * (r[k] - mean) ** 2 for n, r in zip(counts, rows, strict=True))
                if square > mp.mpf("1e-50"):
                    per = _number(weight) / (mp.sqrt(square / (size - ddof)) + _number(eps))
                    scores = [s + per * (r[k] - mean) for s, r in zip(scores, rows, strict=True)]
            clean = [
                s if n and abs(s) > mp.mpf("1e-40") else mp.mpf(0)
                for n, s in zip(counts, scores, strict=True)
            ]
            found.append((tuple(counts), clean))
    return found


@cache
def _menu(name: str) -> TAMDP:
    rewards, weights, _ = CASES[name]
    return TAMDP(
        prompt_distribution=[1],
        initial_distribution=[[1]],
        depth=[0],
        tool_transition=[],
        legal=np.ones((1, len(rewards)), bool),
        reward=[[rewards]],
        weights=weights,
    )


def _engines(name: str) -> list[Any]:
    return ["counts", "lattice"] if is_two_valued(np.array(CASES[name][0], float)) else ["counts"]


@pytest.mark.parametrize(("name", "size", "ddof"), OF_ALL)
def test_which_groups_are_silent(name, size, ddof):
    """Every group, and every advantage, of the table of count vectors."""
    rewards, weights, eps = CASES[name]
    listed = _scores(name, size, ddof)
    counts = np.array([c for c, _ in listed])
    weights = np.array([float(Fraction(str(w))) for w in weights])
    estimator = Estimator(NAME, ddof, eps)
    found, speaks = advantages(np.array(rewards, float), weights, counts, estimator)
    assert speaks.tolist() == [any(s) for _, s in listed]
    np.testing.assert_allclose(found, np.array([s for _, s in listed], float), atol=1e-14)


def _expected(name: str, size: int, logits: Any) -> tuple[float, Any, float]:
    """Chance of silence, and mean and variance of groups that speak, of one state's logits."""
    rewards = CASES[name][0]
    p = [mp.exp(mp.mpf(float(x))) for x in logits]
    p = [x / mp.fsum(p) for x in p]
    chances, moves = [], []
    for counts, scores in _scores(name, size, 0):
        ways = factorial(size) // prod(map(factorial, counts))
        chances.append(ways * mp.fprod(x**n for x, n in zip(p, counts, strict=True)))
        pull = [n * s / size for n, s in zip(counts, scores, strict=True)]
        # Advantages add up to 0: the change of the logits, sum_i A_i (e_i - p)/G.
        moves.append(pull if any(scores) else None)
    speak = mp.fsum(c for c, x in zip(chances, moves, strict=True) if x)
    silent = mp.fsum(c for c, x in zip(chances, moves, strict=True) if not x)
    kept = [(c / speak, x) for c, x in zip(chances, moves, strict=True) if x]
    mean = [mp.fsum(c * x[i] for c, x in kept) for i in range(len(rewards))]
    square = mp.fsum(
        c * mp.fsum((a - m) ** 2 for a, m in zip(x, mean, strict=True)) for c, x in kept
    )
    return float(silent), np.array(mean, float), float(square)


@jax.jit
def _both(*model):
    return silent_probabilities(*model)[0], filtered_moments(*model)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CASES)
def test_probability_of_silence_and_what_speaks(name, size):
    """P(silent), and mean, V and number of episodes of groups that speak."""
    mdp, logits = _menu(name), jnp.linspace(-0.5, 0.7, len(CASES[name][0]))[None]
    silent, mean, variance = _expected(name, size, logits[0])
    for engine in _engines(name):
        law = group_law(mdp, size, Estimator(NAME, 0, CASES[name][2]), engine, max(SIZES))
        chance, found = _both(mdp, Tabular(mdp), logits, law)
        assert float(chance) == pytest.approx(silent, rel=1e-13)
        if silent > 1 - 1e-12:
            assert float(found.episodes) == np.inf
            assert float(found.update.variance) == 0
            continue
        np.testing.assert_allclose(found.update.mean, mean, atol=1e-12)
        assert float(found.update.variance) == pytest.approx(variance, abs=1e-12)
        assert float(found.episodes) == pytest.approx(size / (1 - silent), rel=1e-11)


@pytest.mark.parametrize(("weights", "expected"), [([1, 1], 1.0), ([1, 2], 0.5)])
def test_two_rewards_that_cancel(weights, expected):
    """(1, 0) and (0, 1): with equal weights no group ever speaks; joint ones as composites say."""
    name = "opposed" if expected == 1 else "unequal weights"
    mdp = _menu(name)
    for estimator in (NAME, "group_normalized", "mean_baseline", "leave_one_out"):
        law = group_law(mdp, 2, Estimator(estimator))
        policy = Tabular(mdp)
        assert float(silent_probabilities(mdp, policy, policy.zeros(), law)[0]) == expected, weights


def test_too_many_groups_are_refused():
    """Sixteen vectors of four components in groups of 64: moments are served, silence is not."""
    rewards = list(product([0, 1], repeat=4))
    CASES["sixteen"] = rewards, [1, 1, 1, 1], 0.0
    mdp = _menu("sixteen")
    model = mdp, Tabular(mdp), Tabular(mdp).zeros(), group_law(mdp, 64, Estimator(NAME))
    for ask in (silent_probabilities, filtered_moments):
        with pytest.raises(ValueError, match=r"group_size = 64: too many groups may cancel"):
            ask(*model)
