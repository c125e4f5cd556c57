"""Points of T1.curl: the Jacobian that is enclosed, the policies that decide, and a way to fail."""

import jax
import jax.numpy as jnp
import numpy as np
from flint import fmpq

from grpo_checks.experiments.falsifier.relaxed import groups
from grpo_checks.experiments.points.stationarity import curl
from grpo_checks.experiments.points.stationarity.curl import (
    deciding_policies,
    is_curled,
    jacobian,
    sides,
)
from grpo_checks.theory.arithmetic.enclose import enclose, exact
from grpo_checks.theory.convergence.jacobian import update_jacobian
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.instances.bandit import bandit

GRPO = Estimator("group_normalized")
CLOSE = [fmpq(1, 2), fmpq(500001, 10**6), fmpq(1)]
ONE, SURE = exact([1]), exact([[1]] * 3)
OPTIONS = {"weights": ONE, "group_size": 3, "ddof": 1, "eps": fmpq(1, 4)}
BANDIT = {"outcome": SURE, "reward": exact([[[0]], [["1/2"]], [[1]]]), **OPTIONS}


def test_jacobian():
    """E[g S^T] by listing groups, and forward differentiation of the group law."""
    odds, instance = exact([1, 2, 3]), bandit()
    law = group_law(instance.mdp, 3, Estimator("group_normalized", 1, 0.25))
    theta = jnp.log(jnp.array([[1.0, 2.0, 3.0]]))
    model = (instance.mdp, instance.policy, theta)
    observed = jax.jit(update_jacobian)(*model, law)
    listed = enclose(lambda point: jacobian(**point))({"policy": odds / 6, **BANDIT})
    np.testing.assert_allclose(observed, listed.astype(float), atol=1e-14)


def test_the_symmetric_share():
    """That of J, where it is least over the deciding policies."""
    point = {name: x[None] for name, x in BANDIT.items() if name in ("outcome", "reward")}
    point |= {**OPTIONS, "group_size": 2, "ddof": 0, "eps": fmpq(0), "share": ONE}
    (observed, bound), shares = enclose(lambda p: sides(**p))(point), []
    one = enclose(lambda p: jacobian(**p))
    for odds in deciding_policies(3, 2).tolist():
        policy = exact([fmpq(n, sum(odds)) for n in odds])
        j = one({**BANDIT, "group_size": 2, "ddof": 0, "eps": fmpq(0), "policy": policy})
        even, odd = (((j + sign * j.T) ** 2).sum() for sign in (1, -1))
        shares.append(even / (even + odd))
    assert bound == 1
    assert observed == min(shares) < 1


def test_deciding_policies():
    """As many as a polynomial of degree G + 1 on the simplex has coefficients; all inside."""
    for n, size, count in ((2, 2, 4), (3, 2, 10), (3, 4, 21), (4, 2, 20)):
        odds = deciding_policies(n, size)
        assert len(set(map(tuple, odds.tolist()))) == len(odds) == count
        assert odds.min() > 0
        assert {*odds.sum(1).tolist()} == {size + 1 + n}


def test_curl_of_three_values():
    """Certain however close two values are, and for any eps; none for two values."""
    tiny = [fmpq(0), fmpq(1, 10**6), fmpq(2, 10**6)]
    for values in (CLOSE, tiny):
        for estimator in (GRPO, Estimator("group_normalized", 1, 1e-4)):
            assert is_curled(values, 3, estimator)
    assert not is_curled([fmpq(0), fmpq(1)], 5, GRPO)


def test_no_curl_of_a_plain_update(monkeypatch):
    """With the advantages of `leave_one_out` E[g] is grad J: J is symmetric at all policies."""

    def plain(kinds, weights, size, estimator, eps):
        return groups(kinds, weights, size, Estimator("leave_one_out"))

    monkeypatch.setattr(curl, "groups", plain)
    monkeypatch.setattr(curl, "_enclosed", enclose(lambda point: sides(**point)[0]))
    assert not is_curled(CLOSE, 4, GRPO)
