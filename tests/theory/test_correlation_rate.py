"""Proven distances of corr(r_k, A) from its limit: against groups written out in fractions."""

import numpy as np
import pytest
from flint import fmpq

from theory.advantages import Estimator
from theory.choice import Kind
from theory.choice_correlation import covariance, group_correlations
from theory.correlation_rate import decoupled_distance, joint_distance

JOINT, DECOUPLED = Estimator("group_normalized"), Estimator("componentwise_normalized")
HALF = fmpq(1, 2)


def _product(*laws):
    """Outcomes of independent components, each a list of (chance, reward)."""
    found = [(fmpq(1), ())]
    for law in laws:
        found = [(c * p, (*r, x)) for c, r in found for p, x in law]
    return [Kind(c, r, ()) for c, r in found]


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
    "folded": [Kind(c, r, ()) for c, r in FOLDED],
}
WEIGHTS = {"equal": (fmpq(1), fmpq(1)), "unequal": (fmpq(1), fmpq(1, 3))}


def _off(found, limit):
    """|corr - limit| from c|c|."""
    squares = np.array([float(x) for x in found])
    return np.abs(np.sign(squares) * np.sqrt(np.abs(squares)) - limit)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("name", CASES)
def test_no_group_is_farther_from_the_limit(name, weights):
    """Both estimators, each component; and not by a factor that would make it say nothing."""
    kinds, w = CASES[name], WEIGHTS[weights]
    assert covariance(kinds, 0, 1) == 0
    law = np.array([float(k.chance) for k in kinds])
    vectors = np.array([[float(x) for x in k.rewards] for k in kinds])
    whole = np.array([float(sum(a * x for a, x in zip(w, k.rewards, strict=True))) for k in kinds])
    plain = np.array([float(x) for x in w])
    sd = np.array([float(covariance(kinds, k, k)) ** 0.5 for k in range(2)])
    for size in (2, 3, 5, 7):
        cells = [
            (JOINT, plain * sd, joint_distance(law, vectors, whole, size)),
            (DECOUPLED, plain, decoupled_distance(law, vectors, plain, size)),
        ]
        for estimator, share, bound in cells:
            found = group_correlations(kinds, w, size, estimator)
            off = _off(found, share / np.linalg.norm(share))
            assert (off <= bound + 1e-14).all()


@pytest.mark.parametrize("name", CASES)
def test_they_fall_as_one_over_the_group_size(name):
    """G times the bound has a limit: 8 times the group, about an eighth."""
    law = np.array([float(k.chance) for k in CASES[name]])
    vectors = np.array([[float(x) for x in k.rewards] for k in CASES[name]])
    for bound in (
        lambda g: joint_distance(law, vectors, vectors @ [1.0, 1.0], g),
        lambda g: decoupled_distance(law, vectors, np.ones(2), g),
    ):
        np.testing.assert_allclose(8 * bound(64_000) / bound(8_000), 1, rtol=0.05)


def test_next_to_certainty_they_are_finite_or_infinite():
    """Never nan: chances down to 1e-17, where 1 - p has no digits."""
    for p in (1e-3, 1e-9, 1e-17):
        law, vectors = np.array([p, 1 - p]), np.array([[1.0], [0.0]])
        for size in (2, 64):
            joint = joint_distance(law, vectors, vectors[:, 0], size)
            assert not np.isnan([joint, decoupled_distance(law, vectors, np.ones(1), size)]).any()
