"""The surrogate against TRL's losses and formula, and what its options may not touch."""

import json
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import pytest

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.losses.surrogate import Clipping, surrogate_loss
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.training.batch import Training, batch_loss, sample_batch
from grpo_checks.theory.training.episodes import action_cdf

ORACLE = json.loads((Path(__file__).parents[2] / "data" / "grpo_losses.json").read_text())
CONFLICT = conflict()
_loss = jax.jit(surrogate_loss, static_argnums=6)
_loss_and_slope = jax.jit(jax.value_and_grad(surrogate_loss), static_argnums=6)


def _clipping(case):
    return Clipping(
        low=case["epsilon"],
        high=case["epsilon_high"],
        ceiling=case["delta"],
        level=case["importance_sampling_level"],
        beta=case["beta"],
        ratio_weighted_kl=case.get("use_bias_correction_kl", False),
    )


AGGREGATIONS = {
    "grpo": Aggregation("sequence_mean"),
    "bnpo": Aggregation("token_mean"),
    "dapo": Aggregation("token_mean"),
    "dr_grpo": Aggregation("constant"),
}  # By TRL's name, on one device with one micro-batch.


def _step_weights(mask, loss_type, horizon):
    share = jnp.full(len(mask), 1 / len(mask))
    return mask * AGGREGATIONS[loss_type].weights(mask.sum(1), share, horizon)[:, None]


@jax.jit
def _losses(new, old, reference, mask, advantages):
    """Loss and gradient of every case."""
    longest = ORACLE["max_completion_length"]
    weights = {name: _step_weights(mask, name, longest) for name in AGGREGATIONS}
    rest = (old, reference, mask, advantages)
    both = jax.value_and_grad(surrogate_loss)
    return [both(new, *rest, weights[c["loss_type"]], _clipping(c)) for c in ORACLE["cases"]]


NAMES = ("new_logps", "old_logps", "ref_logps", "mask", "advantages")
_computed = cache(lambda: _losses(*(np.array(ORACLE[name], float) for name in NAMES)))


@pytest.mark.parametrize("number", range(len(ORACLE["cases"])))
def test_reproduces_trl(number):
    """Loss and gradient of the trainer that practitioners run; 1e-6, as for its advantages."""
    case, (loss, slope) = ORACLE["cases"][number], _computed()[number]
    np.testing.assert_allclose(loss, case["loss"], atol=1e-6, rtol=0)
    np.testing.assert_allclose(slope, case["grad"], atol=1e-6, rtol=0)


def _trl_loss(new, old, reference, mask, advantages, weights, c):
    """TRL's formula in NumPy: the KL is weighted by the ratio itself, before delta caps it."""
    log_ratio = new - old
    if c.level == "sequence":
        log_ratio = (log_ratio * mask).sum(1, keepdims=True) / mask.sum(1, keepdims=True)
    ratio, gain = np.exp(log_ratio), advantages[:, None]
    kl = (np.exp(reference - new) - (reference - new) - 1) * (ratio if c.ratio_weighted_kl else 1)
    held = np.clip(ratio, 1 - c.low, 1 + (c.low if c.high is None else c.high))
    capped = ratio if c.ceiling is None else np.minimum(ratio, c.ceiling)
    return ((-np.minimum(capped * gain, held * gain) + c.beta * kl) * weights).sum()


@pytest.mark.parametrize("ratio_weighted_kl", [False, True])
@pytest.mark.parametrize("level", ["token", "sequence"])
@pytest.mark.parametrize("ceiling", [None, 1.3])
def test_matches_trl_formula_far_off_policy(ceiling, level, ratio_weighted_kl):
    """In the oracle cases no ratio reaches delta, so that option needs a harder sample."""
    rng = np.random.default_rng(0)
    new, old, reference = -rng.exponential(size=(3, 64, 5))
    mask = (np.arange(5) < rng.integers(1, 6, (64, 1))).astype(float)
    advantages, weights = rng.normal(size=64), mask / mask.sum()
    clipping = Clipping(0.2, 0.28, ceiling, level, 0.3, ratio_weighted_kl)
    arrays = (new, old, reference, mask, advantages, weights)
    ours = _loss(*arrays, clipping)
    np.testing.assert_allclose(ours, _trl_loss(*arrays, clipping), atol=1e-12)


@partial(jax.jit, static_argnames="clipping")
def _on_policy(clipping):
    """The gradient of one batch's loss at the policy that sampled it."""
    _, mdp, policy, *_ = CONFLICT
    theta, training = jnp.array([0.4]), Training(Estimator("leave_one_out"), 8, clipping=clipping)
    cdf = action_cdf(policy.probs(theta))
    batch = sample_batch(jax.random.key(2), Chances(mdp), cdf, training)
    old = policy.log_probs(theta)
    return jax.grad(lambda t: batch_loss(mdp, policy, t, old, old, batch, training))(theta)


@pytest.mark.parametrize(
    "options",
    [
        {"level": "sequence"},
        {"high": 0.28, "ceiling": 1.5},
        {"beta": 0.5},
        {"beta": 0.5, "ratio_weighted_kl": True, "level": "sequence"},
        {"low": 0.0},
        {"high": 0.0},
        {"ceiling": 1.0},
        {"ceiling": 0.5},
    ],
    ids=str,
)
def test_options_do_not_touch_the_on_policy_gradient(monkeypatch, options):
    """Every accepted option acts off policy only; one that would not must be refused."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    try:
        clipping = Clipping(**options)
    except ValueError as refusal:
        assert next(iter(options)) in str(refusal)  # noqa: PT017
        return
    plain = np.asarray(_on_policy(Clipping()))
    assert abs(plain[0]) > 1e-2
    np.testing.assert_allclose(_on_policy(clipping), plain, atol=1e-12)


def _one_step(ratio, advantage, clipping):
    """Loss and its derivative for one episode of one step; the derivative is by log pi."""
    one, zero = np.ones((1, 1)), np.zeros((1, 1))
    rest = (zero, zero, one, np.array([advantage]), one, clipping)
    loss, slope = _loss_and_slope(np.log([[ratio]]), *rest)
    return float(loss), float(np.asarray(slope)[0, 0])


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "slope"),
    [
        (1.5, 2.0, -1.28 * 2, 0.0),  # above the range and still rising: blocked
        (0.5, -2.0, 0.8 * 2, 0.0),  # below the range and still falling: blocked
        (1.5, -2.0, 3.0, 3.0),  # moving back into the range: kept
        (0.5, 2.0, -1.0, -1.0),
        (1.25, 2.0, -2.5, -2.5),  # inside, because high is .28 and not .2
        (2.5, -2.0, 4.0, 0.0),  # above the ceiling: blocked whatever the sign
    ],
)
def test_clipping_blocks_only_the_bad_direction(ratio, advantage, loss, slope):
    """Worked by hand, one case on each side of each limit."""
    ours = _one_step(ratio, advantage, Clipping(0.2, 0.28, ceiling=2.0))
    np.testing.assert_allclose(ours, (loss, slope), atol=1e-12)


def test_empty_rows_weigh_nothing():
    """A completion whose every token is masked must not divide by zero."""
    weights, half = jax.jit(_step_weights, static_argnums=(1, 2)), np.array([[0, 0], [1.0, 1.0]])
    for name in AGGREGATIONS:
        assert not np.asarray(weights(half, name, 2))[0].any()
        assert not np.asarray(weights(0 * half, name, 2)).any()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("low", -0.1),
        ("high", float("nan")),
        ("ceiling", float("inf")),
        ("ceiling", -1.0),
        ("beta", -0.01),
        ("entropy", float("nan")),
        ("level", "word"),
        ("kl", "k4"),
    ],
)
def test_bad_clipping_is_refused(monkeypatch, field, value):
    """The message names the field, the value and what was expected."""
    # Outside the tests no hook checks types first.
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=f"{field} = {value!r}: expected"):
        Clipping(**{field: value})


@pytest.mark.parametrize("aggregation", ["sum", "mean"])
def test_bad_aggregation_is_refused(monkeypatch, aggregation):
    """An unknown aggregation must not fall back to one that exists."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=f"aggregation = '{aggregation}': expected one"):
        Aggregation(aggregation)
