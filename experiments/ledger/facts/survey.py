"""Facts on the survey of random models, and on what stops the cycle."""

import pandas as pd
import scipy

from grpo_checks.experiments.audit.cycle_changes import TURNS
from grpo_checks.experiments.protocol.claim import Facts
from grpo_checks.experiments.runs.words import table

LEVEL = 0.99
ENDS = {
    "goes round": "cycles",
    "zero": "ends where grad J is not 0",
    "undecided": "slows down",
}


def survey(records: pd.DataFrame) -> Facts:
    """Shares of models with some start that does not become stationary, with their limits."""
    lines = []
    for size, models in records.groupby("group_size"):
        shared = models["prompts"] > 1
        parts = {"all": models, "one": models[~shared], "three": models[shared]}
        for prompts, part in parts.items():
            shares = {heading: share(part[column] > 0) for column, heading in ENDS.items()}
            lines.append({"G": size, "prompts": prompts, "models": len(part), **shares})
    pairs = records[records["group_size"] == records["group_size"].min()]
    beaten = pairs["winner"].astype(str) != "True"
    rounds = pairs["goes round"] > 0
    return {
        "models": records["model"].nunique(),
        "table": table(pd.DataFrame(lines)),
        "beaten": int(beaten.sum()),
        "both": int((beaten & rounds).sum()),
        "rounds": int(rounds.sum()),
        "single": records[(records["goes round"] > 0) & (records["prompts"] == 1)].shape[0],
        "shared": int((pairs[rounds]["prompts"] > 1).sum()),
    }


def by_prompts(records: pd.DataFrame, column: str) -> str:
    """In how many models some start does so, of those whose prompts share the parameters, and of
    those with one prompt."""
    shared = records["prompts"] > 1
    seen = records[column] > 0
    single, several = (f"{seen[kind].sum()} of {kind.sum()}" for kind in (~shared, shared))
    return f"{several} with shared parameters and {single} with one prompt"


def share(seen: pd.Series) -> str:
    """In per cent, with Clopper and Pearson's limits."""
    limits = scipy.stats.binomtest(int(seen.sum()), len(seen)).proportion_ci(LEVEL)
    low, high = (100 * x for x in limits)
    return f"{100 * seen.mean():.2f}% [{low:.2f}, {high:.2f}]"


def stops(records: pd.DataFrame) -> Facts:
    """What each change of a trainer's settings makes of the cycle, by instance."""
    lines = records.assign(
        what=records["change"].str.cat(records["setting"], sep=", ").str.strip(", "),
        stays=[f"{r.last_third:.2g}" for r in records.itertuples()],
        outcome=records["outcome"].replace(ENDS),
        value=[f"{r.J:.3f} of {r.optimum:.3f}" for r in records.itertuples()],
    )
    headings = (
        "instance | what: change | outcome: the run | value: J at the end | "
        "stays: average of |grad J|^2, last third"
    )
    return {"table": table(lines, headings), "turns": TURNS - 0.5}
