"""The sampler against the exact laws, and its edges, where an impossible outcome could slip in."""

from functools import cache

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import chi2

from grpo_checks.theory.evaluation.values import reward_law, visits
from grpo_checks.theory.instances.conflict import conflict
from grpo_checks.theory.instances.random import random_instance
from grpo_checks.theory.instances.tools.coding import coding
from grpo_checks.theory.instances.tools.search import search
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.training.episodes import action_cdf, pick, sample_episodes

INSTANCES = {
    "search": search(),
    "coding": coding(),
    "random": random_instance(seed=3, depth=3),
    "shared": random_instance(seed=1, separable=False, features=2, prompts=3),
    "conflict": conflict(),
}
DTYPES = ["float32", "float64"]
N = 200_000
# Family-wise over all chi-square tests of this file: 5 instances, 2 precisions, 2 tables.
LEVEL = 0.001 / 20


_policy_probs = jax.jit(lambda policy, theta: policy.probs(theta))
_reward_law, _visits, _cdf = jax.jit(reward_law), jax.jit(visits), jax.jit(action_cdf)


@cache
def _probs(name):
    """A policy far from uniform, so that the order of actions matters."""
    _, _, policy, start, *_ = INSTANCES[name]
    return _policy_probs(policy, np.random.default_rng(5).normal(size=start.shape))


@cache
def _chances(name):
    return Chances(INSTANCES[name].mdp)


@jax.jit
def _sampled(key, chances, probs, prompts):
    return sample_episodes(key, chances, action_cdf(probs), prompts)


def _sample(key, name, prompts, dtype):
    probs = np.asarray(_probs(name)).astype(dtype)
    return _sampled(key, _chances(name), probs, prompts)


@cache
def _episodes(name, dtype):
    """N episodes, spread evenly over the prompts, as NumPy arrays."""
    prompts = np.arange(N) % INSTANCES[name].mdp.prompt_distribution.shape[0]
    drawn = _sample(jax.random.key(11), name, prompts, dtype)
    return prompts, type(drawn)(*map(np.asarray, drawn))


def _p_value(counts, expected):
    """Chi-square, cells with fewer than 5 expected pooled; 0 if the impossible occurs."""
    if (counts[expected == 0] > 0).any():
        return 0.0
    rare = expected < 5
    pooled = np.array([np.append(x[~rare], x[rare].sum()) for x in (counts, expected)])
    seen, due = pooled[:, pooled[1] > 0]
    assert len(due) > 2
    return chi2.sf((np.square(seen - due) / due).sum(), len(due) - 1)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", list(INSTANCES))
def test_rewards_follow_the_exact_law(name, dtype):
    """What training sees is what the exact moments speak of, in either precision."""
    prompts, drawn = _episodes(name, dtype)
    law = np.asarray(_reward_law(INSTANCES[name].mdp, _probs(name)))
    counts = np.zeros(law.shape)
    np.add.at(counts, (prompts, drawn.reward_class), 1)
    assert _p_value(counts, law * np.bincount(prompts)[:, None]) > LEVEL


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", list(INSTANCES))
def test_last_steps_follow_the_exact_law(name, dtype):
    """The answer and where it is given: finer than rewards, which many answers share."""
    prompts, drawn = _episodes(name, dtype)
    mdp, probs = INSTANCES[name].mdp, _probs(name)
    here = np.asarray(_visits(mdp, probs))
    law = here[:, :, None] * np.asarray(probs)[None, :, mdp.n_tools :]
    counts = np.zeros(law.shape)
    np.add.at(counts, (prompts, drawn.state[-1], drawn.action[-1] - mdp.n_tools), 1)
    assert _p_value(counts, law * np.bincount(prompts)[:, None, None]) > LEVEL


def test_the_sample_would_show_a_wrong_law():
    """A mutant: two responses of a tool exchanged 1 time in 10 is seen at this sample size."""
    prompts, drawn = _episodes("search", "float64")
    mdp = INSTANCES["search"].mdp
    response = np.asarray(mdp.tool_transition)
    mixed = jax.device_put(0.9 * response + 0.1 * response[:, ::-1])
    worse = eqx.tree_at(lambda m: m.tool_transition, mdp, mixed)
    law = np.asarray(_reward_law(worse, _probs("search")))
    counts = np.zeros(law.shape)
    np.add.at(counts, (prompts, drawn.reward_class), 1)
    assert _p_value(counts, law * np.bincount(prompts)[:, None]) < LEVEL


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", list(INSTANCES))
def test_episodes_are_possible(name, dtype):
    """Each step: a legal action, one layer down by a possible response, nothing after."""
    _, drawn = _episodes(name, dtype)
    mdp = INSTANCES[name].mdp
    assert np.asarray(mdp.legal)[drawn.state, drawn.action].all()
    assert drawn.taken[0].all()
    called = drawn.action < mdp.n_tools
    assert (drawn.taken[1:] == (drawn.taken[:-1] & called[:-1])).all()
    assert not called[-1].any()
    layer = np.asarray(mdp.depth)[drawn.state]
    assert (layer == np.arange(mdp.horizon)[:, None])[drawn.taken].all()
    for h in range(mdp.max_depth):
        s, a, after = (
            x[drawn.taken[h + 1]] for x in (drawn.state[h], drawn.action[h], drawn.state[h + 1])
        )
        assert (np.asarray(mdp.tool_transition)[s, a, after] > 0).all()
        over = ~drawn.taken[h + 1]
        assert (drawn.state[h + 1] == drawn.state[h])[over].all()


def test_one_key_one_sample():
    """Reproducible from the key, and only from the key."""
    prompts = np.zeros(100, int)
    first, again = (_sample(jax.random.key(4), "search", prompts, "float64") for _ in range(2))
    other = _sample(jax.random.key(5), "search", prompts, "float64")
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first.action, other.action)


_pick, _picks = jax.jit(pick), jax.jit(jax.vmap(pick, (None, 0)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_uniform_picks_an_impossible_action(dtype):
    """0, the largest number below 1, and every cumulative probability with its neighbours."""
    rng = np.random.default_rng(0)
    for size in (2, 6, 20, 70):
        probs = rng.dirichlet(np.ones(size), 200) * (rng.random((200, size)) < 0.6)
        probs = probs[probs.sum(1) > 0]
        probs /= probs.sum(1, keepdims=True)
        cdf = np.asarray(_cdf(jax.device_put(probs.astype(dtype))))[:-1]
        assert (cdf[:, -1] == 1).all()
        steps = [np.nextafter(cdf, cdf.dtype.type(to)) for to in (0, 1)]
        edges = np.concatenate(
            [np.zeros_like(cdf), np.full_like(cdf, 1 - 2.0**-53), cdf, *steps], 1
        )
        edges = np.minimum(edges, np.nextafter(cdf.dtype.type(1), cdf.dtype.type(0)))
        actions = np.asarray(_picks(jax.device_put(cdf), jax.device_put(edges.T)))
        assert (np.take_along_axis(probs, actions.T, 1) > 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_uniform_picks_an_impossible_response(dtype):
    """Padding and rounding at the top must not lead to states of probability 0."""
    for name in ("search", "random", "shared"):
        mdp = INSTANCES[name].mdp
        chances = Chances(mdp)
        cdf, uniform = np.asarray(chances.next_cdf).astype(dtype), np.array([0.0, 0.5, 1.0], dtype)
        place_of, belongs = np.asarray(chances.next_place), np.asarray(chances.belongs)
        states, legal = np.asarray(chances.state), np.asarray(mdp.legal)
        transition = np.asarray(mdp.tool_transition)
        uniform[2] -= jnp.finfo(dtype).epsneg
        for place, state in enumerate(states[:-1]):
            for tool in np.flatnonzero(legal[state, : mdp.n_tools]):
                move = place * legal.shape[1] + tool
                rows = np.broadcast_to(cdf[move], (3, cdf.shape[-1]))
                following = place_of[move, np.asarray(_pick(rows, jax.device_put(uniform)))]
                assert (transition[state, tool, states[following]] > 0).all()
                assert (belongs[:, place][None] == belongs.T[following]).all()
