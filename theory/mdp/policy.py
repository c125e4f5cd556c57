"""Softmax policies over legal actions: a table of logits, or log-linear in given features."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from grpo_checks.theory.mdp.action_axis import log_softmax, softmax
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.numbers import validation as check
from grpo_checks.theory.numbers.arrays import to_array
from grpo_checks.theory.numbers.centred import centred, likeliest
from grpo_checks.theory.numbers.tracing import traced_once

MAX_FEATURE = 10**6


class Policy(eqx.Module):
    """pi_theta(a|s) proportional to exp(logit(s,a)) over legal actions.

    Illegal actions have probability exactly 0 and log-probability -inf, without NaN gradients.
    """

    legal: eqx.AbstractVar[Bool[Array, "S A"]]

    def logits(self, theta: Float[Array, "..."]) -> Float[Array, "S A *N"]:
        """Logits of all actions; those of illegal ones are ignored.

        A last axis of ``theta`` beyond its own is one of many policies, the result's too.
        """
        raise NotImplementedError

    def rows(
        self, theta: Float[Array, "..."]
    ) -> tuple[Bool[Array, "R A"], Float[Array, "R A *N"], Int[Array, " S"] | None]:
        """Legal actions and logits that differ, and which of these rows a state has; None: all."""
        return self.legal, self.logits(theta), None

    def zeros(self) -> Float[Array, "..."]:
        """theta = 0: the uniform policy over legal actions."""
        raise NotImplementedError

    @traced_once
    def log_probs(self, theta: Float[Array, "..."]) -> Float[Array, "S A"]:
        """log pi_theta(a|s); -inf where illegal. Its derivatives are scores with all digits."""
        return jnp.where(self.legal, log_softmax(self._masked(theta)), -jnp.inf)

    @traced_once
    def probs(self, theta: Float[Array, "..."]) -> Float[Array, "S A"]:
        """pi_theta(a|s); exactly 0 where illegal. Its derivatives keep their digits at 0 and 1."""
        return jnp.where(self.legal, softmax(self._masked(theta)), 0.0)

    def _masked(self, theta: Float[Array, "..."]) -> Float[Array, "S A"]:
        # A state without legal actions is unreachable; giving it all actions keeps NaN out.
        allowed = self.legal | ~self.legal.any(-1, keepdims=True)
        return jnp.where(allowed, self.logits(theta), -jnp.inf)

    def from_logits(
        self, probs: Float[Array, "S A"], slope: Float[Array, "... S A"]
    ) -> Float[Array, "..."]:
        """The derivative by theta of what has the derivative ``slope`` by the logits.

        ``slope`` adds up to 0 over the actions of a state; ``probs`` are those at theta.
        """
        raise NotImplementedError


def greedy(probs: Float[Array, "S A *N"]) -> Bool[Array, "S A *N"]:
    """Whether an action is the likeliest one of its state, the first of equally likely ones.

    Probabilities are equal where they differ by what rounding makes of differences of their sums.
    """
    rounding = 2 * probs.shape[1] * jnp.finfo(probs.dtype).eps
    likely = probs >= probs.max(1, keepdims=True) - rounding
    return likely & (jnp.cumsum(likely, 1) == 1)


class Tabular(Policy):
    """One logit per observation and action; by default each state is its own observation.

    States with one observation cannot be told apart by the policy: they share their logits. They
    must lie in one layer (so that an episode meets an observation at most once) and allow the
    same actions. theta has shape (O, A).
    """

    legal: Bool[Array, "S A"]
    observation: Int[Array, " S"]
    """Which row of logits a state uses, 0..O-1."""
    n_observations: int = eqx.field(static=True)

    def __init__(self, mdp: TAMDP, observation: Any = None) -> None:
        n_states = mdp.depth.shape[0]
        if observation is None:
            observation = np.arange(n_states)
        obs = to_array("observation", observation, 1, int)
        check.check_shape("observation", obs, (n_states,), "(state,)")
        in_range = (obs >= 0) & (obs < n_states)
        check.check_entries("observation", obs, in_range, f"an index in 0..{n_states - 1}")
        for state, first in enumerate(np.unique(obs, return_index=True)[1][_ranks(obs)]):
            if state != first:
                _check_alike(mdp, obs, state, int(first))
        self.legal = mdp.legal
        self.observation = jax.device_put(obs)
        self.n_observations = int(obs.max()) + 1

    def logits(self, theta: Float[Array, "O A *N"]) -> Float[Array, "S A *N"]:
        return theta[self.observation]

    def rows(
        self, theta: Float[Array, "O A *N"]
    ) -> tuple[Bool[Array, "O A"], Float[Array, "O A *N"], Int[Array, " S"]]:
        legal = jnp.zeros((self.n_observations, self.legal.shape[1]), bool)
        return legal.at[self.observation].set(self.legal), theta, self.observation

    def from_logits(
        self, probs: Float[Array, "S A"], slope: Float[Array, "... S A"]
    ) -> Float[Array, "... O A"]:
        shape = (*slope.shape[:-2], self.n_observations, slope.shape[-1])
        return jnp.zeros(shape, slope.dtype).at[..., self.observation, :].add(slope)

    def zeros(self) -> Float[Array, "O A"]:
        return jax.device_put(np.zeros((self.n_observations, self.legal.shape[1])))


def _ranks(obs: np.ndarray) -> np.ndarray:
    return np.unique(obs, return_inverse=True)[1].reshape(-1)


def _check_alike(mdp: TAMDP, obs: np.ndarray, state: int, first: int) -> None:
    depth, legal = np.asarray(mdp.depth), np.asarray(mdp.legal)
    if depth[state] != depth[first]:
        check.fail("observation", [state], obs[state], f"states of one layer (see state {first})")
    if (legal[state] != legal[first]).any():
        check.fail("observation", [state], obs[state], f"the legal actions of state {first}")


class LogLinear(Policy):
    """Logits phi(s,a)·theta with given finite features; theta has shape (d,)."""

    legal: Bool[Array, "S A"]
    features: Float[Array, "S A d"]
    """phi; entries of illegal actions are ignored."""

    def __init__(self, mdp: TAMDP, features: Any) -> None:
        phi = to_array("features", features, 3)
        expected = (*mdp.legal.shape, phi.shape[2])
        check.check_shape("features", phi, expected, "(state, action, parameter)")
        # Larger ones would round a step of theta, or a difference of logits, to nothing.
        in_range = np.isfinite(phi) & (np.abs(phi) <= MAX_FEATURE)
        check.check_entries(
            "features", phi, in_range, f"a number in [-{MAX_FEATURE}, {MAX_FEATURE}]"
        )
        if phi.shape[2] == 0:
            check.fail("features", None, f"array of shape {phi.shape}", "at least one parameter")
        self.legal = mdp.legal
        self.features = jax.device_put(phi)

    def logits(self, theta: Float[Array, " d *N"]) -> Float[Array, "S A *N"]:
        return self.features @ theta

    def scores(self, probs: Float[Array, "S A"]) -> Float[Array, "S A d"]:
        """grad log pi(a|s) = phi(s,a) - sum_b pi(b|s) phi(s,b); 0 for actions never taken."""
        phi = jnp.where(self.legal[:, :, None], self.features, 0.0)
        return jnp.where(probs[:, :, None] > 0, centred(probs, phi)[0], 0.0)

    def from_logits(
        self, probs: Float[Array, "S A"], slope: Float[Array, "... S A"]
    ) -> Float[Array, "... d"]:
        # Features that an action shares with the likeliest one must not be added and taken off.
        usual = jnp.where(likeliest(probs)[..., None], self.features, 0.0).sum(1, keepdims=True)
        return jnp.einsum("...sa,sad->...d", slope, self.features - usual)

    def zeros(self) -> Float[Array, " d"]:
        return jax.device_put(np.zeros(self.features.shape[2]))
