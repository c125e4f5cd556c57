"""What moves, adds up, asks or repeats is what JAX computes, exactly, on dyadic numbers."""

from fractions import Fraction
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flint import arb, fmpq
from jax import lax
from test_primitives import BINARY, UNARY

from grpo_checks.theory.arithmetic.enclose import enclose, exact, supported

LOOP = lambda x: lax.while_loop(lambda c: c[0] < 3, lambda c: (c[0] + 1, c[1] * x), (0, x))  # noqa: E731
# Functions of a (3, 4) array of dyadic numbers, on which float64 makes no error.
ARRAYS = {
    "reshape": lambda x: x.reshape(4, 3),
    "transpose": lambda x: x.T,
    "broadcast_in_dim": lambda x: lax.broadcast_in_dim(x, (2, 3, 4), (1, 2)),
    "squeeze": lambda x: lax.squeeze(x[:, :1], (1,)),
    "expand_dims": lambda x: lax.expand_dims(x, (1,)),
    "slice": lambda x: lax.slice(x, (0, 1), (3, 4), (2, 2)),
    "rev": lambda x: lax.rev(x, (1,)),
    "concatenate": lambda x: lax.concatenate([x, x], 1),
    "stack": lambda x: jnp.stack([x, -x], 1),
    "split": lambda x: lax.split(x, (1, 3), 1)[1],
    "unstack": lambda x: jnp.unstack(x, axis=1)[2] * jnp.unstack(x[0])[1],
    "iota": lambda x: x + lax.broadcasted_iota(float, (3, 4), 1),
    "pad": lambda x: lax.pad(x, 0.5, ((1, 0, 1), (-1, 2, 0))),
    "dynamic_slice": lambda x: lax.dynamic_slice(x, (1, 7), (2, 2)),
    "dynamic_update_slice": lambda x: lax.dynamic_update_slice(x, x[:1, :2], (2, 1)),
    "gather": lambda x: x[jnp.array([2, 0]), jnp.array([1, 3])],
    "scatter": lambda x: x.at[jnp.array([2, 0])].set(x[:2]),
    "scatter-add": lambda x: x.at[jnp.array([2, 2, 0])].add(x),
    "reduce_sum": lambda x: x.sum(1),
    "reduce_prod": lambda x: x.prod(0),
    "reduce_max": lambda x: x.max(1),
    "reduce_min": lambda x: x.min(0),
    "reduce_and": lambda x: jnp.where((x > 0).all(1), 1.0, 2.0),
    "reduce_or": lambda x: jnp.where((x > 0).any(1), 1.0, 2.0),
    "argmax": lambda x: x[:, 0] * x.argmax(1),
    "argmin": lambda x: x[:, 0] * x.argmin(1),
    "cumsum": lambda x: lax.cumsum(x, 1),
    "cumprod": lambda x: lax.cumprod(x, 0, reverse=True),
    "cummax": lambda x: lax.cummax(x, 1),
    "cummin": lambda x: lax.cummin(x, 1),
    "dot_general": lambda x: jnp.einsum("ij,kj->ik", x, x),
    "sort": lambda x: jnp.sort(x, 1),
    "clamp": lambda x: jnp.clip(x, -0.5, 0.75),
    "select_n": lambda x: jnp.where(x > 0, x, 2 * x),
    "lt": lambda x: jnp.where(x < 0.25, 1.0, x),
    "gt": lambda x: jnp.where(x > 0.25, 1.0, x),
    "le": lambda x: jnp.where(x <= 0.25, 1.0, x),
    "ge": lambda x: jnp.where(x >= 0.25, 1.0, x),
    "eq": lambda x: jnp.where(x == 0.25, 1.0, x),
    "ne": lambda x: jnp.where(x != 0.25, 1.0, x),
    "and": lambda x: jnp.where((x > 0) & (x < 1), 1.0, x),
    "or": lambda x: jnp.where((x > 1) | (x < 0), 1.0, x),
    "not": lambda x: jnp.where(~(x > 0), 1.0, x),
    "xor": lambda x: jnp.where((x > 0) ^ (x > 1), 1.0, x),
    "is_finite": lambda x: jnp.where(jnp.isfinite(x), x, 0.0),
    "convert_element_type": lambda x: x.astype(int).astype(float),
    "copy": lambda x: lax.copy_p.bind(x),
    "stop_gradient": lambda x: lax.stop_gradient(x) * x,
    "reduce_precision": lambda x: lax.reduce_precision(x, 11, 52),
    "optimization_barrier": lambda x: lax.optimization_barrier(x),
    "add_any": jax.grad(lambda x: (x * x).sum()),
    "cond": lambda x: lax.cond(x[0, 0] > 0, lambda y: y, lambda y: 2 * y, x),
    "while": lambda x: LOOP(x)[1],
    "scan": lambda x: lax.scan(lambda c, row: (c + row, c * row), x[0], x, reverse=True)[1],
    "jit": lambda x: jax.jit(lambda y: y + 1)(x),
    "custom_jvp_call": lambda x: jax.nn.relu(x),
    "remat2": lambda x: jax.checkpoint(lambda y: y * y)(x),
}
OTHER_NAMES = {
    "copy_p", "pjit", "closed_call", "core_call", "checkpoint", "custom_vjp_call",
    "custom_vjp_call_jaxpr",
}  # fmt: skip
"""Of the same rules, in other versions of JAX, or by other transformations."""


def dyadic() -> np.ndarray:
    """(3, 4): distinct quarters, some negative, one equal to 1/4."""
    return (np.random.default_rng(1).permutation(12).reshape(3, 4) - 5) / 4


def _argument(form: str) -> np.ndarray:
    """One array, or two."""
    return dyadic() if form == "plain" else np.stack([dyadic(), dyadic()[::-1]])


@cache
def _computed(form: str) -> dict[str, np.ndarray]:
    """By JAX, all of them in one program."""
    every = lambda x: {name: function(x) for name, function in ARRAYS.items()}  # noqa: E731
    values = jax.jit(every if form == "plain" else jax.vmap(every))(_argument(form))
    return {name: np.asarray(value) for name, value in values.items()}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("form", ["plain", "vmap"])
def test_arrays(name, form):
    """What moves, adds up or asks is what JAX computes: exactly, since quarters are exact."""
    function, x, expected = ARRAYS[name], _argument(form), _computed(form)[name]
    if form == "vmap":
        function = jax.vmap(function)
    enclosure = enclose(function)(exact(x))
    assert enclosure.shape == expected.shape
    values = [Fraction(int(v.p), int(v.q)) for v in enclosure.flat]
    assert values == [Fraction(float(v)) for v in expected.flat]


def test_every_rule_is_tested():
    """A primitive that gets a rule gets a line above."""
    assert set(supported()) == {*UNARY, *BINARY, *ARRAYS, *OTHER_NAMES}


ROOT, OPEN = arb(2).sqrt(), arb(0, 1)
ROWS = {
    "fractions": [fmpq(1, 3), fmpq(0), fmpq(-2)],
    "balls": [ROOT, OPEN, -ROOT],
    "both": [fmpq(1, 3), ROOT, OPEN],
    "zeros among balls": [fmpq(0), ROOT, fmpq(0)],
    "infinite": [arb.pos_inf(), ROOT, fmpq(0)],
}


@pytest.mark.parametrize("left", ROWS)
@pytest.mark.parametrize("right", ROWS)
def test_products_of_all_kinds_of_numbers(left, right):
    """One by one, and summed: a fraction 0 times a finite ball is 0, and rational; times infinity
    it is unknown."""
    x, y = (exact(ROWS[name]) for name in (left, right))
    one_by_one = []
    for a, b in zip(x, y, strict=True):
        is_zero = any(isinstance(z, fmpq) and z == 0 for z in (a, b))
        one_by_one.append(fmpq(0) if is_zero and arb(a * b).is_finite() else a * b)
    multiplied = enclose(lambda a, b: a * b)(x, y)
    (summed,) = enclose(lambda a, b: a @ b)(x[None], y)
    for ours, wanted in zip([*multiplied, summed], [*one_by_one, sum(one_by_one)], strict=True):
        assert (type(ours), str(ours)) == (type(wanted), str(wanted))
