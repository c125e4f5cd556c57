"""Cells of Theorem 2: a model, a policy of it, a group size, and the certificate at both ends.

Every cell is checked twice: at the policy that it names, and at the first-order point of Jtilde
that exact ascent reaches from there. All models of a stack share one shape and one compilation;
the group size is data, as c_G in Bernstein form of a common degree.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float
from numpy.typing import NDArray

from grpo_checks.theory.convergence.decomposition_gap import (
    FIRST_ORDER,
    Certificate,
    certificate,
    induction_roundings,
)
from grpo_checks.theory.convergence.frank_wolfe import climb, pure
from grpo_checks.theory.estimators.advantages import Estimator
from grpo_checks.theory.estimators.response import response_values
from grpo_checks.theory.evaluation.influence import influence
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.padding import Arrays as Padded
from grpo_checks.theory.mdp.padding import Shape, blank, filled, padded, policy_values, stack
from grpo_checks.theory.numbers.bernstein import bernstein
from grpo_checks.theory.updates.rounding import accumulated

DEGREE = 62
"""Of c_G for the largest group size, 64."""
CHUNK = 256
STEPS, RESIDUAL = 400, FIRST_ORDER / 8
"""When exact ascent stops, phi over R_max; whether it has arrived is judged by ``first_order``."""
SCALES = (0.0, 0.5, 2.0, 6.0)
"""Spread of the logits of random policies: uniform to nearly deterministic."""
Floats = NDArray[np.float64]
Certified = tuple[Certificate, dict[str, Any]]


class Option(NamedTuple):
    """How groups are normalised."""

    group_size: int
    ddof: int = 0
    eps: float = 0.0


@dataclass(frozen=True)
class Case:
    """Policies of one model, by their component values ``success (N, Q, K)``, at some options."""

    name: str
    mdp: TAMDP
    success: Floats
    options: Sequence[Option]
    where: str = "policy"


class Cells(NamedTuple):
    """One line of ``frame`` for each cell, prompt and end; arrays in the same order."""

    frame: pd.DataFrame
    certificate: Certificate
    """With arrays (N, 1) and (N, 1, K), ready for ``vmap``."""

    def where(self, mask: Any) -> "Cells":
        """The lines that ``mask`` (N,) keeps."""
        kept = np.flatnonzero(np.asarray(mask))
        part = jax.tree.map(lambda leaf: leaf[kept], self.certificate)
        return Cells(self.frame.iloc[kept].reset_index(drop=True), part)


def random_policies(mdp: TAMDP, count: int, seed: int, shape: Shape) -> Floats:
    """Component values (count, Q, K) of random softmax policies, from uniform to sharp."""
    arrays, n_components = padded(mdp, shape), mdp.weights.shape[0]
    rng = np.random.default_rng([seed, count])
    legal = np.asarray(arrays.legal)
    scale = np.resize(SCALES, count)[:, None, None]
    logits = np.where(legal, rng.normal(size=(count, *legal.shape)) * scale, -np.inf)
    top = np.where(legal.any(1), logits.max(2), 0.0)
    raw = np.exp(logits - top[..., None])
    probs = raw / np.maximum(raw.sum(2, keepdims=True), 1e-300)
    values = _values(_template(shape), arrays, probs)
    n_prompts = mdp.prompt_distribution.shape[0]
    return np.asarray(values)[:, :n_prompts, :n_components]


@lru_cache(maxsize=8)
def _template(shape: Shape) -> TAMDP:
    return blank(shape)


@jax.jit
def _values(template: TAMDP, arrays: Padded, probs: Float[Array, "N S A"]) -> Float[Array, "N Q K"]:
    return jax.vmap(lambda p: policy_values(filled(template, arrays), p))(probs)


def numbers(c: Certificate) -> dict[str, Any]:
    """What a line of the frame says of a certificate."""
    named = ("bound", "kappa", "kappa_bound", "first_order", "misaligned", "gap", "residual")
    columns = {name: getattr(c, name) for name in (*named, "left", "magnitude")}
    return {**columns, "moving": c.moves.sum(-1), "reach": c.reach @ c.weights}


@jax.jit
def _check(
    template: TAMDP, arrays: Padded, success: Float[Array, "N Q K"], values: Float[Array, "N D"]
) -> Certified:
    """Certificates at both ends of each cell, (N, 2, Q, ...), and their properties."""

    def one(
        arrays: Padded, start: Float[Array, "Q K"], coefficients: Float[Array, " D"]
    ) -> Certified:
        model = filled(template, arrays)
        respond = lambda p: bernstein(coefficients, p)  # noqa: E731
        enough = RESIDUAL * model.max_reward
        reached = climb(model, respond, pure(start), enough, STEPS).mixture.success
        ends = jnp.stack([start, jnp.clip(reached, 0.0, 1.0)])
        certificates = jax.vmap(lambda p: certificate(model, p, respond(p)))(ends)
        return certificates, jax.vmap(numbers)(certificates)

    return jax.vmap(one)(arrays, success, values)


def _in_chunks(template: TAMDP, arrays: Any, which: Any, success: Any, values: Any) -> Certified:
    """The cells a chunk at a time: one compilation, bounded memory."""
    n = len(which)
    order = np.resize(np.arange(n), -(-n // CHUNK) * CHUNK).reshape(-1, CHUNK)
    parts = []
    for rows in order:
        # Each cell with its model: the number of models is then no shape either.
        per_cell = jax.tree.map(lambda leaf, at=which[rows]: leaf[at], arrays)
        parts.append(jax.device_get(_check(template, per_cell, success[rows], values[rows])))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:n], *parts)


def check(cases: Sequence[Case], shape: Shape) -> Cells:
    """All cells of all cases; prompts that padding added are left out."""
    arrays = jax.device_get(stack([case.mdp for case in cases], shape))
    labels, which, success, options = [], [], [], []
    for i, case in enumerate(cases):
        for p in case.success:
            for option in case.options:
                filling = np.zeros((shape.prompts, shape.components))
                filling[:] = np.pad(p, ((0, 0), (0, shape.components - p.shape[1])))[:1]
                filling[: p.shape[0], : p.shape[1]] = p
                labels.append((case.name, case.where, p.shape[0], *option))
                which.append(i)
                success.append(filling)
                options.append(option)
    values = {o: response_values(o[0], _estimator(o), DEGREE) for o in set(options)}
    table = np.array([values[o] for o in options])
    results = _in_chunks(_template(shape), arrays, np.array(which), np.array(success), table)
    stakes = _influence(cases, shape.prompts)[np.array(which)]
    return _lines(labels, *results, shape, stakes)


def _influence(cases: Sequence[Case], n_prompts: int) -> NDArray[np.int64]:
    """(N, Q, 2): whether any policy changes J_q, and how many responses can be unequal."""
    stakes = np.zeros((len(cases), n_prompts, 2), dtype=int)
    for i, case in enumerate(cases):
        of_case = influence(case.mdp)
        stakes[i, : of_case.value.size] = np.stack([of_case.value, of_case.responses], -1)
    return stakes


def _estimator(option: Option) -> Estimator:
    return Estimator("componentwise_normalized", option.ddof, option.eps)


def _lines(
    labels: list[Any], certificates: Certificate, columns: dict[str, Any], shape: Shape, stakes: Any
) -> Cells:
    """One line for each cell, end and prompt."""
    names = ["instance", "where", "prompts", "group_size", "ddof", "eps"]
    frame = pd.DataFrame(labels, columns=names)
    q = shape.prompts
    frame = frame.loc[frame.index.repeat(2 * q)].reset_index(drop=True)
    frame["prompt"] = np.tile(np.arange(q), len(labels) * 2)
    end = np.tile(np.repeat([False, True], q), len(labels))
    frame["where"] = np.where(end, "first-order point from " + frame["where"], frame["where"])
    frame["arrived"] = end
    for name, column in columns.items():
        frame[name] = column.reshape(-1)
    frame["stake"], frame["responses"] = stakes[:, None].repeat(2, 1).reshape(-1, 2).T
    steps = induction_roundings(_template(shape))
    frame["rounding"] = accumulated(steps) * frame["magnitude"]
    weights = np.repeat(certificates.weights, q, axis=1).reshape(-1, shape.components)
    flat = jax.tree.map(lambda leaf: leaf.reshape(-1, 1, *leaf.shape[3:]), certificates)
    cells = Cells(frame, flat._replace(weights=weights))
    return cells.where(frame["prompt"] < frame["prompts"])
