"""One update of a policy that decides once: the whole law of J after it, exactly.

Where an episode is one choice m and then a reward vector v with chance P(v|m) (as in `outcomes` and
`menu`), the update of a group is a function of its counts n_mv: the logit of choice m moves by
sum_v n_mv A_v / G, since advantages of a group sum to 0 (derived). So the expected J after an
update is a finite sum over count vectors, however large the step.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numpy.typing import NDArray

from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.group_counts import count_table
from grpo_checks.theory.mdp.mdp import TAMDP


class Decision(NamedTuple):
    """One state: M choices, C reward vectors."""

    chance: NDArray[np.float64]
    """(M, C): P(v|m)."""
    vectors: NDArray[np.float64]
    """(C, K)."""
    composite: NDArray[np.float64]
    """(C,)."""
    weights: NDArray[np.float64]
    action: tuple[int, NDArray[np.int64]]
    """The state, and the actions (M,) that are the choices."""

    @property
    def worth(self) -> Float[Array, " M"]:
        """E[R|m]."""
        return jax.device_put(self.chance @ self.composite)


def single_decision(mdp: TAMDP) -> Decision:
    """The first state's choices, where no other is left; raises ValueError for other models."""
    legal, reward_class = np.asarray(mdp.legal), np.asarray(mdp.class_index)[0]
    starts = np.flatnonzero(np.asarray(mdp.initial_distribution).sum(0))
    later = np.delete(legal, starts[0], 0)
    if len(mdp.prompt_distribution) > 1 or len(starts) > 1 or mdp.max_depth > 1:
        raise ValueError("mdp: several prompts, first states or layers of calls, expected one")
    if (later.sum(1) > 1).any() or later[:, : mdp.n_tools].any():
        raise ValueError("legal: a second choice, expected one decision in an episode")
    n_classes = len(mdp.class_composite)
    earned = np.eye(n_classes)[reward_class]
    # The only answer of each later state; the start has its own, one for each choice.
    answer = legal[:, mdp.n_tools :].argmax(1)
    after = earned[np.arange(len(answer)), answer]
    called = np.asarray(mdp.tool_transition)[starts[0]] @ after
    chance = np.concatenate([called, earned[starts[0]]])[legal[starts[0]]]
    return Decision(
        chance,
        vectors=np.asarray(mdp.class_vector),
        composite=np.asarray(mdp.class_composite),
        weights=np.asarray(mdp.weights),
        action=(int(starts[0]), np.flatnonzero(legal[starts[0]])),
    )


class Groups(NamedTuple):
    """All N groups of G members, by how many of each possible pair (choice, reward vector)."""

    counts: Int[Array, "N V"]
    ways: Float[Array, " N"]
    """Multinomial coefficients."""
    advantage: Float[Array, "N V"]
    """Of a member of each kind; 0 where the group has none."""
    choice: Float[Array, "V M"]
    """1 where a pair has that choice."""
    given: Float[Array, " V"]
    """P(v|m) of each pair."""

    def chances(self, law: Float[Array, " M"]) -> Float[Array, " N"]:
        """Probability of each group, for positive probabilities ``law`` of the choices."""
        return self.ways * jnp.exp(self.counts @ jnp.log((self.choice @ law) * self.given))

    def moves(self) -> Float[Array, "N M"]:
        """The update: the change of each choice's logit."""
        return (self.counts * self.advantage) @ self.choice / self.counts[0].sum()


def groups(decision: Decision, group_size: int, estimator: Estimator) -> Groups:
    """Tabulated once for an estimator whose groups stand alone; outside jit."""
    choice, earned = np.nonzero(decision.chance)
    columns, weights = decision.vectors[earned], decision.weights
    if estimator.name != "componentwise_normalized":
        columns, weights = decision.composite[earned, None], np.ones(1)
    table = count_table(columns, weights, group_size, estimator)
    member, given = np.eye(len(decision.chance))[choice], decision.chance[choice, earned]
    counts, *rest = jax.device_put((np.asarray(table.counts).T, member, given))
    return Groups(counts, table.ways, table.advantage, *rest)


def expected_gain(
    table: Groups, worth: Float[Array, " M"], logits: Float[Array, " M"], step: Float[Array, ""]
) -> Float[Array, ""]:
    """E J(theta + step g) - J(theta), exactly."""
    law = jax.nn.softmax(logits)
    after = jax.nn.softmax(logits[None] + step * table.moves(), axis=1)
    return table.chances(law) @ ((after - law[None]) @ worth)


def distinct_numbers(table: Groups) -> Float[Array, " N"]:
    """How many different advantages each group has, told apart to ten digits."""
    present = np.asarray(table.counts) > 0
    rounded = np.where(present, np.round(np.asarray(table.advantage), 10), np.nan)
    # nan sorts last, and no comparison with it is true.
    new = np.diff(np.sort(rounded, axis=1), axis=1) > 0
    return jax.device_put(1.0 + new.sum(1))
