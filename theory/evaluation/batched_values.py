"""Exact numbers of many policies of one model at once; the last axis, N lanes, is theirs.

What a training run records at every step for all its seeds. The formulas are those of
``theory.evaluation.values``, ``theory.evaluation.score`` and ``theory.updates.moments``, over
places (``theory.mdp.places``) instead of prompts times states, and laid out so that every operation
runs along the lanes.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.mdp.action_axis import add_up, at_likeliest, from_others, softmax
from grpo_checks.theory.mdp.places import Chances
from grpo_checks.theory.mdp.policy import LogLinear, Policy, Tabular


def lane_probs(policy: Policy, theta: Theta) -> Float[Array, "S A N"]:
    """pi_theta(a|s), as ``Policy.probs``."""
    legal, logits, row = policy.rows(theta)
    legal = legal[:, :, None]
    # A state without legal actions is unreachable; giving it all actions keeps NaN out.
    allowed = legal | ~legal.any(1, keepdims=True)
    raw = jnp.where(allowed, logits.astype(theta.dtype), -jnp.inf)
    probs = jnp.where(legal, softmax(raw), 0.0)
    return probs if row is None else probs[row]


def at_places(chances: Chances, by_state: Float[Array, "S ..."]) -> Float[Array, "P ..."]:
    """Rows of places from rows of states."""
    return by_state if chances.one_each else by_state[chances.state[:-1]]


def _likeliest_reward(chances: Chances, answered: Float[Array, "P Y N"]) -> Float[Array, "Q N"]:
    """R of each prompt's likeliest last step; ``answered``: its chances."""
    most = answered.max(1)
    earned = jnp.where(answered == most[:, None], chances.earned[:, :, None], 0.0).max(1)
    belongs = chances.belongs[:, :, None] > 0
    top = jnp.where(belongs, most[None], 0.0).max(1)[chances.prompt]
    return jnp.where(belongs, jnp.where(most == top, earned, 0.0)[None], 0.0).max(1)


def _worth(
    chances: Chances, probs: Float[Array, "P A N"], usual: Float[Array, "P N"]
) -> tuple[Float[Array, "P A N"], Float[Array, "P N"]]:
    """E[R - c | place, action] and E[R - c | place], c = ``usual``, by one backward sweep.

    0 for calls in layer D. Next to certainty, where R is c, all digits are those of differences.
    """
    tools, answers = probs[:, : chances.n_tools], probs[:, chances.n_tools :]
    earned = chances.earned[:, :, None] - usual[:, None]
    answered = add_up(answers * earned)[:, 0]
    value = [answered[slice(*chances.layers[-1])]]
    ahead = [jnp.zeros((value[0].shape[0], *tools.shape[1:]))]
    for layer, response in zip(chances.layers[-2::-1], chances.responses[::-1], strict=True):
        here = slice(*layer)
        called = (response @ value[0]).reshape(tools[here].shape)
        value.insert(0, answered[here] + add_up(called * tools[here])[:, 0])
        ahead.insert(0, called)
    return jnp.concatenate([jnp.concatenate(ahead), earned], 1), jnp.concatenate(value)


def _tabular_step(
    carry: Float[Array, "R m N"], score: Float[Array, "R B N"]
) -> Float[Array, "R B m N"]:
    """An episode meets each observation at most once: the steps' scores are orthogonal."""
    mass, square = carry[:, None, 0], carry[:, None, 1]
    return jnp.stack([jnp.broadcast_to(mass, score.shape), square + mass * score], 2)


def _log_linear_step(
    carry: Float[Array, "R m N"], score: Float[Array, "R B d N"]
) -> Float[Array, "R B m N"]:
    """Mass, E[s 1{place}] and E[|s|^2 1{place}]."""
    mass, first, square = carry[:, None, :1], carry[:, None, 1:-1], carry[:, None, -1:]
    added = 2 * (first * score).sum(2, keepdims=True)
    second = square + added + mass * jnp.square(score).sum(2, keepdims=True)
    return jnp.concatenate([jnp.broadcast_to(mass, second.shape), first + mass * score, second], 2)


def _scores(
    features: Float[Array, "P A d"], probs: Float[Array, "P A N"]
) -> Float[Array, "P A d N"]:
    """phi(a) - E phi, as ``theory.numbers.centred`` forms it."""
    phi = jnp.where(probs[:, :, None] > 0, features[..., None], 0.0)
    deviation = phi - at_likeliest(probs[:, :, None], phi)
    return deviation - (probs[:, :, None] * deviation).sum(1, keepdims=True)


def _squared_scores(probs: Float[Array, "P A N"]) -> Float[Array, "P A N"]:
    """|grad log pi(a|s)|^2 = |e_a - pi|^2 for a table of logits."""
    likely = probs > 0.5
    rest = jnp.where(likely, 0.0, probs)
    left, squares = add_up(rest), add_up(jnp.square(rest))
    # 1 - p is ``left`` for the likely action, if there is one, and so is 1 - its probability.
    others = 1 - 2 * probs + (squares + jnp.square(1 - left))
    return jnp.where(likely, jnp.square(left) + squares, others)


def _forward(
    chances: Chances, probs: Float[Array, "P A N"], scores: Float[Array, "P A d N"] | None
) -> tuple[Float[Array, "P N"], Float[Array, "P Y N"]]:
    """P(place) and E[|s|^2 1{place, answer}], by one forward sweep; scores None: of a table."""
    if scores is None:
        score = _squared_scores(probs)
        size, step = 2, _tabular_step
    else:
        score, size, step = scores, scores.shape[2] + 2, _log_linear_step
    tools, lanes = chances.n_tools, probs.shape[2]
    first = chances.start[slice(*chances.layers[0])]
    here = jnp.zeros((first.shape[0], size, lanes)).at[:, 0].set(first[:, None])
    carried = [here]
    for layer, response in zip(chances.layers[:-1], chances.responses, strict=True):
        at = slice(*layer)
        moved = step(here, score[at, :tools]) * probs[at, :tools, None]
        flat = response.T @ moved.reshape(response.shape[0], size * lanes)
        here = flat.reshape(response.shape[1], size, lanes)
        carried.append(here)
    every = jnp.concatenate(carried)
    last = step(every, score[:, tools:])[:, :, -1]
    return every[:, 0], last * probs[:, tools:]


class LaneMoments(NamedTuple):
    """Per prompt: J, its gradient, and what the variance of `leave_one_out` depends on."""

    value: Float[Array, "Q N"]
    """J_q."""
    gradient: Float[Array, "Q n N"]
    """grad J_q, theta flattened."""
    spread: Float[Array, "Q N"]
    """a, as in ``theory.updates.policy_law.PairMoments``; likewise the next."""
    excess: Float[Array, "Q N"]


def lane_moments(
    chances: Chances,
    policy: Policy,
    theta: Theta,
    known: Float[Array, "S A N"] | None = None,
) -> LaneMoments:
    """Of every lane's policy; ``known``: its probabilities, if the caller has them.

    The spread is a difference: right to a few roundings of E[(R-mu)^2 |s|^2], and so is the
    variance that it enters, of which at least a share 1/(2(G-1)) is not cancelled (derived).
    """
    probs = at_places(chances, lane_probs(policy, theta) if known is None else known)
    scores = None
    if isinstance(policy, LogLinear):
        scores = _scores(at_places(chances, policy.features), probs)
    mass, squared = _forward(chances, probs, scores)
    answered = mass[:, None] * probs[:, chances.n_tools :]
    usual = _likeliest_reward(chances, answered)
    of_place = lambda x: x[chances.prompt]  # noqa: E731
    worth, worth_of_place = _worth(chances, probs, of_place(usual))
    # d J_q / d logit = visits pi (E[R|a] - E[R]), the policy gradient theorem.
    gradient = _gradients(chances, policy, mass[:, None] * from_others(probs, worth), scores)
    change = chances.belongs @ (chances.start[:, None] * worth_of_place)
    # Central, not raw: a large constant part of R must not cancel the variance away.
    deviation = chances.earned[:, :, None] - of_place(usual)[:, None]
    central = jnp.square(deviation - of_place(change)[:, None])
    per_prompt = lambda x: chances.belongs @ add_up(x)[:, 0]  # noqa: E731
    squared_gradient = jnp.square(gradient).sum(1)
    # Below zero by rounding alone.
    spread = jnp.maximum(per_prompt(squared * central) - squared_gradient, 0.0)
    excess = per_prompt(answered * central) * per_prompt(squared) + squared_gradient
    return LaneMoments(usual + change, gradient, spread, excess)


def _gradients(
    chances: Chances,
    policy: Policy,
    slope: Float[Array, "P A N"],
    scores: Float[Array, "P A d N"] | None,
) -> Float[Array, "Q n N"]:
    """By theta, from those by the logits of each place; E[A s] where scores are known."""
    if scores is not None:
        return jnp.tensordot(chances.belongs, (slope[:, :, None] * scores).sum(1), 1)
    assert isinstance(policy, Tabular)
    n_prompts, rows = chances.belongs.shape[0], policy.n_observations
    row = chances.prompt * rows + policy.observation[chances.state[:-1]]
    by_row = jnp.zeros((n_prompts * rows, *slope.shape[1:])).at[row].add(slope)
    return by_row.reshape(n_prompts, -1, slope.shape[-1])
