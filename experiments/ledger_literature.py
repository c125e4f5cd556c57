"""The ledger's section on results of other papers, every number from the rows."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from experiments.markdown import markdown, span

INTRO = """
## Results of other papers

Each claim names its paper by its arXiv id and is our formalisation of what the paper's abstract, or
readers of its text, say; none is quoted. What is *derived* beside them is ours.
"""

AMPLIFICATION = """
**L.amplification** (2503.06639) holds in {cells} cells on {instances}: the success
probability of the exact maximiser, by backward induction, is the recurrence's (largest difference
{rounding:.0e}), and gradient ascent over logits ends at the same place ({ascents} cells, within
Pinsker's bound). It is a statement about models without chance of their own.

**L.tools** (derived). Where tools answer at random, a policy cannot tilt their answers, and the
recurrence is only an upper bound: exact over bound is down to {share:.0%} on {tools}.
In practice: expect less amplification of what depends on the environment than of what the model
decides alone.

**L.convergence** is refuted. The recurrence converges from p_ref >= 1/2 (proved), and settled in
{settled} of {scanned} cells; |h'| at the end was at most {slope:.2f} there. It does not converge in
the following cells, where two disjoint intervals are mapped into each other (certified in ball
arithmetic; `distance` is what consecutive iterates differ by, at least, for ever):

{cycles}

The start matters: with p_ref = {start:.4g}, beta = {penalty:.4g}, eps = 0, exactly: {whole}.
In practice: if every step is solved to its optimum, hard prompts with a moderate penalty may
oscillate between failing and succeeding; with a penalty below {least:.2g} every cell settled.
"""

GRADIENT = """
**L.contrast** (2510.08539) holds in {contrast} cells, to {distance:.0e}.

**L.hessian** (2601.23135) holds in {hessian} cells, in spectral and in Frobenius norms. It is sharp
with one logit (`conflict`: bound/observed {sharp}), and loose by a factor of {loose} elsewhere.

**L.mse** (2603.01162) holds in {mse} cells: the formula from pairs of episodes is the exact error
over all groups. What a group of G costs over the oracle, which knows the value:

{noise}

**L.baseline** (2603.01162, as read by others) is refuted: the oracle is not the best estimator with
a baseline that depends on the prompt alone, unless the reward is uncorrelated with |s|^2. With two
answers: {bandit}. On the other models the best constant
saves {saves} of the oracle's error (median {median:.2g}), on those with tools, {tools}, at most
{least:.1g}. In practice: a matter of short answers.
"""

CORRELATION = """
**L.correlation** (2509.22047) holds in {cells} cells as a statement about large groups; components
that are correlated leave its assumption unmet. **L.correlation.law** (derived) gives the decoupled
correlation at finite G. On `bits` with success probabilities {chances} (correlation of each
component with the advantage; limits: joint {joint}, decoupled {decoupled}):

{table}

**L.correlation.G** is refuted: at finite G decoupling does not equalise. At G = 2:
{pairs}.
In groups of two it is the joint limit divided by sqrt 2. In practice: what nearly always succeeds,
or nearly always fails, stays underweighted in small groups, with decoupling too.
"""

GROUPS = """
**L.groups** (2601.05242) holds in {cells} cells: 2 against 3 for two binary rewards and G = 2.
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
    parts = [INTRO, _amplification(by_claim), _gradient(by_claim), _correlation(by_claim)]
    return "".join([*parts, _groups(by_claim["L.groups"])])


def _held(data: pd.DataFrame) -> pd.DataFrame:
    return data[data["verdict"] == "holds"]


def _names(data: pd.DataFrame) -> str:
    return ", ".join(f"`{name}`" for name in sorted(data["instance"].unique()))


def _amplification(by_claim: Mapping[Any, pd.DataFrame]) -> str:
    held, scan = _held(by_claim["L.amplification"]), by_claim["L.convergence"]
    exactly = held[held["method"] == "tilting"]
    settled, cycles = _held(scan), scan[scan["verdict"] == "refuted"]
    whole = scan[scan["note"].str.startswith("exact: ")].iloc[0]
    tools = by_claim["L.tools"]
    names = {"reference": "p_ref", "beta": "beta", "eps": "eps", "observed": "distance"}
    return AMPLIFICATION.format(
        cells=len(exactly),
        instances=_names(exactly),
        rounding=(exactly["observed"] - exactly["bound"]).abs().max(),
        ascents=(held["method"] == "ascent").sum(),
        share=(tools["observed"] / tools["bound"]).min(),
        tools=_names(tools),
        settled=len(settled),
        scanned=len(scan) - 1,
        slope=settled["map_slope"].abs().max(),
        cycles=markdown(cycles[list(names)].rename(columns=names).round(5)),
        start=whole["reference"],
        penalty=whole["beta"],
        whole=whole["note"].removeprefix("exact: "),
        least=cycles["beta"].min(),
    )


def _gradient(by_claim: Mapping[Any, pd.DataFrame]) -> str:
    contrast, hessian = _held(by_claim["L.contrast"]), _held(by_claim["L.hessian"])
    sharp = hessian["instance"] == "conflict"
    mse, baseline = by_claim["L.mse"], by_claim["L.baseline"]
    signal = mse[mse["oracle"] > 0]
    relative = (signal["observed"] / signal["oracle"]).groupby(signal["group_size"])
    noise = relative.agg(["min", "median", "max"]).round(3).rename_axis("G").reset_index()
    models = baseline[(baseline["instance"] != "bandit") & (baseline["observed"] > 0)]
    models = models[models["instance"] != "conflict"]
    saved = 1 - models["bound"] / models["observed"]
    tools = models["instance"].isin(["coding", "search"])
    bandit = baseline[baseline["instance"] == "bandit"]["note"].iloc[0]
    return GRADIENT.format(
        contrast=len(contrast),
        distance=contrast["distance"].max(),
        hessian=len(hessian),
        sharp=span(hessian["ratio"][sharp]),
        loose=span(hessian["ratio"][~sharp]),
        mse=len(_held(mse)),
        noise=markdown(noise.astype({"G": int})),
        bandit=bandit.removeprefix("exact: "),
        saves=f"{max(saved.min(), 0.0):.2g} to {saved.max():.2g}",
        median=saved.median(),
        tools=_names(models[tools]),
        least=max(saved[tools].max(), 0.0),
    )


def _pair(values: pd.Series) -> str:
    return ", ".join(f"{x:.3f}" for x in values)


def _correlation(by_claim: Mapping[Any, pd.DataFrame]) -> str:
    law = _held(by_claim["L.correlation.law"])
    # The first instance of the table, component by component.
    first = law.groupby("group_size").head(2).sort_values(["group_size", "component"])
    lines = [
        {"G": f"{g:.0f}", "joint": _pair(cell["joint"]), "decoupled": _pair(cell["observed"])}
        for g, cell in first.groupby("group_size")
    ]
    one = first.groupby("component").first()
    pairs = by_claim["L.correlation.G"]["note"].str.removeprefix("exact: ")
    return CORRELATION.format(
        cells=len(_held(by_claim["L.correlation"])),
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
    return GROUPS.format(cells=len(_held(data)), table=markdown(table), equal=note)
