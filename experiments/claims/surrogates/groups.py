"""Groups of samples: the points that T2.identity, T2.bridge and T2.bridge' speak of, and draws."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from grpo_checks.experiments.falsifier.constraints import above_zero, integer, interval
from grpo_checks.experiments.falsifier.domain import Domain
from grpo_checks.experiments.protocol.verdict import Decision, unmet
from grpo_checks.theory.arithmetic.enclose import exact
from grpo_checks.theory.mdp.mdp import TAMDP

Values = NDArray[np.object_]
SHAPES = tuple((g, k, d) for g, k in ((2, 2), (3, 2), (4, 3), (8, 2)) for d in (0, 1))
"""Group size, components, ddof."""
GROUP = Domain(
    {
        "rewards": interval("members", "components"),
        "weights": above_zero("components"),
        "ratios": above_zero("members", default=1),
    },
    {"ddof": integer(0, 1, default=0)},
    [{"members": g, "components": k, "ddof": d} for g, k, d in SHAPES],
    least={"members": 2},
)
SILENT = "sd = 0: the group has no joint advantage"


def silent(rewards: Any, weights: Any, **others: Any) -> Decision | None:
    """Where all composites are equal."""
    return unmet(SILENT) if len({*(rewards @ weights)}) == 1 else None


def _after_ratios(rng: np.random.Generator, size: int) -> None:
    """Ratios are drawn too: of claims that have them, the same groups."""
    rng.integers(50, 151, size)


def random_groups(
    rng: np.random.Generator, components: int, size: int, count: int
) -> tuple[Values, Values]:
    """Rewards in {0, 1/4, .., 1} (N, G, K) and weights in tenths (N, K), exact."""
    rewards, weights = [], []
    for _ in range(count):
        rewards.append([[f"{x}/4" for x in row] for row in rng.integers(0, 5, (size, components))])
        weights.append([f"{x}/10" for x in rng.integers(1, 21, components)])
        _after_ratios(rng, size)
    return exact(rewards), exact(weights)


def groups_of(rng: np.random.Generator, mdp: TAMDP, size: int, count: int) -> tuple[Values, Values]:
    """Members with reward vectors that the model can earn, each equally likely; exact."""
    vectors = np.asarray(mdp.class_vector)
    drawn = []
    for _ in range(count):
        drawn.append(vectors[rng.integers(0, len(vectors), size)])
        _after_ratios(rng, size)
    written = [[[str(x) for x in row] for row in group] for group in drawn]
    return exact(written), exact([[str(w) for w in np.asarray(mdp.weights)]] * count)
