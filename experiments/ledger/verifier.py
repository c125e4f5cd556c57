"""The ledger's section on the verifier itself: stored cases, mutants, power, false alarms."""

from pathlib import Path

import pandas as pd

from grpo_checks.experiments.audit.power import power
from grpo_checks.experiments.ledger.falsifier import falsified
from grpo_checks.experiments.ledger.summary import exactly
from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.storage.input_file import read_json
from grpo_checks.experiments.storage.text import markdown

INTRO = """
## The verifier, verified

A check that cannot fail says nothing. What follows says how each could have failed.
"""
CASES = """
**Certified cases.** Points of the claims in whole numbers and fractions, decided again at every
verification in rational or ball arithmetic, {held} that hold and {refuted} counterexamples. A
cell that only floating point refutes says so, and is no counterexample.

{table}
"""
MUTANTS = """
**Mutants.** Every false version of a claim must come out refuted: {caught} of {all} are,
{certified} of them by a certified case. `python -m experiments mutants`
repeats it in {seconds:.0f} s.

{table}

The smallest lowering of a bound that the claim's own rows would notice (in closed form: the least
distance from a bound to the lower limit of what was observed, as a share of the bound; of
T3.coverage the bound on a failure probability is delta, and the bounds for one policy chosen
beforehand, {alone}, are no PAC-Bayes bounds):

{smallest}
"""
POWER = """
**Power.** One-sided limits at a family-wise level of 0.001 over the sampled cells of a claim, and
Holm's step-down test for cells that they leave open. Smallest excess over a bound that is found
with probability 0.9, and seeds at which 10 % and 1 % would be (median over cells; planning
figures, see `experiments/audit/power.py`):

{table}
"""
ALARMS = """
**False alarms.** {claim} on `{instance}` ({cells} cells of {seeds} seeds or more), reseeded
{runs:,} times: refuted in {alarms}, at the level {level}. At the sharp boundary, the bound replaced
by the expectation itself and the level by {sharp_level}, its limits refute in {sharp_refuted} runs
and hold in {sharp_holds}; those of a slope exclude the true one in {slope_alarms}. The level would
explain up to {allowed}; all limits are valid at any number of seeds.
"""


def section(rows: pd.DataFrame, cases: pd.DataFrame, folder: Path) -> str:
    """Each part where its file is in ``folder``; the power table from the rows."""
    parts = [INTRO, _cases(cases) if len(cases) else ""]
    parts += [falsified(folder / "falsify", "results/paper/falsify"), _mutants(folder)]
    parts.append(POWER.format(table=markdown(power(rows))))
    alarms = folder / "alarms.json"
    if alarms.is_file():
        parts.append(ALARMS.format(**read_json(alarms)))
    return "".join(parts)


def _cases(cases: pd.DataFrame) -> str:
    lines = [
        {
            "claim": row["claim"],
            "case": row["case"],
            "observed": exactly(row, "observed"),
            "bound": exactly(row, "bound"),
            "verdict": row["verdict"],
        }
        for _, row in cases.iterrows()
    ]
    return CASES.format(
        held=(cases["verdict"] == "holds").sum(),
        refuted=(cases["verdict"] == "refuted").sum(),
        table=markdown(pd.DataFrame(lines)),
    )


def _mutants(folder: Path) -> str:
    tables = [folder / "mutants.csv", folder / "mutants_smallest.csv"]
    if not all(path.is_file() for path in tables):
        return ""
    found, seen = (pd.read_csv(path, keep_default_na=False) for path in tables)
    return MUTANTS.format(
        caught=(found["verdict"] == "refuted").sum(),
        all=len(found),
        certified=(found["caught by"] == "certified case").sum(),
        seconds=found["seconds"].sum(),
        table=markdown(found.drop(columns=["verdict"])),
        alone=" and ".join(ALONE),
        smallest=markdown(seen),
    )
