"""The tool-augmented Markov decision process (TA-MDP): prompts, tool calls, answers, rewards."""

from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from grpo_checks.theory.numbers import validation as check
from grpo_checks.theory.numbers.arrays import to_array
from grpo_checks.theory.numbers.rationals import RewardClasses, reward_classes


class TAMDP(eqx.Module):
    """A TA-MDP with exactly computable policy values; immutable, checked once when constructed.

    Axes: Q prompts, S states, U tool calls, Y answers, A = U + Y actions, K reward components,
    C attainable reward vectors. An episode draws a prompt and a state of layer 0; each tool call
    moves one layer down; an answer ends it, so it has at most D + 1 decisions.

    Numbers may be given as ints, floats, Fractions or strings such as "1/3". Raises ValueError
    naming field, index, value and expectation. Formalises the setting of arXiv:2604.19857
    (abstract); K components stand for format compliance, answer accuracy, tool executability, ...
    """

    prompt_distribution: Float[Array, " Q"]
    """rho, the distribution of prompts."""
    initial_distribution: Float[Array, "Q S"]
    """mu, the distribution of the first state given the prompt; only layer 0."""
    depth: Int[Array, " S"]
    """The layer of a state: the number of tool calls made so far, 0..D."""
    tool_transition: Float[Array, "S U S"]
    """P, the tool's response: next state; rows of illegal calls are zero."""
    legal: Bool[Array, "S A"]
    """Which of the U tool calls and Y answers are allowed."""
    reward: Float[Array, "Q S Y K"]
    """Component rewards in [0,1], verified when the episode ends."""
    weights: Float[Array, " K"]
    """w > 0; the composite reward is R = sum_k w_k r_k in [0, R_max]."""
    class_index: Int[Array, "Q S Y"]
    """Derived: which reward vector an answer earns."""
    class_vector: Float[Array, "C K"]
    """Derived: the attainable reward vectors."""
    class_composite: Float[Array, " C"]
    """Derived: R of each; equal floats exactly when the rationals are equal."""
    class_numerator: Int[Array, " C"]
    """Derived: R of each times ``composite_denominator``, an exact integer."""
    composite_denominator: int = eqx.field(static=True)
    layers: tuple[tuple[int, ...] | range, ...] = eqx.field(static=True)
    """Derived: the states of each layer 0..D; a range where they are numbered in a row."""
    prompt_separable: bool = eqx.field(static=True)
    """Whether no state is reachable from two prompts."""

    def __init__(
        self,
        *,
        prompt_distribution: Any,
        initial_distribution: Any,
        depth: Any,
        tool_transition: Any,
        legal: Any,
        reward: Any,
        weights: Any,
    ) -> None:
        if not jax.config.read("jax_enable_x64"):
            raise ValueError("jax_enable_x64 = False: expected True, exact quantities need float64")
        check.check_states("depth", depth)
        rho = to_array("prompt_distribution", prompt_distribution, 1)
        mu = to_array("initial_distribution", initial_distribution, 2)
        layer = to_array("depth", depth, 1, int)
        transition = _transition(tool_transition, layer.size)
        allowed = to_array("legal", legal, 2, bool)
        r = to_array("reward", reward, 4)
        w = to_array("weights", weights, 1)
        _check_shapes(rho, mu, layer, transition, allowed, r, w)
        seen = _check_values(rho, mu, layer, transition, allowed, r, w)
        n_tools = transition.shape[1]
        attainable = seen[:, :, None] & allowed[None, :, n_tools:]
        classes: RewardClasses = reward_classes(r, w, attainable)

        # Not jnp.asarray, which compiles a program for each new shape.
        self.prompt_distribution = jax.device_put(rho)
        self.initial_distribution = jax.device_put(mu)
        self.depth = jax.device_put(layer)
        self.tool_transition = jax.device_put(transition)
        self.legal = jax.device_put(allowed)
        self.reward = jax.device_put(r)
        self.weights = jax.device_put(w)
        self.class_index = jax.device_put(classes.index)
        self.class_vector = jax.device_put(classes.vector)
        self.class_composite = jax.device_put(classes.composite)
        self.class_numerator = jax.device_put(classes.numerator)
        self.composite_denominator = classes.denominator
        self.layers = tuple(_indices(layer == d) for d in range(int(layer.max()) + 1))
        self.prompt_separable = bool((seen.sum(0) <= 1).all())

    @property
    def n_tools(self) -> int:
        """U, the number of tool calls; answers are the actions from U on."""
        return self.tool_transition.shape[1]

    @property
    def max_depth(self) -> int:
        """D, the largest number of tool calls in an episode."""
        return len(self.layers) - 1

    def layer(self, depth: int) -> slice | np.ndarray:
        """Index of the states of a layer; a slice where possible, which costs nothing."""
        states = self.layers[depth]
        if isinstance(states, range):
            return slice(states.start, states.stop)
        return np.array(states, dtype=int)

    @property
    def horizon(self) -> int:
        """H = D + 1, the largest number of decisions in an episode."""
        return self.max_depth + 1

    @property
    def max_reward(self) -> Float[Array, ""]:
        """R_max = sum_k w_k."""
        return self.weights.sum()


def _indices(member: np.ndarray) -> tuple[int, ...] | range:
    indices = np.flatnonzero(member)
    if indices.size and indices[-1] - indices[0] == indices.size - 1:
        return range(int(indices[0]), int(indices[-1]) + 1)
    return tuple(int(i) for i in indices)


def _transition(value: Any, n_states: int) -> np.ndarray:
    """The tool's responses; without tools any empty list will do, since JSON cannot say (S,0,S)."""
    if isinstance(value, list | np.ndarray) and np.size(np.asarray(value, object)) == 0:
        return np.zeros((n_states, 0, n_states))
    return to_array("tool_transition", value, 3)


def _check_shapes(
    rho: Any, mu: Any, layer: Any, transition: Any, legal: Any, r: Any, w: Any
) -> None:
    others = {"initial_distribution": (mu, "QS"), "legal": (legal, "S"), "reward": (r, "QSYK")}
    alone = {"prompt_distribution": (rho, "Q"), "depth": (layer, "S"), "weights": (w, "K")}
    for field, (array, _) in (alone | others).items():
        if array.size == 0:
            check.fail(field, None, f"array of shape {array.shape}", "at least one entry")
    # Without tools the array of responses was made here, and knows nothing.
    n_tools = transition.shape[1]
    tools = {"tool_transition": (transition, "SUS")} if n_tools else {}
    check.check_lengths(tools | others | alone)
    shape = (layer.size, n_tools + r.shape[2])
    check.check_shape("legal", legal, shape, "(state, tool call then answer)")


def _check_values(
    rho: Any, mu: Any, layer: Any, transition: Any, legal: Any, r: Any, w: Any
) -> np.ndarray:
    """All checks of values; returns which states each prompt reaches, (Q,S) bool."""
    check.check_entries("weights", w, np.isfinite(w) & (w > 0), "a finite weight > 0")
    check.check_entries("reward", r, (r >= 0) & (r <= 1), check.REWARD)
    check.check_distribution("prompt_distribution", rho, None)
    check.check_distribution("initial_distribution", mu, None)
    check.check_layers(mu, layer, transition, legal)
    check.check_distribution("tool_transition", transition, legal[:, : transition.shape[1]])
    seen = check.reachable(mu, transition, int(layer.max()) + 1)
    check.check_actions(seen, legal)
    return seen
