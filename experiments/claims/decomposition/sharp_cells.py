"""First-order points near T2.kappa's bound: two to four components, up to three tool calls."""

from functools import lru_cache
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Array, Float

from grpo_checks.experiments.claims.decomposition.cases import DECOMPOSED, SHARP
from grpo_checks.experiments.claims.decomposition.cells import DEGREE, numbers
from grpo_checks.experiments.claims.decomposition.summaries import summary
from grpo_checks.experiments.protocol.claim import Row
from grpo_checks.theory.convergence.decomposition_gap import certificate, induction_roundings
from grpo_checks.theory.estimators.response import response_values
from grpo_checks.theory.instances.sharp_deep import deep_sharp
from grpo_checks.theory.mdp.mdp import TAMDP
from grpo_checks.theory.mdp.padding import Arrays, blank, filled, shape_of, stack
from grpo_checks.theory.numbers.bernstein import bernstein
from grpo_checks.theory.updates.rounding import accumulated

COMPONENTS, DEPTHS = (2, 3, 4), (0, 1, 2, 3)
NAME = "sharp, deep"


@jax.jit
def _numbers(
    template: TAMDP, arrays: Arrays, success: Float[Array, "N 1 K"], values: Float[Array, "N D"]
) -> dict[str, Float[Array, "N 1"]]:
    def one(
        arrays: Arrays, p: Float[Array, "1 K"], coefficients: Float[Array, " D"]
    ) -> dict[str, Float[Array, " 1"]]:
        return numbers(certificate(filled(template, arrays), p, bernstein(coefficients, p)))

    return jax.vmap(one)(arrays, success, values)


@lru_cache(maxsize=2)
def sharp_frame(profile: str) -> pd.DataFrame:
    """A line for each number of components, depth and group size, as ``cells.check`` has them."""
    sizes = SHARP if profile == "paper" else (4, 8)
    places = list(product(COMPONENTS, DEPTHS, sizes))
    points = [deep_sharp(size, k, depth) for k, depth, size in places]
    models = [point.mdp for point in points]
    shape = shape_of(models)
    success, weights = np.zeros((2, len(points), shape.components))
    weights += 1
    for i, point in enumerate(points):
        success[i, : point.success.size] = point.success
        weights[i, : point.weights.size] = point.weights
    template = blank(shape)
    arrays = stack(models, shape)._replace(weights=jnp.asarray(weights))
    values = np.array([response_values(size, DECOMPOSED, DEGREE) for *_, size in places])
    columns = jax.device_get(_numbers(template, arrays, success[:, None], values))
    frame = pd.DataFrame(places, columns=["components", "depth", "group_size"])
    frame = frame.assign(**{name: column[:, 0] for name, column in columns.items()})
    steps = accumulated(induction_roundings(template))
    return frame.assign(instance=NAME, idle=False, rounding=steps * frame["magnitude"])


def sharp_rows(claim: str, bounded: pd.DataFrame) -> list[Row]:
    """A row for each number of components and group size, of all depths."""
    rows = []
    for _, part in bounded.groupby(["components", "group_size"]):
        k, size = (part[name].iloc[0].item() for name in ("components", "group_size"))
        named = {"bound_name": f"K = {k}", "components": k, "group_size": size}
        where = {"where": "first-order point, depth 0 to 3"}
        rows.append(summary(claim, NAME, part, "kappa_bound", {**named, **where}))
    return rows
