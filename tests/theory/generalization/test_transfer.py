"""Transfer bounds: random laws, known values, equality where it is reached; what depth does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chisquare, entropy

from grpo_checks.theory.evaluation.values import component_values, prompt_values
from grpo_checks.theory.generalization.learning import sampled_policies
from grpo_checks.theory.generalization.transfer import (
    chi_square,
    depth_bound,
    depth_bound_coupled,
    kl_divergence,
    response_distance,
    reweighted,
    shifted,
    step_kl_bound,
    total_variation,
)
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.relay import relay
from grpo_checks.theory.numbers.kl import kl_first
from grpo_checks.theory.updates.rounding import accumulated

_shifted, _single = jax.jit(jax.vmap(shifted)), jax.jit(shifted)
_first, _kl, _square = (jax.jit(f) for f in (kl_first, kl_divergence, chi_square))


def _laws(size=400, types=5):
    """Random losses and pairs of laws, many of them next to a corner or with empty types."""
    rng = np.random.default_rng(0)
    losses = np.round(rng.random((size, types)), rng.integers(0, 3))
    source, target = (rng.dirichlet(np.full(types, 0.4), size) for _ in range(2))
    for law in (source[: size // 4], target[size // 4 : size // 2]):
        law[:, rng.integers(types)] = 0
        law /= law.sum(-1, keepdims=True)
    return losses, source, target


def test_every_bound_holds_on_random_laws():
    """400 pairs; the reversed order of KL too, and no bound above 1."""
    losses, source, target = _laws()
    risk = (losses * target).sum(-1)
    error = np.full(len(losses), accumulated(losses.shape[1] + 16))
    for name, bound in _shifted(losses, source, target, error)._asdict().items():
        assert (risk <= np.asarray(bound)).all(), name
        assert (np.asarray(bound) <= 1).all(), name


def test_the_order_matters():
    """Data processing with the laws swapped says less than L_T, where KL is not symmetric."""
    losses, source, target = map(np.array, ([0.0, 1.0], [0.9, 0.1], [0.5, 0.5]))
    right, wrong = (
        float(_first(losses @ source, _kl(*laws))) for laws in ((target, source), (source, target))
    )
    assert wrong < 0.45 < 0.5 <= right < 0.5 + 1e-12


def test_equality_is_reached():
    """A loss of 0 or 1 on two types: oscillation, TV and data processing are exact."""
    losses, source, target = map(np.array, ([0.0, 1.0], [0.8, 0.2], [0.3, 0.7]))
    bounds = _single(losses, source, target)
    for bound in (bounds.oscillation, bounds.variation, bounds.data_processing):
        assert float(bound) == pytest.approx(0.7, abs=1e-14)


def test_distances_against_scipy():
    """entropy and chisquare; infinite where the source lacks a type of the target."""
    p, q = np.array([0.2, 0.5, 0.3]), np.array([0.4, 0.4, 0.2])
    assert float(_kl(p, q)) == pytest.approx(entropy(p, q))
    assert float(_square(p, q)) == pytest.approx(chisquare(p, q).statistic)
    assert float(jax.jit(total_variation)(p, q)) == pytest.approx(0.2)
    one, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert float(_kl(one, other)) == float(_square(one, other)) == np.inf
    assert float(_kl(one, one)) == float(_square(one, one)) == 0


def test_disjoint_laws_leave_nothing_but_oscillation():
    """TV = 1, KL and chi-square infinite: every bound is 1, without a NaN, at any L_S."""
    source, target = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    for losses in ([0.0, 0.3], [0.4, 0.1], [1.0, 0.0]):
        bounds = _single(np.array(losses), source, target)
        assert set(map(float, bounds[1:])) == {1.0}
        assert float(bounds.oscillation) >= losses[1]


def test_importance_weights():
    """E_S of the weighted loss is L_T/w_max; infinite weights where the source lacks a type."""
    losses = np.array([[0.1, 0.9], [0.5, 0.2]])
    source, target, weigh = np.array([0.75, 0.25]), np.array([0.5, 0.5]), jax.jit(reweighted)
    weighted, top = map(np.asarray, weigh(losses, source, target))
    np.testing.assert_allclose(weighted @ source * top, losses @ target)
    assert float(weighted.max()) <= 1
    assert float(top) == 2
    assert float(weigh(losses, np.array([1.0, 0.0]), target)[1]) == np.inf


def _always(instance):
    probs = np.zeros(instance.mdp.legal.shape)
    probs[:-2, 0] = probs[-2:, 1] = 1
    return jax.device_put(probs)


_components, _values = jax.jit(component_values), jax.jit(prompt_values)


@pytest.mark.parametrize("repair", [False, True])
def test_relay_by_hand(repair):
    """Delivery with probability (1-f)^D where a loss is final, 1-f where it is repaired."""
    for depth, failure in ((1, 0.1), (3, 0.1), (6, 0.3)):
        instance = relay(2, depth=depth, failure=failure, repair=repair)
        values = _components(instance.mdp, _always(instance))
        expected = 1 - failure if repair else (1 - failure) ** depth
        np.testing.assert_allclose(values, [[expected] * 2])


def test_depth_bounds_on_relay():
    """The product form is attained, and the linear one lies above it."""
    for depth in (1, 5):
        source, target = (relay(depth=depth, failure=f) for f in (0.0, 0.01))
        distance = response_distance(source.mdp, target.mdp)
        assert float(distance) == pytest.approx(0.01)
        before, after = (np.asarray(_values(i.mdp, _always(i))) for i in (source, target))
        gap = before - after
        assert float(gap[0]) == pytest.approx(float(depth_bound_coupled(1.0, depth, 0.0, distance)))
        assert float(gap[0]) <= float(depth_bound(1.0, depth, 0.0, distance)) + 1e-15


def test_kl_of_episodes_is_below_its_step_bound():
    """For random pairs of policies on `coding`."""
    instance = coding(1)
    with np.errstate(divide="ignore"):
        logs = np.log(sampled_policies(instance.policy, 20, 1.0))
    pair = jax.jit(jax.vmap(lambda p, q: jnp.stack(step_kl_bound(instance.mdp, p, q))))
    left, right = np.asarray(pair(logs, np.roll(logs, 1, 0))).T
    assert (left <= right).all()
    assert np.asarray(pair(logs, logs)).max() == 0


def test_bad_relay():
    """Depth and failure are named."""
    with pytest.raises(ValueError, match="depth = 0"):
        relay(depth=0)
    with pytest.raises(ValueError, match=r"failure = 1\.5"):
        relay(failure=1.5)
