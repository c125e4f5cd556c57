"""Proven distances of corr(r_k, A) from its limit: against groups written out in fractions."""

from functools import cache

import numpy as np
import pytest
from flint import fmpq
from helpers.group_oracles import correlations, covariance

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.rational.choices.choice import Kind
from grpo_checks.theory.updates import correlation_rate
from grpo_checks.theory.updates.correlation_rate import decoupled_distance, joint_distance

JOINT, DECOUPLED = Estimator("group_normalized"), Estimator("componentwise_normalized")
HALF = fmpq(1, 2)


def _product(*laws):
    """Outcomes of independent components, each a list of (chance, reward)."""
    observed = [(fmpq(1), ())]
    for law in laws:
        observed = [(c * p, (*r, x)) for c, r in observed for p, x in law]
    return [Kind(c, r, ()) for c, r in observed]


def _coin(p):
    return [(1 - p, fmpq(0)), (p, fmpq(1))]


GRADED = [(fmpq(1, 5), fmpq(0)), (fmpq(1, 2), HALF), (fmpq(3, 10), fmpq(1))]
# r_2 says whether r_1 is 1/2: uncorrelated by symmetry, not independent.
FOLDED = [
    (fmpq(1, 4), (fmpq(0), fmpq(0))),
    (HALF, (HALF, fmpq(1))),
    (fmpq(1, 4), (fmpq(1), fmpq(0))),
]
CASES = {
    "coins": _product(_coin(HALF), _coin(fmpq(9, 10))),
    "rare": _product(_coin(fmpq(1, 50)), _coin(fmpq(1, 3))),
    "graded": _product(GRADED, _coin(fmpq(1, 4))),
    "both graded": _product(GRADED, [(fmpq(3, 5), fmpq(1, 4)), (fmpq(2, 5), fmpq(1))]),
    "seldom": _product(_coin(fmpq(1, 1000)), _coin(HALF)),
    "folded": [Kind(c, r, ()) for c, r in FOLDED],
}
SIZES = (2, 3, 5, 8)
WEIGHTS = {"equal": (fmpq(1), fmpq(1)), "unequal": (fmpq(1), fmpq(1, 3))}


def _off(observed, limit):
    """|corr - limit| from c|c|."""
    squares = np.array([float(x) for x in observed])
    return np.abs(np.sign(squares) * np.sqrt(np.abs(squares)) - limit)


def _floats(name):
    """Law, reward vectors and standard deviations."""
    kinds = CASES[name]
    law = np.array([float(k.chance) for k in kinds])
    vectors = np.array([[float(x) for x in k.rewards] for k in kinds])
    return law, vectors, np.array([float(covariance(kinds, k, k)) ** 0.5 for k in range(2)])


@cache
def _distance(name, weights, size, joint):
    """Right, of both components."""
    plain, sd = np.array([float(x) for x in weights]), _floats(name)[2]
    share = plain * sd if joint else plain
    observed = correlations(CASES[name], weights, size, JOINT if joint else DECOUPLED)
    return _off(observed, share / np.linalg.norm(share))


def _bound(name, weights, size, joint):
    law, vectors, _ = _floats(name)
    plain = np.array([float(x) for x in weights])
    if joint:
        return joint_distance(law, vectors, vectors @ plain, size)
    return decoupled_distance(law, vectors, plain, size)


def _exceeded(name, weights):
    """Cells in which a distance is beyond what is said of it."""
    cells = ((size, joint) for size in SIZES for joint in (True, False))
    return [
        c for c in cells if (_distance(name, weights, *c) > _bound(name, weights, *c) + 1e-14).any()
    ]


@pytest.mark.parametrize("weights", WEIGHTS.values(), ids=WEIGHTS)
@pytest.mark.parametrize("name", CASES)
def test_no_group_is_farther_from_the_limit(name, weights):
    """Both estimators, each component."""
    assert covariance(CASES[name], 0, 1) == 0
    assert _exceeded(name, weights) == []


RATIO, VARIED = correlation_rate._ratio_error, correlation_rate._varied
FALSE = {
    "half": ("_ratio_error", lambda *a: RATIO(*a) / 2),
    "no covariance": (
        "_ratio_error",
        lambda pairs, g, k, j: (
            RATIO(pairs, g, k, j)
            - abs(pairs.covariance[k, j]) * (1 / g + 1 / g**2) / (2 * pairs.deviation[j])
        ),
    ),
    "no spread": (
        "_ratio_error",
        lambda pairs, g, k, j: RATIO(pairs, g, k, j) - pairs.spread[j] / 2,
    ),
    "no silence": ("_varied", lambda *a: (1.0, 0.0)),
}


@pytest.mark.parametrize("change", FALSE)
def test_what_is_dropped_is_missed(change, monkeypatch):
    """Smaller distances are exceeded somewhere."""
    monkeypatch.setattr(correlation_rate, *FALSE[change])
    assert any(_exceeded(name, w) for name in CASES for w in WEIGHTS.values())


@pytest.mark.parametrize("name", CASES)
def test_they_fall_as_one_over_the_group_size(name):
    """G times the bound has a limit: 8 times the group, about an eighth."""
    law, vectors, _ = _floats(name)
    for bound in (
        lambda g: joint_distance(law, vectors, vectors @ [1.0, 1.0], g),
        lambda g: decoupled_distance(law, vectors, np.ones(2), g),
    ):
        np.testing.assert_allclose(8 * bound(8_000_000) / bound(1_000_000), 1, rtol=0.05)


def test_next_to_certainty_they_are_finite_or_infinite():
    """Never nan: chances down to 1e-17, where 1 - p has no digits."""
    for p in (1e-3, 1e-9, 1e-17):
        law, vectors = np.array([p, 1 - p]), np.array([[1.0], [0.0]])
        for size in (2, 64):
            joint = joint_distance(law, vectors, vectors[:, 0], size)
            assert not np.isnan([joint, decoupled_distance(law, vectors, np.ones(1), size)]).any()
