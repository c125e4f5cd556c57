"""The amplification recurrence: 40 digits, automatic differentiation, cycles in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from mpmath import mp, mpf
from scipy.special import expit

from grpo_checks.theory.evaluation.amplification import amplify, cycle, orbit, slope

LOG_ODDS = (-30.0, -2.0, 0.0, 0.7, 40.0)
_amplify, _slope = jax.jit(amplify), jax.jit(slope)


@jax.jit
@jax.grad
def _derivative(p, eps):
    return jax.nn.sigmoid(amplify(jnp.log(p / (1 - p)), jnp.asarray(-3.0), 4.0, eps))


def _h(x, reference, beta, eps):
    """logit h at 40 digits, from the definition."""
    with mp.workdps(40):
        p = 1 / (1 + mp.exp(-mpf(x)))
        return float(mpf(reference) + 1 / (mpf(beta) * mp.sqrt(p * (1 - p) + mpf(eps))))


@pytest.mark.parametrize("eps", [0.0, 1e-6, 0.1])
@pytest.mark.parametrize("x", LOG_ODDS)
def test_recurrence_at_40_digits(x, eps):
    """Also where p rounds to 1."""
    value = float(_amplify(x, -1.5, 3.0, eps))
    assert np.isclose(value, _h(x, -1.5, 3.0, eps), rtol=1e-14)


@pytest.mark.parametrize("eps", [0.0, 1e-3])
@pytest.mark.parametrize("x", [-6.0, -1.0, 0.0, 2.0])
def test_slope_is_the_derivative(x, eps):
    """h'(p) by automatic differentiation of p -> h(p)."""
    derivative = _derivative(expit(x), eps)
    assert np.isclose(float(_slope(x, -3.0, 4.0, eps)), float(derivative), rtol=1e-10, atol=1e-14)


def test_certain_success_stays_certain():
    """Infinite log-odds, no NaN."""
    assert float(_amplify(jnp.inf, -3.0, 1.0, 0.0)) == np.inf
    assert np.isfinite(float(_amplify(jnp.inf, -3.0, 1.0, 0.1)))


def _row(*values):
    return jax.device_put([np.array([float(v)]) for v in values])


@pytest.mark.parametrize(("low", "high", "eps"), [(0.1, 0.5, 0.0), (0.02, 0.4, 0.01)])
def test_cycles_in_closed_form(low, high, eps):
    """beta and p_ref from two points: each is the other's image."""
    x, y = jax.device_put([float(np.log(p / (1 - p))) for p in (low, high)])
    model = cycle(x, y, eps)
    assert np.isclose(
        _h(float(x), float(model.reference), float(model.beta), eps), float(y), atol=1e-13
    )
    assert np.isclose(
        _h(float(y), float(model.reference), float(model.beta), eps), float(x), atol=1e-13
    )


def test_the_whole_number_cycle():
    """{1/10, 1/2}: beta = 2/(3 ln 3), p_ref = 1/244, and starts nearby are attracted."""
    model = cycle(*jax.device_put((float(np.log(1 / 9)), 0.0)))
    assert np.isclose(float(model.beta), 2 / (3 * np.log(3)), rtol=1e-14)
    assert np.isclose(float(model.reference), -np.log(243), rtol=1e-14)
    start = _row(-2.0, float(model.reference), float(model.beta), 0.0)
    last = expit(np.asarray(orbit(*start, 100))[-2:, 0])
    np.testing.assert_allclose(np.sort(last), [0.1, 0.5], atol=1e-12)


def test_from_one_half_on_it_rises():
    """p_ref >= 1/2: a rising sequence, hence convergence, whatever beta and eps."""
    rng = np.random.default_rng(0)
    reference, beta, eps = (rng.uniform(*r, 200) for r in ((0, 4), (0.5, 9), (0.01, 1)))
    path = np.asarray(orbit(*jax.device_put((reference, reference, beta, eps)), 60))
    assert (np.diff(np.concatenate([reference[None], path]), axis=0) >= -1e-13).all()
    assert (path[0] > reference).all()


@pytest.mark.parametrize(
    ("beta", "eps", "named"), [(0.0, 0.1, "beta = 0.0"), (1, -1, "eps = -1.0")]
)
def test_bad_penalties(beta, eps, named):
    """The value is named, rather than a NaN found later."""
    with pytest.raises(ValueError, match=named):
        orbit(*_row(0.0, 0.0, beta, eps), 3)
    with pytest.raises(ValueError, match="low, high"):
        cycle(jnp.asarray(1.0), jnp.asarray(0.5))
