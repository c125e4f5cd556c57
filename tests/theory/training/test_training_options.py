"""What the options of training do: step sizes, optimisers, off-policy steps, precision."""

import jax
import numpy as np
import pytest
from helpers.python_loops import INSTANCES, LOO, PLAIN, SEEDS, STEP, compiled, loop, run, update
from scipy.stats import norm

from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.training.batch import Training, batch_loss


def _adam():
    """Adam's published recursion (arXiv:1412.6980), with a state of its own."""
    first, second = 0.0, 0.0

    def move(t, theta, g):
        nonlocal first, second
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g * g
        scale = np.sqrt(second / (1 - 0.999 ** (t + 1))) + 1e-8
        return theta + STEP * first / (1 - 0.9 ** (t + 1)) / scale

    return move


@pytest.mark.parametrize(
    ("options", "make"),
    [
        ({"schedule": "c/sqrt(T)"}, lambda: lambda t, theta, g: theta + STEP / 20**0.5 * g),
        ({"schedule": "c/sqrt(t)"}, lambda: lambda t, theta, g: theta + STEP / (t + 1) ** 0.5 * g),
        ({"optimizer": "adam"}, _adam),
    ],
    ids=["c/sqrt(T)", "c/sqrt(t)", "adam"],
)
def test_schedules_and_optimizers(options, make):
    """The step sizes are those that were asked for."""
    training = Training(LOO, 4, **options)
    g, move = update("conflict", training), make()
    path = loop("conflict", training, 20, lambda t, th, batch: move(t, th, g(th, batch)))
    trace = run("conflict", training, 7, 20)
    assert len({float(th[0]) for th in path}) > 5
    np.testing.assert_allclose(trace.theta[:, 0], [path[7][0], path[20][0]], atol=1e-11)


def _off_policy_path(clipping):
    """Two steps on each batch: the second one is off policy."""
    _, mdp, policy, start, *_ = INSTANCES["conflict"]
    training = Training(LOO, 4, inner_epochs=2, clipping=clipping)
    log_probs = jax.jit(lambda th: policy.log_probs(th))
    reference = log_probs(start)
    loss = lambda th, old, b: batch_loss(mdp, policy, th, old, reference, b, training)  # noqa: E731
    compiled_slope = jax.jit(jax.grad(loss))
    slope = lambda *at: np.asarray(compiled_slope(*at))  # noqa: E731

    def move(_, theta, batch):
        old = log_probs(theta)
        half_way = theta - STEP * slope(theta, old, batch)
        return half_way - STEP * slope(half_way, old, batch)

    return training, loop("conflict", training, 20, move)


def test_inner_epochs_go_off_policy():
    """The second step on a batch sees ratios, clipping and the KL to the policy at the start."""
    training, path = _off_policy_path(Clipping(0.01, beta=0.3))
    trace = run("conflict", training, 7, 20)
    np.testing.assert_allclose(trace.theta[:, 0], [path[7][0], path[20][0]], atol=1e-11)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(trace))
    for other in (Clipping(0.9, beta=0.3), Clipping(0.01)):
        assert abs(_off_policy_path(other)[1][-1] - path[-1])[0] > 1e-3


def test_float32_update_follows_float64():
    """The same episodes, the loss in either precision: 12 steps apart by rounding only."""
    ends = []
    for training in (PLAIN, Training(LOO, 4, precision="float32")):
        g = update("coding", training)
        ends.append(loop("coding", PLAIN, 12, lambda t, th, b, u=g: th + STEP * u(th, b))[-1])
    gap = float(abs(ends[0] - ends[1]).max())
    assert 0 < gap < 1e-5


def test_float32_training_agrees_in_law_and_learns():
    """Other uniforms, the same distribution: mean J over seeds within its error (level 0.001)."""
    runs = [
        compiled("coding", Training(LOO, 4, precision=p))(
            SEEDS, jax.device_put(1.0), np.array([0, 200])
        )
        for p in ("float64", "float32")
    ]
    final = [np.asarray(run.value[:, -1]) for run in runs]
    error = np.sqrt(sum(v.var(ddof=1) / v.size for v in final))
    gained = final[0].mean() - np.asarray(runs[0].value)[0, 0]
    assert gained > 0.3
    assert 0 < error < gained / 20
    assert abs(final[0].mean() - final[1].mean()) < norm.isf(0.0005) * error
    assert runs[1].theta.dtype == np.float64
