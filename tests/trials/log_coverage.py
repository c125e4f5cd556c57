"""Whether limits of estimates from logs cover at their level, and how wide they are.

    JAX_ENABLE_X64=1 PYTHONPATH=.:tests python tests/trials/log_coverage.py [LOGS]

Each log is sampled from `coding` while it learns; what is true of it is exact (helpers.logs). Exit
status 1 if a number is missed more often than a binomial count at level .05 exceeds with a chance
of 1e-3 in all, or its mean is off by more than its own spread explains (ratios: .02 besides).
"""

import sys

import jax
import numpy as np
import scipy
from helpers.logs.sampled import NAMES, WEIGHTS, learning, sampled, truth

from grpo_checks.experiments.advice.logs.analysis import estimate, names_of, table
from grpo_checks.experiments.advice.logs.grouping import group_rows

LEVEL, FAMILY = 0.05, 1e-3
BIASED = ("correlation", "heard", "share")
"""Ratios, whose bias falls as one over the number of groups."""


def main(logs: int) -> int:
    """The exit status."""
    jax.config.update("jax_enable_x64", True)
    model = learning()
    answers = truth(model)
    seen: dict[tuple[str, str], list[tuple[float, float, float]]] = {key: [] for key in answers}
    for seed in range(logs):
        grouped = group_rows(sampled(model, seed), WEIGHTS, 1, None)
        rows = table(grouped, names_of(grouped, NAMES))
        for key in answers:
            seen[key].append(estimate(rows, *key))
    share = FAMILY / (2 * len(answers))
    most = int(scipy.stats.binom.isf(share, logs, LEVEL))
    failures = 0
    for key, exact in answers.items():
        value, low, high = np.array(seen[key]).T
        missed = int(((exact < low) | (exact > high)).sum())
        error = value.std(ddof=1) / np.sqrt(logs)
        allowed = error * scipy.stats.norm.isf(share / 2) + 0.02 * key[0].startswith(BIASED)
        wrong = missed > most or abs(value.mean() - exact) > allowed
        failures += bool(wrong)
        mark = " WRONG" if wrong else ""
        print(
            f"{' '.join(key):44} exact {exact:8.4f} mean {value.mean():8.4f} +- {error:.4f} "
            f"missed {missed:3} of {logs} width {np.mean(high - low):.4f}{mark}"
        )
    print(f"at most {most} of {logs} may be missed")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
