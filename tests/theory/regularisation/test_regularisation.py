"""Penalties and bonuses against all pairs of episodes written out, and automatic derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers.oracles import action_probs, list_paths, path_probability

from grpo_checks.theory.evaluation.values import gradient
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.losses.surrogate import Clipping, surrogate_loss
from grpo_checks.theory.regularisation import entropy, episode_kl
from grpo_checks.theory.regularisation.in_loss import loss_gradient, token_factors
from grpo_checks.theory.regularisation.in_reward import reward_gradient
from grpo_checks.theory.regularisation.lengths import convolved, length_law, length_shares
from grpo_checks.theory.regularisation.sums import log_ratio
from grpo_checks.theory.rules.aggregation import Aggregation
from grpo_checks.theory.updates.rounding import accumulated

SHAPE = {"prompts": 2, "width": 1, "tools": 1, "answers": 2, "depth": 2}
OFF = 1e2 * accumulated(200)
"""Some hundred pairs, log ratios below 5."""
KINDS = (("k1", False), ("k2", False), ("k3", False), ("k3", True), ("k1", True))
RULES = tuple(Aggregation(n) for n in ("episode_sum", "constant", "sequence_mean", "token_mean"))
# No ratio is cut, whatever the sign of the advantage.
OPEN = Clipping(1e6)


def _model(seed, features=0):
    instance = random_instance(2, seed=seed, separable=False, features=features, **SHAPE)
    shape, rng = instance.theta.shape, np.random.default_rng(seed)
    laws = [instance.theta + jax.device_put(rng.normal(scale=0.7, size=shape)) for _ in range(3)]
    return instance.mdp, instance.policy, laws


MDP, POLICY, (THETA, OLD, REFERENCE) = _model(3, features=2)


def _pairs():
    """All groups of two: chance, states, actions, which tokens, c of each rule, X - X'."""
    mu, reference = (action_probs(POLICY, x) for x in (OLD, REFERENCE))
    listed = []
    for q, rho in enumerate(np.asarray(MDP.prompt_distribution)):
        p = list_paths(MDP, q)
        chance, n = path_probability(p, mu), len(p.chance)
        i = np.stack(np.divmod(np.arange(n * n), n), 1)
        logs = [np.log(np.where(x > 0, x, 1.0))[p.state, p.action] for x in (mu, reference)]
        x = np.where(p.taken, logs[0] - logs[1], 0.0).sum(1)[i]
        listed.append((rho * chance[i].prod(1), p.state[i], p.action[i], p.taken[i], x))
    chance, state, action, taken, x = (np.concatenate(y) for y in zip(*listed, strict=True))
    tokens = taken.sum(-1, keepdims=True).astype(float)
    shares = (tokens / tokens / 2, tokens / tokens / 6, 1 / tokens / 2, 1 / tokens.sum(1)[:, None])
    weights = np.stack([taken * c for c in np.broadcast_arrays(*shares)])
    return chance, state, action, taken.astype(float), weights, x - x[:, ::-1]


@jax.jit
@jax.jacrev
def _written_out(theta):
    """d/d theta of the expected loss: of the kinds, the bonus and k1 in the reward; (7, 4, n)."""
    chance, state, action, mask, weights, gain = _pairs()
    logs = [POLICY.log_probs(x)[state, action] for x in (theta, OLD, REFERENCE)]
    chosen = POLICY.probs(theta)
    surprise = -(chosen * jnp.log(jnp.where(chosen > 0, chosen, 1.0))).sum(-1)[state]

    def expected(clipping, gains):
        one = lambda *x: surrogate_loss(*x[:6], clipping, x[6])  # noqa: E731
        of_rule = jax.vmap(one, (0, 0, 0, 0, 0, 0, 0))
        many = jax.vmap(lambda w: of_rule(*logs, mask, gains, w, surprise))
        return many(jax.device_put(weights)) @ chance

    silent = jnp.zeros(gain.shape)
    kinds = [Clipping(beta=1.0, kl=k, ratio_weighted_kl=w) for k, w in KINDS]
    rows = [expected(c, silent) for c in (*kinds, Clipping(entropy=1.0))]
    return jnp.stack([*rows, expected(OPEN, jax.device_put(gain))])


@jax.jit
def _summed(theta):
    """The same by sweeps."""
    mdp, policy = MDP, POLICY
    probs, mu, reference = policy.probs(theta), policy.probs(OLD), policy.log_probs(REFERENCE)
    shares = [length_shares(mdp, mu, rule, 2, 1) for rule in RULES]
    rows = []
    for kind, weighted in KINDS:
        factor = token_factors(policy, theta, reference, kind, mu if weighted else None)
        rows.append([loss_gradient(mdp, policy, probs, mu, factor, c) for c in shares])
    rows.append([-entropy.bonus_gradient(mdp, policy, theta, mu, c) for c in shares])
    x, ratio = log_ratio(policy, policy.log_probs(OLD), reference), probs / jnp.where(mu > 0, mu, 1)
    priced = [reward_gradient(mdp, policy, probs, mu, x, ratio, c) for c in shares[:3]]
    rows.append([*(-g for g in priced), jnp.zeros_like(theta)])
    return jnp.stack([jnp.stack(row) for row in rows])


def test_all_pairs_written_out():
    """Episodes of another policy, of one to three tokens; G = 2, B = 1, every aggregation."""
    exact, swept = np.array(_written_out(THETA)), _summed(THETA)
    exact[-1, -1] = 0  # A token mean of rewards is no sum of episodes' own parts.
    np.testing.assert_allclose(swept, exact, rtol=0, atol=OFF)
    # But for the ratio times k1: E of the ratio's own part is 0, which leaves that of k3.
    np.testing.assert_allclose(exact[4, :2], exact[3, :2], rtol=0, atol=OFF)
    rows = np.delete(exact, 4, 0).reshape(-1, exact.shape[-1])[:-1]
    apart = np.abs(rows[:, None] - rows[None]).max(-1)[np.triu_indices(len(rows), 1)]
    assert apart.min() > 1e4 * OFF


@jax.jit
def _divergences(theta, reference):
    """Closed forms beside automatic derivatives, of a table of logits."""
    mdp, policy, _ = _model(0)
    logs, probs = policy.log_probs(reference), policy.probs(theta)
    x, ones = log_ratio(policy, policy.log_probs(theta), logs), jnp.ones_like(probs)
    episode = length_shares(mdp, probs, RULES[0])
    model = mdp, policy, probs
    share = lambda at: length_law(mdp, policy.probs(at)) @ (1 / jnp.arange(1.0, 4))  # noqa: E731
    # E[B G/N] over B G = 4.
    batch = lambda at: (  # noqa: E731
        length_shares(mdp, policy.probs(at), RULES[3], 2, 2) * length_law(mdp, policy.probs(at)) / 4
    ).sum(1)
    rho = mdp.prompt_distribution
    k1 = [loss_gradient(*model, probs, ones, length_shares(mdp, probs, r, 2, 2)) for r in RULES]
    closed = {
        "reverse": episode_kl.reverse_gradient(*model, x),
        "reward": reward_gradient(*model, probs, x, ones, episode),
        "forward": episode_kl.forward_gradient(*model, policy.probs(reference)),
        "entropy": entropy.entropy_gradient(mdp, policy, theta),
        "J": episode_kl.penalised_gradient(mdp, policy, theta, logs, 0.3),
        "k1 sum": k1[0],
        "k1 sequence": k1[2],
        "k1 token": k1[3],
    }
    slope = {
        "reverse": jax.grad(episode_kl.reverse_kl, 2)(mdp, policy, theta, logs),
        "forward": jax.grad(episode_kl.forward_kl, 2)(mdp, policy, theta, logs),
        "entropy": jax.grad(entropy.episode_entropy, 2)(mdp, policy, theta),
        "k1 sum": jnp.zeros_like(theta),
        "k1 sequence": jax.grad(lambda at: rho @ share(at))(theta),
        "k1 token": jax.grad(lambda at: rho @ batch(at))(theta),
    }
    slope["reward"] = slope["reverse"]
    slope["J"] = gradient(mdp, policy, theta) - 0.3 * slope["reverse"]
    bonus = entropy.bonus_gradient(mdp, policy, theta, probs, episode)
    k2 = loss_gradient(*model, probs, x, episode)
    return closed, slope, {"bonus": bonus, "k2": k2, "k3+": k2}


def test_gradients_of_divergences():
    """KL both ways, k1 in the reward and as loss, entropy, J - beta KL; and what is not one."""
    _, _, (theta, _, reference) = _model(0)
    closed, slope, others = _divergences(theta, reference)
    for name, ours in closed.items():
        np.testing.assert_allclose(ours, slope[name], rtol=0, atol=OFF, err_msg=name)
    off = lambda x, y: np.linalg.norm(x - y) / np.linalg.norm(y)  # noqa: E731
    assert off(others["k2"], slope["reverse"]) > 0.02
    assert off(others["bonus"], slope["entropy"]) > 0.02
    assert min(np.linalg.norm(slope[k]) for k in slope if k != "k1 sum") > 1e-3


def test_shares_that_are_refused():
    """With the number, and what is expected."""
    probs = jax.device_put(action_probs(POLICY, THETA))
    with pytest.raises(ValueError, match="prompts = 0: expected at least 1"):
        length_shares(MDP, probs, RULES[3], 2, 0)
    with pytest.raises(ValueError, match="micro-batches"):
        length_shares(MDP, probs, Aggregation("micro_token_mean", micro_batch=2), 2, 1)
    with pytest.raises(ValueError, match="tokens = 12000: expected n m <= 30000000"):
        convolved(jnp.ones(6000), jnp.ones(6000))
