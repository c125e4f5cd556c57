"""Changes of a trainer's settings that might stop the cycle of T1.own, one at a time."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int

from grpo_checks.experiments.claims.cycles.own_orbits import GROUP_NORMALIZED, period, spec_of
from grpo_checks.experiments.models.instances import build
from grpo_checks.experiments.runs.training import exact_law
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.evaluation.values import Theta
from grpo_checks.theory.instances.instance import Instance
from grpo_checks.theory.losses.surrogate import Clipping
from grpo_checks.theory.off_policy.moments import off_policy_update
from grpo_checks.theory.off_policy.signed_law import signed_law
from grpo_checks.theory.off_policy.weights import clipped
from grpo_checks.theory.regularisation.episode_kl import forward_gradient, reverse_gradient
from grpo_checks.theory.regularisation.sums import log_ratio
from grpo_checks.theory.rules.rule import UpdateRule
from grpo_checks.theory.updates.moments import expected_update

STEP, TURNS, MOST = 0.25, 3, 400_000
SHORT = 0.05
"""Step with a KL penalty: what a step adds to the radius is to be less than what beta takes."""
BETAS = (1e-3, 1e-2, 1e-1)
EPOCHS, EDGE = 4, 0.2
EPS = ("0.0001", "0.01")
SIZES, RATES = (4, 8), (1e-3, 1e-2)

State = tuple[Theta, Any]
Move = Callable[[State, Int[Array, ""]], State]
Field = Callable[[Theta], Theta]


class Change(NamedTuple):
    """One thing that is done otherwise."""

    change: str
    setting: str
    start: Callable[[Theta], Any]
    """State beside theta."""
    move: Move
    steps: int
    eps: str = "0"
    """Of the standard deviation; it moves the zero of E[g]."""


def _plain(field: Field, step: Callable[[Any], Any] | float = STEP) -> Move:
    """theta + step_t field(theta)."""
    pace = step if callable(step) else lambda t: step
    return lambda state, t: (state[0] + pace(t) * field(state[0]), ())


def _adam(field: Field, rate: float) -> tuple[Callable[[Theta], Any], Move]:
    """Of expected updates: what noise does to its second moments is left out."""
    rule = optax.adam(rate)

    def move(state: State, t: Int[Array, ""]) -> State:
        moved, kept = rule.update(-field(state[0]), state[1])
        return optax.apply_updates(state[0], moved), kept

    return rule.init, move


def _inner(instance: Instance, epochs: int) -> Move:
    """So many steps on the expected clipped surrogate of one policy's episodes."""
    law = signed_law(instance.mdp, 2, UpdateRule(GROUP_NORMALIZED))
    policy = instance.policy

    def move(state: State, t: Int[Array, ""]) -> State:
        sampler = policy.probs(state[0])

        def epoch(_: Int[Array, ""], theta: Theta) -> Theta:
            ratio = policy.probs(theta) / jnp.where(sampler > 0, sampler, 1.0)
            weights = clipped(ratio, Clipping(EDGE))
            return theta + STEP * off_policy_update(policy, theta, sampler, law, weights)

        return jax.lax.fori_loop(0, epochs, epoch, state[0]), ()

    return move


class Model(NamedTuple):
    """An instance of T1.own, and fields on it."""

    name: str
    instance: Instance

    def field(self, size: int = 2, estimator: Estimator = GROUP_NORMALIZED) -> Field:
        """E[g]."""
        group = exact_law(spec_of(self.name), size, estimator)
        assert group is not None
        return lambda theta: expected_update(self.instance.mdp, self.instance.policy, theta, group)

    def penalised(self, beta: float, forward: bool) -> Field:
        """E[g] - beta grad of the KL to the start, or from it."""
        mdp, policy, usual = self.instance.mdp, self.instance.policy, self.field()
        logs = policy.log_probs(self.instance.theta)

        def pulled(theta: Theta) -> Theta:
            probs = policy.probs(theta)
            if forward:
                away = forward_gradient(mdp, policy, probs, policy.probs(self.instance.theta))
            else:
                x = log_ratio(policy, policy.log_probs(theta), logs)
                away = reverse_gradient(mdp, policy, probs, x)
            return usual(theta) - beta * away

        return pulled

    @property
    def usual(self) -> int:
        """Steps of ``TURNS`` periods."""
        return round(TURNS * period(self.name) / STEP)


def _simple(change: str, setting: str, move: Move, steps: int, eps: str = "0") -> Change:
    return Change(change, setting, lambda theta: (), move, steps, eps)


def _steps(model: Model) -> Iterator[Change]:
    """Other step sizes and optimisers."""
    plain, usual = model.field(), model.usual
    yield _simple("nothing", "", _plain(plain), usual)
    yield _simple("decaying steps", "1/sqrt(t)", _plain(plain, lambda t: (t + 1.0) ** -0.5), MOST)
    inner = _inner(model.instance, EPOCHS)
    yield _simple("clipping", f"{EPOCHS} inner epochs, {EDGE:g}", inner, usual)
    for rate in RATES:
        yield Change("Adam", f"rate {rate:g}", *_adam(plain, rate), steps=round(100 / rate))


def _estimators(model: Model) -> Iterator[Change]:
    """Other advantages."""
    for size in SIZES:
        yield _simple("larger groups", f"G = {size}", _plain(model.field(size)), 8 * model.usual)
    for eps in EPS:
        field = model.field(2, Estimator("group_normalized", eps=float(eps)))
        yield _simple("eps", eps, _plain(field), model.usual, eps)
    others = {"no division by sd": Estimator("leave_one_out")}
    # Of one component it is what it was.
    if model.instance.mdp.weights.shape[0] > 1:
        others["decomposed"] = Estimator("componentwise_normalized")
    for change, estimator in others.items():
        yield _simple(change, "", _plain(model.field(2, estimator)), 8 * model.usual)


def _penalties(model: Model) -> Iterator[Change]:
    for beta in BETAS:
        for forward, kind in ((False, "k2, or ratio times k3"), (True, "k3")):
            steps = round(max(TURNS * period(model.name), 50 / beta) / SHORT)
            move = _plain(model.penalised(beta, forward), SHORT)
            yield _simple(f"KL to the start, {kind}", f"beta = {beta:g}", move, steps)


def changes(name: str) -> Iterator[Change]:
    """All of them, each with its number of steps."""
    model = Model(name, build(spec_of(name)))
    for part in (_steps, _estimators, _penalties):
        yield from part(model)
