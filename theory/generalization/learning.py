"""Learning from tasks: a finite class of policies, what a task shows of them, Gibbs posteriors.

A task is drawn from D_S; the learner sees one of Z outcomes of it, which gives a loss to each of
M policies. With exact losses an outcome is a task type, and l = 1 - J_q/R_max.
"""

from itertools import product
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from grpo_checks.theory.evaluation.values import prompt_values
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Policy, Tabular
from grpo_checks.theory.numbers import validation as check
from grpo_checks.theory.numbers.arrays import to_array
from grpo_checks.theory.numbers.tracing import traced_once

MAX_POLICIES = 10_000
Counts = Float[Array, " Z"]


class Learning(eqx.Module):
    """A learning problem; raises ValueError naming the field where one is not as described."""

    loss: Float[Array, "M Z"]
    """In [0,1]: the loss of each policy on each outcome."""
    chance: Float[Array, " Z"]
    """D_S: the probability of each outcome."""
    prior: Float[Array, " M"]
    """P, fixed before any task is seen."""
    target: Float[Array, " Z"]
    """Where risk is measured: D_S, or D_T when what is learned is used elsewhere."""

    def __init__(self, loss: Any, chance: Any, prior: Any = None, target: Any = None) -> None:
        losses = to_array("loss", loss, 2)
        check.check_entries("loss", losses, (losses >= 0) & (losses <= 1), "a loss in [0, 1]")
        chances = to_array("chance", chance, 1)
        check.check_shape("chance", chances, losses.shape[1:], "(outcome,)")
        check.check_distribution("chance", chances, None)
        uniform = np.full(len(losses), 1 / max(len(losses), 1))
        before = to_array("prior", uniform if prior is None else prior, 1)
        check.check_shape("prior", before, losses.shape[:1], "(policy,)")
        check.check_distribution("prior", before, None)
        used = to_array("target", chances if target is None else target, 1)
        check.check_shape("target", used, losses.shape[1:], "(outcome,)")
        check.check_distribution("target", used, None)
        self.loss, self.chance = jax.device_put((losses, chances))
        self.prior, self.target = jax.device_put((before, used))

    @property
    def risk(self) -> Float[Array, " M"]:
        """L_S of each policy; L_T where a target is given."""
        return mixed(self.loss, self.target)

    def empirical(self, counts: Counts) -> Float[Array, " M"]:
        """Lhat of each policy on a sample with these counts of outcomes."""
        return mixed(self.loss, counts / counts.sum())


def mixed(values: Float[Array, "... Z"], law: Float[Array, " Z"]) -> Float[Array, "..."]:
    """The mean of numbers in [0,1]: a rounded sum may pass 1 by an ulp, and kl would be NaN."""
    return jnp.clip(values @ law, 0.0, 1.0)


class Learned(NamedTuple):
    """What the bounds need to know of a posterior."""

    empirical: Float[Array, "..."]
    """Lhat(Q)."""
    second: Float[Array, "..."]
    """The empirical mean of squared losses under Q."""
    risk: Float[Array, "..."]
    """L_S(Q), or L_T(Q) where a target is given."""
    divergence: Float[Array, "..."]
    """KL(Q ‖ P) in nats."""


@traced_once
def gibbs(prior: Float[Array, " M"], exponent: Float[Array, " M"]) -> tuple[Any, Any]:
    """Q proportional to P exp(exponent), and KL(Q ‖ P)."""
    seen = prior > 0
    logits = jnp.where(seen, exponent, -jnp.inf)
    top = jnp.log(jnp.sum(prior * jnp.exp(logits - logits.max()))) + logits.max()
    posterior = prior * jnp.exp(logits - top)
    divergence = (posterior * jnp.where(seen, exponent, 0.0)).sum() - top
    return posterior, jnp.maximum(divergence, 0.0)


def learn(problem: Learning, counts: Counts, temperature: Float[Array, ""]) -> Learned:
    """The Gibbs posterior Q ∝ P exp(-n Lhat/temperature) of a sample with these counts."""
    return learned(problem.loss, problem.risk, problem.prior, counts, temperature)


@traced_once
def learned(loss: Any, risk: Any, prior: Any, counts: Any, temperature: Any) -> Learned:
    """The same from losses (M, Z), and risks and prior (M,)."""
    n = counts.sum()
    empirical = mixed(loss, counts / n)
    posterior, divergence = gibbs(prior, -n * empirical / temperature)
    return Learned(
        mixed(empirical, posterior),
        mixed(jnp.square(loss) @ counts / n, posterior),
        mixed(risk, posterior),
        divergence,
    )


def sample_law(counts: Int[np.ndarray, "C Z"], chance: Float[Array, " Z"]) -> Float[Array, " C"]:
    """Multinomial chances of count vectors: n!/(prod c!) prod p^c, rational where p is.

    In floats for n up to 1,000: k! is written as k! (3/n)^k, which neither overflows nor vanishes.
    """
    n = int(counts[0].sum())
    factorial = jnp.cumprod(jnp.concatenate([jnp.ones(1), jnp.arange(1, n + 1) * 3 / n]))
    return factorial[n] * (chance[None] ** counts / factorial[counts]).prod(-1)


def merged(problem: Learning) -> Learning:
    """The same problem with policies of equal losses (to 1e-12) made one, their prior added up.

    A Gibbs posterior cannot tell them apart: Lhat(Q), L_S(Q) and KL(Q ‖ P) do not change.
    """
    losses = np.round(np.asarray(problem.loss), 12)
    distinct, member = np.unique(losses, axis=0, return_inverse=True)
    prior = np.bincount(member.reshape(-1), np.asarray(problem.prior), len(distinct))
    return Learning(distinct, problem.chance, prior, problem.target)


def padded(problem: Learning, types: int = 8, policies: int = 64) -> Learning:
    """Impossible outcomes and policies added, up to multiples of these: few shapes to compile.

    They have probability 0, in D_S and in P, and change nothing.
    """
    m, z = problem.loss.shape
    more = (-m % policies, -z % types)
    wide = [(0, more[1])]
    return Learning(
        np.pad(problem.loss, [(0, more[0]), *wide]),
        np.pad(problem.chance, wide),
        np.pad(problem.prior, [(0, more[0])]),
        np.pad(problem.target, wide),
    )


@jax.jit
def policy_losses(mdp: TAMDP, probs: Float[Array, "M S A"]) -> Float[Array, "M Q"]:
    """1 - J_q/R_max of each policy, exactly."""
    values = jax.lax.map(lambda p: prompt_values(mdp, p), probs, batch_size=64)
    # A sum of rounded terms may pass an end of [0,1] by an ulp.
    return jnp.clip(1 - values / mdp.max_reward, 0.0, 1.0)


@jax.jit
def _every_probs(policy: Policy, thetas: Float[Array, "M ..."]) -> Float[Array, "M S A"]:
    return jax.vmap(policy.probs)(thetas)


def sampled_policies(
    policy: Policy, size: int, scale: float = 4.0, seed: int = 0
) -> Float[Array, "M S A"]:
    """``size`` softmax policies with logits drawn from N(0, scale^2), fixed by ``seed``.

    Raises ValueError for a size outside 1..10^4 or a negative scale.
    """
    if not 1 <= size <= MAX_POLICIES or not scale >= 0:
        raise ValueError(
            f"size = {size}, scale = {scale}: expected 1..{MAX_POLICIES} and a scale >= 0"
        )
    rng = np.random.default_rng([seed, size])
    theta = rng.normal(scale=scale, size=(size, *policy.zeros().shape))
    return _every_probs(policy, theta)


def deterministic_policies(mdp: TAMDP, policy: Tabular) -> Float[Array, "M S A"]:
    """All deterministic policies of a table. Raises ValueError if there are more than 10^4."""
    observation, legal = np.asarray(policy.observation), np.asarray(mdp.legal)
    _, first = np.unique(observation, return_index=True)
    choices = [np.flatnonzero(legal[s]) for s in first if legal[s].any()]
    total = int(np.prod([float(len(c)) for c in choices]))
    if total > MAX_POLICIES:
        raise ValueError(f"{total} deterministic policies: expected at most {MAX_POLICIES}")
    rank = np.unique(observation, return_inverse=True)[1].reshape(-1)
    rows = [i for i, s in enumerate(first) if legal[s].any()]
    probs = np.zeros((total, *legal.shape))
    for member, chosen in enumerate(product(*choices)):
        for row, action in zip(rows, chosen, strict=True):
            probs[member, rank == row, action] = 1
    return jax.device_put(probs)
