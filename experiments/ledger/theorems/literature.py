"""The ledger's section on results of other papers, every number from the rows."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from grpo_checks.experiments.ledger.summary import outcome
from grpo_checks.experiments.ledger.theorems.amplification import amplification, held
from grpo_checks.experiments.storage.text import instances, markdown, span

INTRO = """
## Results of other papers

Each claim names its paper by its arXiv id and is our formalisation of what the paper's abstract, or
readers of its text, say; none is quoted. What is *derived* beside them is ours.
"""

GRADIENT = """
**L.contrast** (2510.08539) {contrast_outcome}, in {contrast} cells, to {distance:.0e}.

**L.hessian** (2601.23135) {hessian_outcome}, in {hessian} cells, in spectral and in Frobenius
norms. It is sharp with one logit (`conflict`: bound/observed {sharp}); elsewhere bound/observed is
{loose}.

**L.mse** (2603.01162) {mse_outcome}, in {mse} cells: the formula from pairs of episodes is the
exact error over all groups. What a group of G costs over the oracle, which knows the value:

{noise}

**L.baseline** (2603.01162, as read by others) {baseline_outcome}: the oracle is not the best
estimator with a baseline that depends on the prompt alone, unless the reward is uncorrelated with
|s|^2. With two answers: {bandit}. On the other models the best constant saves {saves} of the
oracle's error (median {median:.2g}), on those with tools, {tools}, at most {least:.1g}.
"""

CORRELATION = """
**L.correlation** (2509.22047) holds in {cells} cells as a statement about large groups, in groups
of up to {size:.0f} within proven distances of order 1/G (`theory/updates/correlation_rate.py`);
components that are correlated leave its assumption unmet. **L.correlation.law** (derived) gives the
decoupled correlation at finite G. On `bits` with success probabilities {chances} (correlation of
each component with the advantage; limits: joint {joint}, decoupled {decoupled}):

{table}

**L.correlation.G** is refuted: at finite G decoupling does not equalise. At G = 2:
{pairs}.
In groups of two it is the joint limit divided by sqrt 2. In practice: what nearly always succeeds,
or nearly always fails, stays underweighted in small groups, with decoupling too.
"""

GROUPS = """
**L.groups** (2601.05242) {outcome}, in {cells} cells: 2 against 3 for two binary rewards and G = 2.
Numbers of different groups of advantages, unit weights, equality decided exactly (`centred`:
no division by sd; `all`: groups of reward vectors):

{table}

Leaving the division out also separates more groups than the joint form where K > 1{equal}.
"""


def section(rows: pd.DataFrame) -> str:
    """The whole section; empty where the table has none of these claims."""
    by_claim = {name: data for name, data in rows.groupby("claim")}
    if not any(str(name).startswith("L.") for name in by_claim):
        return ""
    parts = [INTRO, amplification(by_claim), _gradient(by_claim), _correlation(by_claim)]
    return "".join([*parts, _groups(by_claim["L.groups"])])


def _gradient(by_claim: Mapping[Any, pd.DataFrame]) -> str:
    contrast, hessian = held(by_claim["L.contrast"]), held(by_claim["L.hessian"])
    sharp = hessian["instance"] == "conflict"
    mse, baseline = by_claim["L.mse"], by_claim["L.baseline"]
    signal = mse[mse["oracle"] > 0]
    relative = (signal["observed"] / signal["oracle"]).groupby(signal["group_size"])
    noise = relative.agg(["min", "median", "max"]).rename_axis("G").reset_index()
    models = baseline[(baseline["instance"] != "bandit") & (baseline["observed"] > 0)]
    models = models[models["instance"] != "conflict"]
    saved = 1 - models["bound"] / models["observed"]
    tools = models["instance"].isin(["coding", "search"])
    bandit = baseline[baseline["instance"] == "bandit"]["note"].iloc[0]
    outcomes = {
        f"{name}_outcome": outcome(by_claim[f"L.{name}"])
        for name in ("contrast", "hessian", "mse", "baseline")
    }
    return GRADIENT.format(
        **outcomes,
        contrast=len(contrast),
        distance=contrast["distance"].max(),
        hessian=len(hessian),
        sharp=span(hessian["ratio"][sharp]),
        loose=span(hessian["ratio"][~sharp]),
        mse=len(held(mse)),
        noise=markdown(noise.astype({"G": int}), digits=4),
        bandit=bandit.removeprefix("exact: "),
        saves=span(saved.clip(lower=0), 2),
        median=saved.median(),
        tools=instances(models[tools]),
        least=max(saved[tools].max(), 0.0),
    )


def _pair(values: pd.Series) -> str:
    return ", ".join(f"{x:.3f}" for x in values)


def _correlation(by_claim: Mapping[Any, pd.DataFrame]) -> str:
    law = held(by_claim["L.correlation.law"])
    # The first instance of the table, component by component.
    first = law.groupby("group_size").head(2).sort_values(["group_size", "component"])
    lines = [
        {"G": f"{g:.0f}", "joint": _pair(cell["joint"]), "decoupled": _pair(cell["observed"])}
        for g, cell in first.groupby("group_size")
    ]
    one = first.groupby("component").first()
    pairs = by_claim["L.correlation.G"]["note"].str.removeprefix("exact: ")
    return CORRELATION.format(
        cells=len(held(by_claim["L.correlation"])),
        size=by_claim["L.correlation"]["group_size"].max(),
        chances=", ".join(f"{p:.3g}" for p in one["chance"]),
        joint=_pair(one["joint_limit"]),
        decoupled=_pair(one["decoupled_limit"]),
        table=markdown(pd.DataFrame(lines)),
        pairs="; ".join(pairs),
    )


def _groups(data: pd.DataFrame) -> str:
    names = {
        "components": "K",
        "group_size": "G",
        "observed": "joint",
        "bound": "decoupled",
        "centred": "centred",
        "multisets": "all",
    }
    unit = data[~data["weights"].str.contains("2")]
    table = unit[list(names)].rename(columns=names).astype(int)
    equal = table["decoupled"] == table["centred"]
    sizes = [str(g) for g, same in equal[table["K"] > 1].groupby(table["G"]) if same.all()]
    note = f"; for G = {', '.join(sizes)} as many as decoupled" if sizes else ""
    return GROUPS.format(
        outcome=outcome(data), cells=len(held(data)), table=markdown(table), equal=note
    )
