"""The compiled training loop against plain Python loops with the same keys."""

from functools import partial

import jax
import jaxtyping
import numpy as np
import pytest
from helpers.python_loops import (
    INSTANCES,
    LOO,
    PLAIN,
    SEEDS,
    STEP,
    STEP_SIZE,
    compiled,
    loop,
    run,
    update,
)

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_law import group_law
from grpo_checks.theory.evaluation.values import value
from grpo_checks.theory.training.batch import Training
from grpo_checks.theory.updates.moments import update_moments

NORMALIZED = Training(Estimator("group_normalized", 1, 1e-4), group_size=4, prompts=3)


def _exact_along(name, training, path):
    """J and |grad J|^2 at every theta of a path, and the row x of each of its steps."""
    _, mdp, policy, *_ = INSTANCES[name]
    args = group_law(mdp, training.group_size, training.estimator), training.prompts
    exact = jax.jit(lambda th: (value(mdp, policy, th), update_moments(mdp, policy, th, *args)))
    values, moments = zip(*map(exact, path), strict=True)
    x = np.array([[m.squared_gradient, m.squared_bias, m.variance] for m in moments])
    moved = np.diff([np.asarray(theta).reshape(-1) for theta in path], axis=0)
    along = (np.array([m.gradient for m in moments[:-1]]) * moved).sum(1)
    steps = np.column_stack([x[:-1], np.diff(np.array(values)), along])
    return np.array(values), x[:, 0], steps


@pytest.mark.parametrize(("name", "training"), [("coding", PLAIN), ("conflict", NORMALIZED)])
def test_equals_a_python_loop(name, training):
    """theta, J, |grad J|^2 and every running sum, at each checkpoint."""
    move, ends = update(name, training), [5, 12]
    path = loop(name, training, 12, lambda t, th, batch: th + STEP * move(th, batch))
    trace = run(name, training, *ends)
    values, squared_gradients, x = _exact_along(name, training, path)
    assert (x.std(0) > 0).sum() >= 3
    close = partial(np.testing.assert_allclose, atol=1e-11)
    close(trace.theta, np.array([path[end].reshape(-1) for end in ends]))
    close(trace.value, values[ends])
    close(trace.squared_gradient, squared_gradients[ends])
    close(trace.sums.total, [x[:end].sum(0) for end in ends])
    close(trace.sums.products, [x[:end].T @ x[:end] for end in ends])


def test_checkpoints_do_not_change_the_run():
    """Looking elsewhere must not draw other numbers; a look at step 0 sees the start."""
    one, other = run("coding", PLAIN, 5, 12), run("coding", PLAIN, 0, 12)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_allclose(a[-1], b[-1], atol=1e-13)
    assert (other.theta[0] == np.ravel(INSTANCES["coding"].theta)).all()
    assert (other.sums.total[0] == 0).all()
    np.testing.assert_allclose(
        other.sums.total[-1, 3], other.value[-1] - other.value[0], atol=1e-13
    )


def test_recording_does_not_change_the_run():
    """The same theta without it, J and |grad J|^2 at the checkpoints, and no sums."""
    args = (SEEDS[:1], STEP_SIZE, np.array([5, 12]))
    on, off = (compiled("coding", PLAIN, recorded)(*args) for recorded in (True, False))
    for name in ("theta", "value", "squared_gradient"):
        np.testing.assert_allclose(getattr(on, name), getattr(off, name), atol=1e-13)
    assert np.isnan(off.sums.total).all()
    assert np.asarray(on.sums.total).any()


def test_number_of_steps_is_data():
    """A sweep over T, steps and seeds compiles once."""
    jitted = compiled("conflict", PLAIN)
    for t, step, seed in ((10, 0.5, 0), (37, 0.5, 0), (37, 0.1, 1)):
        jitted(jax.random.key(seed)[None], jax.device_put(step), np.array([0, t]))
    assert jitted._cache_size() == 1


def test_a_run_does_not_depend_on_the_others():
    """Many seeds at once give the single runs."""
    args = (STEP_SIZE, np.array([5, 12]))
    many = jax.tree.map(np.asarray, compiled("coding", PLAIN)(SEEDS, *args))
    for i in range(3):
        one = jax.tree.map(np.asarray, compiled("coding", PLAIN)(SEEDS[i : i + 1], *args))
        for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(one), strict=True):
            np.testing.assert_allclose(a[i], b[0], atol=1e-11)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("group_size", 1),
        ("prompts", 0),
        ("inner_epochs", 0),
        ("schedule", "cosine"),
        ("optimizer", "lion"),
        ("precision", "float16"),
    ],
)
def test_bad_settings_are_refused(monkeypatch, field, value):
    """Before a run starts, naming the field, the value and what was expected."""
    # Outside the tests no hook checks types first.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=f"{field} = {value!r}: expected"):
        Training(**{"estimator": LOO, "group_size": 4, field: value})
