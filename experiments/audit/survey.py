"""How common is it that std-normalised GRPO does not become stationary: a survey of random models.

Models: ``theory.instances.cycles.random_composites``, all from number 0 on. The flow of E[g] of
`group_normalized` (eps = 0, ddof = 0) is followed from the uniform policy and three random ones
(``theory.convergence.cycles.long_run``), in windows of ``survey_paths``. A start *goes round* if
the policy moves as widely in the second half of them as in the first; it ends at a *zero* if it
rests where grad J is not 0; else it is *stationary*. Measured, not certified: at G = 2 the duels
say independently whether some action beats all others, which attracts.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
from tqdm import tqdm

from grpo_checks.experiments.audit.survey_paths import ESTIMATOR, KINDS, Models, followed, padded
from grpo_checks.experiments.computing.work import BAR
from grpo_checks.theory.convergence.cycles.duels import duels
from grpo_checks.theory.instances.cycles.random_composites import Composite, random_composite

GROUPS = (2, 4, 8, 16)


def winner(model: Composite) -> bool:
    """Whether at G = 2 some action beats all others: it attracts from near by.

    Exact: chances are whole numbers over a power of two, and equal shares change no sign.
    """
    arrays = (np.ones(len(model.share)), model.outcome, model.rewards, model.weights)
    share, outcome, rewards, weights = map(jnp.asarray, arrays)
    wins = np.sign(np.asarray(duels(share, outcome, rewards, weights, ESTIMATOR)))
    return bool((wins.sum(1) == len(wins) - 1).any())


def records(numbers: list[int], group_size: int) -> list[dict[str, Any]]:
    """A line for each model; all have as many components."""
    drawn = [random_composite(i) for i in numbers]
    models = Models(*map(np.stack, zip(*map(padded, drawn, numbers), strict=True)))
    kinds, squares = followed(models, jnp.asarray(drawn[0].rewards), group_size)
    return [
        {
            "model": number,
            "components": len(model.weights),
            "prompts": len(model.share),
            "actions": model.outcome.shape[1],
            "coupled": model.coupled,
            "group_size": group_size,
            **{kind: int((ends == kind).sum()) for kind in KINDS},
            "squared_gradient": float(square[ends == "zero"].max(initial=0.0)),
            "winner": winner(model) if group_size == 2 else "",
        }
        for number, model, ends, square in zip(numbers, drawn, kinds, squares, strict=True)
    ]


def survey(count: int, sizes: tuple[int, ...] = GROUPS) -> pd.DataFrame:
    """A record for each of the first ``count`` models and each group size."""
    by_components: dict[int, list[int]] = {}
    for number in range(count):
        by_components.setdefault(len(random_composite(number).weights), []).append(number)
    cells = [(numbers, size) for size in sizes for numbers in by_components.values()]
    bar = tqdm(cells, "surveyed", leave=False, delay=2, bar_format=BAR, disable=None)
    lines = [line for numbers, size in bar for line in records(numbers, size)]
    return pd.DataFrame(lines).sort_values(["group_size", "model"], ignore_index=True)
