"""A policy of two decisions beside a reference: what estimates of their KL climb.

The first of m actions is chosen; the last ``stops`` of them end the episode, the others lead each
to a choice of its own between n answers. With stops = m there is one decision. Expected gradients
are those of ``theory.regularisation``, on policy; others are differentiated from definitions.
Units: nats; per token, where a loss takes means.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from grpo_checks.experiments.falsifier.deep.model import TableAt
from grpo_checks.theory.evaluation.values import visits
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.regularisation.in_loss import loss_gradient
from grpo_checks.theory.regularisation.in_reward import reward_gradient
from grpo_checks.theory.regularisation.lengths import length_law, length_shares, repeated
from grpo_checks.theory.rules.aggregation import EPISODE_SUM, Aggregation

GROUP_SIZE = 2
"""Of the batch of one group that a token mean is taken over."""


class Side(NamedTuple):
    """A policy beside a reference."""

    mdp: TAMDP
    policy: TableAt
    probs: Any
    reference: Any
    """Both (S, A), 0 where illegal."""

    @property
    def x(self) -> Any:
        """log pi - log ref; 0 where illegal."""
        return jnp.log(self._quotient(self.probs, self.reference))

    @property
    def missing(self) -> Any:
        """1 - ref/pi, the slope of k3 by log pi."""
        return 1 - self._quotient(self.reference, self.probs)

    def _quotient(self, over: Any, under: Any) -> Any:
        legal = self.policy.legal
        return jnp.where(legal, over, 1.0) / jnp.where(legal, under, 1.0)

    def in_loss(self, factor: Any, aggregation: Aggregation = EPISODE_SUM) -> Any:
        """E of the gradient of a penalty whose tokens' scores count ``factor`` times."""
        shares = length_shares(self.mdp, self.probs, aggregation, GROUP_SIZE)
        model = self.mdp, self.policy, self.probs
        return loss_gradient(*model, self.probs, factor, shares)

    def in_reward(self) -> Any:
        """What k1 inside the reward takes from E[g], per unit of beta."""
        shares = length_shares(self.mdp, self.probs, EPISODE_SUM)
        model = self.mdp, self.policy, self.probs
        return reward_gradient(*model, self.probs, self.x, jnp.ones_like(self.probs), shares)

    def slope(self, number: Callable[[Any], Any]) -> Any:
        """The gradient by the logits of what depends on the policy's probabilities."""
        by_chance = jax.grad(number)(self.probs)
        mean = (self.probs * by_chance).sum(-1, keepdims=True)
        return self.policy.from_logits(self.probs, self.probs * (by_chance - mean))

    def divergence(self, law: Any, other: Any) -> Any:
        """KL of episodes, by the chain rule."""
        logs = jnp.log(self._quotient(law, other))
        return (visits(self.mdp, law)[0] * (law * logs).sum(-1)).sum()

    def reverse(self) -> Any:
        """grad KL(pi || ref)."""
        return self.slope(lambda probs: self.divergence(probs, self.reference))

    def forward(self) -> Any:
        """grad KL(ref || pi)."""
        return self.slope(lambda probs: self.divergence(self.reference, probs))

    def inverse_tokens(self, draws: int) -> Any:
        """grad E[1/N], N the tokens of ``draws`` episodes."""

        def mean(probs: Any) -> Any:
            law = repeated(jnp.pad(length_law(self.mdp, probs)[0], (1, 0)), draws)[draws:]
            return (law / (draws + jnp.arange(law.shape[0], dtype=float))).sum()

        return self.slope(mean)


@lru_cache(maxsize=64)
def _template(actions: int, answers: int, stops: int) -> tuple[TAMDP, TableAt]:
    """A model of this shape; no answer earns anything."""
    calls = actions - stops
    width = max(answers if calls else 1, stops)
    legal = np.zeros((1 + calls, calls + width), bool)
    legal[0, :actions] = True
    legal[1:, calls : calls + answers] = True
    transition = np.zeros((1 + calls, calls, 1 + calls))
    transition[0, range(calls), range(1, calls + 1)] = 1
    with jax.ensure_compile_time_eval():
        mdp = TAMDP(
            prompt_distribution=[1],
            initial_distribution=np.eye(1, 1 + calls),
            depth=np.minimum(np.arange(1 + calls), 1),
            tool_transition=transition,
            legal=legal,
            reward=np.zeros((1, 1 + calls, width, 1)),
            weights=np.ones(1),
        )
        return mdp, TableAt(mdp, np.arange(1 + calls))


def side(stops: int, **laws: Any) -> Side:
    """At a point: its laws of first actions (m,), and of second ones (m, n)."""
    (actions, answers), tables = laws["policy_second"].shape, []
    mdp, policy = _template(actions, answers, stops)
    calls, (states, width) = actions - stops, mdp.legal.shape
    for name in ("policy", "reference"):
        first, second = laws[f"{name}_first"], laws[f"{name}_second"]
        table = jnp.zeros((states, width)).at[0, :actions].set(first)
        tables.append(table.at[1:, calls : calls + answers].set(second[:calls]))
    at = eqx.tree_at(lambda p: p.given, policy, tables[0])
    return Side(mdp, at, *tables)
