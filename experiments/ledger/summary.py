"""The ledger's opening of each theorem: claimed, true, not true, counterexamples, practice."""

from collections.abc import Callable, Mapping

import pandas as pd

from grpo_checks.experiments.points.generalization.coverage import ALONE
from grpo_checks.experiments.protocol.claim import overall
from grpo_checks.experiments.storage.text import counts, markdown, span

CLAIMED = {
    1: """## Theorem 1: stationarity at O(1/sqrt T)

**What was claimed.** The abstract: GRPO under composite verifiable rewards reaches first-order
stationarity at rate O(1/sqrt T), with explicit dependence on the group size and on the number of
reward components. It gives no constants. Readers report an assumption that the variance of an
update is proportional to K/G.""",
    2: """## Theorem 2: the decomposition gap

**What was claimed.** The abstract: a theorem on reward decomposition bounds the sub-optimality gap
between optimising components separately and jointly, and characterises when decomposing is
beneficial. It gives no constants. Readers report a bound of joint minus decomposed surrogates by a
misalignment of advantages.""",
    3: """## Theorem 3: PAC-Bayes generalisation and transfer

**What was claimed.** The abstract: a PAC-Bayes generalisation bound for tool-augmented policies,
which is to explain the out-of-distribution transfer seen in Visual-ARFT. It gives no constants.
Readers report a shift term that is divided by sqrt n.""",
}
TRUE = """
**What is true.** {names} hold, in {cells} cells; what each verdict rests on
is in the table on top.

**What is not.** {false}

**The counterexamples in numbers**, one of each claim (a stored point where there is one):

{table}

**What it means for practice.** {practice}
"""
PRACTICE = {
    1: """With the step that the bound asks for, eta = min(1, sqrt(G/T)), the average of |grad J|^2
on `conflict` falls as T^s, s = {slopes}; another rule for the step has another slope. The bound
with its constants lies above what was observed by a factor of {ratio} (median {median:.3g}): a
limit, no forecast of the number of steps. With prompts drawn at random, groups of {best} were best
at a fixed number of episodes. Dividing by the group's standard deviation can move the stationary
points: that of `conflict` at G = {size} has |grad J|^2 = {floor:.3g}, and runs end there; for
groups of 2 or 3 and one two-valued reward it moves none. Components that succeed together cost
more than K says.""",
    2: """At a first-order point, normalising components separately costs at most
{losses} of what they can move, by giving most weight to components that nearly always succeed or
fail; nothing at G = 2 or 3. That is over unrestricted policies of one prompt. Parameters that
answers or prompts share set no such limit: where one logit trades one component for another,
ascent of Jtilde can lose all that is to be had
(`tests/theory/estimators/test_shared_parameters.py`). Neither order of the two steps wins
everywhere: on `outcomes`, each at its own best step, one update gains {lead} of the larger gain by
decomposing, and e does not tell where. A misalignment of zero says
nothing about the difference of the surrogates; the range of the importance ratios bounds it.""",
    3: """No PAC-Bayes bound failed more often than its delta (largest failure probability over
delta {failing:.2g}); none of them shrinks the distance between environments: with a shift term
over sqrt n the bound fails with probability {worst} at delta = {delta}. At the sample sizes of
Visual-ARFT the bound is vacuous in {vacuous} of {cells} cells. For the search models' {few} tasks
it is so in {few_vacuous} of {few_cells}, and in the others it holds only for posteriors within
{nats:.3g} nats of the base model: it does not explain the transfer.""",
}


def summary(number: int, rows: pd.DataFrame, cases: pd.DataFrame, verdicts: pd.DataFrame) -> str:
    """Of one theorem; the claim alone where the rows have nothing of it."""
    by_claim = {str(n): d for n, d in rows.groupby("claim") if str(n).startswith(f"T{number}.")}
    if not by_claim:
        return ""
    mine = verdicts[verdicts["claim"].str.startswith(f"T{number}.")]
    held, false = (mine[mine["verdict"] == v] for v in ("holds", "refuted"))
    said = [f"{r.claim} ({r.provenance}): {r.statement}." for r in false.itertuples()]
    cells = sum(len(by_claim[name]) for name in held["claim"] if name in by_claim)
    return f"\n{CLAIMED[number]}\n" + TRUE.format(
        names=", ".join(held["claim"]),
        cells=f"{cells:,}",
        false=" ".join(said) or "Nothing that was checked.",
        table=markdown(counterexamples(list(false["claim"]), rows, cases)),
        practice=PRACTICE[number].format(**NUMBERS[number](by_claim)),
    )


def outcome(data: pd.DataFrame) -> str:
    """The verdict of some cells of a claim as the verb of a sentence."""
    verdict = overall(list(data["verdict"]))
    return {"holds": "holds", "assumption unmet": "has its assumption unmet"}.get(
        verdict, f"is {verdict}"
    )


def counterexamples(claims: list[str], rows: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """A line per claim: stored points first, in fractions, else the refuted cell itself."""
    # What is refuted in floating point alone is no counterexample.
    solid = rows[rows["evidence"] != "exact"]
    lines = []
    for claim in claims:
        tables = [t[(t["claim"] == claim) & (t["verdict"] == "refuted")] for t in (cases, solid)]
        found = next((t for t in tables if len(t)), None)
        if found is None:
            continue
        first = found.iloc[0]
        lines.append(
            {
                "claim": claim,
                "point": first["case"] if "case" in first else first["instance"],
                "observed": exactly(first, "observed"),
                "allowed": exactly(first, "bound"),
                "note": first["note"] if isinstance(first["note"], str) else "",
            }
        )
    return pd.DataFrame(lines, columns=["claim", "point", "observed", "allowed", "note"])


def exactly(row: pd.Series, side: str) -> str:
    """A number as a fraction where that can be read, else to 12 digits; 6 of a sampled one."""
    text = row.get(f"{side}_exact")
    if isinstance(text, str) and len(text) <= 24:
        return text
    digits = 6 if row.get("evidence") == "statistical" else 12
    return f"{float(row[side]):.{digits}g}"


def _stationarity(by_claim: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    ratio = by_claim["T1.rate"]["ratio"].dropna()
    held = by_claim["T1.budget"]["verdict"] == "holds"
    stalled = by_claim["T1.floor"].dropna(subset=["floor"]).iloc[0]
    return {
        "slopes": " and ".join(f"{x:.3f}" for x in by_claim["T1.slope"]["observed"]),
        "ratio": span(ratio),
        "median": ratio.median(),
        "best": counts(by_claim["T1.budget"]["group_size"][held]),
        "size": int(stalled["group_size"]),
        "floor": stalled["floor"],
    }


def _decomposition(by_claim: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    known = by_claim["T2.kappa"].dropna(subset=["factor"]).drop_duplicates("group_size")
    factor = known.set_index("group_size")["factor"]
    benefit = by_claim["T2.benefit"]
    lead = benefit[benefit["instance"] == "outcomes"]["gain_lead"].dropna()
    return {
        "losses": ", ".join(f"{factor[g]:.1%} (G = {g})" for g in (4, 8, 16, 64) if g in factor),
        "lead": " to ".join(dict.fromkeys(f"{x:.1%}" for x in (lead.min(), lead.max()))),
    }


def _generalisation(by_claim: Mapping[str, pd.DataFrame]) -> dict[str, object]:
    coverage, published = by_claim["T3.coverage"], by_claim["T3.visual_arft"]
    coverage = coverage[~coverage["bound_name"].isin(ALONE)]
    shift = by_claim["T3.shift"]
    trained = published[
        (published["trained_on"].astype(str) == "True") & (published["train_loss"] == "observed")
    ]
    few = trained[trained["n_tasks"] == trained["n_tasks"].min()]
    return {
        "failing": (coverage["observed"] / coverage["delta"]).max(),
        "worst": _chance(shift["observed"].max()),
        "delta": ", ".join(f"{x:g}" for x in shift["delta"].unique()),
        "vacuous": int((trained["verdict"] == "vacuous").sum()),
        "cells": len(trained),
        "few": int(few["n_tasks"].iloc[0]),
        "few_vacuous": int((few["verdict"] == "vacuous").sum()),
        "few_cells": len(few),
        "nats": few["observed"].max(),
    }


def _chance(value: float) -> str:
    """Numbers that differ from 1 by less than they can show are not printed as 1."""
    return f"up to {value:.4f}" if value < 0.9999 else "above 0.9999"


NUMBERS: Mapping[int, Callable[[Mapping[str, pd.DataFrame]], dict[str, object]]] = {
    1: _stationarity,
    2: _decomposition,
    3: _generalisation,
}
