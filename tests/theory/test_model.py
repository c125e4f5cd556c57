"""What a model accepts and what it refuses: each message names the field, the place, the value."""

import dataclasses
import re
from copy import deepcopy
from fractions import Fraction

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import TypeCheckError
from small_model import GOOD

from theory.exact import reward_law, value
from theory.model import TAMDP
from theory.policy import Tabular

T, F, NAN, INF = True, False, float("nan"), float("inf")

# (field, place in it, what is put there, start of the message)
MALFORMED = [
    ("prompt_distribution", (), [0.5, 0.49], "prompt_distribution row = 0.99: expected a sum of 1"),
    (
        "prompt_distribution",
        (),
        [1.5, -0.5],
        "prompt_distribution[1] = -0.5: expected a probability",
    ),
    ("prompt_distribution", (1,), NAN, "prompt_distribution[1] = 'nan': expected a number"),
    ("prompt_distribution", (), [], "prompt_distribution = an empty array: expected at least one"),
    ("prompt_distribution", (), [[1.0]], "prompt_distribution = array of shape (1, 1): expected 1"),
    ("prompt_distribution", (), [1.0], "initial_distribution = array of shape (2, 4): expected"),
    ("prompt_distribution", (), [T, F], "prompt_distribution = array of bool: expected numbers"),
    (
        "prompt_distribution",
        (0,),
        "a third",
        "prompt_distribution[0] = 'a third': expected a number",
    ),
    ("prompt_distribution", (0,), "1/0", "prompt_distribution[0] = '1/0': expected a number"),
    ("prompt_distribution", (0,), None, "prompt_distribution[0] = None: expected a number"),
    (
        "initial_distribution",
        (1, 0),
        0.49,
        "initial_distribution row[1] = 0.99: expected a sum of 1",
    ),
    ("initial_distribution", (1, 0), INF, "initial_distribution[1, 0] = inf: expected a finite"),
    (
        "initial_distribution",
        (0,),
        [0, 0, 1, 0],
        "initial_distribution[0, 2] = 1.0: expected 0 for",
    ),
    ("initial_distribution", (0,), [1], "initial_distribution = a ragged list: expected a rect"),
    ("depth", (), [0.0, 0.0, 1.0, 1.0], "depth = array of float64: expected numbers of type int"),
    ("depth", (), [F, F, T, T], "depth = array of bool: expected numbers of type int"),
    ("depth", (), [], "depth = an empty array: expected at least one entry"),
    ("depth", (), [0, 0, 1], "initial_distribution = array of shape (2, 4): expected shape (2, 3)"),
    ("depth", (3,), -1, "depth[3] = -1: expected a layer in 0..3"),
    ("depth", (3,), 99, "depth[3] = 99: expected a layer in 0..3"),
    ("depth", (3,), 2, "tool_transition[0, 0, 3] = 0.5: expected 0 unless the next state is one"),
    ("tool_transition", (0, 1), [1, 0, 0, 0], "tool_transition[0, 1, 0] = 1.0: expected 0 unless"),
    ("tool_transition", (0, 0, 2), 0.49, "tool_transition row[0, 0] = 0.99: expected a sum of 1"),
    ("tool_transition", (0, 0), [0, 0, 2, -1], "tool_transition[0, 0, 3] = -1.0: expected a prob"),
    ("tool_transition", (0, 0), [0] * 4, "tool_transition row[0, 0] = 0.0: expected a sum of 1"),
    (
        "tool_transition",
        (1, 0),
        [0, 0, 1, 0],
        "tool_transition[1, 0] = 1.0: expected a row of zeros",
    ),
    ("tool_transition", (), [[0] * 4] * 4, "tool_transition = array of shape (4, 4): expected 3"),
    ("tool_transition", (), [[[0] * 3] * 2] * 4, "tool_transition = array of shape (4, 2, 3): exp"),
    ("tool_transition", (), [], "legal = array of shape (4, 4): expected shape (4, 2)"),
    ("legal", (2,), [F] * 4, "legal[2] = no legal action: expected at least one"),
    ("legal", (), [[T] * 3] * 4, "legal = array of shape (4, 3): expected shape (4, 4)"),
    ("legal", (), [[1] * 4] * 4, "legal = array of int64: expected numbers of type bool"),
    ("reward", (1, 2, 0, 1), 1.2, "reward[1, 2, 0, 1] = 1.2: expected a reward in [0, 1]"),
    ("reward", (0, 0, 1, 0), -0.1, "reward[0, 0, 1, 0] = -0.1: expected a reward in [0, 1]"),
    ("reward", (0, 0, 1, 0), NAN, "reward[0, 0, 1, 0] = 'nan': expected a number"),
    ("reward", (0, 0, 1, 0), 2**-0.5, "reward = 0.7071067811865476: expected a rational"),
    ("reward", (), [[[[], []]] * 4] * 2, "reward = array of shape (2, 4, 2, 0): expected shape"),
    (
        "reward",
        (),
        np.zeros((2, 4, 0, 2)),
        "reward = array of shape (2, 4, 0, 2): expected at least",
    ),
    ("reward", (), [[[0, 1]] * 4] * 2, "reward = array of shape (2, 4, 2): expected 4 axes"),
    ("weights", (1,), 0, "weights[1] = 0.0: expected a finite weight > 0"),
    ("weights", (1,), -2, "weights[1] = -2.0: expected a finite weight > 0"),
    ("weights", (1,), NAN, "weights[1] = nan: expected a finite weight > 0"),
    ("weights", (1,), 2**0.5, "weights = 1.4142135623730951: expected a rational"),
    ("weights", (), [1, 1, 1], "reward = array of shape (2, 4, 2, 2): expected shape (2, 4, 2, 3)"),
    ("weights", (), [], "weights = an empty array: expected at least one entry"),
    ("reward", (), np.full((2, 4, 2, 2), NAN), "reward[0, 0, 0, 0] = nan: expected a reward in"),
    ("weights", (), [T, 2], "weights[0] = True: expected a number"),
    ("weights", (), [T, Fraction(1, 2)], "weights[0] = True: expected a number"),
    ("weights", (), 1.0, "weights = array of shape (): expected 1 axes"),
]


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
    broken = eqx.tree_at(lambda m: m.reward, mdp, mdp.reward * NAN)
    copy = jax.tree.map(lambda x: 2 * x, broken)
    assert jnp.isnan(jax.jit(lambda m: m.reward.sum())(copy))
    slope = eqx.filter_jit(eqx.filter_grad(lambda m: value(m, policy, policy.zeros())))(mdp)
    assert float(abs(slope.class_composite).sum()) > 0
    again = jax.tree.unflatten(jax.tree.structure(mdp), jax.tree.leaves(mdp))
    assert eqx.tree_equal(again, mdp)


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


def test_a_model_keeps_its_numbers():
    """Arrays it was made from may be written to afterwards; as small ones, JAX would share them."""
    made = TAMDP(**GOOD)
    fields = ("initial_distribution", "depth", "tool_transition", "legal", "reward", "weights")
    given = {name: np.array(getattr(made, name)) for name in ("prompt_distribution", *fields)}
    again = TAMDP(**given)
    for array in given.values():
        array[...] = 0
    for name in given:
        np.testing.assert_array_equal(getattr(again, name), getattr(made, name))
