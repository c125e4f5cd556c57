"""The gradient of a batch's loss from three sums, against automatic differentiation of the loss."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.training.batch import Training, batch_loss, sample_batch
from grpo_checks.theory.training.episodes import action_cdf
from grpo_checks.theory.training.token_sums import loss_slope, token_sums

CLIPPINGS = (
    Clipping(0.1, 0.3, ceiling=1.2, beta=0.3),
    Clipping(beta=0.3, kl="k1", ratio_weighted_kl=True),
    Clipping(beta=0.3, ratio_weighted_kl=True),
    Clipping(beta=0.3, kl="k3+", entropy=0.2),
)
SETTINGS = tuple(
    Training(Estimator("group_normalized"), 4, clipping=c, aggregation=Aggregation("token_mean"))
    for c in CLIPPINGS
)
MDP, POLICY, START = random_instance(seed=1, separable=False, features=2)[1:4]


@jax.jit
def _both(key, chances, theta, old, reference):
    """One batch sampled at ``old``; minus d loss / d theta at ``theta``, one row per setting."""
    probs, logs = POLICY.probs(theta), POLICY.log_probs
    batch = sample_batch(key, chances, action_cdf(POLICY.probs(old)), SETTINGS[0])
    lane = partial(jax.tree.map, lambda x: x[None])
    sums = token_sums(MDP, probs.shape, lane(batch), SETTINGS[0])
    laws = (x[..., None] for x in (theta, probs, POLICY.probs(old)))
    ours = partial(loss_slope, POLICY, *laws, logs(reference), sums)
    losses = lambda at: jnp.stack(  # noqa: E731
        [batch_loss(MDP, POLICY, at, logs(old), logs(reference), batch, s) for s in SETTINGS]
    )
    return jnp.stack([ours(c)[..., 0] for c in CLIPPINGS]), jax.jacrev(losses)(theta)


def test_slope_of_a_loss_off_policy():
    """Clipping, kinds of penalty, with and without the ratio, and the bonus."""
    rng = np.random.default_rng(0)
    laws = [START + jax.device_put(rng.normal(size=START.shape)) for _ in range(3)]
    ours, exact = _both(jax.random.key(0), Chances(MDP), *laws)
    np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-13)
    rows = np.asarray(exact)
    apart = np.abs(rows[:, None] - rows[None]).max(-1)[np.triu_indices(len(rows), 1)]
    assert apart.min() > 1e-3
