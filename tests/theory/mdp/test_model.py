"""What a model accepts and what it refuses: each message names the field, the place, the value."""

import dataclasses
import re
from copy import deepcopy

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from beartype.roar import BeartypeCallHintParamViolation
from helpers.small_models import GOOD
from jaxtyping import TypeCheckError
from odd.malformed_models import MALFORMED, NAN

from grpo_checks.theory.evaluation.values import reward_law, value
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.policy import Tabular
from grpo_checks.theory.numbers.balls import magnitude


def _changed(field, place, new):
    """The good model with one thing put wrong."""
    model = deepcopy(GOOD)
    if not place:
        return model | {field: new}
    # Nested tuples of their own, so that no two places share one list.
    array = np.array(model[field], dtype=object).tolist()
    inner = array
    for i in place[:-1]:
        inner = inner[i]
    inner[place[-1]] = new
    return model | {field: array}


@pytest.mark.parametrize(
    ("field", "place", "new", "message"), MALFORMED, ids=[m[-1][:50] for m in MALFORMED]
)
def test_malformed_models_are_refused(field, place, new, message):
    """A model that is a little wrong would still run, and its numbers would mean nothing."""
    with pytest.raises(ValueError, match=f"^{re.escape(message)}") as refusal:
        TAMDP(**_changed(field, place, new))
    assert type(refusal.value) is ValueError


def test_no_tool_call_in_the_last_layer():
    """Two fields must be wrong at once: a legal call needs a response as well."""
    model = _changed("legal", (2, 0), True)
    model["tool_transition"] = _changed("tool_transition", (2, 0), [0, 0, 0, 1])["tool_transition"]
    with pytest.raises(ValueError, match=re.escape("legal[2, 0] = True: expected no tool call")):
        TAMDP(**model)


def test_float32_is_refused():
    """Exact quantities in float32 would be silently wrong in the eighth digit."""
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64 = False: expected"):
        TAMDP(**GOOD)


def test_good_model_is_read_exactly():
    """Fractions, strings, ints and floats all mean the number that was written."""
    mdp = TAMDP(**GOOD)
    assert mdp.prompt_distribution.tolist() == [1 / 3, 2 / 3]
    assert mdp.weights.tolist() == [1.0, 0.5]
    assert mdp.class_vector.tolist() == [[0.0, 1.0], [1.0, 1 / 3]]
    assert mdp.class_composite.tolist() == [0.5, 7 / 6]
    assert (mdp.max_depth, mdp.horizon, mdp.n_tools, mdp.prompt_separable) == (1, 2, 2, False)
    assert TAMDP(**_changed("initial_distribution", (1,), [0, 1, 0, 0])).prompt_separable


def test_checks_run_once_and_never_under_jit():
    """Gradients, batches and perturbed copies pass through models that would be refused."""
    mdp = TAMDP(**GOOD)
    policy = Tabular(mdp)
    broken = eqx.tree_at(lambda m: m.reward, mdp, NAN * np.asarray(mdp.reward))
    copy = jax.tree.map(lambda x: 2 * np.asarray(x), broken)
    assert np.isnan(jax.jit(lambda m: m.reward.sum())(copy))
    slope = eqx.filter_jit(eqx.filter_grad(lambda m: value(m, policy, policy.zeros())))(mdp)
    assert np.abs(slope.class_composite).sum() > 0
    again = jax.tree.unflatten(jax.tree.structure(mdp), jax.tree.leaves(mdp))
    assert jax.tree.structure(again) == jax.tree.structure(mdp)
    assert all(map(np.array_equal, jax.tree.leaves(again), jax.tree.leaves(mdp)))


def test_models_do_not_change():
    """An instance is shared by every claim that uses it."""
    mdp = TAMDP(**GOOD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        mdp.reward = jnp.zeros(())
    with pytest.raises(TypeError, match="immutable"):
        mdp.weights[0] = 2.0


def test_shapes_are_checked_at_run_time():
    """A typo in the hook's package name would turn all shape checks off without a word."""
    with pytest.raises(TypeCheckError):
        reward_law(TAMDP(**GOOD), jnp.ones(4))
    # Of a module without shapes types alone are checked, by another hook.
    with pytest.raises(BeartypeCallHintParamViolation):
        magnitude("1/2")


def test_a_model_keeps_its_numbers():
    """Arrays it was made from may be written to afterwards; as small ones, JAX would share them."""
    model = TAMDP(**GOOD)
    fields = ("initial_distribution", "depth", "tool_transition", "legal", "reward", "weights")
    given = {name: np.array(getattr(model, name)) for name in ("prompt_distribution", *fields)}
    again = TAMDP(**given)
    for array in given.values():
        array[...] = 0
    for name in given:
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name))
